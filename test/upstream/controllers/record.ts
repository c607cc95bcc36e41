// node test/upstream/controllers/record.ts --server URL --ca FILE --token TOKEN [SCENARIO …]
// Plays the scenarios on a Kubernetes 1.36 that has controllers and a scheduler but no nodes, and writes what became of them for
// `end-states.test.ts` to compare with. Its nodes are this process's own, which pretend to run pods; its resource metrics come from here,
// too: so the API server has to run on this machine. Its kube-controller-manager has to have been started with
//   --horizontal-pod-autoscaler-sync-period=3s --horizontal-pod-autoscaler-cpu-initialization-period=0s
//   --horizontal-pod-autoscaler-initial-readiness-delay=0s --max-endpoints-per-slice=3 --mirroring-max-endpoints-per-subset=4
//   --node-monitor-grace-period=10m --node-startup-grace-period=10m --allocate-node-cidrs=true
//   --cluster-cidr=10.244.0.0/16,fd00:10:244::/56 --service-cluster-ip-range=10.96.0.0/12,fd00:10:96::/112
//   --controllers=*,bootstrapsigner,tokencleaner
// and its API server with the same range for services. It has to be anew: what it knows of nodes it knows by their names.
// Without names every scenario is played anew; takes some minutes.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { silentLog } from '../../../src/base/log.ts'
import type { Client } from '../../../src/client/contract.ts'
import { createClientset } from '../../../src/client/clientset.ts'
import { createHttpClient } from '../../../src/client/http-client.ts'
import { newAuthority } from '../../../src/platform/pki/certificate.ts'
import { systemClock } from '../../../src/platform/system-clock.ts'
import { systemRandom } from '../../../src/platform/system-random.ts'
import { startSimulatedNodes } from '../../../src/roles/simulated-nodes.ts'
import { followChanges } from './changes.ts'
import { play, type Stage } from './play.ts'
import { type MetricsSource, metricsSource } from './pod-metrics.ts'
import { scenarios } from './scenarios.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: 'string' }, ca: { type: 'string' }, token: { type: 'string' } },
})
if (!values.server || !values.ca || !values.token) throw new Error('--server, --ca and --token are needed')

const file = new URL('recorded.json', import.meta.url)
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, readonly string[]>
const client = createHttpClient({ server: values.server, ca: readFileSync(values.ca, 'utf8'), token: values.token })
const clientset = createClientset(client)
const source = metricsSource()
const stopping = new AbortController()
const nodes = startSimulatedNodes(
  { names: ['node-1', 'node-2', 'node-3'], clientFor: () => client, clock: systemClock, random: systemRandom, log: silentLog },
  stopping.signal,
)
const metricsServer = await serveMetrics(source)
const atOnceMax = 16
const nodesMs = 5_000
const now = () => systemClock.now()
const changes = followChanges(client, systemClock, stopping.signal)
/** In real time: a busy machine makes long pauses. */
const quietMs = 15_000
const stage: Stage = { client, metrics: source, changes, now, advance: (ms) => setTimeout(ms), stepMs: 200, quietMs }

await setTimeout(nodesMs)
const queue = positionals.length > 0 ? [...positionals] : Object.keys(scenarios)
const failures: string[] = []
await Promise.all(Array.from({ length: atOnceMax }, work))
for (const name of Object.keys(recorded)) if (!scenarios[name]) delete recorded[name]
write()
stopping.abort()
await Promise.allSettled(nodes.map(({ done }) => done))
metricsServer.closeAllConnections()
metricsServer.close()
client.close()
if (failures.length > 0) throw new Error(failures.join('\n'))

async function work(): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    try {
      await withoutNamespace(name)
      const lines = await play(stage, name, scenarios[name]!)
      recorded[name] = lines
      write()
      console.log(`${name}: ${lines.length} lines`)
    } catch (error) {
      failures.push(`${name}: ${String(error)}`)
    }
    // Nobody waits for its end but who records it anew.
    await clientset
      .coreV1()
      .namespaces()
      .delete(name)
      .catch(() => {})
  }
}

/** What is known by now: a recording takes long, and may be broken off. */
function write(): void {
  const sorted = Object.keys(scenarios).flatMap((name) => (recorded[name] ? [[name, recorded[name]]] : []))
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(sorted), undefined, 1)}\n`)
}

/** Of an earlier recording. */
async function withoutNamespace(name: string): Promise<void> {
  const namespaces = clientset.coreV1().namespaces()
  const isThere = () =>
    namespaces.get(name).then(
      () => true,
      () => false,
    )
  await namespaces.delete(name).catch(() => {})
  for (const endMs = now() + 60_000; now() < endMs && (await isThere()); ) await setTimeout(500)
}

/** An API server for resource metrics that the other one finds by the name of this machine. */
async function serveMetrics(metrics: MetricsSource): Promise<Server> {
  const now = systemClock.now()
  const { cert, key } = newAuthority({
    commonName: 'localhost',
    notBeforeMs: now - 60_000,
    notAfterMs: now + 86_400_000,
  })
  const server = createServer({ cert, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost')
    void metrics.answer(client, pathname, searchParams.get('labelSelector') ?? '', systemClock.now()).then(
      (found) => response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {})),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await announce(client, (server.address() as AddressInfo).port)
  return server
}

async function announce(to: Client, port: number): Promise<void> {
  const name = 'recorded-metrics'
  const services = createClientset(to).coreV1().services('kube-system')
  await services.delete(name).catch(() => {})
  await services.create({ metadata: { name }, spec: { type: 'ExternalName', externalName: 'localhost' } })
  const apis = createClientset(to).apiregistrationV1().apiServices()
  await apis.delete('v1beta1.metrics.k8s.io').catch(() => {})
  await apis.create({
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { namespace: 'kube-system', name, port },
    },
  })
}
