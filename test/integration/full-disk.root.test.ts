/** A server whose disk is really full, and really read-only: what it answers, and that nothing is lost. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { StatusError } from '../../src/machinery/status-error.ts'
import { eventually, freePort, keelson, type ServerProcess, startServerProcess } from './server-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-disk-'))
const dataDir = join(directory, 'data')
const filler = join(directory, 'filler')
let server: ServerProcess

const sh = (...command: string[]) => {
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' })
  assert.equal(status, 0, `${command.join(' ')}: ${stderr}`)
}
const start = async () => startServerProcess({ dataDir, port: await freePort(), args: ['--runtime', 'none'] })

before(async () => {
  sh('mount', '-t', 'tmpfs', '-o', 'size=48m', 'keelson-disk', directory)
  server = await start()
})
after(async () => {
  await server.stop()
  sh('umount', directory)
  rmSync(directory, { recursive: true, force: true })
})

/** Until there is no byte left. */
function fillDisk(): void {
  const block = Buffer.alloc(1 << 20)
  for (let bytes = block.length; bytes >= 1; bytes = Math.floor(bytes / 4)) {
    for (let i = 0; i < 64; i++) {
      try {
        writeFileSync(filler, block.subarray(0, bytes), { flag: 'a' })
      } catch {
        break
      }
    }
  }
}

const readyz = async () => {
  const { code, body } = await server.client.raw({ method: 'GET', path: '/readyz', query: { verbose: 'true' } })
  let text = ''
  for await (const chunk of body) text += Buffer.from(chunk).toString()
  return { code, text }
}

test('a full disk refuses writes with 503 and says so in readyz, loses nothing, and takes writes again when there is room', async () => {
  const maps = server.clientset.coreV1().configMaps('default')
  const answered: string[] = []
  const write = async (i: number) => {
    await maps.create({ metadata: { name: `m${i}` }, data: { text: 'x'.repeat(100_000) } })
    answered.push(`m${i}`)
  }
  for (let i = 0; i < 5; i++) await write(i)
  assert.equal((await readyz()).code, 200)
  fillDisk()
  let refusal: unknown
  for (let i = 5; i < 500 && !refusal; i++) await write(i).catch((error: unknown) => (refusal = error))
  assert.ok(refusal instanceof StatusError)
  assert.equal(refusal.code, 503)
  assert.equal(refusal.reason, 'ServiceUnavailable')
  assert.match(refusal.message, /full/)
  const failing = await readyz()
  assert.equal(failing.code, 500)
  assert.match(failing.text, /\[-\]sqlite failed/)
  // Reads go on.
  assert.equal(
    (await maps.list({ labelSelector: '!none' })).items.filter(({ metadata }) => answered.includes(metadata.name!)).length,
    answered.length,
  )
  rmSync(filler)
  await eventually('readiness', async () => ((await readyz()).code === 200 ? true : undefined))
  await write(1000)
  await server.kill()
  server = await start()
  const found = new Set((await server.clientset.coreV1().configMaps('default').list()).items.map(({ metadata }) => metadata.name))
  for (const name of answered) assert.ok(found.has(name), name)
})

test('a full disk ends the start in one sentence and harms nothing', async () => {
  await server.stop()
  fillDisk()
  try {
    const { code, stderr } = await keelson(['server', '--data-dir', dataDir, '--runtime', 'none', '--listen', '127.0.0.1:0'])
    assert.equal(code, 1)
    assert.match(stderr, /^keelson: error: cannot (open the store|write) in .*data: .*(is full|no space left)/im)
    assert.doesNotMatch(stderr, /^ +at /m)
  } finally {
    rmSync(filler)
  }
  server = await start()
  assert.ok(await server.clientset.coreV1().configMaps('default').get('m1000'))
})

test('a read-only disk ends the start in one sentence and harms nothing', async () => {
  await server.stop()
  sh('mount', '-o', 'remount,ro', directory)
  try {
    const { code, stderr } = await keelson(['server', '--data-dir', dataDir, '--runtime', 'none', '--listen', '127.0.0.1:0'])
    assert.equal(code, 1)
    assert.match(stderr, /^keelson: error: cannot write in .*data: EROFS: read-only file system/m)
  } finally {
    sh('mount', '-o', 'remount,rw', directory)
  }
  server = await start()
  assert.ok(await server.clientset.coreV1().configMaps('default').get('m1000'))
})

test('a data directory that is a mount point of its own is emptied by down and stays, also when no up came further than its lock', async () => {
  const mounted = mkdtempSync(join(tmpdir(), 'keelson-mounted-'))
  sh('mount', '-t', 'tmpfs', '-o', 'size=1m', 'keelson-mounted', mounted)
  try {
    for (const left of [['command.lock'], ['command.lock', 'admin.kubeconfig']]) {
      for (const file of left) writeFileSync(join(mounted, file), '')
      const { code, stderr } = await keelson(['down', '--delete', '--data-dir', mounted], { KUBECONFIG: join(directory, 'none') })
      assert.equal(code, 0, stderr)
      assert.deepEqual(readdirSync(mounted), [])
    }
  } finally {
    sh('umount', mounted)
    rmSync(mounted, { recursive: true })
  }
})
