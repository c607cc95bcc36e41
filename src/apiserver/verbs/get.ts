import { statusErrors } from '../../machinery/status-error.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import { prepareViews } from '../objects/object-storage.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { cacheAtFresh, cacheAtLeast, parseResourceVersion } from './read-revision.ts'

export type GetRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly resourceVersion?: string | undefined
}

/** One object from the cache, which is at least as new as every write that has been answered. Throws 404. */
export function getObject(core: Core, context: RequestContext, request: GetRequest): CachedObject | Promise<CachedObject> {
  const { resource, namespace, name, resourceVersion } = request
  const { cache, store } = core.storage
  const wanted = resourceVersion ? parseResourceVersion(resourceVersion) : store.freshRevision()
  const find = () => {
    const entry = cache.get(keyOfObject(resource, namespace, name))
    if (!entry) throw statusErrors.notFound(resource.name, name)
    const preparing = prepareViews(resource, () => [entry.value], context)
    return preparing ? preparing.then(() => entry.value) : entry.value
  }
  if (typeof wanted === 'object') return wanted.then((revision) => cacheAtFresh(core, context, revision)).then(find)
  if (wanted === undefined || cache.revision >= wanted) return find()
  return cacheAtLeast(core, context, wanted).then(find)
}
