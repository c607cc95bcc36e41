import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { makeDataDir, noteForeignEntries, resolveDataDir } from './data-dir.ts'
import { deleteDataDir } from './down.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'keelson-data-dir-')))
after(() => rmSync(home, { recursive: true, force: true }))

function dataDirectory(name: string): string {
  const path = join(home, name)
  mkdirSync(join(path, 'pki'), { recursive: true })
  writeFileSync(join(path, 'pki', 'ca.key'), 'secret')
  return path
}

test('a data directory is known by its path without links, also before it is there', () => {
  const real = dataDirectory('real')
  symlinkSync(real, join(home, 'link'))
  symlinkSync(join(home, 'later'), join(home, 'dangling'))
  symlinkSync(join(home, 'loop'), join(home, 'loop'))
  assert.equal(resolveDataDir(join(home, 'link')), real)
  assert.equal(resolveDataDir(join(home, 'link', 'not', 'there')), join(real, 'not', 'there'))
  assert.equal(resolveDataDir(join(home, 'dangling')), join(home, 'later'))
  assert.equal(resolveDataDir(join(home, 'loop')), join(home, 'loop'))
  assert.equal(resolveDataDir(relative(process.cwd(), real)), real)
})

test('an empty name is none: it would be the present folder', () => {
  assert.throws(() => resolveDataDir(''), { name: 'CliError', message: /the data directory has an empty name: name one/ })
})

test('what was in the folder before the cluster stays when that is deleted', () => {
  const path = join(home, 'documents')
  mkdirSync(join(path, 'registries.d'), { recursive: true })
  writeFileSync(join(path, 'novel.txt'), 'once')
  mkdirSync(join(path, 'log'))
  noteForeignEntries(path)
  for (const own of ['pki', 'store']) mkdirSync(join(path, own))
  // A cluster's own is its own from then on, whatever comes beside it.
  noteForeignEntries(path)
  writeFileSync(join(path, 'audit.log'), '')
  assert.deepEqual(deleteDataDir(path), ['log', 'novel.txt'])
  assert.deepEqual(readdirSync(path).sort(), ['log', 'novel.txt'])
})

test('a data directory is made with what is above it, for its owner alone', () => {
  const path = join(home, 'made', 'for', 'it')
  makeDataDir(path)
  makeDataDir(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
})

for (const [path, why] of [
  ['/proc/keelson/data', '/proc keeps no files'],
  ['/proc', '/proc keeps no files'],
  ['/dev/null/data', 'ENOTDIR'],
] as const)
  test(`where no directory can be made that is said: ${path}`, () =>
    assert.throws(() => makeDataDir(path), { name: 'CliError', message: new RegExp(`^cannot write into ${path}: ${why}`) }))

test('a data directory goes with all in it; one that is a mount point stays, empty', () => {
  const plain = dataDirectory('plain')
  deleteDataDir(plain)
  assert.equal(existsSync(plain), false)
  const mounted = dataDirectory('mounted')
  deleteDataDir(mounted, () => [mounted])
  assert.deepEqual(readdirSync(mounted), [])
})

test('nothing is deleted where something is mounted inside, or of a directory that is none of ours', () => {
  const used = dataDirectory('used')
  const inside = join(used, 'pods', 'volume')
  assert.throws(() => deleteDataDir(used, () => [inside, used]), { message: new RegExp(`^${inside} is mounted, .*: umount ${inside}`) })
  assert.ok(existsSync(join(used, 'pki', 'ca.key')))
  mkdirSync(join(home, 'photos'))
  assert.throws(() => deleteDataDir(join(home, 'photos')), /does not look like a data directory of Keelson/)
  assert.throws(() => deleteDataDir('/'), /does not look like/)
})
