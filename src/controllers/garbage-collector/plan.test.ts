import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject, ObjectMeta } from '../../machinery/object.ts'
import { type OwnerState, planCollection } from './plan.ts'

const object = (metadata: ObjectMeta = {}): KubeObject => ({ metadata: { name: 'x', uid: 'x', ...metadata } })
const owned = (...states: OwnerState[]) =>
  states.map((state, i) => ({ reference: { apiVersion: 'v1', kind: 'Owner', name: `o${i}`, uid: `o${i}` }, state }))
const dependent = (metadata: ObjectMeta = {}, blockOwnerDeletion = true): KubeObject => ({
  metadata: {
    name: 'd',
    uid: 'd',
    ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', blockOwnerDeletion }],
    ...metadata,
  },
})
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' }

function check(title: string, input: Partial<Parameters<typeof planCollection>[0]>, expected: readonly string[]): void {
  test(title, () => {
    const plan = planCollection({ object: object(), owners: [], dependents: [], ...input })
    const shown = plan.map((action) => {
      if (action.type === 'delete') return `delete ${action.propagation}`
      if (action.type === 'remove-finalizer') return `remove ${action.finalizer}`
      if (action.type === 'orphan') return `orphan ${action.dependents.length}`
      return `keep ${action.owners.map((o) => o.name + (o.blockOwnerDeletion === false ? ' unblocked' : '')).join()}`
    })
    assert.deepEqual(shown, expected)
  })
}

check('keeps what has no owners', {}, [])
check('keeps what has an owner', { owners: owned('exists') }, [])
check('deletes what has lost its only owner', { owners: owned('absent') }, ['delete Background'])
check('forgets the lost owner when another one exists', { owners: owned('absent', 'exists') }, ['keep o1'])
check('does not judge an owner of a kind that is not served', { owners: owned('unknown') }, [])
check('deletes by the way that the object’s finalizer asks for', { object: object({ finalizers: ['orphan'] }), owners: owned('absent') }, [
  'delete Orphan',
])
check('leaves an object alone that is being deleted', { object: object(deleting), owners: owned('absent') }, [])
check(
  'goes with an owner that waits, in the foreground if it has dependents itself',
  { owners: owned('waiting'), dependents: [dependent()] },
  ['delete Foreground'],
)
check('goes with an owner that waits, at once if it has none', { owners: owned('waiting') }, ['delete Background'])
check(
  'breaks a circle of two that wait for each other',
  { owners: owned('waiting'), dependents: [dependent({ ...deleting, finalizers: ['foregroundDeletion'] })] },
  ['keep o0 unblocked', 'delete Foreground'],
)
check(
  'foreground: waits for dependents that block',
  { object: object({ ...deleting, finalizers: ['foregroundDeletion'] }), dependents: [dependent()] },
  [],
)
check(
  'foreground: does not wait for those that do not',
  { object: object({ ...deleting, finalizers: ['foregroundDeletion'] }), dependents: [dependent({}, false)] },
  ['remove foregroundDeletion'],
)
check(
  'orphan: dependents forget first, then it goes',
  { object: object({ ...deleting, finalizers: ['orphan'] }), dependents: [dependent()] },
  ['orphan 1', 'remove orphan'],
)
