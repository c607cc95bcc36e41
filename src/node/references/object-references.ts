import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { ObjectInformer } from '../../client/informer.ts'
import { type ConfigReference, configReferences } from '../../kinds/core/config-references.ts'
import type { ConfigMap, Pod, Secret } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'

/** Reads the ConfigMaps and Secrets that pods of this node name. Undefined: there is none. */
export type ObjectReader = {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
}

export type ObjectReferencesOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** An object that these pods name has changed. */
  readonly onChange: (uids: readonly string[]) => void
}

type Entry = {
  readonly informer: ObjectInformer<KubeObject>
  readonly stop: AbortController
  readonly users: Set<string>
  readonly done: Promise<void>
}
type Kind = ConfigReference['kind']

/**
 * Watches exactly the ConfigMaps and Secrets that pods on this node name, one watch an object, from the first pod that names it to the
 * last: a node may read only what its pods use, and a change reaches the volumes at once, without polling.
 */
export class ObjectReferences implements ObjectReader {
  readonly #options: ObjectReferencesOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: ObjectReferencesOptions) {
    this.#options = options
  }

  /** Begins to watch what the pod names. Idempotent. */
  use(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    for (const { kind, name } of namedObjects(pod)) this.#entryOf(kind, pod.metadata.namespace ?? '', name).users.add(uid)
  }

  /** Ends the watches that only this pod needed. */
  release(uid: string): void {
    for (const [key, entry] of this.#entries) {
      if (!entry.users.delete(uid) || entry.users.size > 0) continue
      this.#entries.delete(key)
      entry.stop.abort()
    }
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get('ConfigMap', kindRefs.coreV1.configMaps, namespace, name)
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get('Secret', kindRefs.coreV1.secrets, namespace, name)
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) entry.stop.abort()
    await Promise.all(entries.map((entry) => entry.done))
  }

  async #get<T extends KubeObject>(kind: Kind, ref: KindRef<T>, namespace: string, name: string): Promise<T | undefined> {
    const entry = this.#entries.get(`${kind}/${namespace}/${name}`)
    const cached = entry?.informer.hasSynced ? (entry.informer.get(`${namespace}/${name}`) as T | undefined) : undefined
    if (cached) return cached
    // Not watched yet, or just made: the API has the last word.
    try {
      return await this.#options.client.resource(ref, namespace).get(name)
    } catch (error) {
      if (isStatus(error, 'NotFound')) return undefined
      throw error
    }
  }

  #entryOf(kind: Kind, namespace: string, name: string): Entry {
    const key = `${kind}/${namespace}/${name}`
    const known = this.#entries.get(key)
    if (known) return known
    const { client, clock, random, log, onChange } = this.#options
    const ref: KindRef = kind === 'ConfigMap' ? kindRefs.coreV1.configMaps : kindRefs.coreV1.secrets
    const informer = new ObjectInformer<KubeObject>({
      client,
      kind: ref,
      clock,
      random,
      log,
      namespace,
      fieldSelector: `metadata.name=${name}`,
    })
    const stop = new AbortController()
    const users = new Set<string>()
    // The first state is what the pods were started with.
    informer.onChange(() => informer.hasSynced && onChange([...users]))
    const entry = { informer, stop, users, done: informer.run(stop.signal) }
    this.#entries.set(key, entry)
    return entry
  }
}

/** Every ConfigMap and Secret that a pod names, those for pulling its images too, each once. Pure. */
export function namedObjects(pod: Pod): ConfigReference[] {
  const found = configReferences(pod.spec)
  const isNamed = (name: string) => found.some((one) => one.kind === 'Secret' && one.name === name)
  for (const { name } of pod.spec?.imagePullSecrets ?? []) if (name && !isNamed(name)) found.push({ kind: 'Secret', name })
  return found
}
