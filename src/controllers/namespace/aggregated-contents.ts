import type { Client } from '../../client/contract.ts'
import { discoverAggregated } from '../../control/aggregated-discovery.ts'
import type { APIService } from '../../kinds/generated/types/apiregistration-v1.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { Remaining } from './plan.ts'

/** What a namespace holds in groups that other API servers answer. */
export type AggregatedContents = {
  readonly remaining: readonly Remaining[]
  /** Kinds that could not be deleted or listed. */
  readonly failures: readonly string[]
  /** Group versions that nobody could say the kinds of. */
  readonly undiscovered: readonly string[]
}

/** Deletes what aggregated servers hold of a namespace, and tells what is left. Not all of their kinds can be watched: each call asks them. */
export async function deleteAggregatedContents(
  client: Client,
  services: readonly APIService[],
  namespace: string,
): Promise<AggregatedContents> {
  const { kinds, undiscovered } = await discoverAggregated(client, services)
  const remaining: Remaining[] = []
  const failures: string[] = []
  for (const { kind, verbs } of kinds) {
    if (kind.scope !== 'Namespaced' || !verbs.includes('list') || !verbs.includes('delete')) continue
    const resource = client.resource(kind, namespace)
    try {
      const before = (await resource.list()).items
      if (before.length === 0) continue
      if (verbs.includes('deletecollection')) await resource.deleteCollection({ propagationPolicy: 'Background' })
      else for (const { metadata } of before) await deleteIfThere(resource.delete(metadata.name ?? '', { propagationPolicy: 'Background' }))
      const after = (await resource.list()).items
      if (after.length > 0) remaining.push({ kind, objects: after })
    } catch {
      failures.push(`${kind.plural}.${kind.group}`)
    }
  }
  return { remaining, failures, undiscovered }
}

async function deleteIfThere(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
