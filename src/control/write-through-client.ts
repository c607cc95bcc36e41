import type { BatchWrite, Client, PodChange, ResourceClient } from '../client/contract.ts'
import { delegateResource } from '../client/delegate-resource.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ObjectInformer } from '../client/informer.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import { apiVersionOf, type KubeObject } from '../machinery/object.ts'
import type { Status } from '../machinery/status-error.ts'
import type { InformerFactory } from './informer-factory.ts'

/**
 * A client whose successful writes show in the process's own informers at once, before the watch brings them. So no loop
 * ever acts on a state older than its own last write (which upstream needs its "expectations" for). What it reads shows there, too: a loop
 * that did not hear how its write ended reads anew, and must not fall back behind that the next time.
 */
export function writeThroughClient(client: Client, factory: InformerFactory): Client {
  const known = new WeakMap<KindRef, Map<string | undefined, ResourceClient<never>>>()
  return {
    // A loop writes to few of them, again and again.
    resource: <T extends KubeObject>(kind: KindRef<T>, namespace?: string) => {
      let ofKind = known.get(kind)
      if (!ofKind || ofKind.size >= namespacesMax) known.set(kind, (ofKind = new Map()))
      // The cast: what is kept for a kind is of its type.
      let resource = ofKind.get(namespace) as ResourceClient<T> | undefined
      if (!resource) {
        resource = writeThroughResource(client.resource(kind, namespace), { factory, kind, namespace })
        ofKind.set(namespace, resource as ResourceClient<never>)
      }
      return resource
    },
    ...(client.createBatch
      ? { createBatch: (writes, options) => showCreated(client.createBatch!(writes, options), { factory, writes }) }
      : {}),
    ...(client.changePods
      ? { changePods: (changes, options) => showChanged(client.changePods!(changes, options), { factory, changes }) }
      : {}),
    raw: (request) => client.raw(request),
    ...(client.openWebSocket ? { openWebSocket: client.openWebSocket.bind(client) } : {}),
  }
}

/** Namespaces whose resources of one kind are kept. */
const namespacesMax = 64

type Created = readonly PromiseSettledResult<object>[]

/** What a subresource answers is no object of the kind. */
async function showCreated(
  creating: Promise<Created>,
  { factory, writes }: { readonly factory: InformerFactory; readonly writes: readonly BatchWrite[] },
): Promise<Created> {
  const outcomes = await creating
  for (const [i, outcome] of outcomes.entries()) {
    const { kind, subresource } = writes[i]!
    if (outcome.status === 'fulfilled' && subresource === '') factory.existing(kind)?.observeWrite(outcome.value as KubeObject)
  }
  return outcomes
}

type Changed = readonly PromiseSettledResult<KubeObject | Status>[]

async function showChanged(
  changing: Promise<Changed>,
  { factory, changes }: { readonly factory: InformerFactory; readonly changes: readonly PodChange[] },
): Promise<Changed> {
  const outcomes = await changing
  const informer = factory.existing(kindRefs.coreV1.pods)
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected' || !informer) continue
    const { namespace, name, uid, deletes } = changes[i]!
    if (deletes) showDeleted(outcome.value, { informer, key: `${namespace}/${name}`, uid })
    else informer.observeWrite(outcome.value as Pod & KubeObject)
  }
  return outcomes
}

type Target<T extends KubeObject> = {
  readonly factory: InformerFactory
  readonly kind: KindRef<T>
  readonly namespace: string | undefined
}

function writeThroughResource<T extends KubeObject>(resource: ResourceClient<T>, target: Target<T>): ResourceClient<T> {
  const { factory, kind, namespace } = target
  const seen = (object: T): T => {
    factory.existing(kind)?.observeWrite(object)
    return object
  }
  const show = (answer: Promise<T>, isOther: boolean | undefined) => (isOther ? answer : answer.then(seen))
  const typed = (item: T): T => (item.kind === undefined ? { apiVersion: apiVersionOf(kind), kind: kind.kind, ...item } : item)
  return {
    ...delegateResource(resource),
    get: (name, options) => show(resource.get(name, options), options?.resourceVersion !== undefined),
    list: async (options) => {
      const list = await resource.list(options)
      if (options?.resourceVersion === undefined) for (const item of list.items) seen(typed(item))
      return list
    },
    create: (object, options) => show(resource.create(object, options), options?.dryRun),
    ...(resource.createAlike
      ? {
          createAlike: async (object: T, count: number) => {
            const results = await resource.createAlike!(object, count)
            for (const result of results ?? []) if (result.status === 'fulfilled') seen(result.value)
            return results
          },
        }
      : {}),
    update: (object, options) => show(resource.update(object, options), options?.dryRun),
    updateStatus: (object, options) => show(resource.updateStatus(object, options), options?.dryRun),
    patch: (name, patch, options) => show(resource.patch(name, patch, options), options?.dryRun),
    apply: (object, options) => show(resource.apply(object, options), options?.dryRun),
    delete: async (name, options) => {
      const key = namespace === undefined ? name : `${namespace}/${name}`
      const informer = options?.dryRun ? undefined : factory.existing(kind)
      const uid = informer?.get(key)?.metadata.uid
      const deleted = await resource.delete(name, options)
      if (informer) showDeleted(deleted, { informer, key, uid })
      return deleted
    },
  }
}

/** What is gone at once leaves the informer, what is only marked is there with its mark. */
function showDeleted<T extends KubeObject>(
  answer: KubeObject | Status,
  { informer, key, uid }: { readonly informer: ObjectInformer<T>; readonly key: string; readonly uid: string | undefined },
): void {
  // Whatever is no Status is the object.
  const deleted = answer as KubeObject as T
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = deleted.metadata ?? {}
  const isGone = deleted.kind === 'Status' || !deletionTimestamp || (deletionGracePeriodSeconds === 0 && finalizers.length === 0)
  if (!isGone) informer.observeWrite(deleted)
  else if (uid !== undefined) informer.observeDelete(key, uid)
}
