import { StreamOverflow } from '../../base/bounded-stream.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import { type Revision, StoreCompacted, StoreUnavailable } from '../../store/contract.ts'
import type { CacheBatch, CacheEvent, SelectedEntry } from '../../store/watch-cache-contract.ts'
import type { CachedObject, FrameType } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import type { Pace } from '../flowcontrol/pace.ts'
import { prepareViews } from '../objects/object-storage.ts'
import { prefixOf, type Resource } from '../registry.ts'
import { prepareIndex, selectIndexed } from './selection-index.ts'
import { cacheAtLeast, parseResourceVersion } from './read-revision.ts'
import { parseSelection, type Selection } from './selection.ts'

export type WatchRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: string | undefined
  /** A list's; refused. */
  readonly continue?: string | undefined
  readonly allowWatchBookmarks?: boolean | undefined
  readonly sendInitialEvents?: boolean | undefined
  /** The watch ends by itself after this; 0 or absent: never. */
  readonly timeoutSeconds?: number | undefined
}

/**
 * What arrives together. `shared` is the cache's batch when every one of its events passed unchanged: watchers that see the
 * same object may share the bytes made from it.
 */
export type WatchBatch =
  | { readonly type: 'events'; readonly events: readonly SelectedEvent[]; readonly shared: object | undefined }
  | { readonly type: 'bookmark'; readonly revision: Revision; readonly isInitialEventsEnd: boolean }
  | { readonly type: 'error'; readonly error: StatusError }

export type SelectedEvent = { readonly type: FrameType; readonly value: CachedObject }

const bookmarkEveryMs = 60_000
/** Initial events are handed on in groups, so that one big list does not become one big buffer. */
const initialBatch = 500

/**
 * Follows a resource (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes). Watching has
 * started when the promise resolves; the stream ends when the signal aborts, the timeout passes or the reader falls too far
 * behind, and with an `error` batch when the start is forgotten (410), or a state is asked for that does not come (504). Throws 400, 422,
 * and 504 where it is not known what is newest, before it starts.
 */
export async function watchObjects(core: Core, context: RequestContext, request: WatchRequest): Promise<AsyncIterable<WatchBatch>> {
  validateOptions(request)
  const { resource, namespace } = request
  const selection = parseSelection(resource, request.labelSelector, request.fieldSelector)
  const wanted = parseResourceVersion(request.resourceVersion)
  const { cache } = core.storage
  const prefix = prefixOf(resource, namespace)
  const sendsState = request.sendInitialEvents ?? (wanted === undefined || wanted === 0)
  if (wanted === undefined) await cacheAtLeast(core, context, wanted)
  else if (sendsState && wanted > cache.revision) {
    // As upstream: a state that has not come is told of in the stream. Who wants no state hears of what follows the version, whenever it comes.
    const late = await cacheAtLeast(core, context, wanted).catch((error: unknown) => error)
    if (late instanceof StatusError) return refused(late)
    if (late !== undefined) throw late
  }
  const of = { cache, resource, prefix, selection }
  if (sendsState) await prepareIndex(of, context.pace)
  // From here to the start of the cache's watch nothing waits: state and events fit together without a gap.
  const revision = cache.revision
  const state = sendsState ? (selectIndexed(of, { revision }) ?? cache.list(prefix)) : []
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal, ...(resource.retired ? [resource.retired] : [])])
  const from = sendsState || wanted === undefined || wanted === 0 ? revision : wanted
  const { pace } = context
  const batches = cache.watch(prefix, {
    after: from,
    signal,
    pace: pace && ((events) => pace.events(events)),
    gathers: context.isRemote === true,
    ...(selection?.indexed?.only === undefined ? {} : { only: { grouping: selection.indexed.grouping, group: selection.indexed.only } }),
    // Views that have to be prepared first cannot be looked at there.
    ...(selection && !resource.conversion?.prepare ? { wants: (event) => concerns(event, selection) } : {}),
    ...(request.allowWatchBookmarks ? { progressMs: bookmarkEveryMs } : {}),
  })
  const cancel = request.timeoutSeconds ? core.clock.schedule(request.timeoutSeconds * 1000, () => stop.abort()) : undefined
  const finish = () => {
    cancel?.()
    stop.abort()
  }
  // The reader may leave before it reads anything: then the stream below never runs to its end.
  if (signal.aborted) finish()
  else signal.addEventListener('abort', finish, { once: true })
  let initial: readonly CachedObject[]
  try {
    const preparing = prepareViews(resource, () => state.map((entry) => entry.value), { signal })
    if (preparing) await preparing
    initial = selection ? await selected(state, selection, context.pace) : state.map((entry) => entry.value)
  } catch (error) {
    finish()
    throw error
  }
  return follow({
    signal,
    initial,
    pace,
    started: context.started,
    initialEnd: request.sendInitialEvents === true && request.allowWatchBookmarks === true ? revision : undefined,
    resource,
    batches,
    selection,
    from,
    finish,
  })
}

async function* refused(error: StatusError): AsyncGenerator<WatchBatch> {
  yield { type: 'error', error }
}

async function selected(
  state: readonly SelectedEntry<CachedObject>[],
  selection: Selection,
  pace: Pace | undefined,
): Promise<CachedObject[]> {
  const matching: CachedObject[] = []
  for (const [i, { value }] of state.entries()) {
    if (selection.matches(value)) matching.push(value)
    const turn = i % 64 === 63 ? pace?.slice() : undefined
    if (turn) await turn
  }
  return matching
}

type Following = {
  readonly signal: AbortSignal
  readonly initial: readonly CachedObject[]
  readonly pace: Pace | undefined
  readonly started: (() => void) | undefined
  readonly initialEnd: Revision | undefined
  readonly resource: Resource
  readonly batches: AsyncIterable<CacheBatch<CachedObject>>
  readonly selection: Selection | undefined
  readonly from: Revision
  readonly finish: () => void
}

async function* follow({
  signal,
  resource,
  initial,
  pace,
  initialEnd,
  started,
  batches,
  selection,
  from,
  finish,
}: Following): AsyncGenerator<WatchBatch> {
  try {
    for (let i = 0; i < initial.length; i += initialBatch) {
      const events = initial.slice(i, i + initialBatch).map((value) => ({ type: 'ADDED' as const, value }))
      const turn = pace?.events(events.length)
      if (turn) await turn
      yield { type: 'events', events, shared: undefined }
    }
    if (initialEnd !== undefined) yield { type: 'bookmark', revision: initialEnd, isInitialEventsEnd: true }
    started?.()
    for await (const batch of batches) {
      if (batch.events.length === 0) {
        yield { type: 'bookmark', revision: batch.revision, isInitialEventsEnd: false }
        continue
      }
      const preparing = prepareViews(resource, () => [])
      if (preparing) {
        const values = () => batch.events.flatMap((e) => (e.previous ? [e.value, e.previous] : [e.value]))
        await prepareViews(resource, values, { signal })
      }
      const events = select(batch, selection)
      // Who ceased to match appears in a state of its own.
      if (preparing) await prepareViews(resource, () => events.map((e) => e.value), { signal })
      if (events.length > 0) yield { type: 'events', events, shared: selection ? undefined : batch }
    }
  } catch (error) {
    if (error instanceof StoreCompacted) {
      yield { type: 'error', error: statusErrors.expired(`too old resource version: ${from} (${error.compactRevision})`) }
    } else if (error instanceof StatusError) yield { type: 'error', error }
    else if (!(error instanceof StreamOverflow || error instanceof StoreUnavailable)) throw error
  } finally {
    finish()
  }
}

/** By the batch: what watchers without selectors see of it, all the same. */
const plain = new WeakMap<object, readonly SelectedEvent[]>()

function select(batch: CacheBatch<CachedObject>, selection: Selection | undefined): readonly SelectedEvent[] {
  const known = selection ? undefined : plain.get(batch)
  if (known) return known
  const selected: SelectedEvent[] = []
  for (const event of batch.events) {
    const one = selection ? selectEvent(event, selection) : plainEvent(event)
    if (one) selected.push(one)
  }
  if (!selection) plain.set(batch, selected)
  return selected
}

function plainEvent(event: CacheEvent<CachedObject>): SelectedEvent {
  if (event.type === 'delete') return { type: 'DELETED', value: event.value }
  return { type: event.previous === undefined ? 'ADDED' : 'MODIFIED', value: event.value }
}

function concerns(event: CacheEvent<CachedObject>, selection: Selection): boolean {
  return (event.type === 'put' && selection.matches(event.value)) || (event.previous !== undefined && selection.matches(event.previous))
}

/** An object that begins to match appears, one that ceases to match disappears with the last state that did. */
function selectEvent(event: CacheEvent<CachedObject>, selection: Selection): SelectedEvent | undefined {
  const didMatch = event.previous !== undefined && selection.matches(event.previous)
  if (event.type === 'delete') return didMatch ? { type: 'DELETED', value: event.value } : undefined
  const doesMatch = selection.matches(event.value)
  if (doesMatch) return { type: didMatch ? 'MODIFIED' : 'ADDED', value: event.value }
  return didMatch ? { type: 'DELETED', value: event.previous!.at(event.revision) } : undefined
}

function validateOptions({ sendInitialEvents, resourceVersionMatch: match, continue: token }: WatchRequest): void {
  const errors: FieldError[] = []
  const field = 'resourceVersionMatch'
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    errors.push(fieldErrors.forbidden(field, `sendInitialEvents requires setting ${field} to NotOlderThan`))
  if (match) {
    if (sendInitialEvents === undefined)
      errors.push(fieldErrors.forbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`))
    if (match !== 'NotOlderThan') errors.push(fieldErrors.notSupported(field, match, ['NotOlderThan']))
  }
  if (token) errors.push(fieldErrors.forbidden(field, `${field} is forbidden when continue is provided`))
  if (errors.length > 0) throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}
