import type { Operation } from '../../store/contract.ts'
import type { CacheEntry } from '../../store/watch-cache-contract.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { CachedObject } from '../cached-object.ts'
import { encodeStored } from '../codec.ts'
import type { Core, RequestContext } from '../core.ts'
import { prefixOf, type Resource } from '../registry.ts'
import { deleteObject, plannedDeletion } from './delete.ts'
import type { DeletionOptions } from './deletion-rules.ts'
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

/** Deletions that share one commit. */
const batchMax = 500

/**
 * Deletes every object that matches, many in one commit; what changes meanwhile is deleted one by one. Answers with the
 * objects as they were found. Not atomic as a whole: a refusal stops it where it is.
 */
export async function deleteCollection(core: Core, context: RequestContext, request: DeleteCollectionRequest): Promise<ListPage> {
  const { resource, namespace } = request
  await cacheAtLeast(core, context, undefined)
  const selection = parseSelection(resource, request.labelSelector, request.fieldSelector)
  const entries = core.storage.cache.list(prefixOf(resource, namespace)).filter((e) => !selection || selection.matches(e.value))
  for (let i = 0; i < entries.length; i += batchMax) await deleteBatch(core, context, request, entries.slice(i, i + batchMax))
  return { items: entries.map((e) => e.value), revision: core.storage.cache.revision, continueToken: '', remaining: undefined }
}

async function deleteBatch(
  core: Core,
  context: RequestContext,
  request: DeleteCollectionRequest,
  entries: readonly CacheEntry<CachedObject>[],
): Promise<void> {
  const { resource, options, dryRun } = request
  const operations: Operation[] = []
  const removed: CacheEntry<CachedObject>[] = []
  for (const entry of entries) {
    const plan = await plannedDeletion(core, context, { resource, ...place(entry), options, dryRun }, entry)
    if (plan.type === 'remove') {
      removed.push(entry)
      operations.push({ type: 'delete', key: entry.key, expected: entry.revision })
    } else if (plan.type === 'mark') {
      operations.push({ type: 'put', key: entry.key, value: encodeStored(plan.object), expected: entry.revision })
    }
  }
  if (dryRun || operations.length === 0) return
  const result = await core.storage.commit(operations)
  if (result.type === 'committed') {
    for (const entry of removed) core.hooks.deleted(resource, entry.value.object)
    return
  }
  for (const entry of entries) await deleteOne(core, context, request, entry)
}

/** After a conflict in the batch. Gone by now is as good as deleted. */
async function deleteOne(
  core: Core,
  context: RequestContext,
  request: DeleteCollectionRequest,
  entry: CacheEntry<CachedObject>,
): Promise<void> {
  const { resource, options, dryRun } = request
  try {
    await deleteObject(core, context, { resource, ...place(entry), options, dryRun })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

function place(entry: CacheEntry<CachedObject>): { namespace: string; name: string } {
  const { namespace = '', name = '' } = entry.value.object.metadata
  return { namespace, name }
}
