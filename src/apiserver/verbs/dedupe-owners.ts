import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { RequestContext } from '../core.ts'

/** Leaves each owner in the list once, and says so. Changes the object. */
export function dedupeOwners(context: RequestContext, { metadata }: KubeObject, when: 'sent' | 'admitted'): void {
  const { ownerReferences: owners } = metadata
  if (!Array.isArray(owners) || owners.length < 2) return
  const kept: typeof owners = []
  const repeated: string[] = []
  for (const owner of owners) {
    if (kept.some((one) => one.uid === owner.uid && deepEqual(one, owner))) repeated.push(owner.uid)
    else kept.push(owner)
  }
  if (repeated.length === 0) return
  metadata.ownerReferences = kept
  const how = when === 'admitted' ? ' after mutating admission happens' : ''
  context.warn(
    `.metadata.ownerReferences contains duplicate entries${how}; API server dedups owner references in 1.20+, and may reject such ` +
      `requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
  )
}
