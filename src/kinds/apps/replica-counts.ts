import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative } from '../checks.ts'

type Counts = {
  readonly replicas?: number
  readonly fullyLabeledReplicas?: number
  readonly updatedReplicas?: number
  readonly currentReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly terminatingReplicas?: number
  readonly observedGeneration?: number
  readonly collisionCount?: number
}

/** Counts that are parts of `replicas`. */
const parts = ['fullyLabeledReplicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const
const counts = ['replicas', ...parts, 'unavailableReplicas', 'terminatingReplicas', 'observedGeneration', 'collisionCount'] as const

/** Counts in the status of a workload: none negative, none above the whole. `readyWord`: the kind's name for its ready replicas in a message. */
export function validateReplicaCounts(status: Counts | undefined, readyWord = 'readyReplicas'): FieldError[] {
  if (!status) return []
  const errors: FieldError[] = []
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  for (const field of counts) checkNonNegative(errors, `status.${field}`, status[field])
  for (const field of parts)
    if ((status[field] ?? 0) > replicas)
      errors.push(fieldErrors.invalid(`status.${field}`, status[field], 'cannot be greater than status.replicas'))
  if (availableReplicas > readyReplicas)
    errors.push(fieldErrors.invalid('status.availableReplicas', availableReplicas, `cannot be greater than ${readyWord}`))
  return errors
}

/** Hashes that collided are counted up, never down. */
export function validateCollisionCount(status: Counts | undefined, old: Counts | undefined): FieldError[] {
  const count = status?.collisionCount ?? 0
  return count < (old?.collisionCount ?? 0) ? [fieldErrors.invalid('status.collisionCount', count, 'cannot be decremented')] : []
}
