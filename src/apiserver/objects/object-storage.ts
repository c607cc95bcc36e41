import type { Asking } from '../contract.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import {
  type CommitResult,
  type Entry,
  type Operation,
  type Revision,
  type Store,
  type StoreKey,
  StoreRequestTooLarge,
} from '../../store/contract.ts'
import type { CacheCommit, CacheEntry, WatchCache } from '../../store/watch-cache-contract.ts'
import { briefly, CachedObject, decodeStored, frameHeadSpace, frameSpace, lately } from './cached-object.ts'
import { canonicalObject, encodeAlike, encodeCanonical, encodeStored } from './codec.ts'
import { createLazyViews } from './lazy-view.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { Slab, type Slabs } from './slabs.ts'

/**
 * Objects on top of the watch cache: reads come from memory, writes go through the store and are seen by their own
 * writer. What is read is in the storage version; `view` gives the version that was asked for.
 */
export type ObjectStorage = {
  readonly cache: WatchCache<CachedObject>
  readonly store: Store
  readonly slabs: Slabs
  get(resource: Resource, namespace: string, name: string): CacheEntry<CachedObject> | undefined
  /** One conditional write. A conflict is a value. */
  put(key: StoreKey, object: KubeObject, expected: Revision | 'absent', more?: readonly Operation[]): Promise<PutResult>
  /** Several conditional writes in one turn, which the store joins: each has a revision and an outcome of its own. Rejects when the server closes. */
  putEach(writes: readonly ObjectWrite[]): Promise<PromiseSettledResult<PutResult>[]>
  /** The same of one and of several, with deletions among them. */
  change(change: ObjectChange): Promise<ChangeResult>
  changeEach(changes: readonly ObjectChange[]): Promise<PromiseSettledResult<ChangeResult>[]>
  /**
   * New objects that differ from `first` in name and uid alone, one commit each, which the store joins: each has a revision of its own
   * and its own answer, in the order of `names`. Encoded once.
   */
  putAlike(first: KubeObject, names: readonly AlikeName[]): Promise<PromiseSettledResult<PutResult>[]>
  commit(operations: readonly Operation[]): ReturnType<Store['commit']>
  /** The object as it would be stored, for a dry run. */
  uncommitted(object: KubeObject, revision: Revision | undefined): CachedObject
  decodeEntry(entry: Entry): CachedObject
}

/** What tells one of many alike objects from the others. */
export type AlikeName = { readonly key: StoreKey; readonly name: string; readonly uid: string }

export type ObjectWrite = { readonly key: StoreKey; readonly object: KubeObject; readonly expected: Revision | 'absent' }
export type ObjectChange =
  | ({ readonly type: 'put' } & ObjectWrite)
  | {
      readonly type: 'delete'
      readonly key: StoreKey
      readonly expected: Revision
      /** What happens in the same commit, or not at all. */
      readonly more?: readonly Operation[]
      /** What watchers of this server are told that it was, if not what is stored. */
      readonly last?: KubeObject | undefined
    }
export type PutResult = { readonly type: 'committed'; readonly value: CachedObject } | { readonly type: 'conflict'; readonly key: StoreKey }
/** `value`: what is stored now; absent of what was deleted. */
export type ChangeResult =
  | { readonly type: 'committed'; readonly revision: Revision; readonly value?: CachedObject }
  | { readonly type: 'conflict' }

type Prepared = {
  readonly key: StoreKey
  readonly value: Buffer
  readonly canonical: KubeObject
  readonly expected: Revision | 'absent'
}

function encoded(object: KubeObject): { readonly canonical: KubeObject; readonly value: Buffer } {
  const canonical = canonicalObject(object)
  return { canonical, value: encodeCanonical(canonical) }
}

export function createObjectStorage(parts: { cache: WatchCache<CachedObject>; store: Store; slabs: Slabs }): ObjectStorage {
  const { cache, store, slabs } = parts
  const commit: typeof cache.commit = (...args) => cache.commit(...args).catch(refuseTooLarge)
  const prepared = ({ key, value, canonical, expected }: Prepared) => {
    let stored: CachedObject | undefined
    return {
      put: { type: 'put', key, value, expected } as const,
      decode: (revision: Revision) =>
        (stored = decodeStored(slabs, value, revision, canonical, canonical.kind === 'Event' ? briefly : lately)),
      resultOf: (result: CommitResult): PutResult => {
        if (result.type === 'conflict') return { type: 'conflict', key: result.key }
        if (!stored) return { type: 'committed', value: decodeAside(value, result.revision) }
        return { type: 'committed', value: stored }
      },
    }
  }
  const decodersOf = (operations: readonly Operation[]) =>
    operations.flatMap((o) => (o.type === 'put' ? [(revision: Revision) => decodeStored(slabs, o.value, revision)] : []))
  const commitEach = async <R>(
    commits: readonly (CacheCommit<CachedObject> & { readonly resultOf: (result: CommitResult) => R })[],
  ): Promise<PromiseSettledResult<R>[]> => {
    const outcomes = await cache.commitEach(commits)
    return outcomes.map((outcome, i) =>
      outcome.status === 'fulfilled'
        ? { status: 'fulfilled', value: commits[i]!.resultOf(outcome.value) }
        : { status: 'rejected', reason: tooLarge(outcome.reason) },
    )
  }
  const putPrepared = (writes: readonly Prepared[]) =>
    commitEach(
      writes.map((write) => {
        const { put, decode, resultOf } = prepared(write)
        return { operations: [put], decoded: [decode], resultOf }
      }),
    )
  const preparedChange = (change: ObjectChange) => {
    if (change.type === 'put') {
      const { key, object, expected } = change
      const { put, decode, resultOf } = prepared({ ...encoded(object), key, expected })
      return { operations: [put], decoded: [decode], resultOf: (result: CommitResult) => withRevision(resultOf(result)) }
    }
    const { type, key, expected, more = [], last } = change
    const told = last && encoded(last)
    const tell = told ? [(revision: Revision) => decodeStored(slabs, told.value, revision, told.canonical, lately)] : []
    return {
      operations: [{ type, key, expected, last: told?.value }, ...more],
      decoded: [...tell, ...decodersOf(more)],
      resultOf: (result: CommitResult): ChangeResult => (result.type === 'conflict' ? conflict : result),
    }
  }
  return {
    cache,
    store,
    slabs,
    get: (resource, namespace, name) => cache.get(keyOfObject(resource, namespace, name)),
    put: async (key, object, expected, more = []) => {
      const { put, decode, resultOf } = prepared({ ...encoded(object), key, expected })
      return resultOf(await commit([put, ...more], [decode, ...decodersOf(more)]))
    },
    putEach: (writes) => putPrepared(writes.map(({ key, object, expected }) => ({ ...encoded(object), key, expected }))),
    putAlike: (first, names) => {
      const canonical = canonicalObject(first)
      const encode = encodeAlike(canonical)
      return putPrepared(
        names.map(({ key, name, uid }) => {
          const one = { ...canonical, metadata: { ...canonical.metadata, name, uid } }
          return { key, value: encode(one), canonical: one, expected: 'absent' }
        }),
      )
    },
    changeEach: (changes) => commitEach(changes.map(preparedChange)),
    change: async (change) => {
      const { operations, decoded, resultOf } = preparedChange(change)
      return resultOf(await commit(operations, decoded))
    },
    commit: (operations) => commit(operations),
    uncommitted: (object, revision) => decodeAside(encodeStored(object), revision),
    decodeEntry: (entry) => decodeAside(entry.value, entry.revision),
  }
}

const conflict = { type: 'conflict' } as const
const withRevision = (result: PutResult): ChangeResult =>
  result.type === 'conflict' ? conflict : { type: 'committed', revision: result.value.revision, value: result.value }

const tooLarge = (error: unknown) => (error instanceof StoreRequestTooLarge ? statusErrors.requestEntityTooLarge(error.message) : error)

function refuseTooLarge(error: unknown): never {
  throw tooLarge(error)
}

/** The object in the version of the resource that was asked for; shared and frozen like `cached.object`. */
export function viewOf(resource: Resource, cached: CachedObject): KubeObject {
  const { conversion } = resource
  return conversion ? cached.derived(resource.viewKey, () => conversion.fromStored(cached.object, cached)) : cached.object
}

/** A `viewOf` without managed fields where that is cheaper (of what is stored as it is served), and lazy where there may be very many. */
export function createLeanView(): ListedView {
  const lazyView = createLazyViews()
  return (resource, cached) => (resource.conversion ? viewOf(resource, cached) : resource.kind.isNumerous ? lazyView(cached) : cached.lean)
}

export type ListedView = (resource: Resource, cached: CachedObject) => KubeObject

/** To be awaited, where it gives something, before the views of objects are taken. Undefined for nearly every resource. */
export function prepareViews(resource: Resource, values: () => readonly CachedObject[], asking?: Asking): Promise<void> | undefined {
  return resource.conversion?.prepare?.(values(), asking)
}

/** Whether the stored bytes are what is served of the object in this version. */
export function isServedAsStored(resource: Resource, cached: CachedObject): boolean {
  if (!resource.conversion) return true
  const { object } = cached
  return resource.isCustom && viewOf(resource, cached) === object
}

/** A cached object in a slab of its own, outside of the cache's accounting: history pages and dry runs. */
function decodeAside(value: Uint8Array, revision: Revision | undefined): CachedObject {
  const at = Buffer.from(value.buffer, value.byteOffset, value.byteLength).indexOf('"metadata":{') + '"metadata":{'.length
  const splice = revision === undefined ? '' : `"resourceVersion":"${revision}",`
  const length = value.length + splice.length
  const slab = Slab.ofBytes(length + frameSpace)
  slab.bytes.set(value.subarray(0, at), frameHeadSpace)
  slab.bytes.write(splice, frameHeadSpace + at, 'latin1')
  slab.bytes.set(value.subarray(at), frameHeadSpace + at + splice.length)
  return new CachedObject({ slab, start: frameHeadSpace, length, revision: (revision ?? 0) as Revision, object: undefined })
}
