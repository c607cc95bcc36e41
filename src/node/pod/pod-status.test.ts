import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodCondition, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { containerFixture, fixtureNowMs, healthyRecord, viewFixture, type ViewFixture } from './pod-fixtures.ts'
import { podStatus } from './pod-status.ts'

const statusOf = (fixture: ViewFixture) => podStatus(viewFixture(fixture), { hostIPs: ['10.0.0.1'] })
const shortCondition = ({ type, status, reason }: PodCondition) => `${type}=${status}${reason ? ` ${reason}` : ''}`

/** Phase and conditions in a few words. */
function check(title: string, fixture: ViewFixture, phase: PodStatus['phase'], conditions: readonly string[]): void {
  test(title, () => {
    const status = statusOf(fixture)
    assert.equal(status.phase, phase)
    const told = status.conditions?.map(shortCondition) ?? []
    for (const condition of conditions) assert.ok(told.includes(condition), `${condition} is missing from: ${told.join(', ')}`)
  })
}

/** The state of container `a`, as the API shows it. */
function checkState(title: string, fixture: ViewFixture, expected: unknown): void {
  test(title, () => {
    const status = statusOf(fixture)
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
    const { state, ready, started, restartCount } = all.find((c) => c.name === 'a')!
    assert.deepEqual({ state, ready, started, restartCount }, expected)
  })
}

const never = { restartPolicy: 'Never' } as const
const bothRun = { a: { is: 'running' }, b: { is: 'running' } } as const
const healthy = { a: healthyRecord('a'), b: healthyRecord('b') }
const inits = { initContainers: [containerFixture('i')] }
const one = { containers: [containerFixture('a')] }

check('a pod without a sandbox is pending', { sandbox: 'none' }, 'Pending', [
  'PodReadyToStartContainers=False',
  'Initialized=True',
  'Ready=False ContainersNotReady',
  'ContainersReady=False ContainersNotReady',
  'PodScheduled=True',
])
check('a pod whose init container runs is pending', { spec: inits, containers: { i: { is: 'running' } } }, 'Pending', [
  'PodReadyToStartContainers=True',
  'Initialized=False ContainersNotInitialized',
])
check('a pod with one container to come is pending', { containers: { a: { is: 'running' } }, containerRecords: healthy }, 'Pending', [
  'Initialized=True',
])
check('a pod whose containers are ready is ready', { containers: bothRun, containerRecords: healthy }, 'Running', [
  'Ready=True',
  'ContainersReady=True',
])
check(
  'a pod with an unready container is running but not ready',
  { containers: bothRun, containerRecords: { ...healthy, b: { ...healthyRecord('b'), isReady: false } } },
  'Running',
  ['Ready=False ContainersNotReady'],
)
check(
  'a pod waits for its readiness gates',
  { spec: { readinessGates: [{ conditionType: 'x/y' }] }, containers: bothRun, containerRecords: healthy },
  'Running',
  ['Ready=False ReadinessGatesNotReady', 'ContainersReady=True'],
)
check('a pod whose containers all succeeded has succeeded', { spec: never, containers: { a: { is: 0 }, b: { is: 0 } } }, 'Succeeded', [
  'Initialized=True PodCompleted',
  'Ready=False PodCompleted',
  'ContainersReady=False PodCompleted',
])
check('a pod with one failure has failed', { spec: never, containers: { a: { is: 0 }, b: { is: 3 } } }, 'Failed', ['Ready=False PodFailed'])
check(
  'a pod is not over while one container runs',
  { spec: never, containers: { a: { is: 3 }, b: { is: 'running' } }, containerRecords: healthy },
  'Running',
  [],
)
check(
  'a pod is not over while a sidecar runs',
  {
    spec: { ...never, ...one, initContainers: [containerFixture('s', { restartPolicy: 'Always' })] },
    containers: { s: { is: 'running' }, a: { is: 0 } },
  },
  'Running',
  [],
)
check(
  'a failed init container fails a pod that never restarts',
  { spec: { ...inits, ...never }, containers: { i: { is: 1 } } },
  'Failed',
  [],
)
check('a crashing pod is running', { containers: { a: { is: 1 }, b: { is: 'running' } }, containerRecords: healthy }, 'Running', [])
check(
  'a finished pod stays finished when the engine has forgotten it',
  { sandbox: 'none', spec: never, status: { phase: 'Succeeded' } },
  'Succeeded',
  [],
)
check(
  'a stopped pod is running and not ready because it was stopped',
  { metadata: { annotations: { 'keelson.dev/run-state': 'stopped' } }, containers: { a: { is: 0 }, b: { is: 137 } } },
  'Running',
  ['Ready=False Stopped', 'PodReadyToStartContainers=True'],
)
check(
  'a paused pod is not ready because it is paused',
  { metadata: { annotations: { 'keelson.dev/run-state': 'paused' } }, containers: bothRun, containerRecords: healthy },
  'Running',
  ['Ready=False Paused'],
)

const startedAt = '2026-01-01T11:59:59Z'
checkState(
  'a container to come is being created',
  { spec: one },
  { state: { waiting: { reason: 'ContainerCreating' } }, ready: false, started: false, restartCount: 0 },
)
checkState(
  'a container behind init containers waits for the pod',
  { spec: { ...one, ...inits } },
  { state: { waiting: { reason: 'PodInitializing' } }, ready: false, started: false, restartCount: 0 },
)
checkState(
  'a running container',
  { spec: one, containers: { a: { is: 'running', attempt: 2 } }, containerRecords: { a: healthyRecord('a', 2) } },
  { state: { running: { startedAt } }, ready: true, started: true, restartCount: 2 },
)
checkState(
  'a container that runs but has not passed its startup probe',
  { spec: one, containers: { a: { is: 'running' } }, containerRecords: { a: { ...healthyRecord('a'), isStarted: false, isReady: true } } },
  { state: { running: { startedAt } }, ready: false, started: false, restartCount: 0 },
)
checkState(
  'a container in crash back-off waits; its end is the last state',
  {
    spec: one,
    containers: { a: { is: 1, attempt: 1 } },
    containerRecords: { a: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s', sinceMs: fixtureNowMs } } },
  },
  { state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }, ready: false, started: false, restartCount: 1 },
)
checkState(
  'an ended container',
  { spec: { ...one, ...never }, containers: { a: { is: 2 } } },
  {
    state: {
      terminated: {
        exitCode: 2,
        reason: 'Error',
        startedAt: '2026-01-01T11:59:58Z',
        finishedAt: startedAt,
        containerID: 'containerd://a-0',
      },
    },
    ready: false,
    started: false,
    restartCount: 0,
  },
)
checkState(
  'a container whose engine record is lost with the pod',
  { spec: { ...one, ...never }, sandbox: 'none', status: { phase: 'Failed' } },
  {
    state: {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      },
    },
    ready: false,
    started: false,
    restartCount: 0,
  },
)

test('what never had its turn waits for ever in a pod that has failed', () => {
  const status = statusOf({
    spec: { ...one, ...never, initContainers: [containerFixture('i'), containerFixture('j')] },
    containers: { i: { is: 1 } },
  })
  const states = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map((c) => c.state)
  const waiting = { waiting: { reason: 'PodInitializing' } }
  assert.equal(status.phase, 'Failed')
  assert.deepEqual(states.slice(1), [waiting, waiting])
  assert.equal(states[0]?.terminated?.exitCode, 1)
})

test('the end before the present state is the last state', () => {
  const status = statusOf({
    spec: one,
    containers: {
      a: [
        { is: 'running', attempt: 1 },
        { is: 7, attempt: 0 },
      ],
    },
  })
  assert.equal(status.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 7)
})

test('a termination message is told with the end', () => {
  const record = { terminationMessages: new Map([['a-0', 'out of tea']]) }
  const status = statusOf({ spec: { ...one, ...never }, containers: { a: { is: 1 } }, containerRecords: { a: record } })
  assert.equal(status.containerStatuses?.[0]?.state?.terminated?.message, 'out of tea')
})

test('a container that the engine has removed keeps the status that it ended with', () => {
  const rememberedEnd = { exitCode: 3, reason: 'Error', containerID: 'containerd://a-0' }
  const rememberedImage = { image: 'registry.example/a:1', imageID: 'registry.example/a@sha256:1' }
  const record = { rememberedEnd, rememberedImage, rememberedRestarts: 2 }
  const status = statusOf({ spec: { ...one, ...never }, sandbox: 'none', containerRecords: { a: record } })
  const [only] = status.containerStatuses ?? []
  assert.deepEqual(only?.state?.terminated, rememberedEnd)
  const { image, imageID, containerID, restartCount } = only!
  assert.deepEqual({ image, imageID, containerID, restartCount }, { ...rememberedImage, containerID: 'containerd://a-0', restartCount: 2 })
})

test('a refused pod tells only why', () => {
  const status = statusOf({ sandbox: 'none', records: { terminal: { reason: 'OutOfcpu', message: 'too much', hasStarted: false } } })
  assert.deepEqual(status, {
    observedGeneration: 1,
    phase: 'Failed',
    reason: 'OutOfcpu',
    message: 'too much',
    startTime: '2026-01-01T11:59:00Z',
    qosClass: 'BestEffort',
  })
})

test('an unchanged condition keeps its transition time, a changed one takes the present', () => {
  const old = { type: 'Ready', status: 'True', lastTransitionTime: '2025-12-31T00:00:00Z' }
  const timeOf = (fixture: ViewFixture) => statusOf(fixture).conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime
  assert.equal(timeOf({ containers: bothRun, containerRecords: healthy, status: { conditions: [old] } }), old.lastTransitionTime)
  assert.equal(timeOf({ containers: { a: { is: 1 }, b: { is: 'running' } }, status: { conditions: [old] } }), '2026-01-01T12:00:00Z')
})

test("addresses are the sandbox's, or the host's in its network", () => {
  assert.deepEqual(statusOf({}).podIPs, [{ ip: '10.244.0.5' }])
  const ofHost = statusOf({ spec: { hostNetwork: true } })
  assert.deepEqual([ofHost.podIP, ofHost.hostIP], ['10.0.0.1', '10.0.0.1'])
})
