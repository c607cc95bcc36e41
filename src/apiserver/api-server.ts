import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import type { SchemaSet } from '../machinery/schema/schema-set.ts'
import { type Store, StoreCompacted } from '../store/contract.ts'
import { createWatchCache } from '../store/watch-cache.ts'
import type { WatchCache } from '../store/watch-cache-contract.ts'
import { admissionChain } from './admission/chain.ts'
import type { BinaryEncoder } from './answer-encoding.ts'
import type { BinaryDecoder } from './body.ts'
import { type CachedObject, decodeStored } from './cached-object.ts'
import type { AdmissionPlugin, ApiRequest, ApiResponse, Authenticator, Authorizer, UserInfo } from './contract.ts'
import type { Core } from './core.ts'
import type { Dispatch } from './dispatch.ts'
import { createInProcessClient } from './in-process-client.ts'
import { type ApiMetrics, createApiMetrics } from './metrics.ts'
import { createObjectStorage } from './object-storage.ts'
import { type AuditEntry, createPipeline, type PathHandler, type Pipeline } from './pipeline.ts'
import { createRegistry, type Registry } from './registry.ts'
import { Slabs } from './slabs.ts'
import { createWriteHooks, type WriteHook } from './write-hooks.ts'

export type ApiServerOptions = {
  readonly store: Store
  readonly kinds: readonly KindDefinition[]
  readonly schemas: SchemaSet
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly admission: readonly AdmissionPlugin[]
  readonly hooks?: readonly WriteHook[]
  readonly dispatch?: Partial<Dispatch>
  readonly paths?: readonly PathHandler[]
  readonly binary?: { readonly decode: BinaryDecoder; readonly encode: BinaryEncoder }
  readonly audit?: (entry: AuditEntry) => void
}

/** The API server without its sockets. */
export type ApiServer = {
  readonly core: Core
  readonly registry: Registry
  readonly metrics: ApiMetrics
  handle(request: ApiRequest): Promise<ApiResponse>
  admit: Pipeline['admit']
  /** The API for callers in this process; objects by reference. */
  clientFor(user: UserInfo): Client
  /** Ends watches and the cache; the store is its owner's to close. Idempotent. */
  close(): Promise<void>
}

/** Fills the cache from the store and serves from there. Rejects when the store cannot be read. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, random, log, authorizer } = options
  const slabs = new Slabs()
  const cache = await createWatchCache<CachedObject>({
    store,
    clock,
    log,
    decode: (_key, value, revision) => decodeStored(slabs, value, revision),
  })
  const closing = new AbortController()
  const retiring = retireOverwritten(cache, slabs, closing.signal)
  const core: Core = {
    registry: createRegistry(options.kinds),
    storage: createObjectStorage({ cache, store, slabs }),
    schemas: options.schemas,
    admission: admissionChain(options.admission),
    authorizer,
    hooks: createWriteHooks(options.hooks ?? []),
    clock,
    random,
    log,
  }
  const dispatch: Dispatch = { subresources: options.dispatch?.subresources ?? {}, virtual: options.dispatch?.virtual ?? {} }
  const metrics = createApiMetrics()
  const pipelineFor = (authenticator: Authenticator) =>
    createPipeline({
      core,
      dispatch,
      authenticator,
      metrics,
      paths: firstOf(options.paths ?? []),
      decodeBinary: options.binary?.decode,
      encodeBinary: options.binary?.encode,
      audit: options.audit,
    })
  const pipeline = pipelineFor(options.authenticator)
  return {
    core,
    registry: core.registry,
    metrics,
    handle: pipeline.handle,
    admit: pipeline.admit,
    clientFor: (user) => {
      const asUser = pipelineFor({ authenticate: () => user })
      return createInProcessClient({ core, dispatch, user, handle: asUser.handle, closing: closing.signal })
    },
    close: async () => {
      closing.abort()
      await retiring
      await cache.close()
    },
  }
}

function firstOf(handlers: readonly PathHandler[]): PathHandler {
  return async (request, context) => {
    for (const handler of handlers) {
      const response = await handler(request, context)
      if (response) return response
    }
    return undefined
  }
}

/** Tells the slabs which bytes nobody reads as the newest state any more. */
async function retireOverwritten(cache: WatchCache<CachedObject>, slabs: Slabs, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { events } of cache.watch('', { after: cache.revision, signal, sizeMax: Number.POSITIVE_INFINITY })) {
        for (const event of events) {
          event.previous?.retire(slabs)
          if (event.type === 'delete') event.value.retire(slabs)
        }
      }
      return
    } catch (error) {
      // The cache started over: everything from before is garbage as a whole.
      if (!(error instanceof StoreCompacted)) return
    }
  }
}
