import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative } from '../checks.ts'

type Counts = {
  readonly replicas?: number
  readonly fullyLabeledReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly observedGeneration?: number
}

/** Counts in the status of a ReplicaSet or ReplicationController: none negative, none above the whole. */
export function validateReplicaCounts(status: Counts | undefined): FieldError[] {
  if (!status) return []
  const errors: FieldError[] = []
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  for (const field of ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'] as const)
    checkNonNegative(errors, `status.${field}`, status[field])
  for (const field of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const)
    if ((status[field] ?? 0) > replicas)
      errors.push(fieldErrors.invalid(`status.${field}`, status[field], 'cannot be greater than status.replicas'))
  if (availableReplicas > readyReplicas)
    errors.push(fieldErrors.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'))
  return errors
}
