/**
 * Follows every kind by its metadata. There is no graph of its own: "who depends on X" is an index on each informer, "does the
 * owner exist" a look-up in one. An owner that is missing in the cache is asked for live, by uid, before anything is deleted.
 */
import { collectableKinds, kindsByReference } from '../../control/collectable-kinds.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult, WatchDeclaration } from '../../control/contract.ts'
import { type KindRef, kindKey } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { keyOf, type KubeObject, type OwnerReference } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type Action, isWaitingForDependents, type OwnerState, planCollection } from './plan.ts'

const ownerIndex = 'owner-uid'
/** An owner that the API knows and the cache does not yet: how soon it is looked for again. */
const unseenOwnerMs = 5_000
const absentOwnersMax = 4_096
const unjudgedMax = 65_536

type Change = { readonly current: KubeObject | undefined; readonly old: KubeObject | undefined }
type Located = { readonly kind: KindRef; readonly object: KubeObject }

/** Deletes what has lost its owners; carries out foreground deletion and orphaning. */
export function garbageCollectorController(kinds: readonly KindRef[] = collectableKinds()): ControllerDefinition {
  const collector = new Collector(kinds)
  return {
    name: 'generic-garbage-collector',
    account: 'generic-garbage-collector',
    eventSource: 'garbage-collector-controller',
    watches: kinds.map((kind) => collector.watch(kind)),
    extensionKinds: { watch: (kind) => collector.watch(kind), keys: (kind) => collector.keysWaitingFor(kind), access: 'write' },
    writes: kinds,
    concurrency: 20,
    reconcile: (context, key) => collector.reconcile(context, key),
  }
}

const workKey = (kind: KindRef, object: KubeObject) => `${kindKey(kind)}#${keyOf(object)}`

class Collector {
  readonly #kinds: readonly KindRef[]
  readonly #byReference: ReadonlyMap<string, KindRef>
  /** Uids that the API has denied knowing: a uid never comes back. */
  readonly #absent = new Set<string>()
  /** What has owners of kinds that nobody serves: by key, the groups and kinds that it waits for. */
  readonly #unjudged = new Map<string, readonly string[]>()

  constructor(kinds: readonly KindRef[]) {
    this.#kinds = kinds
    this.#byReference = kindsByReference(kinds)
  }

  watch(kind: KindRef): WatchDeclaration {
    return { kind, metadataOnly: true, keys: (change, context) => this.keysOf(kind, change, context) }
  }

  keysOf(kind: KindRef, { current, old }: Change, context: LoopContext): readonly string[] {
    if (!current) {
      if (!old) return []
      this.#unjudged.delete(workKey(kind, old))
      return [...this.#dependentsOf(context, old).map(located), ...this.#ownersOf(context, old).map(located)]
    }
    const keys: string[] = []
    const hasNewOwners = ownersText(current) !== ownersText(old)
    const isEnding = current.metadata.deletionTimestamp !== undefined && (current.metadata.finalizers ?? []).length > 0
    // An owner that waits for its dependents: they go now.
    if (isWaitingForDependents(current) && !(old && isWaitingForDependents(old)))
      keys.push(...this.#dependentsOf(context, current).map(located))
    if ((hasNewOwners && !this.#areOwnersThere(context, current)) || isEnding) keys.push(workKey(kind, current))
    if (old && hasNewOwners) keys.push(...this.#ownersOf(context, old).map(located))
    return keys
  }

  /** An owner of a kind that was not known may be gone. */
  keysWaitingFor({ group, kind }: KindRef): readonly string[] {
    return [...this.#unjudged].flatMap(([key, kinds]) => (kinds.includes(`${group}/${kind}`) ? [key] : []))
  }

  async reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
    this.#unjudged.delete(key)
    const hash = key.indexOf('#')
    const kind = this.#kindOf(context, key.slice(0, hash))
    const object = kind && context.informer(kind).get(key.slice(hash + 1))
    if (!kind || !object) return
    const references = object.metadata.deletionTimestamp ? [] : (object.metadata.ownerReferences ?? [])
    const unknown = references.filter(({ apiVersion, kind }) => !this.#kindOf(context, `${apiVersion}/${kind}`))
    if (unknown.length > 0 && this.#unjudged.size < unjudgedMax) this.#unjudged.set(key, unknown.map(groupKindOf))
    let hasUnseen = false
    const owners: { reference: OwnerReference; state: OwnerState }[] = []
    for (const reference of references) {
      const cached = this.#cachedOwner(context, object, reference)
      if (cached) owners.push({ reference, state: isWaitingForDependents(cached.object) ? 'waiting' : 'exists' })
      else {
        const state = await this.#liveState(context, object, reference)
        hasUnseen ||= state === 'exists' || state === 'waiting'
        owners.push({ reference, state })
      }
    }
    // The usual case ends here: everything owned that is made comes by once.
    if (!object.metadata.deletionTimestamp && owners.every(({ state }) => state === 'exists'))
      return hasUnseen ? { requeueAfterMs: unseenOwnerMs } : undefined
    // No await between here and the plan: the cache is read at one moment.
    const dependents = this.#dependentsOf(context, object)
    const plan = planCollection({ object, owners, dependents: dependents.map((dependent) => dependent.object) })
    let seen = object
    for (const action of plan) seen = (await this.#perform(context, { kind, object: seen }, action, dependents)) ?? seen
    return hasUnseen ? { requeueAfterMs: unseenOwnerMs } : undefined
  }

  /** By `apiVersion/kind`; any version of a kind means the one that is followed. */
  #kindOf(context: LoopContext, reference: string): KindRef | undefined {
    const known = this.#byReference.get(reference)
    if (known) return known
    const [group, , name] = reference.split('/')
    return context.extensionKinds().find((kind) => kind.group === group && kind.kind === name)
  }

  #dependentsOf(context: LoopContext, owner: KubeObject): Located[] {
    const uid = owner.metadata.uid ?? ''
    return [...this.#kinds, ...context.extensionKinds()].flatMap((kind) => {
      const informer = context.informer(kind)
      informer.addIndex(ownerIndex, (object) => (object.metadata.ownerReferences ?? []).map((reference) => reference.uid))
      return informer
        .byIndex(ownerIndex, uid)
        .filter((object) => !owner.metadata.namespace || object.metadata.namespace === owner.metadata.namespace)
        .map((object) => ({ kind, object }))
    })
  }

  /** The usual case, which costs no turn of the queue: an owner that goes later brings its dependents along. */
  #areOwnersThere(context: LoopContext, object: KubeObject): boolean {
    const owners = (object.metadata.ownerReferences ?? []).map((reference) => this.#cachedOwner(context, object, reference))
    return owners.every((owner) => owner && !isWaitingForDependents(owner.object))
  }

  #ownersOf(context: LoopContext, object: KubeObject): Located[] {
    return (object.metadata.ownerReferences ?? []).flatMap((reference) => this.#cachedOwner(context, object, reference) ?? [])
  }

  #cachedOwner(context: LoopContext, dependent: KubeObject, reference: OwnerReference): Located | undefined {
    const kind = this.#kindOf(context, `${reference.apiVersion}/${reference.kind}`)
    if (!kind) return undefined
    const key = kind.scope === 'Namespaced' ? `${dependent.metadata.namespace ?? ''}/${reference.name}` : reference.name
    const object = context.informer(kind).get(key)
    return object?.metadata.uid === reference.uid ? { kind, object } : undefined
  }

  /** What the API itself says about an owner that the cache does not show. */
  async #liveState(context: LoopContext, dependent: KubeObject, reference: OwnerReference): Promise<OwnerState> {
    if (this.#absent.has(reference.uid)) return 'absent'
    const kind = this.#kindOf(context, `${reference.apiVersion}/${reference.kind}`)
    // A kind that is not served, or an owner that lives in a namespace when the dependent does not: not ours to judge.
    if (!kind) return 'unknown'
    if (kind.scope === 'Namespaced' && !dependent.metadata.namespace) {
      tellWrongNamespace(context, dependent, reference)
      return 'unknown'
    }
    try {
      const owner = await context.client
        .resource(kind, kind.scope === 'Namespaced' ? dependent.metadata.namespace : undefined)
        .get(reference.name)
      if (owner.metadata.uid === reference.uid) return isWaitingForDependents(owner) ? 'waiting' : 'exists'
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error
    }
    const isElsewhere =
      kind.scope === 'Namespaced' &&
      context
        .informer(kind)
        .list()
        .some(({ metadata }) => metadata.uid === reference.uid)
    if (isElsewhere) tellWrongNamespace(context, dependent, reference)
    if (this.#absent.size >= absentOwnersMax) this.#absent.delete(this.#absent.values().next().value ?? '')
    this.#absent.add(reference.uid)
    return 'absent'
  }

  /** Gives the object as it is afterwards, where another action may follow. */
  async #perform(
    context: LoopContext,
    { kind, object }: Located,
    action: Action,
    dependents: readonly Located[],
  ): Promise<KubeObject | undefined> {
    const { namespace, name = '', uid = '', resourceVersion } = object.metadata
    const resource = context.client.resource(kind, namespace)
    const isDependentIn = (list: readonly KubeObject[]) => dependents.filter((dependent) => list.includes(dependent.object))
    switch (action.type) {
      case 'delete':
        await deleteAsSeen(context, { kind, object }, action.propagation)
        return undefined
      case 'keep-owners':
        return ifThere(
          resource.patch(name, { type: 'merge', body: { metadata: { uid, resourceVersion, ownerReferences: action.owners } } }),
        )
      case 'remove-finalizer': {
        const finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== action.finalizer)
        await ignoreGone(resource.patch(name, { type: 'merge', body: { metadata: { uid, resourceVersion, finalizers } } }))
        return undefined
      }
      case 'orphan':
        await Promise.all(isDependentIn(action.dependents).map((dependent) => forgetOwner(context, dependent, uid)))
        return undefined
    }
  }
}

/** An owner of one namespace owns nothing in another, and nothing outside of namespaces. */
function tellWrongNamespace(context: LoopContext, dependent: KubeObject, { apiVersion, kind, name, uid }: OwnerReference): void {
  const { namespace = '' } = dependent.metadata
  context.event(dependent, {
    type: 'Warning',
    reason: 'OwnerRefInvalidNamespace',
    message: `ownerRef [${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}] does not exist in namespace "${namespace}"`,
  })
}

function located({ kind, object }: Located): string {
  return workKey(kind, object)
}

function groupKindOf({ apiVersion, kind }: OwnerReference): string {
  const [group, version] = apiVersion.split('/')
  return `${version === undefined ? '' : group}/${kind}`
}

function ownersText(object: KubeObject | undefined): string {
  return (object?.metadata.ownerReferences ?? []).map((o) => `${o.uid}${o.blockOwnerDeletion ? '!' : ''}`).join()
}

async function forgetOwner(context: LoopContext, { kind, object }: Located, uid: string): Promise<void> {
  const { namespace, name = '', resourceVersion } = object.metadata
  const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid)
  const body = { metadata: { uid: object.metadata.uid, resourceVersion, ownerReferences } }
  await ignoreGone(context.client.resource(kind, namespace).patch(name, { type: 'merge', body }))
}

/** Never an object whose owners have changed since it was judged: it may have been adopted, or left to itself, a moment ago. */
async function deleteAsSeen(
  context: LoopContext,
  { kind, object }: Located,
  propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
): Promise<void> {
  const { namespace, name = '', uid, resourceVersion } = object.metadata
  const resource = context.client.resource(kind, namespace)
  try {
    await ignoreGone(resource.delete(name, { preconditions: { uid, resourceVersion }, propagationPolicy }))
  } catch (error) {
    if (!isStatus(error, 'Conflict')) throw error
    const current = await ifThere(resource.get(name))
    if (current?.metadata.uid !== uid) return
    // Changes that leave the owners alone, however many, keep nothing from being collected.
    if (!deepEqual(current?.metadata.ownerReferences, object.metadata.ownerReferences)) throw error
    await ignoreGone(resource.delete(name, { preconditions: { uid }, propagationPolicy }))
  }
}

async function ifThere(read: Promise<KubeObject>): Promise<KubeObject | undefined> {
  try {
    return await read
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  }
}

async function ignoreGone(write: Promise<unknown>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
