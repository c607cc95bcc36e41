import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { NonResourceAttributes, ResourceAttributes } from '../generated/types/authorization-v1.ts'

type Spec = { readonly resourceAttributes?: ResourceAttributes; readonly nonResourceAttributes?: NonResourceAttributes }

/** An access review asks about a resource or about a path, never both. */
export function validateAccessAttributes(spec: Spec | undefined): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec ?? {}
  if (resourceAttributes && nonResourceAttributes)
    return [
      fieldErrors.invalid(
        'spec.nonResourceAttributes',
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    ]
  if (!resourceAttributes && !nonResourceAttributes)
    return [
      fieldErrors.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    ]
  return []
}

/** Whose access is asked about. */
export function validateSubjectGiven(spec: { readonly user?: string; readonly groups?: readonly string[] } | undefined): FieldError[] {
  return spec?.user || spec?.groups?.length
    ? []
    : [fieldErrors.invalid('spec.user', spec?.user ?? '', 'at least one of user or group must be specified')]
}
