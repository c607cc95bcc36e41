import type { KubeObject } from '../machinery/object.ts'
import type { ResourceClient } from './contract.ts'

/**
 * An object of one's own whose methods call those of `resource`: a start for adding to or replacing some of them. Without `createAlike`,
 * so that whoever replaces `create` sees every create.
 */
export function delegateResource<T extends KubeObject>(resource: ResourceClient<T>): ResourceClient<T> {
  return {
    get: (name, options) => resource.get(name, options),
    list: (options) => resource.list(options),
    watch: (options) => resource.watch(options),
    create: (object, options) => resource.create(object, options),
    update: (object, options) => resource.update(object, options),
    updateStatus: (object, options) => resource.updateStatus(object, options),
    patch: (name, patch, options) => resource.patch(name, patch, options),
    apply: (object, options) => resource.apply(object, options),
    delete: (name, options) => resource.delete(name, options),
    deleteCollection: (options) => resource.deleteCollection(options),
    subresource: (name, subresource, body, options) => resource.subresource(name, subresource, body, options),
  }
}
