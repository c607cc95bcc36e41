import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, NodeStatus } from '../../kinds/generated/types/core-v1.ts'
import { conditionEvents, schedulableEvents, startEvents } from './node-events.ts'

const statusOf = (conditions: Readonly<Record<string, 'True' | 'False' | 'Unknown'>>, bootID = 'b1'): NodeStatus => ({
  conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })),
  nodeInfo: { bootID } as NonNullable<NodeStatus['nodeInfo']>,
})
const well = statusOf({ MemoryPressure: 'False', DiskPressure: 'False', PIDPressure: 'False', Ready: 'False' })
const told = (events: readonly { type: string; reason: string; message: string }[]) =>
  events.map((e) => `${e.type} ${e.reason}: ${e.message}`)

test('an agent that starts says so, what there is enough of, and whether the machine has been started anew', () => {
  const usual = [
    'Normal Starting: Starting kubelet.',
    'Normal NodeHasSufficientMemory: Node n status is now: NodeHasSufficientMemory',
    'Normal NodeHasNoDiskPressure: Node n status is now: NodeHasNoDiskPressure',
    'Normal NodeHasSufficientPID: Node n status is now: NodeHasSufficientPID',
  ]
  assert.deepEqual(told(startEvents('n', well, well)), usual)
  assert.deepEqual(told(startEvents('n', undefined, well)), usual)
  assert.deepEqual(told(startEvents('n', statusOf({}, 'b0'), well)).slice(4), ['Warning Rebooted: Node n has been rebooted, boot id: b1'])
})

test('a condition that changes is told by its name of upstream, also when others had doubted it', () => {
  const reasonsOf = (before: NodeStatus | undefined, now: NodeStatus) => conditionEvents('n', before, now).map((e) => e.reason)
  assert.deepEqual(reasonsOf(well, well), [])
  assert.deepEqual(reasonsOf(undefined, well), [])
  assert.deepEqual(reasonsOf(well, statusOf({ MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'True', Ready: 'True' })), [
    'NodeHasInsufficientMemory',
    'NodeHasDiskPressure',
    'NodeHasInsufficientPID',
    'NodeReady',
  ])
  assert.deepEqual(reasonsOf(statusOf({ Ready: 'Unknown' }), statusOf({ Ready: 'False' })), ['NodeNotReady'])
})

test('to be cordoned and not to be any more is told', () => {
  const node = (unschedulable?: boolean): Node => ({ metadata: { name: 'n' }, spec: unschedulable === undefined ? {} : { unschedulable } })
  assert.deepEqual(told(schedulableEvents(node(), node(true))), ['Normal NodeNotSchedulable: Node n status is now: NodeNotSchedulable'])
  assert.deepEqual(told(schedulableEvents(node(true), node(false))), ['Normal NodeSchedulable: Node n status is now: NodeSchedulable'])
  assert.deepEqual(schedulableEvents(node(), node(false)), [])
})
