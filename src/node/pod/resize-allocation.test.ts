import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import type { PodEvent } from './pod-context.ts'
import { containerFixture, healthyRecord, viewFixture } from './pod-fixtures.ts'
import { type PodRecords, rebuildRecords, type ResizeRefusal } from './pod-records.ts'
import { podStatus } from './pod-status.ts'
import { allocatedPod, isResized, unresized } from './resize.ts'
import { allocateResize, completeResize, takeResize } from './resize-allocation.ts'
import { containerViews } from './pod-view.ts'

const asking = (cpu: string, generation: number): Pod => ({
  ...viewFixture({ spec: { containers: [containerFixture('a', { resources: { requests: { cpu } } })] } }).pod,
  metadata: { name: 'p', namespace: 'ns', uid: 'uid-1', generation },
})
const start = { nowMs: 0, monotonicMs: 0 }
const [old, pod] = [asking('1', 1), asking('2', 2)]

/** A change from `old` to `pod` weighed with `refusals` in turn, with what was told and what the pod has then. */
function weighed(refusals: readonly (ResizeRefusal | undefined)[]): { events: string[]; records: PodRecords; cpu: unknown } {
  const events: string[] = []
  const records = rebuildRecords(old, start)
  let turn = 0
  const context = {
    admitResize: () => refusals[turn++],
    event: (_: Pod, { type, reason, message }: PodEvent) => events.push(`${type} ${reason} ${message.split(':')[0]}`),
  }
  takeResize(context, records, { old, pod })
  for (const _ of refusals.slice(1)) allocateResize(context, records, pod)
  completeResize(context, records, pod)
  return { events, records, cpu: allocatedPod(pod, records).spec?.containers?.[0]?.resources?.requests?.cpu }
}

const deferred: ResizeRefusal = { reason: 'Deferred', message: 'later' }
const infeasible: ResizeRefusal = { reason: 'Infeasible', message: 'never' }

test('a resize that fits is granted at once', () => {
  const { events, records, cpu } = weighed([undefined])
  assert.deepEqual(events, ['Normal ResizeStarted Pod resize started', 'Normal ResizeCompleted Pod resize completed'])
  assert.deepEqual([records.resizePending, records.resizeGeneration, cpu], [undefined, undefined, '2'])
})

test('a resize that waits is told of once and leaves the pod what it had, until it is granted', () => {
  const waiting = weighed([deferred, deferred])
  assert.deepEqual(waiting.events, ['Warning ResizeDeferred Pod resize Deferred'])
  assert.deepEqual([waiting.records.resizePending, waiting.cpu], [{ ...deferred, generation: 2 }, '1'])
  const granted = weighed([deferred, undefined])
  assert.deepEqual([granted.records.resizePending, granted.cpu], [undefined, '2'])
})

test('a resize that never fits says so', () => {
  const { events, records } = weighed([infeasible])
  assert.deepEqual([events, records.resizePending?.reason], [['Warning ResizeInfeasible Pod resize Infeasible'], 'Infeasible'])
})

test('a wish that is taken back while it waits leaves nothing to tell', () => {
  const records = rebuildRecords(old, start)
  const context = { admitResize: () => deferred, event: () => {} }
  takeResize(context, records, { old, pod })
  takeResize(context, records, { old: pod, pod: asking('1', 3) })
  assert.deepEqual([records.allocated, records.resizePending], [undefined, undefined])
})

const resources = (cpu: string): ResourceRequirements => ({ requests: { cpu }, limits: { cpu, 'ephemeral-storage': '1Gi' } })
const resizing = viewFixture({
  spec: { containers: [containerFixture('a', { resources: resources('2') })] },
  containers: { a: { is: 'running' } },
  containerRecords: { a: { ...healthyRecord('a'), applied: { requests: { cpu: '1' }, limits: { cpu: '1' } } } },
  records: { resizeGeneration: 1 },
})

test('the status tells what a container was granted beside what it has', () => {
  const status = podStatus(resizing, { hostIPs: [] })
  const [a] = status.containerStatuses!
  assert.deepEqual(a!.allocatedResources, { cpu: '2' })
  assert.deepEqual(a!.resources, { requests: { cpu: '1' }, limits: { cpu: '1', 'ephemeral-storage': '1Gi' } })
  const [condition] = status.conditions!.filter((c) => c.type.startsWith('PodResize'))
  assert.deepEqual([condition!.type, condition!.status, condition!.observedGeneration], ['PodResizeInProgress', 'True', 1])
  assert.deepEqual(unresized(containerViews(resizing)), ['a'])
})

test('the status tells what the pod as a whole was granted and what its cgroup has', () => {
  const view = viewFixture({
    spec: { resources: { requests: { cpu: '2' }, limits: { cpu: '3' } } },
    containers: { a: { is: 'running' } },
    records: { appliedToPod: { requests: { cpu: '1' }, limits: { cpu: '3' } } },
  })
  const { resources: has, allocatedResources } = podStatus(view, { hostIPs: [] })
  assert.deepEqual([has, allocatedResources], [{ requests: { cpu: '1' }, limits: { cpu: '3' } }, { cpu: '2' }])
  assert.equal(isResized(view, containerViews(view)), false)
})

test('a container that has ended tells what it had', () => {
  const { containerStatuses } = podStatus(
    viewFixture({
      spec: { containers: [containerFixture('a', { resources: resources('2') }), containerFixture('b')] },
      containers: { a: { is: 0 } },
    }),
    { hostIPs: [] },
  )
  const shown = containerStatuses!.map((s) => [s.allocatedResources, s.resources])
  assert.deepEqual(shown, [
    [{ cpu: '2' }, resources('2')],
    [undefined, undefined],
  ])
})

test('an agent that starts again knows what was granted from the status', () => {
  const status = {
    containerStatuses: [
      {
        ...{ name: 'a', ready: true, restartCount: 0, image: '', imageID: '' },
        ...{ state: { running: {} }, allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' } } },
      },
    ],
    conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Deferred', message: 'later', observedGeneration: 2 }],
  } satisfies Pod['status']
  const records = rebuildRecords({ ...pod, status }, start)
  assert.deepEqual(records.allocated, { pod: undefined, containers: { a: { requests: { cpu: '1' } } } })
  assert.deepEqual(records.resizePending, { ...deferred, generation: 2 })
  assert.equal(rebuildRecords({ ...old, status }, start).allocated, undefined)
})
