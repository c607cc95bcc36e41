import { statusErrors } from '../../machinery/status-error.ts'
import { type Revision, StoreCompacted, StoreFutureRevision, type StoreKey } from '../../store/contract.ts'
import type { CacheEntry } from '../../store/watch-cache-contract.ts'
import type { CachedObject } from '../cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import type { Pace } from '../flowcontrol/pace.ts'
import { prepareViews } from '../object-storage.ts'
import { keyOfObject, prefixOf, type Resource } from '../registry.ts'
import { decodeContinue, encodeContinue } from './continue-token.ts'
import { cacheAtLeast, parseResourceVersion } from './read-revision.ts'
import { parseSelection, type Selection } from './selection.ts'

export type ListRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** 0 or absent: no limit. */
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: string | undefined
  /** A watch's; refused. */
  readonly sendInitialEvents?: boolean | undefined
}

export type ListPage = {
  readonly items: readonly CachedObject[]
  readonly revision: Revision
  /** Empty on the last page. */
  readonly continueToken: string
  /** Known only without selectors. */
  readonly remaining: number | undefined
}

/** Where a page is cut from. */
type Snapshot = { readonly revision: Revision; readonly entries: readonly CacheEntry<CachedObject>[] }

/**
 * One page of a resource as of one revision (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
 * Throws StatusError: 400, 410 Expired for a revision that is forgotten, 422 for options that contradict each other, 504.
 */
export async function listObjects(core: Core, context: RequestContext, request: ListRequest): Promise<ListPage> {
  const { resource, namespace } = request
  validateOptions(request)
  const selection = parseSelection(resource, request.labelSelector, request.fieldSelector)
  if (selection?.name !== undefined && !request.continue && isSingle(resource, namespace))
    return singleName(core, context, request, selection)
  const { snapshot, after } = await snapshotFor(core, context, request)
  const preparing = prepareViews(resource, () => (request.fieldSelector ? snapshot.entries.map((entry) => entry.value) : []))
  if (preparing) await preparing
  const page = await cutPage(snapshot, {
    prefix: prefixOf(resource, namespace),
    after,
    limit: request.limit ?? 0,
    selection,
    pace: context.pace,
  })
  const views = prepareViews(resource, () => page.items)
  if (views) await views
  return page
}

const isSingle = (resource: Resource, namespace: string) => resource.kind.scope === 'Cluster' || namespace !== ''

/** `fieldSelector=metadata.name=x` is a look-up, not a scan. */
async function singleName(core: Core, context: RequestContext, request: ListRequest, selection: Selection): Promise<ListPage> {
  await cacheAtLeast(core, context, parseResourceVersion(request.resourceVersion))
  const { cache } = core.storage
  const entry = cache.get(keyOfObject(request.resource, request.namespace, selection.name!))
  const preparing = entry && prepareViews(request.resource, () => [entry.value])
  if (preparing) await preparing
  const items = entry && selection.matches(entry.value) ? [entry.value] : []
  return { items, revision: cache.revision, continueToken: '', remaining: undefined }
}

async function snapshotFor(
  core: Core,
  context: RequestContext,
  request: ListRequest,
): Promise<{ snapshot: Snapshot; after: StoreKey | undefined }> {
  const { cache } = core.storage
  const prefix = prefixOf(request.resource, request.namespace)
  if (request.continue) {
    const token = decodeContinue(request.continue, prefix)
    const { after, revision } = token
    if (revision !== undefined) return { snapshot: await snapshotAt(core, prefix, { revision, after }), after }
    await cacheAtLeast(core, context, undefined)
    const snapshot = { revision: cache.revision, entries: cache.list(prefix) }
    remember(core, prefix, snapshot)
    return { snapshot, after }
  }
  const wanted = parseResourceVersion(request.resourceVersion)
  const isExact =
    request.resourceVersionMatch === 'Exact' ||
    (!request.resourceVersionMatch && wanted !== undefined && wanted > 0 && (request.limit ?? 0) > 0)
  await cacheAtLeast(core, context, wanted)
  if (isExact && wanted !== cache.revision) {
    return { snapshot: await snapshotAt(core, prefix, { revision: wanted! }), after: undefined }
  }
  const snapshot = { revision: cache.revision, entries: cache.list(prefix) }
  if (request.limit) remember(core, prefix, snapshot)
  return { snapshot, after: undefined }
}

/** Snapshots that continued lists are likely to ask for again: entries are shared with the cache, so one costs a pointer an object. */
const snapshotsMax = 16
const remembered = new WeakMap<Core['storage'], Map<string, Snapshot>>()

function remember(core: Core, prefix: string, snapshot: Snapshot): void {
  const known = remembered.get(core.storage) ?? new Map<string, Snapshot>()
  remembered.set(core.storage, known)
  known.set(`${prefix}@${snapshot.revision}`, snapshot)
  if (known.size > snapshotsMax) known.delete(known.keys().next().value!)
}

async function snapshotAt(core: Core, prefix: string, at: { revision: Revision; after?: StoreKey }): Promise<Snapshot> {
  const known = remembered.get(core.storage)?.get(`${prefix}@${at.revision}`)
  // A compacted revision is gone for every client at once, whatever is still remembered here.
  if (known && at.revision >= core.storage.store.compactRevision) return known
  try {
    const { entries } = await core.storage.store.list(prefix, { revision: at.revision })
    const snapshot = {
      revision: at.revision,
      entries: entries.map((entry) => ({ ...entry, value: core.storage.decodeEntry(entry) })),
    }
    if (at.after !== undefined) remember(core, prefix, snapshot)
    return snapshot
  } catch (error) {
    if (error instanceof StoreCompacted) {
      if (at.after === undefined) throw statusErrors.expired('The resourceVersion for the provided list is too old.')
      throw statusErrors.expiredContinue(encodeContinue({ revision: undefined, key: at.after, prefix }))
    }
    if (error instanceof StoreFutureRevision) throw statusErrors.badRequest(`the resource version ${at.revision} has not happened yet`)
    throw error
  }
}

type Cut = {
  readonly prefix: string
  readonly after: StoreKey | undefined
  readonly limit: number
  readonly selection: Selection | undefined
  readonly pace: Pace | undefined
}

async function cutPage(snapshot: Snapshot, options: Cut): Promise<ListPage> {
  const { entries, revision } = snapshot
  const { after, limit, selection, pace } = options
  const items: CachedObject[] = []
  let at = after === undefined ? 0 : firstAfter(entries, after)
  for (; at < entries.length && (limit === 0 || items.length < limit); at++) {
    const { value } = entries[at]!
    if (!selection || selection.matches(value)) items.push(value)
    const turn = selection && at % 64 === 63 ? pace?.slice() : undefined
    if (turn) await turn
  }
  // A page that is full exactly at the end of what matches still has to say that nothing follows.
  for (; selection && at < entries.length && !selection.matches(entries[at]!.value); at++) {
    const turn = at % 64 === 63 ? pace?.slice() : undefined
    if (turn) await turn
  }
  const isLast = at >= entries.length
  return {
    items,
    revision,
    continueToken: isLast ? '' : encodeContinue({ revision, key: entries[at - 1]!.key, prefix: options.prefix }),
    remaining: isLast || selection ? undefined : entries.length - at,
  }
}

function firstAfter(entries: readonly CacheEntry<CachedObject>[], key: StoreKey): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle]!.key <= key) low = middle + 1
    else high = middle
  }
  return low
}

function validateOptions(request: ListRequest): void {
  const { resourceVersionMatch: match, resourceVersion, limit } = request
  const refuse = (message: string, field = 'resourceVersionMatch') => {
    throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      { field, reason: 'FieldValueForbidden', message: `Forbidden: ${message}` },
    ])
  }
  if (limit !== undefined && limit < 0) throw statusErrors.badRequest('limit must be a non-negative integer')
  if (request.continue && resourceVersion && resourceVersion !== '0') {
    throw statusErrors.badRequest('specifying resource version is not allowed when using continue')
  }
  if (request.sendInitialEvents !== undefined) refuse('sendInitialEvents is forbidden for list', 'sendInitialEvents')
  if (!match) return
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`
    throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      { field: 'resourceVersionMatch', reason: 'FieldValueNotSupported', message },
    ])
  }
  if (request.continue) refuse('resourceVersionMatch is forbidden when continue is provided')
  if (!resourceVersion) refuse('resourceVersionMatch is forbidden unless resourceVersion is provided')
  if (match === 'Exact' && resourceVersion === '0') refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
}
