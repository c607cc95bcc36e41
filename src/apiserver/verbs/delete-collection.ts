import type { SelectedEntry } from '../../store/watch-cache-contract.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import { prepareViews } from '../objects/object-storage.ts'
import { prefixOf, type Resource } from '../registry.ts'
import { deleteObject } from './delete.ts'
import type { DeletionOptions } from './deletion-rules.ts'
import { prepareIndex, selectIndexed } from './selection-index.ts'
import type { ListPage } from './list.ts'
import { cacheAtLeast } from './read-revision.ts'
import { parseSelection } from './selection.ts'

export type DeleteCollectionRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly labelSelector: string | undefined
  readonly fieldSelector: string | undefined
  readonly options: DeletionOptions
  readonly dryRun: boolean
}

/** Deletions under way at once; the store joins their commits. */
const parallelMax = 256

/**
 * Deletes every object that matches, each with a revision of its own: a watch that is cut between two events resumes after the
 * revision of the first, and would never hear of a second one at the same revision. Answers with the objects as they were found.
 * Not atomic as a whole: a refusal stops it where it is.
 */
export async function deleteCollection(core: Core, context: RequestContext, request: DeleteCollectionRequest): Promise<ListPage> {
  const { resource, namespace } = request
  await cacheAtLeast(core, context, undefined)
  const selection = parseSelection(resource, request.labelSelector, request.fieldSelector)
  const { cache } = core.storage
  const of = { cache, resource, prefix: prefixOf(resource, namespace), selection }
  await prepareIndex(of, context.pace)
  const preparing = prepareViews(resource, () => cache.list(of.prefix).map((e) => e.value), context)
  if (preparing) await preparing
  const found = selectIndexed(of, { revision: cache.revision }) ?? cache.list(of.prefix)
  const entries = selection ? found.filter((e) => selection.matches(e.value)) : found
  for (let i = 0; i < entries.length; i += parallelMax) {
    const results = await Promise.allSettled(entries.slice(i, i + parallelMax).map((entry) => deleteOne(core, context, request, entry)))
    const refused = results.find((result) => result.status === 'rejected')
    if (refused) throw refused.reason
  }
  return { items: entries.map((e) => e.value), revision: cache.revision, continueToken: '', remaining: undefined }
}

/** Gone by now is as good as deleted. */
async function deleteOne(
  core: Core,
  context: RequestContext,
  request: DeleteCollectionRequest,
  entry: SelectedEntry<CachedObject>,
): Promise<void> {
  const { resource, options, dryRun } = request
  try {
    await deleteObject(core, context, { resource, ...place(entry), options, dryRun, isOfCollection: true })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

function place(entry: SelectedEntry<CachedObject>): { namespace: string; name: string } {
  const { namespace = '', name = '' } = entry.value.object.metadata
  return { namespace, name }
}
