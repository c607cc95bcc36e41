/**
 * Rolls a workload out when its configuration changes, and brings the configuration back when the workload is rolled back.
 *  1. Intent first: `pending` is written before what it announces, so that a half-done step is finished and never taken for a user's.
 *  2. A template that names another revision than the recorded one, while nothing is pending, was rolled back by a user.
 *  3. A change of the configuration that leads back to an older content leads back to that revision's number.
 */
import { compareSnapshots, type Content, type History, type Snapshot, snapshotCharactersMax } from './history.ts'

export type Observed = {
  /** The revision that the template names; undefined: it names none, which means the first. */
  readonly templateRevision: number | undefined
  readonly history: History | undefined
  /** What the objects that the template names hold now. */
  readonly live: Snapshot
  /** Names that the template refers to, whether they exist or not. */
  readonly referenced: ReadonlySet<string>
  /** Names in `live` that cannot be changed. */
  readonly immutable: ReadonlySet<string>
}

export type EventText = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

export type Step =
  | { readonly type: 'none' }
  | { readonly type: 'history'; readonly history: History; readonly event?: EventText }
  | { readonly type: 'template'; readonly revision: number; readonly event: EventText }
  /** Objects to write as they were. */
  | { readonly type: 'restore'; readonly contents: Readonly<Record<string, Content>> }
  | { readonly type: 'refuse'; readonly event: EventText }

const firstRevision = 1
const none: Step = { type: 'none' }

/** The next write. */
export function planConfig({ templateRevision = firstRevision, history, live, referenced, immutable }: Observed): Step {
  if (JSON.stringify(live).length > snapshotCharactersMax) {
    const message = 'ConfigMaps and Secrets of the template are too large together to be kept; changes are not rolled out'
    return { type: 'refuse', event: { type: 'Warning', reason: 'ConfigTooLarge', message } }
  }
  if (!history) return { type: 'history', history: { recorded: templateRevision, snapshots: new Map([[templateRevision, live]]) } }
  const { recorded, pending, snapshots } = history
  if (pending?.type === 'roll') return planRoll(history, pending.revision, templateRevision)
  if (pending?.type === 'restore') return planRestore(history, pending.revision, live, immutable)
  if (templateRevision !== recorded) return planRollback(history, templateRevision, live)
  const old = snapshots.get(recorded) ?? {}
  // What is gone but still named keeps its last content: when it comes back otherwise, that is a change.
  const present = { ...Object.fromEntries(Object.entries(old).filter(([name]) => referenced.has(name))), ...live }
  const compared = compareSnapshots(old, present)
  if (compared === 'equal') return none
  if (compared === 'other') return { type: 'history', history: { ...history, snapshots: new Map([...snapshots, [recorded, present]]) } }
  const known = [...snapshots].find(([, snapshot]) => compareSnapshots(snapshot, present) === 'equal')?.[0]
  const revision = known ?? Math.max(recorded, ...snapshots.keys()) + 1
  const pendingRoll = { type: 'roll' as const, revision }
  return { type: 'history', history: { recorded, pending: pendingRoll, snapshots: new Map([...snapshots, [revision, present]]) } }
}

function planRoll({ recorded, snapshots }: History, revision: number, templateRevision: number): Step {
  if (templateRevision === revision) return { type: 'history', history: { recorded: revision, snapshots } }
  const changed = changedNames(snapshots.get(recorded) ?? {}, snapshots.get(revision) ?? {})
  const message = `${changed.join(', ')} changed: rolling out configuration revision ${revision}`
  return { type: 'template', revision, event: { type: 'Normal', reason: 'ConfigChanged', message } }
}

function planRollback(history: History, revision: number, live: Snapshot): Step {
  const { recorded, snapshots } = history
  const snapshot = snapshots.get(revision)
  if (!snapshot) {
    const message = `configuration revision ${revision} is not kept any more: the workload goes on with the present one`
    const next = { recorded: revision, snapshots: new Map([...snapshots, [revision, live]]) }
    return { type: 'history', history: next, event: { type: 'Warning', reason: 'ConfigRevisionMissing', message } }
  }
  const message = `rolled back from configuration revision ${recorded} to ${revision}: restoring ${changedNames(snapshot, live).join(', ') || 'nothing'}`
  return {
    type: 'history',
    history: { ...history, pending: { type: 'restore', revision } },
    event: { type: 'Normal', reason: 'ConfigRestoring', message },
  }
}

function planRestore({ snapshots }: History, revision: number, live: Snapshot, immutable: ReadonlySet<string>): Step {
  const snapshot = snapshots.get(revision) ?? {}
  const changed = Object.keys(snapshot).filter((name) => compareSnapshots({ [name]: snapshot[name]! }, pick(live, name)) !== 'equal')
  const contents = Object.fromEntries(changed.filter((name) => !immutable.has(name)).map((name) => [name, snapshot[name]!]))
  if (Object.keys(contents).length > 0) return { type: 'restore', contents }
  const done = { recorded: revision, snapshots }
  if (changed.length === 0) {
    const message = `configuration revision ${revision} is back`
    return { type: 'history', history: done, event: { type: 'Normal', reason: 'ConfigRestored', message } }
  }
  const message = `${changed.join(', ')} cannot be restored to configuration revision ${revision}: immutable`
  const kept = { ...done, snapshots: new Map([...snapshots, [revision, { ...snapshot, ...live }]]) }
  return { type: 'history', history: kept, event: { type: 'Warning', reason: 'ConfigRestoreFailed', message } }
}

const pick = (snapshot: Snapshot, name: string): Snapshot => (snapshot[name] ? { [name]: snapshot[name] } : {})

function changedNames(a: Snapshot, b: Snapshot): string[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return names.filter((name) => compareSnapshots(pick(a, name), pick(b, name)) !== 'equal')
}
