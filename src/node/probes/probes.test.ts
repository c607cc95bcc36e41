import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Pod, Probe } from '../../kinds/generated/types/core-v1.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { containerFixture, healthyRecord, viewFixture } from '../pod/pod-fixtures.ts'
import { containerViews } from '../pod/pod-view.ts'
import { createFakeRuntime } from '../runtime/fake/fake-runtime.ts'
import { ContainerProbes } from './container-probes.ts'
import { lifecycleHooks } from './lifecycle-hooks.ts'
import { simulatedProbeTransport, socketProbeTransport } from './probe-transport.ts'
import { runProbe } from './run-probe.ts'
import { NodeMetrics } from '../stats/node-metrics.ts'

let server: Server
let port = 0
let closedPort = 0
before(async () => {
  server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/good' })
    else if (request.url === '/away') response.writeHead(302, { location: 'http://elsewhere.test/' })
    else if (request.url === '/headers')
      response.writeHead(request.headers['x-own'] === 'yes' && request.headers['user-agent'] === 'kube-probe/1.36' ? 200 : 500)
    else if (request.url === '/hang') return
    else response.writeHead(request.url === '/good' ? 200 : 500)
    response.end('body')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  const unused = createTcpServer()
  await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve))
  closedPort = (unused.address() as AddressInfo).port
  await new Promise<void>((resolve) => unused.close(() => resolve()))
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const runtime = createFakeRuntime({ clock: systemClock, random: seededRandom(1) })
const target = {
  container: { container: containerFixture('c', { ports: [] }), role: 'app' as const },
  containerId: 'x',
  podIp: '127.0.0.1',
}
const context = { runtime, clock: systemClock, transport: socketProbeTransport() }

const attempts: readonly { title: string; probe: () => Probe; verdict: string; message?: RegExp }[] = [
  { title: 'HTTP 200', probe: () => ({ httpGet: { path: '/good', port } }), verdict: 'success' },
  {
    title: 'HTTP 500',
    probe: () => ({ httpGet: { path: '/bad', port } }),
    verdict: 'failure',
    message: /^HTTP probe failed with statuscode: 500$/,
  },
  {
    title: 'a redirect within the pod is followed',
    probe: () => ({ httpGet: { path: '/moved', port } }),
    verdict: 'success',
    message: /^body$/,
  },
  {
    title: 'a redirect to elsewhere is success, with a warning',
    probe: () => ({ httpGet: { path: '/away', port } }),
    verdict: 'warning',
    message: /^Probe terminated redirects, Response body: body$/,
  },
  {
    title: 'own headers are sent',
    probe: () => ({ httpGet: { path: '/headers', port, httpHeaders: [{ name: 'X-Own', value: 'yes' }] } }),
    verdict: 'success',
  },
  {
    title: 'an answer that does not come in time',
    probe: () => ({ httpGet: { path: '/hang', port }, timeoutSeconds: 0.05 }),
    verdict: 'failure',
    message: /context deadline exceeded/,
  },
  {
    title: 'a closed port over HTTP',
    probe: () => ({ httpGet: { path: '/', port: closedPort } }),
    verdict: 'failure',
    message: /dial tcp 127\.0\.0\.1:\d+: connect: connection refused/,
  },
  { title: 'an open TCP port', probe: () => ({ tcpSocket: { port } }), verdict: 'success' },
  {
    title: 'a closed TCP port',
    probe: () => ({ tcpSocket: { port: closedPort } }),
    verdict: 'failure',
    message: /^dial tcp .*connection refused$/,
  },
  {
    title: 'a port name that the container does not have',
    probe: () => ({ tcpSocket: { port: 'web' } }),
    verdict: 'failure',
    message: /couldn't find port: web/,
  },
]
for (const { title, probe, verdict, message } of attempts) {
  test(title, async () => {
    const result = await runProbe(context, probe(), target)
    assert.equal(result.verdict, verdict, result.message)
    if (message) assert.match(result.message, message)
  })
}

test('an HTTP hook is good when it was called, and asks a server without TLS again without it', async () => {
  const told: string[] = []
  const hooks = lifecycleHooks({ ...context, event: (_, { reason }) => told.push(reason) })
  const at = { ...target, pod: viewFixture().pod }
  const signal = AbortSignal.timeout(10_000)
  await hooks.run({ httpGet: { path: '/bad', port } }, at, signal)
  assert.deepEqual(told, [])
  await hooks.run({ httpGet: { path: '/good', port, scheme: 'HTTPS' } }, at, signal)
  assert.deepEqual(told, ['LifecycleHTTPFallback'])
  await assert.rejects(hooks.run({ httpGet: { path: '/', port: closedPort } }, at, signal), /connection refused/)
})

test('gRPC health checks tell serving from not serving', async () => {
  const { Server: GrpcServer, ServerCredentials } = await import('@grpc/grpc-js')
  const health = new GrpcServer()
  const raw = (bytes: Buffer) => bytes
  const method = { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false }
  health.addService(
    { Check: { ...method, requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw } },
    {
      Check: (call: { request: Buffer }, answer: (error: null, bytes: Buffer) => void) =>
        answer(null, Buffer.from([8, call.request.includes('bad') ? 2 : 1])),
    },
  )
  const grpcPort = await new Promise<number>((resolve, reject) =>
    health.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  const probeOf = (service: string): Probe => ({ grpc: { port: grpcPort, service }, timeoutSeconds: 5 })
  assert.equal((await runProbe(context, probeOf(''), target)).verdict, 'success')
  const bad = await runProbe(context, probeOf('bad'), target)
  assert.deepEqual(bad, { verdict: 'failure', message: 'service unhealthy (responded with "NOT_SERVING")' })
  health.forceShutdown()
  const gone = await runProbe(context, probeOf(''), target)
  const message = `timeout: failed to connect service "127.0.0.1:${grpcPort}" within 5s: context deadline exceeded`
  assert.deepEqual(gone, { verdict: 'failure', message })
  const other = new GrpcServer()
  const otherPort = await new Promise<number>((resolve, reject) =>
    other.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  assert.match(
    (await runProbe(context, { grpc: { port: otherPort } }, target)).message,
    /^error: this server does not implement the grpc health protocol \(grpc\.health\.v1\.Health\): /,
  )
  other.forceShutdown()
})

/** What the probes of one container say over time, in whole seconds; `answers` is the exit code of each attempt in turn. */
async function verdictsOf(
  probes: { startupProbe?: Probe; livenessProbe?: Probe; readinessProbe?: Probe },
  answers: readonly number[],
  { seconds = 40, setBackMs = 0 }: { readonly seconds?: number /** At each look. */; readonly setBackMs?: number } = {},
): Promise<string[]> {
  const clock = virtualClock(Date.UTC(2026, 0, 1, 12))
  let looks = 0
  const said: string[] = []
  let count = 0
  const exec = {
    execSync: async () => ({ exitCode: answers[count++] ?? answers.at(-1) ?? 0, stdout: new Uint8Array(), stderr: new Uint8Array() }),
  }
  const view = viewFixture({
    spec: { containers: [containerFixture('a', probes)] },
    containers: { a: { is: 'running', agoMs: 0 } },
    containerRecords: { a: { ...healthyRecord('a'), isStarted: probes.startupProbe === undefined, isReady: false } },
  })
  const startMs = clock.now()
  const runner = new ContainerProbes({
    runtime: { ...runtime, ...exec },
    clock: { ...clock, now: () => clock.now() - setBackMs * ++looks },
    transport: simulatedProbeTransport(),
    event: () => {},
    counts: new NodeMetrics(),
    onVerdict: ({ kind, isGood }) => {
      said.push(`${kind} ${isGood ? 'good' : 'bad'} ${(clock.now() - startMs) / 1000}`)
      if (kind !== 'startup' || !isGood) return
      view.records.containers.get('a')!.isStarted = true
      sync(view.pod)
    },
  })
  const sync = (pod: Pod) => runner.sync(pod, containerViews(view), '10.244.0.5')
  sync(view.pod)
  await clock.advance(seconds * 1000)
  runner.stop('uid-1')
  assert.equal(clock.pendingTimers(), 0)
  return said
}

const exec = { exec: { command: ['check'] } }
const timelines: readonly {
  title: string
  probes: Parameters<typeof verdictsOf>[0]
  answers: readonly number[]
  expected: readonly string[]
}[] = [
  {
    title: 'readiness is told at the first success',
    probes: { readinessProbe: { ...exec, initialDelaySeconds: 2, periodSeconds: 5 } },
    answers: [0],
    expected: ['readiness good 2'],
  },
  {
    title: 'readiness is lost after the threshold and won again',
    probes: { readinessProbe: { ...exec, periodSeconds: 5, failureThreshold: 2, successThreshold: 2 } },
    answers: [0, 0, 1, 0, 1, 1, 0, 0],
    expected: ['readiness good 5', 'readiness bad 25', 'readiness good 35'],
  },
  {
    title: 'liveness asks for a restart once',
    probes: { livenessProbe: { ...exec, periodSeconds: 5, failureThreshold: 3 } },
    answers: [0, 1],
    expected: ['liveness bad 15'],
  },
  {
    title: 'liveness waits for the startup probe',
    probes: {
      startupProbe: { ...exec, periodSeconds: 10, failureThreshold: 9 },
      livenessProbe: { ...exec, periodSeconds: 1, failureThreshold: 1 },
    },
    answers: [1, 1, 0, 1],
    expected: ['startup good 20', 'liveness bad 20'],
  },
  {
    title: 'a startup probe that never passes asks for a restart',
    probes: { startupProbe: { ...exec, periodSeconds: 10, failureThreshold: 2 } },
    answers: [1],
    expected: ['startup bad 10'],
  },
]
for (const { title, probes, answers, expected } of timelines) {
  test(title, async () => assert.deepEqual(await verdictsOf(probes, answers), expected))
}

test('a clock that is set back delays no probe', async () => {
  const probes = { readinessProbe: { ...exec, initialDelaySeconds: 2, periodSeconds: 5, failureThreshold: 2 } }
  assert.deepEqual(await verdictsOf(probes, [0, 1, 1, 0], { setBackMs: 3600_000 }), [
    'readiness good 2',
    'readiness bad 12',
    'readiness good 17',
  ])
})
