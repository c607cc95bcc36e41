import { systemClock } from '../src/platform/system-clock.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import { createTestApi } from '../src/apiserver/test-api.ts'
import { pods } from '../src/kinds/core/pod.ts'
import type { ApiResponse } from '../src/apiserver/contract.ts'
import { realisticPod } from '../src/apiserver/pod-fixture.ts'

/**
 * What the API server's own work costs without sockets and without a disk: microseconds an operation on one thread.
 * `node bench/api-inproc.ts [rounds]`.
 */
const rounds = Number(process.argv[2] ?? 3_000)
const { api, client } = await createTestApi({ clock: systemClock, random: systemRandom, freezesObjects: false })
const signal = new AbortController().signal
const credentials = { clientCertificate: undefined, bearerToken: undefined }

async function send(method: string, url: string, options: { body?: Uint8Array; type?: string; accept?: string } = {}): Promise<number> {
  const headers = {
    'user-agent': 'bench/1.0 (linux/amd64)',
    accept: options.accept ?? 'application/json',
    'content-type': options.type ?? 'application/json',
  }
  const response = await api.handle({ method, url, headers, body: options.body, credentials, remoteAddress: '127.0.0.1', signal })
  if (response.code >= 300) throw new Error(`${method} ${url} answered ${response.code}: ${await text(response)}`)
  return size(response)
}

async function size(response: ApiResponse): Promise<number> {
  if (response.body instanceof Uint8Array) return response.body.length
  let bytes = 0
  for await (const block of response.body) bytes += block.length
  return bytes
}

async function text({ body }: ApiResponse): Promise<string> {
  return body instanceof Uint8Array ? Buffer.from(body).toString() : ''
}

async function measure(title: string, count: number, run: (i: number) => Promise<unknown>): Promise<void> {
  const before = process.cpuUsage()
  const startMs = performance.now()
  for (let i = 0; i < count; i++) await run(i)
  const wallUs = ((performance.now() - startMs) * 1000) / count
  const { user, system } = process.cpuUsage(before)
  console.log(`${title.padEnd(44)} ${wallUs.toFixed(1).padStart(10)} µs wall ${((user + system) / count).toFixed(1).padStart(10)} µs cpu`)
}

const pod = (i: number) => Buffer.from(JSON.stringify(realisticPod(`pod-${i}`)))
const path = '/api/v1/namespaces/default/pods'
const bodies = Array.from({ length: rounds * 2 }, (_, i) => pod(i))
console.log(`pod body ${bodies[0]!.length} bytes`)
await measure('create (first, cold)', rounds, (i) => send('POST', path, { body: bodies[i]! }))
await measure('create', rounds, (i) => send('POST', path, { body: bodies[rounds + i]! }))
await measure('get', rounds * 5, (i) => send('GET', `${path}/pod-${i % rounds}`))
const patch = (i: number) => Buffer.from(JSON.stringify({ metadata: { annotations: { n: String(i) } } }))
await measure('merge patch', rounds, (i) => send('PATCH', `${path}/pod-${i}`, { body: patch(i), type: 'application/merge-patch+json' }))
await measure('list all', 20, () => send('GET', path))
await measure('list all as Table', 5, () => send('GET', path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }))
await measure('list by a label that few have', 50, () => send('GET', `${path}?labelSelector=pick%3D7`))
const inProcess = client.resource(pods, 'default')
await measure('in-process create', rounds, (i) => inProcess.create(realisticPod(`in-${i}`)))
await measure('in-process get', rounds * 5, (i) => inProcess.get(`in-${i % rounds}`))
await measure('in-process list', 20, () => inProcess.list())
await measure('delete collection', 1, () => send('DELETE', `${path}?gracePeriodSeconds=0`))
console.log(`heap ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB resident`)
await api.close()
