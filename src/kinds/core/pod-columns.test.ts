import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerStatus, Pod, PodSpec, PodStatus } from '../generated/types/core-v1.ts'
import { ago, header, row } from '../kind-test-support.ts'
import { pods } from './pod.ts'

type Given = { spec?: Partial<PodSpec>; status?: PodStatus; deleted?: boolean }

function check(title: string, { spec = {}, status = {}, deleted = false }: Given, expected: string): void {
  test(title, () => {
    const pod: Pod = {
      metadata: { name: 'web', creationTimestamp: ago(300), ...(deleted ? { deletionTimestamp: ago(1) } : {}) },
      spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
      status,
    }
    assert.equal(row(pods, pod), expected)
  })
}

const none = '<none> ; <none> ; <none> ; <none>'
const state = (name: string, container: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...container,
})
const running = (name: string, extra: Partial<ContainerStatus> = {}) => state(name, { ready: true, state: { running: {} }, ...extra })
const waiting = (name: string, reason: string, extra: Partial<ContainerStatus> = {}) =>
  state(name, { state: { waiting: { reason } }, ...extra })
const ended = (name: string, exitCode: number, reason?: string, extra: Partial<ContainerStatus> = {}) =>
  state(name, { state: { terminated: { exitCode, ...(reason ? { reason } : {}) } }, ...extra })
const init = (...names: string[]) => ({ initContainers: names.map((name) => ({ name })) })
const sidecar = { initContainers: [{ name: 's', restartPolicy: 'Always' }] }
const lastEnded = (seconds: number) => ({ lastState: { terminated: { exitCode: 1, finishedAt: ago(seconds) } } })

test('columns are named as upstream names them', () => {
  assert.equal(header(pods), 'NAME ; READY ; STATUS ; RESTARTS ; AGE | IP ; NODE ; NOMINATED NODE ; READINESS GATES')
})

check('a new pod is pending', { status: { phase: 'Pending' } }, `web ; 0/2 ; Pending ; 0 ; 5m | ${none}`)
check(
  'a gated pod says so',
  { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] } },
  `web ; 0/2 ; SchedulingGated ; 0 ; 5m | ${none}`,
)
check(
  'running containers are counted',
  { status: { phase: 'Running', containerStatuses: [running('a'), running('b', { ready: false })] } },
  `web ; 1/2 ; Running ; 0 ; 5m | ${none}`,
)
check(
  'a waiting reason shows',
  { status: { phase: 'Pending', containerStatuses: [waiting('a', 'ContainerCreating'), waiting('b', 'ContainerCreating')] } },
  `web ; 0/2 ; ContainerCreating ; 0 ; 5m | ${none}`,
)
check(
  'a crash loop shows with its restarts and the last of them',
  {
    status: {
      phase: 'Running',
      containerStatuses: [waiting('a', 'CrashLoopBackOff', { restartCount: 3, ...lastEnded(300) }), running('b')],
    },
  },
  `web ; 1/2 ; CrashLoopBackOff ; 3 (5m ago) ; 5m | ${none}`,
)
check(
  'restarts add up, the latest counts',
  {
    status: {
      phase: 'Running',
      containerStatuses: [running('a', { restartCount: 1, ...lastEnded(7200) }), running('b', { restartCount: 2, ...lastEnded(60) })],
    },
  },
  `web ; 2/2 ; Running ; 3 (60s ago) ; 5m | ${none}`,
)
check(
  'the first container decides among several reasons',
  { status: { phase: 'Pending', containerStatuses: [waiting('a', 'ErrImagePull'), waiting('b', 'ImagePullBackOff')] } },
  `web ; 0/2 ; ErrImagePull ; 0 ; 5m | ${none}`,
)
check(
  'a finished pod is completed',
  { status: { phase: 'Succeeded', containerStatuses: [ended('a', 0, 'Completed'), ended('b', 0, 'Completed')] } },
  `web ; 0/2 ; Completed ; 0 ; 5m | ${none}`,
)
check(
  'a failed container shows its exit code without a reason',
  { status: { phase: 'Failed', containerStatuses: [ended('a', 3), ended('b', 0, 'Completed')] } },
  `web ; 0/2 ; ExitCode:3 ; 0 ; 5m | ${none}`,
)
check(
  'a signal shows before the code',
  { status: { phase: 'Failed', containerStatuses: [state('a', { state: { terminated: { exitCode: 137, signal: 9 } } })] } },
  `web ; 0/2 ; Signal:9 ; 0 ; 5m | ${none}`,
)
check(
  'one container completed beside a running one leaves a ready pod running',
  {
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [ended('a', 0, 'Completed'), running('b')],
    },
  },
  `web ; 1/2 ; Running ; 0 ; 5m | ${none}`,
)
check(
  'and an unready one not ready',
  { status: { phase: 'Running', containerStatuses: [ended('a', 0, 'Completed'), running('b')] } },
  `web ; 1/2 ; NotReady ; 0 ; 5m | ${none}`,
)
check(
  'the reason of the status comes before the phase',
  { status: { phase: 'Failed', reason: 'Evicted' } },
  `web ; 0/2 ; Evicted ; 0 ; 5m | ${none}`,
)

check(
  'an init container at work is counted',
  {
    spec: init('i', 'j'),
    status: {
      phase: 'Pending',
      initContainerStatuses: [ended('i', 0), state('j', { state: { running: {} } })],
      containerStatuses: [waiting('a', 'PodInitializing')],
    },
  },
  `web ; 0/2 ; Init:1/2 ; 0 ; 5m | ${none}`,
)
check(
  'a failed init container shows its reason',
  { spec: init('i'), status: { phase: 'Pending', initContainerStatuses: [ended('i', 1, 'Error')] } },
  `web ; 0/2 ; Init:Error ; 0 ; 5m | ${none}`,
)
check(
  'or its exit code',
  { spec: init('i'), status: { phase: 'Pending', initContainerStatuses: [ended('i', 7)] } },
  `web ; 0/2 ; Init:ExitCode:7 ; 0 ; 5m | ${none}`,
)
check(
  'a crashing init container shows its restarts',
  {
    spec: init('i'),
    status: { phase: 'Pending', initContainerStatuses: [waiting('i', 'CrashLoopBackOff', { restartCount: 2, ...lastEnded(30) })] },
  },
  `web ; 0/2 ; Init:CrashLoopBackOff ; 2 (30s ago) ; 5m | ${none}`,
)
check(
  'after initialization the app containers wait',
  {
    spec: init('i'),
    status: { phase: 'Pending', initContainerStatuses: [ended('i', 0)], containerStatuses: [waiting('a', 'PodInitializing')] },
  },
  `web ; 0/2 ; PodInitializing ; 0 ; 5m | ${none}`,
)
check(
  'a sidecar counts among the containers',
  {
    spec: sidecar,
    status: {
      phase: 'Running',
      initContainerStatuses: [running('s', { started: true, restartCount: 1 })],
      containerStatuses: [running('a'), running('b')],
    },
  },
  `web ; 3/3 ; Running ; 1 ; 5m | ${none}`,
)
check(
  'a sidecar that has not started holds the pod back',
  { spec: sidecar, status: { phase: 'Pending', initContainerStatuses: [state('s', { state: { running: {} }, started: false })] } },
  `web ; 0/3 ; Init:0/1 ; 0 ; 5m | ${none}`,
)

check(
  'a pod being deleted is terminating',
  { deleted: true, status: { phase: 'Running', containerStatuses: [running('a'), running('b')] } },
  `web ; 2/2 ; Terminating ; 0 ; 5m | ${none}`,
)
check(
  'a terminal one keeps its reason',
  { deleted: true, status: { phase: 'Succeeded', containerStatuses: [ended('a', 0, 'Completed')] } },
  `web ; 0/2 ; Completed ; 0 ; 5m | ${none}`,
)
check(
  'on a lost node nobody knows',
  { deleted: true, status: { phase: 'Running', reason: 'NodeLost' } },
  `web ; 0/2 ; Unknown ; 0 ; 5m | ${none}`,
)
check(
  'a stopped pod says so',
  {
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', reason: 'Stopped' }],
      containerStatuses: [ended('a', 0, 'Completed'), ended('b', 143, 'Error')],
    },
  },
  `web ; 0/2 ; Stopped ; 0 ; 5m | ${none}`,
)
check(
  'the wide columns place it',
  {
    spec: { nodeName: 'n1', readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] },
    status: {
      phase: 'Running',
      podIP: '10.244.0.5',
      podIPs: [{ ip: '10.244.0.5' }],
      nominatedNodeName: 'n2',
      conditions: [{ type: 'x', status: 'True' }],
    },
  },
  'web ; 0/2 ; Running ; 0 ; 5m | 10.244.0.5 ; n1 ; n2 ; 1/2',
)
