import assert from 'node:assert/strict'
import type { Container, Pod, PodSpec } from '../../../src/kinds/generated/types/core-v1.ts'
import { type AgentWorld, first, isReady, shell } from '../agent-world.ts'
import { healthServer, hookServer } from './server-pod.ts'
import { longMs, type Scenario, untilTold } from './scenario.ts'

const every = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 5 }
/** Serves a file that is there for two seconds. */
const soonSick = 'mkdir /www; echo ok > /www/healthz; (sleep 2; rm /www/healthz) & exec httpd -f -p 8080 -h /www'
const well = 'mkdir /www; echo ok > /www/healthz; exec httpd -f -p 8080 -h /www'
const healthz = { httpGet: { path: '/healthz', port: 8080 } }

/** Pods whose probes never fail. They are looked at when another has restarted twice. */
const steady: Readonly<Record<string, Partial<Container>>> = {
  exec: { ...shell('touch /tmp/health; sleep 1000'), livenessProbe: { exec: { command: ['cat', '/tmp/health'] }, ...every } },
  http: { ...shell(well), livenessProbe: { ...healthz, ...every, failureThreshold: 5 } },
  tcp: { ...shell(soonSick), livenessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 2, ...every } },
}

const one = (container: Partial<Container>, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [{ name: 'main', ...container }],
  ...more,
})
const restarts = (count: number) => (pod: Pod | undefined) => (first(pod)?.restartCount ?? 0) >= count

const probes: Scenario = {
  title: 'Probing container restarts what is sick and leaves alone what is well',
  covers: [
    ...['a /healthz http', 'a exec "cat /tmp/health"', 'a tcp:8080'].map(
      (what) => `Probing container should *not* be restarted with ${what} liveness probe`,
    ),
    'Probing container should be restarted with a /healthz http liveness probe',
    'Probing container should be restarted with a exec "cat /tmp/health" liveness probe',
    'Probing container should have monotonically increasing restart count',
    'Probing container with readiness probe should not be ready before initial delay and never restart',
    'Probing container with readiness probe that fails should never be ready and never restart',
  ],
  run: async (world, name) => {
    for (const [what, container] of Object.entries(steady)) await world.create(`${name}-${what}`, one(container))
    const fades = shell('touch /tmp/health; sleep 2; rm /tmp/health; sleep 1000')
    await world.create(`${name}-fades`, one({ ...fades, livenessProbe: { exec: { command: ['cat', '/tmp/health'] }, ...every } }))
    const sick = { ...shell(soonSick), livenessProbe: { ...healthz, ...every, initialDelaySeconds: 1 } }
    await world.create(`${name}-sick`, one(sick))
    const unready = { ...shell('sleep 1000'), readinessProbe: { exec: { command: ['false'] }, ...every } }
    await world.create(`${name}-unready`, one(unready))
    const late = { ...shell(well), readinessProbe: { ...healthz, ...every, initialDelaySeconds: 4 } }
    await world.create(`${name}-late`, one(late))

    const ready = (await world.until(`${name}-late`, isReady, longMs))!
    const readyAt = ready.status!.conditions!.find((c) => c.type === 'Ready')!.lastTransitionTime!
    assert.ok(Date.parse(readyAt) - Date.parse(first(ready)!.state!.running!.startedAt!) >= 4_000)
    assert.equal(first(ready)!.restartCount, 0)

    const faded = (await world.until(`${name}-fades`, restarts(1), longMs))!
    assert.deepEqual([first(faded)!.restartCount, first(faded)!.lastState?.terminated?.exitCode], [1, 137])
    await untilTold(world, `${name}-fades`, (told) =>
      [/^Unhealthy: Liveness probe failed: cat: /, /^Killing: Container main failed liveness probe, will be restarted$/].every((wanted) =>
        told.some((line) => wanted.test(line)),
      ),
    )
    await checkMonotonic(world, `${name}-sick`)
    for (const what of [...Object.keys(steady), 'unready']) {
      const pod = await world.pods().get(`${name}-${what}`)
      assert.equal(first(pod)!.restartCount, 0, what)
      assert.equal(isReady(pod), what !== 'unready', what)
    }
  },
}

async function checkMonotonic(world: AgentWorld, name: string): Promise<void> {
  const seen: number[] = []
  await world.until(
    name,
    (pod) => {
      seen.push(first(pod)?.restartCount ?? 0)
      return restarts(2)(pod)
    },
    longMs,
  )
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  )
  await untilTold(world, name, (told) => told.some((line) => line.startsWith('BackOff: Back-off restarting failed container main in pod')))
}

const grpc: Scenario = {
  title: 'Probing container asks over gRPC',
  covers: [
    'Probing container should *not* be restarted with a GRPC liveness probe',
    'Probing container should be restarted with a GRPC liveness probe',
  ],
  run: async (world, name) => {
    const health = await healthServer()
    try {
      const container = { ...shell('sleep 1000'), livenessProbe: { grpc: { port: health.port }, ...every } }
      await world.create(name, one(container, { hostNetwork: true }))
      await world.until(name, isReady, longMs)
      await health.untilAsked(3)
      assert.equal(first(await world.pods().get(name))!.restartCount, 0)
      health.isWell = false
      await world.until(name, restarts(1), longMs)
      await untilTold(world, name, (told) =>
        told.some((line) => line === 'Unhealthy: Liveness probe failed: service unhealthy (responded with "NOT_SERVING")'),
      )
    } finally {
      health.close()
      await world.remove(name)
    }
  },
}

const lifecycle = 'Container Lifecycle Hook when create a pod with lifecycle hook should execute'

const hooks: Scenario = {
  title: `${lifecycle} hooks properly`,
  covers: [
    `${lifecycle} poststart http hook properly`,
    `${lifecycle} prestop http hook properly`,
    `${lifecycle} prestop exec hook properly`,
    'PreStop should call prestop when killing a pod',
  ],
  run: async (world, name) => {
    const server = await hookServer()
    try {
      const get = (path: string) => ({ httpGet: { host: '127.0.0.1', port: server.port, path } })
      const patient = shell('sleep 1000')
      const over = { terminationGracePeriodSeconds: 3 }
      await world.create(
        `${name}-http`,
        one({ ...patient, lifecycle: { postStart: get('/post?msg=http'), preStop: get('/pre?msg=http') } }, over),
      )
      const tell = ['wget', '-qO-', `http://10.244.7.1:${server.port}/pre?msg=exec`]
      await world.create(`${name}-exec`, one({ ...patient, lifecycle: { preStop: { exec: { command: tell } } } }, over))
      await world.until(`${name}-http`, isReady, longMs)
      await world.until(`${name}-exec`, isReady, longMs)
      assert.deepEqual(server.asked, ['/post?msg=http'])
      const removed = [`${name}-http`, `${name}-exec`].map(async (pod) => {
        await world.pods().delete(pod, { gracePeriodSeconds: 3 })
        await world.until(pod, (gone) => gone === undefined, longMs)
      })
      await Promise.all(removed)
      assert.deepEqual([...server.asked].sort(), ['/post?msg=http', '/pre?msg=exec', '/pre?msg=http'])
    } finally {
      server.close()
    }
  },
}

const failingHook: Scenario = {
  title: 'Container Lifecycle Hook that fails after the start ends the container',
  covers: [],
  run: async (world, name) => {
    const failing = { ...shell('sleep 1000'), lifecycle: { postStart: { exec: { command: ['false'] } } } }
    await world.create(name, one(failing, { restartPolicy: 'Never' }))
    await world.until(name, (pod) => pod?.status?.phase === 'Failed', longMs)
    const told = await untilTold(world, name, (all) => all.some((line) => line.startsWith('Killing: ')))
    assert.ok(told.some((line) => line.startsWith('FailedPostStartHook: PostStartHook failed')))
    assert.ok(told.includes('Killing: FailedPostStartHook'))
  },
}

export const healthScenarios: readonly Scenario[] = [probes, grpc, hooks, failingHook]
