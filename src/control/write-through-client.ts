import type { Client, ResourceClient, WriteOptions } from '../client/contract.ts'
import { delegateResource } from '../client/delegate-resource.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { InformerFactory } from './informer-factory.ts'

/**
 * A client whose successful writes show in the process's own informers at once, before the watch brings them. So no loop
 * ever acts on a state older than its own last write (which upstream needs its "expectations" for). Writes that name no field
 * manager are done in the name of `fieldManager`.
 */
export function writeThroughClient(client: Client, factory: InformerFactory, fieldManager: string): Client {
  return {
    resource: (kind, namespace) => writeThroughResource(client.resource(kind, namespace), { factory, fieldManager, kind, namespace }),
    raw: (request) => client.raw(request),
    ...(client.openWebSocket ? { openWebSocket: client.openWebSocket.bind(client) } : {}),
  }
}

type Target<T extends KubeObject> = {
  readonly factory: InformerFactory
  readonly fieldManager: string
  readonly kind: KindRef<T>
  readonly namespace: string | undefined
}

function writeThroughResource<T extends KubeObject>(resource: ResourceClient<T>, target: Target<T>): ResourceClient<T> {
  const { factory, fieldManager, kind, namespace } = target
  const seen = (object: T): T => {
    factory.existing(kind)?.observeWrite(object)
    return object
  }
  const managed = <O extends WriteOptions>(options: O | undefined): O => ({ fieldManager, ...options }) as unknown as O
  const show = (write: Promise<T>, isDryRun: boolean | undefined) => (isDryRun ? write : write.then(seen))
  return {
    ...delegateResource(resource),
    create: (object, options) => show(resource.create(object, managed(options)), options?.dryRun),
    update: (object, options) => show(resource.update(object, managed(options)), options?.dryRun),
    updateStatus: (object, options) => show(resource.updateStatus(object, managed(options)), options?.dryRun),
    patch: (name, patch, options) => show(resource.patch(name, patch, managed(options)), options?.dryRun),
    apply: (object, options) => show(resource.apply(object, options), options?.dryRun),
    delete: async (name, options) => {
      const informer = factory.existing(kind)
      const key = namespace === undefined ? name : `${namespace}/${name}`
      const uid = informer?.get(key)?.metadata.uid
      const result = await resource.delete(name, options)
      if (options?.dryRun || !informer) return result
      const deleted = result as T
      if (deleted.kind !== 'Status' && deleted.metadata?.deletionTimestamp) informer.observeWrite(deleted)
      else if (uid !== undefined) informer.observeDelete(key, uid)
      return result
    },
  }
}
