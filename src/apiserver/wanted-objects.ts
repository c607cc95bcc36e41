/** Objects that a cluster has whatever its users do: made where they are missing, mended where they have changed. */
import { type Clock, toTime } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import type { KubeObject } from '../machinery/object.ts'
import { type Operation, operationsMax } from '../store/contract.ts'
import { encodeStored } from './objects/codec.ts'
import type { ObjectStorage } from './objects/object-storage.ts'
import { keyOfObject, type Registry, type Resource } from './registry.ts'

export type WantedObject = {
  readonly group: string
  readonly plural: string
  /** As it is stored, but for its uid and the time of its creation. */
  readonly object: KubeObject
  /** What takes the place of the one that is there, or that it has to go and come anew; undefined: nothing. Absent: it stays as it is. */
  readonly mended?: (current: KubeObject) => KubeObject | 'anew' | undefined
}

export type WantedParts = { readonly registry: Registry; readonly storage: ObjectStorage; readonly clock: Clock; readonly random: Random }

const attemptsMax = 5

/** As few commits as hold all that is missing, in one turn, so that the store syncs once. Throws when other writers keep changing them. */
export async function ensureWanted(parts: WantedParts, wanted: () => readonly WantedObject[]): Promise<void> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const operations = wanted().flatMap((one) => missing(parts, one))
    const commits: Operation[][] = []
    for (let at = 0; at < operations.length; at += operationsMax) commits.push(operations.slice(at, at + operationsMax))
    const results = await Promise.all(commits.map((some) => parts.storage.commit(some)))
    // What was deleted is made by the next attempt.
    if (results.every(({ type }) => type === 'committed') && !operations.some(({ type }) => type === 'delete')) return
  }
  throw new Error('the objects that every cluster has could not be created: other writers kept changing them')
}

export const resourceOfWanted = (registry: Registry, { group, plural }: WantedObject): Resource | undefined =>
  registry.find(group, 'v1', plural)

function missing({ registry, storage, random, clock }: WantedParts, wanted: WantedObject): Operation[] {
  const { object, mended } = wanted
  const resource = resourceOfWanted(registry, wanted)
  if (!resource) return []
  const key = keyOfObject(resource, object.metadata.namespace ?? '', object.metadata.name ?? '')
  const entry = storage.cache.get(key)
  if (!entry) {
    const metadata = { ...object.metadata, uid: random.uuid(), creationTimestamp: toTime(clock.now()) }
    return [{ type: 'put', key, value: encodeStored({ ...object, metadata }), expected: 'absent' }]
  }
  const next = mended?.(entry.value.object)
  if (!next) return []
  if (next === 'anew') return [{ type: 'delete', key, expected: entry.revision }]
  return [{ type: 'put', key, value: encodeStored(next), expected: entry.revision }]
}

/** A `mended`: the wanted content, and what there is beside it. */
export function keptAs({ kind: _k, apiVersion: _a, metadata: _m, ...content }: KubeObject & Record<string, unknown>) {
  return (current: KubeObject & Record<string, unknown>): KubeObject | undefined =>
    Object.entries(content).every(([field, value]) => deepEqual(current[field], value)) ? undefined : { ...current, ...content }
}
