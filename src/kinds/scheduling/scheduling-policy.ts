import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { PodGroupSchedulingPolicy } from '../generated/types/scheduling-v1alpha2.ts'

/** Exactly one policy, and a gang of at least one. */
export function validateSchedulingPolicy(errors: FieldError[], policy: PodGroupSchedulingPolicy | undefined, path: string): void {
  const set = [policy?.basic, policy?.gang].filter((p) => p !== undefined).length
  if (set === 0) errors.push(fieldErrors.required(path, 'must specify one of: `basic`, `gang`'))
  if (set > 1) errors.push(fieldErrors.invalid(path, policy, 'must specify exactly one of: `basic`, `gang`'))
  const minCount = policy?.gang?.minCount
  if (policy?.gang && (minCount === undefined || minCount < 1))
    errors.push(fieldErrors.invalid(`${path}.gang.minCount`, minCount, 'must be greater than zero'))
}
