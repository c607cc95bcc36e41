import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Log } from '../../src/base/log.ts'
import { createClientset } from '../../src/client/clientset.ts'
import { clientFromKubeconfig } from '../../src/client/kubeconfig.ts'
import { authorityHash } from '../../src/platform/pki/certificate.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { joinCluster } from '../../src/roles/join.ts'

const entry = join(import.meta.dirname, '../../src/roles/main.ts')
const directory = mkdtempSync(join(tmpdir(), 'keelson-join-'))
const dataDir = join(directory, 'server')
const pkiDir = join(directory, 'agent')
let server: ChildProcess | undefined
after(async () => {
  await stopServer()
  rmSync(directory, { recursive: true, force: true })
})

async function startServer(port: number): Promise<void> {
  const args = [entry, 'server', '--data-dir', dataDir, '--runtime', 'none', '--listen', `127.0.0.1:${port}`]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  server = child
  await new Promise<void>((resolve, reject) => {
    let text = ''
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('the API is served')) resolve()
    })
    child.once('exit', () => reject(new Error(`the server ended: ${text}`)))
  })
}

async function stopServer(): Promise<void> {
  const child = server
  server = undefined
  if (!child) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as { port: number }
      listener.close(() => resolve(port))
    })
  })
}

/** Joins with a log that tells of each warning. */
function joining(port: number, given: { token?: string; caHash?: string }) {
  const warned = Promise.withResolvers<string>()
  const log: Log = { debug() {}, info() {}, error() {}, warn: (_fields, message) => warned.resolve(message), child: () => log }
  const done = joinCluster({
    server: `https://127.0.0.1:${port}`,
    token: given.token,
    caHash: given.caHash,
    pkiDir,
    nodeName: 'late',
    addresses: ['127.0.0.1'],
    taints: [{ key: 'lab', value: 'yes', effect: 'PreferNoSchedule' }],
    clock: systemClock,
    random: systemRandom,
    log,
    signal: AbortSignal.timeout(30_000),
  })
  return { done, warned: warned.promise }
}

test('an agent waits for a server that is away, joins when it comes, and later needs it no more to start', async () => {
  const port = await freePort()
  await startServer(port)
  const command = spawnSync(process.execPath, [entry, 'token', 'create', '--quiet', '--data-dir', dataDir], { encoding: 'utf8' })
  assert.equal(command.status, 0, command.stderr)
  const token = command.stdout.trim()
  const caHash = authorityHash(readFileSync(join(dataDir, 'pki/ca.crt'), 'utf8'))
  await stopServer()

  const waiting = joining(port, { token, caHash })
  assert.equal(await waiting.warned, 'the API server cannot be reached; trying again')
  await startServer(port)
  const identity = await waiting.done
  assert.match(identity.client.cert, /BEGIN CERTIFICATE/)
  const { client } = clientFromKubeconfig({ paths: [join(dataDir, 'admin.kubeconfig')] })
  const node = await createClientset(client).coreV1().nodes().get('late')
  assert.deepEqual(
    node.spec?.taints?.filter(({ key }) => key === 'lab'),
    [{ key: 'lab', value: 'yes', effect: 'PreferNoSchedule' }],
  )
  client.close()

  await assert.rejects(joining(port, { caHash: `sha256:${'0'.repeat(64)}` }).done, /is not the one that --ca-hash names/)
  await stopServer()
  assert.deepEqual(await joining(port, {}).done, identity)
})
