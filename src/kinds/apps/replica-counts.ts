import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative } from '../checks.ts'

type Count =
  | 'replicas'
  | 'fullyLabeledReplicas'
  | 'updatedReplicas'
  | 'currentReplicas'
  | 'readyReplicas'
  | 'availableReplicas'
  | 'unavailableReplicas'
  | 'terminatingReplicas'
  | 'observedGeneration'
  | 'collisionCount'
type Status = { readonly [C in Count]?: number }

/** What a kind's status counts, in the order in which upstream looks at it. */
export type ReplicaCounts = {
  readonly nonNegative: readonly Count[]
  /** Counts that are parts of `replicas`. */
  readonly parts: readonly Count[]
  /** The kind's name for its ready replicas in a message. */
  readonly readyWord?: string
}

/** Of ReplicaSets and ReplicationControllers. */
export const replicaSetCounts: ReplicaCounts = {
  nonNegative: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas'],
  parts: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
}

/** Counts in the status of a workload: none negative, none above the whole. */
export function validateReplicaCounts(
  status: Status | undefined,
  { nonNegative, parts, readyWord = 'readyReplicas' }: ReplicaCounts,
): FieldError[] {
  if (!status) return []
  const errors: FieldError[] = []
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  for (const field of nonNegative) checkNonNegative(errors, `status.${field}`, status[field])
  for (const field of parts) {
    const count = status[field] ?? 0
    if (count > replicas) errors.push(fieldErrors.invalid(`status.${field}`, count, 'cannot be greater than status.replicas'))
  }
  if (availableReplicas > readyReplicas)
    errors.push(fieldErrors.invalid('status.availableReplicas', availableReplicas, `cannot be greater than ${readyWord}`))
  return errors
}

/** Hashes that collided are counted up, never down. */
export function validateCollisionCount(status: Status | undefined, old: Status | undefined): FieldError[] {
  const count = status?.collisionCount ?? 0
  const isDecremented = old?.collisionCount !== undefined && (status?.collisionCount === undefined || count < old.collisionCount)
  return isDecremented ? [fieldErrors.invalid('status.collisionCount', count, 'cannot be decremented')] : []
}
