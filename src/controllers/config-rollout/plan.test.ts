import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareSnapshots, type History, readHistory, type Snapshot, writeHistory } from './history.ts'
import { type Observed, planConfig, type Step } from './plan.ts'

const of = (a: string, more: Snapshot = {}): Snapshot => ({ 'ConfigMap/a': { data: { key: a } }, ...more })
const history = (recorded: number, contents: readonly string[], pending?: History['pending']): History => ({
  recorded,
  ...(pending ? { pending } : {}),
  snapshots: new Map(contents.map((content, i) => [i + 1, of(content)])),
})

/** `history 2 roll 3`, `template 3`, `restore ConfigMap/a`, … */
function told(step: Step): string {
  switch (step.type) {
    case 'history': {
      const { recorded, pending } = step.history
      return ['history', recorded, pending?.type, pending?.revision, step.event?.reason].filter((word) => word !== undefined).join(' ')
    }
    case 'template':
      return `template ${step.revision}`
    case 'restore':
      return `restore ${Object.keys(step.contents).join()}`
    default:
      return step.type
  }
}

const cases: [string, Partial<Observed> & { live: Snapshot }, string][] = [
  ['begins a history with what is there', { live: of('x') }, 'history 1'],
  ['begins at the revision that the template names', { templateRevision: 4, live: of('x') }, 'history 4'],
  ['does nothing while nothing changes', { history: history(1, ['x']), live: of('x') }, 'none'],
  ['means to roll out a change', { history: history(1, ['x']), live: of('y') }, 'history 1 roll 2'],
  ['tells the template', { history: history(1, ['x', 'y'], { type: 'roll', revision: 2 }), live: of('y') }, 'template 2'],
  [
    'records what the template has',
    { templateRevision: 2, history: history(1, ['x', 'y'], { type: 'roll', revision: 2 }), live: of('y') },
    'history 2',
  ],
  ['knows an older content again', { templateRevision: 2, history: history(2, ['x', 'y']), live: of('x') }, 'history 2 roll 1'],
  ['sees that the template was rolled back', { history: history(2, ['x', 'y']), live: of('y') }, 'history 2 restore 1 ConfigRestoring'],
  ['restores what differs', { history: history(2, ['x', 'y'], { type: 'restore', revision: 1 }), live: of('y') }, 'restore ConfigMap/a'],
  [
    'is done when it is restored',
    { history: history(2, ['x', 'y'], { type: 'restore', revision: 1 }), live: of('x') },
    'history 1 ConfigRestored',
  ],
  [
    'leaves what cannot be changed',
    { history: history(2, ['x', 'y'], { type: 'restore', revision: 1 }), live: of('y'), immutable: new Set(['ConfigMap/a']) },
    'history 1 ConfigRestoreFailed',
  ],
  [
    'goes on when a revision is not kept',
    { templateRevision: 9, history: history(2, ['x', 'y']), live: of('y') },
    'history 9 ConfigRevisionMissing',
  ],
  [
    'takes in a new object without a rollout',
    { history: history(1, ['x']), live: of('x', { 'Secret/s': { data: { a: 'b' } } }) },
    'history 1',
  ],
  ['waits for one that is gone', { history: history(1, ['x']), live: {} }, 'none'],
  ['refuses what is too large to keep', { live: of('x'.repeat(400_000)) }, 'refuse'],
]
for (const [title, observed, expected] of cases)
  test(title, () => {
    const all = {
      templateRevision: undefined,
      history: undefined,
      immutable: new Set<string>(),
      referenced: new Set(['ConfigMap/a', 'Secret/s']),
    }
    assert.equal(told(planConfig({ ...all, ...observed })), expected)
  })

test('a history is read as it was written, keeps ten revisions, and those in use whatever their age', () => {
  const contents = Array.from({ length: 14 }, (_, i) => `content ${i}`)
  const written = history(1, contents, { type: 'roll', revision: 14 })
  const read = readHistory({ metadata: {}, data: writeHistory(written) })
  assert.deepEqual([read?.recorded, read?.pending, read?.snapshots.size], [1, written.pending, 10])
  assert.deepEqual(read?.snapshots.get(1), of('content 0'))
  assert.equal(read?.snapshots.has(2), false)
  assert.equal(readHistory({ metadata: {}, data: { state: 'bm9uc2Vuc2U=' } }), undefined)
})

test('snapshots differ by content, not by what only one of them has', () => {
  assert.equal(compareSnapshots(of('x'), of('x')), 'equal')
  assert.equal(compareSnapshots(of('x'), of('y')), 'changed')
  assert.equal(compareSnapshots(of('x'), {}), 'other')
})
