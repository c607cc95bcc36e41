/** Priority and fairness under a real flood: one user's lists, by the thousand, must not be felt by another. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createHttpClient, type HttpClient } from '../../src/client/http-client.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { issueCertificate } from '../../src/platform/pki/certificate.ts'
import type { Flood } from './flood-worker.ts'
import { type ClientCluster, startClientCluster } from './stock-clients.ts'

const objects = 150
const floodRequests = 10_000
const p99MsMax = 100

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

function flood(options: Flood): Promise<Record<string, number>> {
  const worker = new Worker(new URL('./flood-worker.ts', import.meta.url), { workerData: options })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

test('a flood of ten thousand lists by one user leaves the 99th percentile of another under 100 ms', async (t) => {
  const grants = ['flood', 'calm'].map((user) => `kubectl create clusterrolebinding ${user} --clusterrole=cluster-admin --user=${user}`)
  assert.equal((await cluster.sh(grants.join(' && '))).code, 0)
  const { server, ...calm } = identity('calm')
  const client = createHttpClient({ server, ...calm })
  await fill(client)
  const { server: _same, ...tls } = identity('flood')
  let isOver = false
  const flooding = flood({ server, tls, path: '/api/v1/configmaps', connections: 10, requests: floodRequests }).finally(
    () => (isOver = true),
  )
  const times: number[] = []
  while (!isOver) {
    const startMs = performance.now()
    const nth = times.length % objects
    await client.resource(kindRefs.coreV1.configMaps, 'default').get(`c${nth}`)
    times.push(performance.now() - startMs)
  }
  const codes = await flooding
  client.close()
  times.sort((a, b) => a - b)
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]!
  const told = `${times.length} requests: p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, at most ${times.at(-1)!.toFixed(1)} ms; the flood was answered ${JSON.stringify(codes)}`
  t.diagnostic(told)
  assert.ok(times.length > 50, told)
  assert.ok((codes['200'] ?? 0) > 100 && (codes['200'] ?? 0) + (codes['429'] ?? 0) === floodRequests, told)
  assert.ok(at(0.99) < p99MsMax, told)
})
