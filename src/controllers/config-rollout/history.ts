/**
 * What a workload's ConfigMaps and Secrets held at each of its configuration revisions. Kept in one Secret beside the workload, so that
 * whoever may not read Secrets cannot read it here either; revisions are numbers, for a hash of a short secret would give it away.
 */
import type { ConfigMap, Secret } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'

/** By `ConfigMap/name` or `Secret/name`; what does not exist is left out. */
export type Snapshot = Readonly<Record<string, Content>>
export type Content = { readonly data?: Readonly<Record<string, string>>; readonly binaryData?: Readonly<Record<string, string>> }

/** `roll`: the template is to get the revision. `restore`: the template has it, the configuration is to follow. */
export type Pending = { readonly type: 'roll' | 'restore'; readonly revision: number }

export type History = {
  /** The revision that template and configuration agree on. */
  readonly recorded: number
  readonly pending?: Pending
  readonly snapshots: ReadonlyMap<number, Snapshot>
}

export const historyType = 'keelson.dev/config-history'
const stateKey = 'state'
const revisionKey = (revision: number) => `revision-${revision}`
/** As many as a workload keeps of its templates. */
const snapshotsMax = 10
/** A Secret holds a mebibyte, in base64. */
const charactersMax = 700_000
/** A configuration beyond this is not followed: its history would not fit. */
export const snapshotCharactersMax = 300_000

export function contentOf({ data, binaryData }: ConfigMap & Secret): Content {
  return { ...(data ? { data } : {}), ...(binaryData ? { binaryData } : {}) }
}

export function readHistory(secret: Secret): History | undefined {
  const read = (key: string): unknown => {
    const text = secret.data?.[key]
    return text === undefined ? undefined : JSON.parse(Buffer.from(text, 'base64').toString())
  }
  try {
    const state = read(stateKey) as { recorded: number; pending?: Pending } | undefined
    if (typeof state?.recorded !== 'number') return undefined
    const snapshots = new Map<number, Snapshot>()
    for (const key of Object.keys(secret.data ?? {})) {
      const revision = /^revision-(\d+)$/.exec(key)?.[1]
      if (revision !== undefined) snapshots.set(Number(revision), read(key) as Snapshot)
    }
    return { ...state, snapshots }
  } catch {
    // Somebody has written into it: it begins anew.
    return undefined
  }
}

/** The Secret's data. The oldest revisions go when there are too many or they are too large together; never one that is in use. */
export function writeHistory({ recorded, pending, snapshots }: History): Record<string, string> {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  const used = new Set([recorded, pending?.revision])
  const data: Record<string, string> = { [stateKey]: encode({ recorded, ...(pending ? { pending } : {}) }) }
  let characters = 0
  const newestFirst = [...snapshots].sort(([a], [b]) => Number(used.has(b)) - Number(used.has(a)) || b - a)
  for (const [revision, snapshot] of newestFirst.slice(0, snapshotsMax)) {
    const text = encode(snapshot)
    characters += text.length
    if (characters > charactersMax && !used.has(revision)) break
    data[revisionKey(revision)] = text
  }
  return data
}

/** `other`: objects came or went, because the template names others now; those that both know are equal. */
export function compareSnapshots(before: Snapshot, after: Snapshot): 'equal' | 'other' | 'changed' {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  let result: 'equal' | 'other' = 'equal'
  for (const name of names) {
    if (!before[name] || !after[name]) result = 'other'
    else if (!deepEqual(before[name], after[name])) return 'changed'
  }
  return result
}
