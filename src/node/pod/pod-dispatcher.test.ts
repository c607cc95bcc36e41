import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../../apiserver/test-api.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { ObjectInformer } from '../../client/informer.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { virtualClock, type VirtualClock } from '../../platform/virtual-clock.ts'
import { changesPerTurnMax, createPodDispatcher } from './pod-dispatcher.ts'

let version = 1_000_000

const pod = (name: string, nodeName: string | undefined, uid = `uid-${name}`): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'a', name, uid, resourceVersion: String(++version) },
  spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
})

/** Two nodes; `told` is what they heard, as `NODE:UID` for a pod and `NODE:-UID` for its end. */
async function withDispatcher(
  takesTurns: boolean,
  use: (parts: {
    readonly informer: ObjectInformer<Pod>
    readonly told: string[]
    readonly fail: Set<string>
    readonly clock: VirtualClock
    readonly turn: () => Promise<void>
  }) => Promise<void>,
): Promise<void> {
  const clock = virtualClock()
  const random = seededRandom(5)
  const { api, client } = await createTestApi({ clock, random })
  const informer = new ObjectInformer<Pod>({ client, kind: kindRefs.coreV1.pods, clock, random, log: silentLog })
  const stop = new AbortController()
  const running = informer.run(stop.signal)
  const told: string[] = []
  const fail = new Set<string>()
  try {
    await clock.settle()
    const dispatcher = createPodDispatcher(informer, takesTurns ? { clock, log: silentLog } : undefined)
    for (const node of ['n1', 'n2'])
      dispatcher.source(node).onChange(({ current, old }) => {
        told.push(current ? `${node}:${current.metadata.uid}` : `${node}:-${old?.metadata.uid}`)
        if (fail.has(current?.metadata.name ?? '')) throw new Error('simulated')
      })
    await use({ informer, told, fail, clock, turn: () => clock.advance(0) })
  } finally {
    stop.abort(new Error('the test is over'))
    await clock.settle()
    await running
    await api.close()
  }
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`)

test('tells each node of its own pods at once', () =>
  withDispatcher(false, async ({ informer, told }) => {
    informer.observeWrite(pod('x', undefined))
    informer.observeWrite(pod('y', 'n2'))
    informer.observeWrite(pod('x', 'n1'))
    informer.observeDelete('a/y', 'uid-y')
    assert.deepEqual(told, ['n2:uid-y', 'n1:uid-x', 'n2:-uid-y'])
  }))

for (const takesTurns of [false, true])
  test(`a pod that another of its name has replaced has ended on its node${takesTurns ? ', in turns' : ''}`, () =>
    withDispatcher(takesTurns, async ({ informer, told, turn }) => {
      informer.observeWrite(pod('x', 'n1', 'first'))
      informer.observeWrite(pod('x', 'n2', 'second'))
      informer.observeWrite(pod('x', undefined, 'third'))
      await turn()
      assert.deepEqual(told, ['n1:first', 'n1:-first', 'n2:second', 'n2:-second'])
    }))

test('in turns: a few at a time, in their order, the others between them', () =>
  withDispatcher(true, async ({ informer, told, clock, turn }) => {
    const all = names(2 * changesPerTurnMax + 1)
    for (const name of all) informer.observeWrite(pod(name, 'n1'))
    assert.deepEqual(told, [], 'whoever brings the changes is not held up')
    const toldBefore: number[] = []
    const other = () => {
      toldBefore.push(told.length)
      if (toldBefore.length < 3) clock.schedule(0, other)
    }
    clock.schedule(0, other)
    await turn()
    assert.deepEqual(toldBefore, [changesPerTurnMax, 2 * changesPerTurnMax, 2 * changesPerTurnMax + 1])
    assert.deepEqual(
      told,
      all.map((name) => `n1:uid-${name}`),
    )
  }))

test('in turns: of a pod that has changed again only the last state is told', () =>
  withDispatcher(true, async ({ informer, told, turn }) => {
    informer.observeWrite(pod('x', 'n1'))
    informer.observeWrite(pod('y', 'n1'))
    informer.observeWrite(pod('x', 'n1'))
    informer.observeDelete('a/y', 'uid-y')
    await turn()
    assert.deepEqual(told, ['n1:uid-x', 'n1:-uid-y'])
  }))

test('in turns: a handler that fails takes nothing from the others', () =>
  withDispatcher(true, async ({ informer, told, fail, turn }) => {
    fail.add('p1')
    for (const name of names(3)) informer.observeWrite(pod(name, 'n1'))
    await turn()
    assert.deepEqual(told, ['n1:uid-p0', 'n1:uid-p1', 'n1:uid-p2'])
  }))

test('in turns: what becomes of a pod that its node knows is told at once, of others after their turn', () =>
  withDispatcher(true, async ({ informer, told, turn }) => {
    informer.observeWrite(pod('x', 'n1'))
    await turn()
    informer.observeWrite(pod('y', 'n1'))
    informer.observeWrite(pod('x', 'n1'))
    informer.observeDelete('a/x', 'uid-x')
    assert.deepEqual(told.splice(0), ['n1:uid-x', 'n1:uid-x', 'n1:-uid-x'])
    await turn()
    assert.deepEqual(told, ['n1:uid-y'])
  }))
