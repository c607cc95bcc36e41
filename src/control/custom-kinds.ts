import type { Informer } from '../client/informer-contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { CustomResourceDefinition } from '../kinds/generated/types/apiextensions-v1.ts'
import { type KindRef, kindKey } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { InformerFactory } from './informer-factory.ts'

const definitions = kindRefs.apiextensionsV1.customResourceDefinitions

/** Told of each custom kind when its informer is synced, and when the kind is gone. */
export type CustomKindListener = {
  added(kind: KindRef, informer: Informer<KubeObject>): void
  removed(kind: KindRef): void
}

/**
 * The custom kinds of the cluster, as loops follow them that look after objects of every kind (garbage collection, namespaces):
 * one metadata informer a kind, which starts when its definition is established and stops when the definition is gone.
 */
export class CustomKinds {
  readonly #informers: InformerFactory
  /** By the definition's name; `isSynced` once listeners know of it. */
  readonly #kinds = new Map<string, { readonly kind: KindRef; isSynced: boolean }>()
  readonly #listeners = new Set<CustomKindListener>()
  readonly #syncing = new Set<Promise<void>>()
  #signal: AbortSignal | undefined

  constructor(informers: InformerFactory) {
    this.#informers = informers
  }

  /** Follows the definitions until the signal aborts. Idempotent. */
  start(signal: AbortSignal): void {
    if (this.#signal) return
    this.#signal = signal
    // Others may need no more than its metadata.
    this.#informers.want(definitions, 'whole')
    const remove = this.#informers
      .informer(definitions)
      .onChange(({ current, old }) => this.#look((current ?? old)?.metadata.name ?? '', current && storedKind(current)))
    signal.addEventListener('abort', remove, { once: true })
  }

  /** Resolves when all kinds that there are at the time of the call are followed. Rejects when the signal aborts. */
  async synced(signal: AbortSignal): Promise<void> {
    await this.#informers.informer(definitions).synced(signal)
    await Promise.all(this.#syncing)
  }

  /** Tells of the kinds that are followed already, then of every change. Returns the removal. */
  onChange(listener: CustomKindListener): () => void {
    this.#listeners.add(listener)
    for (const { kind, isSynced } of this.#kinds.values()) if (isSynced) listener.added(kind, this.#informers.informer(kind))
    return () => void this.#listeners.delete(listener)
  }

  #look(name: string, kind: KindRef | undefined): void {
    const known = this.#kinds.get(name)
    if (known && kind && kindKey(known.kind) === kindKey(kind) && known.kind.plural === kind.plural && known.kind.scope === kind.scope)
      return
    if (known) {
      this.#kinds.delete(name)
      if (known.isSynced) for (const listener of this.#listeners) listener.removed(known.kind)
      this.#informers.release(known.kind)
    }
    if (!kind || !this.#signal) return
    const entry = { kind, isSynced: false }
    this.#kinds.set(name, entry)
    this.#informers.want(kind, 'metadata')
    const syncing = this.#sync(name, entry, this.#signal).finally(() => this.#syncing.delete(syncing))
    this.#syncing.add(syncing)
  }

  async #sync(name: string, entry: { readonly kind: KindRef; isSynced: boolean }, signal: AbortSignal): Promise<void> {
    const informer = this.#informers.informer(entry.kind)
    const ended = this.#informers.releaseOf(entry.kind)
    try {
      await informer.synced(ended ? AbortSignal.any([signal, ended]) : signal)
    } catch {
      // It went before it was there.
      return
    }
    if (this.#kinds.get(name) !== entry) return
    entry.isSynced = true
    for (const listener of this.#listeners) listener.added(entry.kind, informer)
  }
}

/** The kind in the version to follow it by: the stored one where that is served. Undefined until it is established. */
function storedKind({ spec, status }: CustomResourceDefinition): KindRef | undefined {
  if (!status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True')) return undefined
  const served = spec.versions.filter((v) => v.served)
  const version = (served.find((v) => v.storage) ?? served[0])?.name
  const names = status.acceptedNames ?? spec.names
  if (version === undefined) return undefined
  return { group: spec.group, version, kind: names.kind, plural: names.plural, scope: spec.scope === 'Cluster' ? 'Cluster' : 'Namespaced' }
}
