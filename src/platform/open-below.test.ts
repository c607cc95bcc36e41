import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openBelow } from './open-below.ts'

const root = mkdtempSync(join(tmpdir(), 'keelson-open-'))
after(() => rmSync(root, { recursive: true, force: true }))
mkdirSync(join(root, 'a/b'), { recursive: true })
writeFileSync(join(root, 'a/b/file'), 'mine')
symlinkSync('/etc', join(root, 'a/link'))
symlinkSync('/etc/hostname', join(root, 'a/last'))

function check(name: string, parts: readonly string[], wanted: 'directory' | 'file' | 'refused', make?: { gid?: number }): void {
  test(name, async () => {
    if (wanted === 'refused') return assert.rejects(openBelow(root, parts, make))
    const place = await openBelow(root, parts, make)
    assert.equal(place.isDirectory, wanted === 'directory')
    await place.close()
  })
}

check('the root itself', [], 'directory')
check('a directory', ['a', 'b'], 'directory')
check('a file', ['a', 'b', 'file'], 'file')
check('a link on the way is refused', ['a', 'link', 'passwd'], 'refused')
check('a link on the way is refused though missing parts may be made', ['a', 'link', 'new'], 'refused', {})
check('a link at the end is refused', ['a', 'last'], 'refused')
check('what is missing is refused', ['a', 'none'], 'refused')
check('what is missing is made', ['made', 'deep'], 'directory', {})

test('what was opened stays what it is, whatever takes its name', async () => {
  mkdirSync(join(root, 'swap'))
  writeFileSync(join(root, 'swap/secret'), 'volume')
  const place = await openBelow(root, ['swap'])
  renameSync(join(root, 'swap'), join(root, 'swapped'))
  symlinkSync('/etc', join(root, 'swap'))
  assert.equal(await readFile(join(place.path, 'secret'), 'utf8'), 'volume')
  await place.close()
})

test("a made directory has its parent's mode", async () => {
  mkdirSync(join(root, 'open'))
  const { chmodSync } = await import('node:fs')
  chmodSync(join(root, 'open'), 0o777)
  const place = await openBelow(root, ['open', 'x'], {})
  await place.close()
  assert.equal(statSync(join(root, 'open/x')).mode & 0o7777, 0o777)
})
