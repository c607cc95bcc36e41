import type { KubeObject } from '../machinery/object.ts'
import type { ResourceClient } from './contract.ts'

/**
 * An object of one's own whose methods call those of `resource`: a start for adding to or replacing some of them. Without `createAlike`,
 * so that whoever replaces `create` sees every create.
 */
export function delegateResource<T extends KubeObject>(resource: ResourceClient<T>): ResourceClient<T> {
  return chosenResource(() => resource)
}

/** As `delegateResource`, with whichever `choose` gives at the time of each call. */
export function chosenResource<T extends KubeObject>(choose: () => ResourceClient<T>): ResourceClient<T> {
  return {
    get: (name, options) => choose().get(name, options),
    list: (options) => choose().list(options),
    watch: (options) => choose().watch(options),
    create: (object, options) => choose().create(object, options),
    update: (object, options) => choose().update(object, options),
    updateStatus: (object, options) => choose().updateStatus(object, options),
    patch: (name, patch, options) => choose().patch(name, patch, options),
    apply: (object, options) => choose().apply(object, options),
    delete: (name, options) => choose().delete(name, options),
    deleteCollection: (options) => choose().deleteCollection(options),
    subresource: (name, subresource, body, options) => choose().subresource(name, subresource, body, options),
  }
}
