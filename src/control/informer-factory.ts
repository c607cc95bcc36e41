import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { ObjectInformer } from '../client/informer.ts'
import { type KindRef, kindKey } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'

export type InformerFactoryOptions = { readonly client: Client; readonly clock: Clock; readonly random: Random; readonly log: Log }

/**
 * One informer a kind, however many loops read it. `want` states the need before `start`; asking for a kind later starts
 * its informer at once.
 */
export class InformerFactory {
  /** What its informers work with. */
  readonly options: InformerFactoryOptions
  readonly #informers = new Map<string, ObjectInformer<KubeObject>>()
  readonly #isWhole = new Map<string, boolean>()
  readonly #running = new Set<Promise<void>>()
  /** Ends the informer of one kind. */
  readonly #releases = new Map<string, AbortController>()
  #signal: AbortSignal | undefined

  constructor(options: InformerFactoryOptions) {
    this.options = options
  }

  /** Declares that a kind is read, whole or metadata only; the whole wins when both are declared before the first use. */
  want(kind: KindRef, need: 'whole' | 'metadata'): void {
    const key = kindKey(kind)
    this.#isWhole.set(key, (this.#isWhole.get(key) ?? false) || need === 'whole')
  }

  informer<T extends KubeObject>(kind: KindRef<T>): ObjectInformer<T> {
    const key = kindKey(kind)
    let informer = this.#informers.get(key)
    if (!informer) {
      const isWhole = this.#isWhole.get(key) ?? true
      informer = new ObjectInformer<KubeObject>({ ...this.options, kind, transform: isWhole ? withoutManagedFields : metadataOf })
      this.#informers.set(key, informer)
      this.#releases.set(key, new AbortController())
      if (this.#signal) this.#run(key, informer, this.#signal)
    }
    // Keyed by kind, so it is the informer of T.
    return informer as unknown as ObjectInformer<T>
  }

  /** The informer of a kind if some loop reads it; for showing writes at once. */
  existing(kind: KindRef): ObjectInformer<KubeObject> | undefined {
    return this.#informers.get(kindKey(kind))
  }

  /** Ends and forgets the informer of a kind that is no longer served. */
  release(kind: KindRef): void {
    const key = kindKey(kind)
    this.#releases.get(key)?.abort()
    this.#releases.delete(key)
    this.#informers.delete(key)
    this.#isWhole.delete(key)
  }

  /** Aborts when the kind's informer is released. Undefined: there is none. */
  releaseOf(kind: KindRef): AbortSignal | undefined {
    return this.#releases.get(kindKey(kind))?.signal
  }

  /** Idempotent: what is asked for later starts at once. */
  start(signal: AbortSignal): void {
    if (this.#signal) return
    this.#signal = signal
    for (const [key, informer] of this.#informers) this.#run(key, informer, signal)
  }

  /** Resolves when every informer has ended after the signal of `start` aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  #run(key: string, informer: ObjectInformer<KubeObject>, signal: AbortSignal): void {
    const run = informer.run(AbortSignal.any([signal, this.#releases.get(key)!.signal])).finally(() => this.#running.delete(run))
    this.#running.add(run)
  }
}

/**
 * No loop reads the managed fields, and parsed they are two thirds of a pod: 150,000 pods are 600 MiB without need. A write of
 * what lacks them leaves them as they are, as upstream's controllers and scheduler rely on as well.
 */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Metadata alone, and the managed fields not even of that. */
function metadataOf(object: KubeObject): KubeObject {
  const { apiVersion, kind } = object
  const { metadata } = withoutManagedFields(object)
  return { ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind } : {}), metadata }
}
