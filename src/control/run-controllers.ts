import { assert } from '../base/assert.ts'
import type { Informer } from '../client/informer-contract.ts'
import { type KindRef, kindKey } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isStatus, StatusError } from '../machinery/status-error.ts'
import type { ControllerDefinition, LoopContext, WatchDeclaration } from './contract.ts'
import type { ControllerMetrics } from './controller-metrics.ts'
import { ExtensionKinds } from './extension-kinds.ts'
import type { InformerFactory } from './informer-factory.ts'
import { WorkQueue } from './work-queue.ts'

export type RunControllersOptions = {
  readonly definitions: readonly ControllerDefinition[]
  /** What the loop is given: its client carries its own identity. See createLoopContext. */
  readonly contextFor: (definition: ControllerDefinition) => LoopContext
  /** The informers that the contexts share; started here. */
  readonly informers: InformerFactory
  readonly metrics: ControllerMetrics
  /** Called now and then while loops start, to let others have a turn. */
  readonly pause?: (() => Promise<void>) | undefined
  /** Called when all have started, or when the signal has aborted before. */
  readonly onStarted?: () => void
}

const defaultConcurrency = 8
/** So many loops start between two pauses. */
const startedTogetherMax = 4

export const eventSourceOf = ({ name, eventSource = `${name}-controller` }: ControllerDefinition): string => eventSource

/**
 * Runs controllers until the signal aborts; resolves when the last reconcile under way has ended. A controller starts as soon
 * as the kinds that it declares are synced. What reconcile throws is counted and retried with back-off; a conflict is retried
 * without a word, for it only says that the cache was behind.
 */
export async function runControllers(options: RunControllersOptions, signal: AbortSignal): Promise<void> {
  const { definitions, informers, pause, onStarted } = options
  declareKinds(definitions, informers)
  const extensions = new ExtensionKinds(informers)
  if (definitions.some((definition) => definition.extensionKinds)) extensions.start(signal)
  informers.start(signal)
  const loops: Promise<void>[] = []
  for (const definition of definitions) {
    if (pause && loops.length % startedTogetherMax === startedTogetherMax - 1) await pause()
    if (signal.aborted) break
    const loop = runController(options, extensions, definition, signal)
    // Whoever waits for all of them hears of it further down.
    loop.catch(() => {})
    loops.push(loop)
  }
  onStarted?.()
  await Promise.all(loops)
  await informers.ended()
}

/** Which kinds are read whole is said before anybody reads one. */
export function declareKinds(definitions: readonly ControllerDefinition[], informers: InformerFactory): void {
  for (const definition of definitions)
    for (const watch of definition.watches) informers.want(watch.kind, watch.metadataOnly ? 'metadata' : 'whole')
}

async function runController(
  options: RunControllersOptions,
  extensions: ExtensionKinds,
  definition: ControllerDefinition,
  signal: AbortSignal,
): Promise<void> {
  const { name, minIntervalMs } = definition
  const followed = new Map<KindRef, () => void>()
  const context = declaredOnly(options.contextFor(definition), definition, followed)
  const queue = new WorkQueue({
    clock: context.clock,
    concurrency: definition.concurrency ?? defaultConcurrency,
    ...(minIntervalMs === undefined
      ? {}
      : { minIntervalMs: typeof minIntervalMs === 'number' ? () => minIntervalMs : (key) => minIntervalMs(context, key) }),
    observer: options.metrics.observerOf(name),
    work: (key) => reconcileOnce(options.metrics, definition, context, queue, key, signal),
  })
  options.metrics.watchQueue(name, queue)
  const follow = ({ keys: keysOf }: WatchDeclaration, informer: Informer<KubeObject>) =>
    informer.onChange((change) => {
      if (!keysOf) return queue.add(ownKey(change.current ?? change.old))
      const keys = keysOf(change, context)
      for (let i = 0; i < keys.length; i++) queue.add(keys[i]!)
    })
  const removals = definition.watches.map((watch) => follow(watch, context.informer(watch.kind)))
  const { extensionKinds } = definition
  if (extensionKinds) {
    const { watch, keys } = extensionKinds
    const changed = (kind: KindRef) => keys?.(kind, context).forEach((key) => queue.add(key))
    removals.push(followExtensions(extensions, followed, { follow: (kind, informer) => follow(watch(kind), informer), changed }))
  }
  try {
    await Promise.all(definition.watches.map((watch) => context.informer(watch.kind).synced(signal)))
    if (extensionKinds) await extensions.synced(signal)
    queue.start()
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  } catch (error) {
    // Only the wait for the first sync can fail, and only because the signal aborted.
    if (!signal.aborted) throw error
  } finally {
    for (const remove of removals) remove()
    await queue.stop()
  }
}

type Following = {
  /** Returns the end of it. */
  readonly follow: (kind: KindRef, informer: Informer<KubeObject>) => () => void
  readonly changed: (kind: KindRef) => void
}

/** Keeps `followed` the kinds that are followed now, each with what ends following it. Returns the end of it all. */
function followExtensions(extensions: ExtensionKinds, followed: Map<KindRef, () => void>, { follow, changed }: Following): () => void {
  const remove = extensions.onChange({
    added: (kind, informer) => {
      // Named before its objects are: their keys are found through it.
      followed.set(kind, () => {})
      followed.set(kind, follow(kind, informer))
      changed(kind)
    },
    removed: (kind) => {
      followed.get(kind)?.()
      followed.delete(kind)
      changed(kind)
    },
  })
  return () => {
    remove()
    for (const end of followed.values()) end()
  }
}

function ownKey(object: { readonly metadata: { readonly namespace?: string; readonly name?: string } } | undefined): string {
  assert(object, 'a change has an object')
  const { namespace, name = '' } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** The informers of a loop are those that it declares: an undeclared one might not be synced, which would be found too late. */
function declaredOnly(context: LoopContext, definition: ControllerDefinition, followed: ReadonlyMap<KindRef, unknown>): LoopContext {
  const declared = new Set(definition.watches.map((watch) => kindKey(watch.kind)))
  // By identity first: loops ask again and again with the same few constants.
  const known = new Map<KindRef, Informer<KubeObject>>()
  const find = (kind: KindRef): Informer<KubeObject> => {
    if (followed.has(kind)) return context.informer(kind)
    assert(declared.has(kindKey(kind)), `controller ${definition.name} reads ${kindKey(kind)} without declaring it`)
    const informer = context.informer(kind)
    known.set(kind, informer)
    return informer
  }
  // The informer of a kind gives objects of that kind.
  const informer = <T extends KubeObject>(kind: KindRef<T>) => (known.get(kind) ?? find(kind)) as unknown as Informer<T>
  return { ...context, informer, extensionKinds: () => [...followed.keys()] }
}

async function reconcileOnce(
  metrics: ControllerMetrics,
  definition: ControllerDefinition,
  context: LoopContext,
  queue: WorkQueue,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const { name } = definition
  try {
    const result = await definition.reconcile(context, key, signal)
    queue.forget(key)
    metrics.countResult(name, result ? 'requeue_after' : 'success')
    if (result && !signal.aborted) queue.addAfter(key, result.requeueAfterMs)
  } catch (error) {
    if (signal.aborted) return
    const isConflict = isStatus(error, 'Conflict')
    metrics.countResult(name, isConflict ? 'conflict' : 'error')
    if (!(error instanceof StatusError)) metrics.countPanic(name)
    const fields = { controller: name, key, error: error instanceof StatusError ? error.message : String((error as Error)?.stack ?? error) }
    if (isConflict) context.log.debug(fields, 'conflict; trying again')
    else context.log.warn(fields, 'reconcile failed; trying again')
    queue.addRateLimited(key)
  }
}
