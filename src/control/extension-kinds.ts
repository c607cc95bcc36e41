import type { Informer } from '../client/informer-contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { CustomResourceDefinition } from '../kinds/generated/types/apiextensions-v1.ts'
import { type KindRef, kindKey } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import { aggregatedKinds } from './aggregated-kinds.ts'
import type { InformerFactory } from './informer-factory.ts'

const definitions = kindRefs.apiextensionsV1.customResourceDefinitions

/** Told of each kind when its informer is synced, and when the kind is gone. */
export type ExtensionKindListener = {
  added(kind: KindRef, informer: Informer<KubeObject>): void
  removed(kind: KindRef): void
}

type Followed = { readonly kind: KindRef; isSynced: boolean }

/**
 * The kinds that extend the cluster's API, as loops follow them that look after objects of every kind (garbage collection, quota,
 * namespaces): one metadata informer a kind. That of a custom kind starts when its definition is established and stops when the
 * definition is gone; that of a kind which another server answers, when that server tells of it and when its APIService is gone.
 */
export class ExtensionKinds {
  readonly #informers: InformerFactory
  /** By the definition's name, or the resource's and its group version; `isSynced` once listeners know of it. */
  readonly #kinds = new Map<string, Followed>()
  readonly #listeners = new Set<ExtensionKindListener>()
  /** The custom kinds that are not followed yet. */
  readonly #syncing = new Set<Promise<void>>()
  #signal: AbortSignal | undefined

  constructor(informers: InformerFactory) {
    this.#informers = informers
  }

  /** Follows definitions and APIServices until the signal aborts. Idempotent. */
  start(signal: AbortSignal): void {
    if (this.#signal) return
    this.#signal = signal
    // Others may need no more than its metadata.
    this.#informers.want(definitions, 'whole')
    const look = (name: string, kind: KindRef | undefined) => {
      const syncing = this.#look(name, kind)?.finally(() => this.#syncing.delete(syncing!))
      if (syncing) this.#syncing.add(syncing)
    }
    const remove = this.#informers
      .informer(definitions)
      .onChange(({ current, old }) => look((current ?? old)?.metadata.name ?? '', current && storedKind(current)))
    signal.addEventListener('abort', remove, { once: true })
    aggregatedKinds(this.#informers, (name, kind) => this.#lookAggregated(`${name} of another server`, kind), signal)
  }

  /**
   * Resolves when all custom kinds that there are at the time of the call are followed. Rejects when the signal aborts. Nobody waits for
   * those of other servers, which may be out of reach for long.
   */
  async synced(signal: AbortSignal): Promise<void> {
    await this.#informers.informer(definitions).synced(signal)
    await Promise.all(this.#syncing)
  }

  /** Tells of the kinds that are followed already, then of every change. Returns the removal. */
  onChange(listener: ExtensionKindListener): () => void {
    this.#listeners.add(listener)
    for (const { kind, isSynced } of this.#kinds.values()) if (isSynced) listener.added(kind, this.#informers.informer(kind))
    return () => void this.#listeners.delete(listener)
  }

  /** A kind that is custom as well is followed as such. */
  #lookAggregated(name: string, kind: KindRef | undefined): void {
    const isOther = kind && [...this.#kinds].some(([known, other]) => known !== name && kindKey(other.kind) === kindKey(kind))
    if (!isOther) void this.#look(name, kind)
  }

  /** Resolves when listeners know of a kind that is new; undefined: there is none. */
  #look(name: string, kind: KindRef | undefined): Promise<void> | undefined {
    const known = this.#kinds.get(name)
    if (known && kind && kindKey(known.kind) === kindKey(kind) && known.kind.plural === kind.plural && known.kind.scope === kind.scope)
      return undefined
    if (known) {
      this.#kinds.delete(name)
      if (known.isSynced) for (const listener of this.#listeners) listener.removed(known.kind)
      this.#informers.release(known.kind)
    }
    if (!kind || !this.#signal) return undefined
    const entry = { kind, isSynced: false }
    this.#kinds.set(name, entry)
    this.#informers.want(kind, 'metadata')
    return this.#sync(name, entry, this.#signal)
  }

  async #sync(name: string, entry: Followed, signal: AbortSignal): Promise<void> {
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
