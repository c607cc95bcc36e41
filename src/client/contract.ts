import type { PodCondition } from '../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject, ObjectList, Status } from './types.ts'

/**
 * What every caller of the API sees: controllers and scheduler in the same process (objects by reference, frozen),
 * agents and users over HTTPS. The code above cannot tell which. All failures are StatusError; a cut connection is a
 * StatusError with reason ServiceUnavailable (code 503) whose `cause` is the transport's error.
 */
export type Client = {
  /** The resource of a kind; `namespace` undefined: across all namespaces (list, watch) or cluster-scoped. */
  resource<T extends KubeObject>(kind: KindRef<T>, namespace?: string): ResourceClient<T>
  /** A bare request for anything without a kind (version, healthz, explain, logs). */
  raw(request: RawRequest): Promise<RawResponse>
  /**
   * Up to `batchWritesMax` creations in one call, each judged, committed with a revision of its own and answered as if it had come
   * alone; answers are in the order of `writes`. They share one sync of the store's disk. Absent where the transport has no such call.
   */
  createBatch?(writes: readonly BatchWrite[], options?: { readonly signal?: AbortSignal }): Promise<readonly PromiseSettledResult<object>[]>
  /**
   * Says something in pods' conditions, and deletes those that are to go: of each a patch of its status, and a delete of those, in one
   * commit. Up to `batchWritesMax` in one call; each has the answer that the last of the two would have, in the order of `changes`. Absent
   * where the transport has no such call.
   */
  changePods?(
    changes: readonly PodChange[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly PromiseSettledResult<KubeObject | Status>[]>
  /** A WebSocket to a streaming subresource (exec, attach, port-forward); absent where the transport cannot carry one. */
  openWebSocket?(request: WebSocketRequest): Promise<WebSocketChannel>
}

export type ResourceClient<T extends KubeObject> = {
  get(name: string, options?: GetOptions): Promise<T>
  list(options?: ListOptions): Promise<ObjectList<T>>
  /** Ends without error when the server closes the watch (the caller resumes); an ERROR event is thrown as StatusError. */
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create(object: T, options?: WriteOptions): Promise<T>
  /**
   * Creates `count` objects of this form with generated names at the cost of little more than one; each has an answer of its own.
   * Rejects with what all of them would be refused for. Gives undefined, and has done nothing, where each must be judged by itself;
   * absent where it has no use: then `create` is to be called for each.
   */
  createAlike?(object: T, count: number): Promise<readonly PromiseSettledResult<T>[] | undefined>
  update(object: T, options?: WriteOptions): Promise<T>
  updateStatus(object: T, options?: WriteOptions): Promise<T>
  patch(name: string, patch: Patch, options?: WriteOptions & { subresource?: string }): Promise<T>
  /** Server-side apply; `fieldManager` is required, `force` takes conflicting fields over. */
  apply(object: ApplyConfiguration<T>, options: WriteOptions & { fieldManager: string; force?: boolean; subresource?: string }): Promise<T>
  delete(name: string, options?: DeleteOptions): Promise<T | Status>
  deleteCollection(options?: DeleteOptions & Pick<ListOptions, 'labelSelector' | 'fieldSelector'>): Promise<void>
  /** POST (or PUT) to a subresource that takes and gives its own kind: binding, eviction, token, scale, start, stop, … */
  subresource<In, Out>(
    name: string,
    subresource: string,
    body: In,
    options?: WriteOptions & { method?: 'POST' | 'PUT' | 'GET' },
  ): Promise<Out>
}

/** What server-side apply takes: any part of an object, named. Lists are whole or hold the items that the owner has something to say of. */
export type ApplyConfiguration<T extends KubeObject> = Partial<Omit<PartOf<T>, 'metadata'>> & { metadata: T['metadata'] }
type PartOf<T> = T extends readonly (infer Item)[]
  ? readonly PartOf<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]?: PartOf<T[Field]> }
    : T

/** What is said of the pod that has this uid. */
export type PodChange = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly condition: PodCondition
  /** The node that room is made on for it; empty: none any more; absent: as it is. */
  readonly nominatedNodeName?: string
  readonly deletes?: true
}

/** The POST of an object, or to a subresource of one. */
export type BatchWrite = {
  readonly kind: KindRef
  readonly namespace: string | undefined
  /** Whose subresource it is; empty for an object that is to be created. */
  readonly name: string
  readonly subresource: string
  readonly body: object
}
/** What one batch may hold: the process does nothing else while it works on one. */
export const batchWritesMax = 128

export type GetOptions = { readonly signal?: AbortSignal; readonly resourceVersion?: string }
export type ListOptions = GetOptions & {
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** So many objects a page; the page's `metadata.continue` begins the next one. Absent: all. */
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}
export type WatchOptions = {
  readonly signal: AbortSignal
  /** What has changed since; absent: what is there comes first, as ADDED. */
  readonly resourceVersion?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Now and then a BOOKMARK says how far it has come. */
  readonly allowWatchBookmarks?: boolean
  /** What is there comes first, and a BOOKMARK marks its end. */
  readonly sendInitialEvents?: boolean
  /** When the server ends it. Default: the server's, half an hour to an hour. */
  readonly timeoutSeconds?: number
}
export type WriteOptions = {
  readonly signal?: AbortSignal
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore'
}
export type DeleteOptions = {
  readonly signal?: AbortSignal
  readonly dryRun?: boolean
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export type Patch =
  | { readonly type: 'json'; readonly body: readonly unknown[] }
  | { readonly type: 'merge'; readonly body: unknown }
  | { readonly type: 'strategic'; readonly body: unknown }

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Every event up to this resourceVersion has been delivered. `isInitialEventsEnd` marks the end of streamed initial events. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly isInitialEventsEnd: boolean }

export type RawRequest = {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly signal?: AbortSignal
}
export type RawResponse = {
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: AsyncIterable<Uint8Array>
}

export type WebSocketRequest = {
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  /** Subprotocols in order of preference. */
  readonly protocols: readonly string[]
  readonly signal?: AbortSignal
}

export type WebSocketChannel = {
  /** The subprotocol that the server chose. */
  readonly protocol: string
  /** Whole messages as they arrive; ends when the connection does. */
  readonly messages: AsyncIterable<Uint8Array>
  /** Resolves when the message has been handed to the connection. */
  send(data: Uint8Array): Promise<void>
  close(): void
}
