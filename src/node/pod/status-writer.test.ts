import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../../apiserver/test-api.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { delegateResource } from '../../client/delegate-resource.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ContainerState, Pod, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { type StatusGather, StatusWriter } from './status-writer.ts'

/** Counts writes: all, and how many were under way at a time. */
function counting(client: Client) {
  const counts = { all: 0, now: 0, most: 0 }
  const counted: Client = {
    ...client,
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      return {
        ...delegateResource(resource),
        patch: async (...args) => {
          counts.all++
          counts.most = Math.max(counts.most, ++counts.now)
          try {
            return await resource.patch(...args)
          } finally {
            counts.now--
          }
        },
      }
    },
  }
  return { counts, client: counted }
}

test('a burst is written one after another, and what became old while it waited not at all', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const api = await createTestApi({ clock, random })
  const pods = api.client.resource(kindRefs.coreV1.pods, 'default')
  const made: Pod[] = []
  for (let i = 0; i < 8; i++) {
    const spec = { containers: [{ name: 'c', image: 'registry.example/a:1' }] }
    made.push(await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${i}` }, spec }))
  }
  const { counts, client } = counting(api.client)
  const writer = new StatusWriter({ client, clock, random, log: silentLog, onWritten: () => {} }, new AbortController().signal)
  for (const pod of made) writer.put(pod, { ...pod.status, phase: 'Pending', message: 'starting' })
  await Promise.resolve()
  for (const pod of made) writer.put(pod, { ...pod.status, phase: 'Running' })
  for (const pod of made) await writer.flushed(pod.metadata.uid!)
  const after = (await pods.list()).items
  assert.deepEqual(
    after.map(({ status }) => [status?.phase, status?.message]),
    made.map(() => ['Running', undefined]),
  )
  assert.equal(counts.most, 1)
  assert(counts.all <= made.length + 1, `${counts.all} writes`)
})

test('what is stated while a write is on its way is written after it', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const { client } = await createTestApi({ clock, random })
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const spec = { containers: [{ name: 'c', image: 'registry.example/a:1' }] }
  const pod = await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec })
  let next = 0
  const onWritten = (written: Pod) => {
    if (next < 3) writer.put(written, { ...written.status, phase: 'Running', message: `step ${++next}` })
  }
  const writer = new StatusWriter({ client, clock, random, log: silentLog, onWritten }, new AbortController().signal)
  writer.put(pod, { ...pod.status, phase: 'Running' })
  await writer.flushed(pod.metadata.uid!)
  assert.equal((await pods.get('p')).status?.message, 'step 3')
})

/** As long as `isRefusing`, the server says of the pod that its name is another's, and nothing more. */
function refusing(client: Client, state: { isRefusing: boolean }): Client {
  const resourceInfo = { group: '', resource: 'pods' }
  return {
    ...client,
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      const orRefuse = <T>(call: () => Promise<T>, error: () => Error) => (state.isRefusing ? Promise.reject(error()) : call())
      return {
        ...delegateResource(resource),
        patch: (...args) =>
          orRefuse(
            () => resource.patch(...args),
            () => statusErrors.staleVersion(resourceInfo, 'p'),
          ),
        get: (...args) =>
          orRefuse(
            () => resource.get(...args),
            () => statusErrors.forbidden(resourceInfo, 'p', 'no relationship found'),
          ),
      }
    },
  }
}

test('a refusal is no news of an end: the status is written when it is over, or dropped when the pod is known to be gone', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const api = await createTestApi({ clock, random })
  const pods = api.client.resource(kindRefs.coreV1.pods, 'default')
  const spec = { containers: [{ name: 'c', image: 'registry.example/a:1' }] }
  const pod = await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec })
  const state = { isRefusing: true }
  const writer = new StatusWriter(
    { client: refusing(api.client, state), clock, random, log: silentLog, onWritten: () => {} },
    new AbortController().signal,
  )
  writer.put(pod, { ...pod.status, phase: 'Running' })
  await clock.advance(5_000)
  state.isRefusing = false
  await clock.advance(20_000)
  const running = await pods.get('p')
  assert.equal(running.status?.phase, 'Running')
  state.isRefusing = true
  writer.put(running, { ...running.status, phase: 'Failed' })
  await clock.advance(5_000)
  let isFlushed = false
  void writer.flushed(pod.metadata.uid!).then(() => (isFlushed = true))
  writer.forget(pod.metadata.uid!)
  await clock.advance(20_000)
  assert.equal(isFlushed, true)
})

const gather = { startMs: 2_000, endMs: 300 }

/** A pod on its way up, and the statuses of its first second. */
async function comingUp(gather: StatusGather, more: { readonly nodeName?: string } = {}) {
  const clock = virtualClock()
  const random = seededRandom(1)
  const api = await createTestApi({ clock, random })
  const pods = api.client.resource(kindRefs.coreV1.pods, 'default')
  const spec = { containers: [{ name: 'c', image: 'registry.example/a:1' }] }
  const made = await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { ...spec, ...more } })
  const leave = async () => {
    await pods.delete('p', { gracePeriodSeconds: 30 })
    return pods.get('p')
  }
  const pod = { ...made, leave }
  const { counts, client } = counting(api.client)
  const writer = new StatusWriter({ client, clock, random, log: silentLog, onWritten: () => {}, gather }, new AbortController().signal)
  const container = (state: ContainerState) => ({ name: 'c', image: 'a', imageID: '', ready: false, restartCount: 0, lastState: {}, state })
  const waiting = (reason: string, more: Partial<PodStatus> = {}): PodStatus => ({
    ...pod.status,
    phase: 'Pending',
    hostIP: '127.1.0.1',
    containerStatuses: [container({ waiting: { reason } })],
    ...more,
  })
  const running: PodStatus = {
    ...waiting(''),
    phase: 'Running',
    containerStatuses: [container({ running: { startedAt: '2026-01-01T00:00:01Z' } })],
  }
  return { clock, counts, writer, pod, waiting, running, status: async () => (await pods.get('p')).status }
}

test('the steps of a pod that comes up quickly are told with its start, in one write', async () => {
  const { clock, counts, writer, pod, waiting, running, status } = await comingUp(gather)
  writer.put(pod, waiting('ContainerCreating'))
  await clock.advance(100)
  writer.put(pod, waiting('ContainerCreating', { podIP: '10.0.0.1' }))
  await clock.advance(1_800)
  assert.equal(counts.all, 0)
  writer.put(pod, running)
  await clock.advance(1)
  assert.equal(counts.all, 1)
  assert.equal((await status())?.phase, 'Running')
  await clock.advance(5_000)
  assert.equal(counts.all, 1)
})

test('of a pod that takes longer it is told how far it has come', async () => {
  const { clock, writer, pod, waiting, status } = await comingUp(gather)
  writer.put(pod, waiting('ContainerCreating'))
  await clock.advance(1_999)
  assert.equal((await status())?.containerStatuses, undefined)
  await clock.advance(2)
  assert.equal((await status())?.containerStatuses?.[0]?.state?.waiting?.reason, 'ContainerCreating')
})

test('the first of several containers is told with the last one; one that has failed, and a pod that ran before, at once', async () => {
  const isCreating: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  const isRunning: ContainerState = { running: { startedAt: '2026-01-01T00:00:01Z' } }
  const several = await comingUp(gather)
  const states = (...each: ContainerState[]): PodStatus['containerStatuses'] =>
    each.map((state, i) => ({ ...several.running.containerStatuses![0]!, name: `c${i}`, state }))
  several.writer.put(several.pod, several.waiting('', { containerStatuses: states(isCreating, isCreating) }))
  await several.clock.advance(500)
  several.writer.put(several.pod, several.waiting('', { containerStatuses: states(isRunning, isCreating) }))
  await several.clock.advance(500)
  assert.equal(several.counts.all, 0)
  several.writer.put(several.pod, { ...several.running, containerStatuses: states(isRunning, isRunning) })
  await several.clock.advance(1)
  assert.equal(several.counts.all, 1)
  assert.equal((await several.status())?.phase, 'Running')

  const failed = await comingUp(gather)
  failed.writer.put(failed.pod, failed.waiting('', { containerStatuses: states({ terminated: { exitCode: 1 } }, isCreating) }))
  await failed.clock.advance(1)
  assert.equal((await failed.status())?.containerStatuses?.[0]?.state?.terminated?.exitCode, 1)

  const before = await comingUp(gather)
  before.writer.put(before.pod, before.running)
  await before.clock.advance(1)
  const ran: PodStatus = { ...(await before.status())! }
  before.writer.put({ ...before.pod, status: ran }, before.waiting('ContainerCreating'))
  await before.clock.advance(1)
  assert.equal((await before.status())?.phase, 'Pending')
})

test('what is more than a step is told at once: an image that cannot be had, a wish for the pod to be flushed', async () => {
  const first = await comingUp(gather)
  first.writer.put(first.pod, first.waiting('ContainerCreating'))
  await first.clock.advance(10)
  first.writer.put(first.pod, first.waiting('ErrImagePull'))
  await first.clock.advance(1)
  assert.equal((await first.status())?.containerStatuses?.[0]?.state?.waiting?.reason, 'ErrImagePull')
  const second = await comingUp(gather)
  second.writer.put(second.pod, second.waiting('ContainerCreating'))
  const flushed = second.writer.flushed(second.pod.metadata.uid!)
  await second.clock.advance(1)
  await flushed
  assert.equal(second.counts.all, 1)
})

test('the steps of a pod that goes are told together, that this was seen with whatever else there is; that it has failed at once', async () => {
  const { clock, counts, writer, pod, running, status } = await comingUp(gather, { nodeName: 'n' })
  writer.put(pod, running)
  await clock.advance(1)
  const leaving = await pod.leave()
  counts.all = 0
  const seen: PodStatus = { ...leaving.status, observedGeneration: 2 }
  writer.put(leaving, seen)
  await clock.advance(1_999)
  assert.equal(counts.all, 0)
  await clock.advance(2)
  assert.equal(counts.all, 1)
  assert.equal((await status())?.observedGeneration, 2)
  const moved = (hostIP: string) => ({ ...seen, hostIP, hostIPs: [{ ip: hostIP }] })
  writer.put(leaving, moved('127.1.0.8'))
  await clock.advance(100)
  writer.put(leaving, moved('127.1.0.9'))
  await clock.advance(199)
  assert.equal(counts.all, 1)
  await clock.advance(2)
  assert.equal(counts.all, 2)
  assert.equal((await status())?.hostIP, '127.1.0.9')
  writer.put(leaving, { ...moved('127.1.0.9'), phase: 'Failed' })
  await clock.advance(1)
  assert.equal((await status())?.phase, 'Failed')
})

test('what is told sooner does not wait for what may be told later', async () => {
  const { clock, writer, pod, running, status } = await comingUp(gather, { nodeName: 'n' })
  writer.put(pod, running)
  await clock.advance(1)
  const leaving = await pod.leave()
  const seen: PodStatus = { ...leaving.status, observedGeneration: 2 }
  writer.put(leaving, seen)
  await clock.advance(100)
  writer.put(leaving, { ...seen, conditions: [{ type: 'Ready', status: 'False', observedGeneration: 2 }] })
  await clock.advance(1)
  assert.equal((await status())?.conditions?.find(({ type }) => type === 'Ready')?.status, 'False')
})

test('the end of a pod is told with that of its sandbox, in one write; of one that takes longer, or of a failure with a reason, sooner', async () => {
  const ended = (status: 'True' | 'False'): Partial<PodStatus> => ({
    phase: 'Succeeded',
    conditions: [{ type: 'PodReadyToStartContainers', status }],
  })
  const quick = await comingUp(gather)
  quick.writer.put(quick.pod, quick.running)
  await quick.clock.advance(1)
  quick.counts.all = 0
  quick.writer.put(quick.pod, { ...quick.running, ...ended('True') })
  await quick.clock.advance(100)
  assert.equal(quick.counts.all, 0)
  quick.writer.put(quick.pod, { ...quick.running, ...ended('False') })
  await quick.clock.advance(1_000)
  assert.equal(quick.counts.all, 1)
  assert.equal((await quick.status())?.phase, 'Succeeded')

  const slow = await comingUp(gather)
  slow.writer.put(slow.pod, { ...slow.running, ...ended('True') })
  await slow.clock.advance(301)
  assert.equal((await slow.status())?.phase, 'Succeeded')
  slow.writer.put(slow.pod, { ...slow.running, ...ended('False') })
  await slow.clock.advance(1)
  assert.equal((await slow.status())?.conditions?.find(({ type }) => type === 'PodReadyToStartContainers')?.status, 'False')

  const refused = await comingUp(gather)
  refused.writer.put(refused.pod, { ...refused.running, ...ended('True'), phase: 'Failed', reason: 'Evicted' })
  await refused.clock.advance(1)
  assert.equal((await refused.status())?.reason, 'Evicted')
})

test('what the server has in other words is not written again and again', async () => {
  const { clock, counts, writer, pod, running } = await comingUp({ startMs: 0, endMs: 0 })
  // It derives podIPs from podIP: what is wanted never is.
  writer.put(pod, { ...running, podIP: '10.0.0.9' })
  await clock.advance(5_000)
  assert.ok(counts.all <= 2, `${counts.all} writes`)
})
