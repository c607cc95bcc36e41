import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planPod } from './plan.ts'
import type { PodAction } from './pod-action.ts'
import { containerFixture, fixtureNowMs, healthyRecord, viewFixture, type ViewFixture } from './pod-fixtures.ts'

/** One step in a few words. */
function words(action: PodAction): string {
  switch (action.type) {
    case 'createSandbox':
      return `createSandbox ${action.attempt}`
    case 'stopSandbox':
    case 'removeSandbox':
      return `${action.type} ${action.sandboxId}`
    case 'startContainer':
      return `start ${action.name} ${action.attempt}`
    case 'killContainer':
      return `kill ${action.containerId} ${action.graceSeconds}`
    case 'removeContainer':
    case 'pauseContainer':
    case 'resumeContainer':
    case 'resizeContainer':
      return `${action.type} ${action.containerId}`
    case 'noteImageBackoff':
    case 'noteCrashBackoff':
      return `${action.type} ${action.name}`
    case 'abort':
      return `abort ${action.key}`
    case 'endPod':
      return `endPod ${action.terminal.reason}`
    case 'teardown':
    case 'deletePod':
    case 'resizePod':
      return action.type
  }
}

function check(title: string, fixture: ViewFixture, expected: readonly string[], wakeInMs?: number): void {
  test(title, () => {
    const plan = planPod(viewFixture(fixture))
    assert.deepEqual(plan.actions.map(words), expected)
    assert.equal(plan.wakeAtMs === undefined ? undefined : plan.wakeAtMs - fixtureNowMs, wakeInMs)
  })
}

/** The hash of container `a` as the fixtures define it. */
const hashOfA = viewFixture({ spec: { containers: [containerFixture('a')] }, containers: { a: { is: 'running' } } }).sandboxes[0]!
  .containers[0]!.specHash
const sidecar = (name: string) => containerFixture(name, { restartPolicy: 'Always' })
const one = { containers: [containerFixture('a')] }
const deleted = { deletionTimestamp: '2026-01-01T12:00:20Z', deletionGracePeriodSeconds: 20 }
const bothRun = { a: { is: 'running' }, b: { is: 'running' } } as const
const healthy = { a: healthyRecord('a'), b: healthyRecord('b') }

// Sandbox
check('nothing is planned before the engine has been observed', { sandbox: 'none', records: { isObserved: false } }, [])
check('a new pod gets a sandbox', { sandbox: 'none' }, ['createSandbox 0'])
check('a sandbox under way is not made twice', { sandbox: 'none', records: { busy: new Set(['sandbox']) } }, [])
check('a failed sandbox waits for its time', { sandbox: 'none', records: { sandboxRetryAtMs: fixtureNowMs + 700 } }, [], 700)
check('a dead sandbox under running containers is stopped first', { sandbox: 'NotReady', containers: bothRun }, ['stopSandbox s0'])
check(
  'a dead sandbox is replaced after it has been stopped',
  { sandbox: 'NotReady', containers: { a: { is: 137 }, b: { is: 137 } }, records: { stoppedSandboxes: new Set(['s0']) } },
  ['createSandbox 1'],
)
check(
  'a dead sandbox of a pod that runs once is not replaced: the pod has ended',
  { sandbox: 'NotReady', spec: { restartPolicy: 'Never' }, containers: { a: { is: 137 }, b: { is: 137 } } },
  ['stopSandbox s0'],
)

// Init containers and sidecars
const inits = { initContainers: [containerFixture('i1'), containerFixture('i2')] }
check('the first init container starts alone', { spec: inits }, ['start i1 0'])
check('the next init container waits for the one before', { spec: inits, containers: { i1: { is: 'running' } } }, [])
check('the next init container starts after success', { spec: inits, containers: { i1: { is: 0 } } }, ['start i2 0'])
check('apps start when all init containers have passed', { spec: inits, containers: { i1: { is: 0 }, i2: { is: 0 } } }, [
  'start a 0',
  'start b 0',
])
check('a failed init container is tried again', { spec: inits, containers: { i1: { is: 1 } } }, ['start i1 1'])
check(
  'a failed init container of a pod that never restarts ends the pod',
  { spec: { ...inits, restartPolicy: 'Never' }, containers: { i1: { is: 1 } } },
  ['stopSandbox s0'],
)
check(
  'an init container does not run again beside running apps',
  { spec: inits, containers: { i1: { is: 0 }, i2: { is: 0 }, ...bothRun }, containerRecords: healthy },
  [],
)
const sidecars = { initContainers: [sidecar('s'), containerFixture('i')] }
check('an init container waits until the sidecar before it has started', { spec: sidecars, containers: { s: { is: 'running' } } }, [])
check(
  'an init container starts beside a started sidecar',
  { spec: sidecars, containers: { s: { is: 'running' } }, containerRecords: { s: healthyRecord('s') } },
  ['start i 0'],
)
check(
  'a sidecar that ended is started again whatever its exit code, beside its apps',
  { spec: { ...sidecars, restartPolicy: 'Never' }, containers: { s: { is: 0 }, i: { is: 0 }, ...bothRun }, containerRecords: healthy },
  ['start s 1'],
)

// Restarts
check('both app containers start in a ready sandbox', {}, ['start a 0', 'start b 0'])
check('a container being started is left alone', { records: { busy: new Set(['container/a']) } }, ['start b 0'])
check('running containers need nothing', { containers: bothRun, containerRecords: healthy }, [])
check('an ended container restarts at once the first time', { spec: one, containers: { a: { is: 1 } } }, ['start a 1'])
check(
  'a container in crash back-off waits and says so',
  { spec: one, containers: { a: { is: 1, agoMs: 4_000 } }, containerRecords: { a: { backoff: backoff(10_000) } } },
  ['noteCrashBackoff a'],
  6_000,
)
check(
  'a container restarts when its back-off is over',
  { spec: one, containers: { a: { is: 1, agoMs: 10_000 } }, containerRecords: { a: { backoff: backoff(10_000) } } },
  ['start a 1'],
)
for (const [way, clockSetByMs] of [
  ['back', -3_600_000],
  ['forward', 3_600_000],
] as const) {
  check(
    `a clock that was set ${way} neither lengthens nor shortens a back-off`,
    {
      spec: one,
      clockSetByMs,
      containers: { a: { is: 1 } },
      containerRecords: { a: { backoff: backoff(10_000), ended: { containerId: 'a-0', atMs: fixtureNowMs - 4_000 } } },
    },
    ['noteCrashBackoff a'],
    6_000,
  )
}
check('exit 0 under OnFailure ends the pod', { spec: { ...one, restartPolicy: 'OnFailure' }, containers: { a: { is: 0 } } }, [
  'stopSandbox s0',
])
check('exit 1 under OnFailure restarts', { spec: { ...one, restartPolicy: 'OnFailure' }, containers: { a: { is: 1 } } }, ['start a 1'])
check(
  'a container restarts by its own rule though the pod never does',
  {
    spec: {
      restartPolicy: 'Never',
      containers: [containerFixture('a', { restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] })],
    },
    containers: { a: { is: 42 } },
  },
  ['start a 1'],
)
check('a changed image replaces the container', { spec: one, containers: { a: { is: 'running', hash: 'old' } } }, ['kill a-0 30'])
check(
  "a failed liveness probe ends the container with the probe's own grace",
  {
    spec: one,
    containers: { a: { is: 'running' } },
    containerRecords: { a: { ...healthyRecord('a'), kill: { containerId: 'a-0', message: 'x', graceSeconds: 3 } } },
  },
  ['kill a-0 3'],
)
check('attempts go on from what the API remembers', { spec: one, containerRecords: { a: { rememberedRestarts: 4 } } }, ['start a 5'])
check(
  'the third newest dead container is removed',
  {
    spec: one,
    containers: {
      a: [
        { is: 'running', attempt: 3 },
        { is: 1, attempt: 2 },
        { is: 1, attempt: 1 },
      ],
    },
    containerRecords: { a: healthyRecord('a', 3) },
  },
  ['removeContainer a-1'],
)
check(
  'a failed pull waits for its time',
  { spec: one, containerRecords: { a: { retryAtMs: fixtureNowMs + 5_000, waiting: waiting('ImagePullBackOff') } } },
  [],
  5_000,
)
check(
  'a failed pull turns into back-off',
  { spec: one, containerRecords: { a: { retryAtMs: fixtureNowMs + 5_000, waiting: waiting('ErrImagePull', 2_000) } } },
  ['noteImageBackoff a'],
  5_000,
)
check(
  'an ephemeral container starts once',
  {
    spec: { ...one, ephemeralContainers: [{ name: 'e', image: 'x' }] },
    containers: { a: { is: 'running' } },
    containerRecords: { a: healthyRecord('a') },
  },
  ['start e 0'],
)
check(
  'an ephemeral container that ended stays ended',
  {
    spec: { ...one, ephemeralContainers: [{ name: 'e', image: 'x' }] },
    containers: { a: { is: 'running' }, e: { is: 1 } },
    containerRecords: { a: healthyRecord('a') },
  },
  [],
)
check(
  'nor does one whose end is all that is left of it',
  {
    spec: { ...one, ephemeralContainers: [{ name: 'e', image: 'x' }] },
    containers: { a: { is: 'running' } },
    containerRecords: { a: healthyRecord('a'), e: { rememberedEnd: { exitCode: 137 } } },
  },
  [],
)

// Resize
const resized = containerFixture('a', { resources: { limits: { cpu: '2' }, requests: { cpu: '1' } } })
const before = { ...healthyRecord('a'), applied: { limits: { cpu: '1' }, requests: { cpu: '1' } } }
check(
  'new limits are applied in place',
  { spec: { containers: [resized] }, containers: { a: { is: 'running' } }, containerRecords: { a: before } },
  ['resizeContainer a-0'],
)
check(
  'new limits restart the container where its policy says so',
  {
    spec: { containers: [{ ...resized, resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }] },
    containers: { a: { is: 'running' } },
    containerRecords: { a: before },
  },
  ['kill a-0 30'],
)

check(
  'new limits of the pod as a whole are given to its cgroup',
  {
    spec: { resources: { limits: { cpu: '2' } } },
    containers: bothRun,
    containerRecords: healthy,
    records: { appliedToPod: { limits: { cpu: '1' } } },
  },
  ['resizePod'],
)

// Deadline and deletion
check('a pod past its deadline ends', { spec: { activeDeadlineSeconds: 60 }, containers: bothRun, containerRecords: healthy }, [
  'endPod DeadlineExceeded',
])
check(
  'a deadline to come wakes the worker',
  { spec: { activeDeadlineSeconds: 90 }, containers: bothRun, containerRecords: healthy },
  [],
  30_000,
)
check('a deleted pod ends its containers with the grace that was asked for', { metadata: deleted, containers: bothRun }, [
  'kill a-0 20',
  'kill b-0 20',
])
check(
  'the grace of a deleted pod shrinks with the time that has passed',
  { metadata: { ...deleted, deletionTimestamp: '2026-01-01T12:00:05Z' }, containers: bothRun },
  ['kill a-0 5', 'kill b-0 5'],
)
check('a deleted pod gives up what is under way', { metadata: deleted, records: { busy: new Set(['container/a']) } }, ['abort container/a'])
check(
  'sidecars outlive the apps',
  { spec: { ...one, initContainers: [sidecar('s')] }, metadata: deleted, containers: { s: { is: 'running' }, a: { is: 'running' } } },
  ['kill a-0 20'],
)
check(
  'sidecars end one by one, last one first',
  {
    spec: { ...one, initContainers: [sidecar('s'), sidecar('t')] },
    metadata: deleted,
    containers: { s: { is: 'running' }, t: { is: 'running' }, a: { is: 0 } },
  },
  ['kill t-0 20'],
)
check('the sandbox is stopped after its containers', { metadata: deleted, containers: { a: { is: 0 }, b: { is: 0 } } }, ['stopSandbox s0'])
check(
  'the sandbox is removed after it has been stopped',
  { metadata: deleted, sandbox: 'NotReady', records: { stoppedSandboxes: new Set(['s0']) } },
  ['removeSandbox s0'],
)
check('the machine is cleaned when the engine has nothing left', { metadata: deleted, sandbox: 'none' }, ['teardown'])
check('the object goes last', { metadata: deleted, sandbox: 'none', records: { isTornDown: true, areLogsRemoved: true } }, ['deletePod'])
check(
  'the object of a vanished pod is not deleted again',
  { sandbox: 'none', records: { isGone: true, isTornDown: true, areLogsRemoved: true } },
  [],
)
check(
  'a finished pod keeps its sandbox record but frees its machine',
  {
    spec: { restartPolicy: 'Never' },
    sandbox: 'NotReady',
    containers: { a: { is: 0 }, b: { is: 0 } },
    records: { stoppedSandboxes: new Set(['s0']) },
  },
  ['teardown'],
)
check(
  'a refused pod frees its machine',
  { sandbox: 'none', records: { terminal: { reason: 'OutOfcpu', message: '', hasStarted: false } } },
  ['teardown'],
)

// Run state
const stopped = { annotations: { 'keelson.dev/run-state': 'stopped' } }
check('a stopped pod ends its containers and keeps its sandbox', { metadata: stopped, containers: bothRun }, ['kill a-0 30', 'kill b-0 30'])
check(
  'a stop may come with a grace of its own',
  { metadata: { annotations: { ...stopped.annotations, 'keelson.dev/stop-grace-period-seconds': '4' } }, containers: bothRun },
  ['kill a-0 4', 'kill b-0 4'],
)
check(
  'a stopped pod starts nothing',
  {
    metadata: stopped,
    containers: { a: { is: 0 }, b: { is: 0 } },
    containerRecords: { a: { isStoppedByRunState: true }, b: { isStoppedByRunState: true } },
  },
  [],
)
check(
  'a started pod runs its containers again in the same sandbox, whatever its policy',
  {
    spec: { ...one, restartPolicy: 'Never' },
    containers: { a: { is: 0 } },
    containerRecords: { a: { isStoppedByRunState: true, backoff: backoff(300_000) } },
  },
  ['start a 1'],
)
const paused = { annotations: { 'keelson.dev/run-state': 'paused' } }
check('a paused pod freezes its containers', { metadata: paused, containers: bothRun, containerRecords: healthy }, [
  'pauseContainer a-0',
  'pauseContainer b-0',
])
check(
  'a resumed pod thaws its containers',
  { spec: one, containers: { a: { is: 'running' } }, containerRecords: { a: { ...healthyRecord('a'), isPaused: true } } },
  ['resumeContainer a-0'],
)
check(
  'a restart that was asked for replaces running containers',
  {
    spec: one,
    metadata: { annotations: { 'keelson.dev/restart-requested-at': '1' } },
    containers: { a: { is: 'running', hash: 'before' } },
  },
  ['kill a-0 30'],
)
check(
  'a restart may come with a grace of its own',
  {
    spec: one,
    metadata: { annotations: { 'keelson.dev/restart-requested-at': '1', 'keelson.dev/stop-grace-period-seconds': '0' } },
    containers: { a: { is: 'running', hash: 'before' } },
  },
  ['kill a-0 0'],
)

function backoff(delayMs: number) {
  return { specHash: hashOfA, delayMs, updatedMs: fixtureNowMs - 10_000 }
}

function waiting(reason: string, agoMs = 3_000) {
  return { reason, message: '', sinceMs: fixtureNowMs - agoMs }
}
