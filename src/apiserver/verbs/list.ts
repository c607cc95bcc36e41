import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { type Revision, StoreCompacted, StoreFutureRevision, type StoreKey } from '../../store/contract.ts'
import type { CachePage } from '../../store/watch-cache-contract.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import { prepareViews } from '../objects/object-storage.ts'
import { keyOfObject, prefixOf, type Resource } from '../registry.ts'
import { decodeContinue, encodeContinue } from './continue-token.ts'
import { type SelectionPlace, prepareIndex, selectIndexed } from './selection-index.ts'
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

/** Where a page is cut from: pieces of one moment's state, in key order. Throws 410 when the moment is forgotten meanwhile. */
type Source = {
  readonly revision: Revision
  /** The moment's state may be read from the cache, as far as its history reaches. */
  isCached(): boolean
  piece(after: StoreKey | undefined, limit: number | undefined): CachePage<CachedObject> | Promise<CachePage<CachedObject>>
}

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
  const { source, after } = await sourceFor(core, context, request)
  context.proceed?.()
  const page = await cutPage(source, {
    cache: core.storage.cache,
    resource,
    prefix: prefixOf(resource, namespace),
    after,
    limit: Math.max(0, request.limit ?? 0),
    selection,
    context,
  })
  const views = prepareViews(resource, () => page.items, context)
  if (views) await views
  return page
}

const isSingle = (resource: Resource, namespace: string) => resource.kind.scope === 'Cluster' || namespace !== ''

/** `fieldSelector=metadata.name=x` is a look-up, not a scan. */
async function singleName(core: Core, context: RequestContext, request: ListRequest, selection: Selection): Promise<ListPage> {
  await cacheAtLeast(core, context, parseResourceVersion(request.resourceVersion))
  const { cache } = core.storage
  const entry = cache.get(keyOfObject(request.resource, request.namespace, selection.name!))
  const preparing = entry && prepareViews(request.resource, () => [entry.value], context)
  if (preparing) await preparing
  const items = entry && selection.matches(entry.value) ? [entry.value] : []
  return { items, revision: cache.revision, continueToken: '', remaining: undefined }
}

async function sourceFor(
  core: Core,
  context: RequestContext,
  request: ListRequest,
): Promise<{ source: Source; after: StoreKey | undefined }> {
  const { cache } = core.storage
  const prefix = prefixOf(request.resource, request.namespace)
  if (request.continue) {
    const { after, revision } = decodeContinue(request.continue, prefix)
    const { resourceVersion } = request
    if (resourceVersion && resourceVersion !== '0')
      throw statusErrors.badRequest('specifying resource version is not allowed when using continue')
    if (revision !== undefined) return { source: pastSource(core, context, { prefix, revision, isContinued: true }), after }
    await cacheAtLeast(core, context, undefined)
    return { source: pastSource(core, context, { prefix, revision: cache.revision, isContinued: true }), after }
  }
  const wanted = parseResourceVersion(request.resourceVersion)
  const isExact =
    request.resourceVersionMatch === 'Exact' ||
    (!request.resourceVersionMatch && wanted !== undefined && wanted > 0 && (request.limit ?? 0) > 0)
  await cacheAtLeast(core, context, wanted)
  const revision = isExact ? wanted! : cache.revision
  return { source: pastSource(core, context, { prefix, revision, isContinued: false }), after: undefined }
}

/** From the cache as far back as its history goes, and from the store's own history beyond. */
function pastSource(
  core: Core,
  context: RequestContext,
  { prefix, ...at }: { readonly prefix: string; readonly revision: Revision; readonly isContinued: boolean },
): Source {
  const { cache, store } = core.storage
  const { revision } = at
  // A compacted revision is gone for every client at once, whatever the cache still remembers.
  const isCached = () => revision >= cache.revision || revision >= store.compactRevision
  return {
    revision,
    isCached,
    piece: (after, limit) => {
      const page = isCached() ? cache.page(prefix, { revision, after, limit }) : undefined
      return page ?? storedPiece(core, prefix, { ...at, after, limit, signal: context.signal })
    },
  }
}

type StoredPiece = {
  readonly revision: Revision
  readonly isContinued: boolean
  readonly after: StoreKey | undefined
  readonly limit: number | undefined
  readonly signal: AbortSignal
}

async function storedPiece(core: Core, prefix: string, at: StoredPiece): Promise<CachePage<CachedObject>> {
  const { revision, after, limit, signal } = at
  try {
    const { entries, remaining } = await core.storage.store.list(prefix, {
      revision,
      signal,
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    })
    return { entries: entries.map((entry) => ({ key: entry.key, value: core.storage.decodeEntry(entry) })), remaining }
  } catch (error) {
    if (error instanceof StoreCompacted) {
      if (!at.isContinued || after === undefined) throw statusErrors.expired('The resourceVersion for the provided list is too old.')
      throw statusErrors.expiredContinue(encodeContinue({ revision: undefined, key: after, prefix }))
    }
    if (error instanceof StoreFutureRevision) throw statusErrors.badRequest(`the resource version ${revision} has not happened yet`)
    throw error
  }
}

type Cut = SelectionPlace & {
  readonly selection: Selection | undefined
  readonly after: StoreKey | undefined
  readonly limit: number
  readonly context: RequestContext
}

async function cutPage(source: Source, cut: Cut): Promise<ListPage> {
  const { revision } = source
  const { limit, selection, prefix } = cut
  if (selection) return cutSelected(source, selection, cut)
  const piece = source.piece(cut.after, limit === 0 ? undefined : limit)
  const { entries, remaining } = piece instanceof Promise ? await piece : piece
  const continueToken = remaining === 0 ? '' : encodeContinue({ revision, key: entries.at(-1)!.key, prefix })
  return { items: entries.map((entry) => entry.value), revision, continueToken, remaining: remaining === 0 ? undefined : remaining }
}

/** Entries that are fetched at once to fill a page with those that match. */
const pieceEntries = 4096

async function cutSelected(source: Source, selection: Selection, cut: Cut): Promise<ListPage> {
  const { limit, prefix, context, resource } = cut
  const { pace } = context
  const { revision } = source
  await prepareIndex(cut, pace)
  const indexed = source.isCached() ? selectIndexed(cut, { revision, after: cut.after }) : undefined
  const items: CachedObject[] = []
  let last: StoreKey | undefined
  for (let after = cut.after, remaining = 1; remaining > 0; ) {
    const piece = indexed ? { entries: indexed, remaining: 0 } : await source.piece(after, limit === 0 ? undefined : pieceEntries)
    context.proceed?.()
    const preparing = selection.readsFields ? prepareViews(resource, () => piece.entries.map((entry) => entry.value), context) : undefined
    if (preparing) await preparing
    for (const [i, { key, value }] of piece.entries.entries()) {
      const turn = i % 64 === 63 ? pace?.slice() : undefined
      if (turn) await turn
      if (!selection.matches(value)) continue
      // A page that is full exactly at the end of what matches still has to say that nothing follows.
      if (limit > 0 && items.length === limit) {
        return { items, revision, continueToken: encodeContinue({ revision, key: last!, prefix }), remaining: undefined }
      }
      items.push(value)
      last = key
    }
    after = piece.entries.at(-1)?.key
    remaining = piece.remaining
  }
  return { items, revision, continueToken: '', remaining: undefined }
}

function validateOptions({ resourceVersionMatch: match, resourceVersion, continue: token, sendInitialEvents }: ListRequest): void {
  const errors: FieldError[] = []
  const field = 'resourceVersionMatch'
  if (match) {
    if (!resourceVersion) errors.push(fieldErrors.forbidden(field, `${field} is forbidden unless resourceVersion is provided`))
    if (token) errors.push(fieldErrors.forbidden(field, `${field} is forbidden when continue is provided`))
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(fieldErrors.notSupported(field, match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(fieldErrors.forbidden(field, `${field} "exact" is forbidden for resourceVersion "0"`))
  }
  if (sendInitialEvents !== undefined) errors.push(fieldErrors.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  if (errors.length > 0) throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}
