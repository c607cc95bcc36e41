/** Priority and fairness under a real flood: one user's lists, by the thousand, must not be felt by another. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createHttpClient, type HttpClient } from '../../src/client/http-client.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { issueCertificate } from '../../src/platform/pki/certificate.ts'
import type { Flood } from './flood-worker.ts'
import { type ClientCluster, startClientCluster } from './stock-clients.ts'

const objects = 60
const floodRequests = 10_000
/** More only where others load the machine with more than twice its cores: then each process gets its share of the time. */
const p99MsMax = 100 * Math.max(1, loadavg()[0]! / (2 * availableParallelism()))
const floodMsMax = 20_000

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 1 })
})
after(() => cluster.close())

function identity(user: string): Flood['tls'] & { readonly server: string } {
  const read = (file: string) => readFileSync(join(cluster.dir, 'data', file), 'utf8')
  const authority = { cert: read('pki/ca.crt'), key: read('pki/ca.key') }
  const now = Date.now()
  const span = { notBeforeMs: now - 60_000, notAfterMs: now + 3_600_000 }
  const pair = issueCertificate(authority, { subject: { commonName: user }, usages: ['client'], ...span })
  const server = /server: (\S+)/.exec(read('admin.kubeconfig'))![1]!.replaceAll('"', '')
  return { ca: authority.cert, ...pair, server }
}

async function fill(client: HttpClient): Promise<void> {
  const resource = client.resource(kindRefs.coreV1.configMaps, 'default')
  const text = 'x'.repeat(300)
  for (let i = 0; i < objects; i += 50)
    await Promise.all(Array.from({ length: 50 }, (_, j) => resource.create({ metadata: { name: `c${i + j}` }, data: { text } })))
}

type Codes = Readonly<Record<string, number>>

/** Undefined: it was cut off, because the machine has too little time for all of it. */
function flood(options: Flood): Promise<Codes | undefined> {
  const worker = new Worker(new URL('./flood-worker.ts', import.meta.url), { workerData: options })
  const cut = setTimeout(() => void worker.terminate(), floodMsMax)
  return new Promise<Codes | undefined>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => resolve(undefined))
  }).finally(() => clearTimeout(cut))
}

test('a flood of ten thousand lists by one user leaves the 99th percentile of another under 100 ms', async (t) => {
  const grants = ['flood', 'calm'].map((user) => `kubectl create clusterrolebinding ${user} --clusterrole=cluster-admin --user=${user}`)
  assert.equal((await cluster.sh(grants.join(' && '))).code, 0)
  const { server, ...calm } = identity('calm')
  const client = createHttpClient({ server, ...calm })
  await fill(client)
  const { server: _same, ...tls } = identity('flood')
  const options = { server, tls, path: '/api/v1/configmaps', connections: 10, requests: floodRequests }
  let p99Ms = Number.POSITIVE_INFINITY
  // Twice where the first run was slow: somebody else may have had the machine.
  for (let attempt = 1; attempt <= 2 && p99Ms >= p99MsMax; attempt++) {
    const { times, codes } = await readDuring(flood(options), client)
    const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]!
    p99Ms = at(0.99)
    const told = `${times.length} requests: p50 ${at(0.5).toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, at most ${times.at(-1)!.toFixed(1)} ms; the flood ${codes ? `was answered ${JSON.stringify(codes)}` : 'was cut off'}`
    t.diagnostic(told)
    assert.ok(times.length > 50, told)
    if (codes) assert.equal((codes['200'] ?? 0) + (codes['429'] ?? 0), floodRequests, told)
  }
  client.close()
  assert.ok(p99Ms < p99MsMax, `p99 ${p99Ms} ms, where ${p99MsMax} are allowed`)
})

/** Reads one object after the other until the flood is over; milliseconds each, in order of size. */
async function readDuring(flooding: Promise<Codes | undefined>, client: HttpClient) {
  let isOver = false
  const over = flooding.finally(() => (isOver = true))
  const times: number[] = []
  while (!isOver) {
    const startMs = performance.now()
    await client.resource(kindRefs.coreV1.configMaps, 'default').get(`c${times.length % objects}`)
    times.push(performance.now() - startMs)
  }
  return { times: times.sort((a, b) => a - b), codes: await over }
}
