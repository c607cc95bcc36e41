import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { tryFileLock } from './file-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'keelson-lock-'))
after(() => rmSync(folder, { recursive: true }))

/** A process that takes the lock, says whether it got it, and keeps it until it is killed. */
async function holder(path: string) {
  const module = JSON.stringify(new URL('./file-lock.ts', import.meta.url).href)
  const source = `const { tryFileLock } = await import(${module}); console.log(await tryFileLock(${JSON.stringify(path)}) !== undefined); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { got: said.toString().trim() === 'true', kill }
}

test('a lock is had by one process at a time, and by the next once that one is killed', async () => {
  const path = join(folder, 'a.lock')
  const other = await holder(path)
  assert.ok(other.got)
  assert.equal(await tryFileLock(path), undefined)
  await other.kill()
  const own = await tryFileLock(path)
  assert.ok(own)
  assert.deepEqual(readdirSync(folder), ['a.lock'])
  const third = await holder(path)
  assert.equal(third.got, false)
  await third.kill()
  own.release()
  ;(await tryFileLock(path))!.release()
})

test('a lock whose file its holder removed is made anew', async () => {
  const path = join(folder, 'b.lock')
  const first = await tryFileLock(path)
  rmSync(path)
  const second = await tryFileLock(path)
  assert.ok(second)
  first?.release()
  second.release()
})

test('where no file can be made there is no lock', async () => {
  await assert.rejects(tryFileLock(join(folder, 'nowhere/c.lock')), /unable to open database file/)
})
