import { validateLabels } from '../../../machinery/labels.ts'
import type { ObjectMeta } from '../../../machinery/object.ts'
import { validateAnnotations } from '../../../machinery/object-meta.ts'
import { fieldErrors } from '../../../machinery/field-error.ts'
import type { Errors } from '../../checks.ts'

/** Labels and annotations of a template; upstream's paths leave `metadata` out (`spec.template.labels`). */
export function validateTemplateMeta(errors: Errors, metadata: ObjectMeta | undefined, path: string): void {
  if (metadata?.labels) errors.push(...validateLabels(metadata.labels, `${path}.labels`))
  if (metadata?.annotations) errors.push(...validateAnnotations(metadata.annotations, `${path}.annotations`))
}

const otherFields = [
  ['name', 'name'],
  ['generateName', 'generateName'],
  ['namespace', 'namespace'],
  ['selfLink', 'selfLink'],
  ['uid', 'uID'],
  ['resourceVersion', 'resourceVersion'],
  ['generation', 'generation'],
  ['creationTimestamp', 'creationTimestamp'],
  ['deletionTimestamp', 'deletionTimestamp'],
  ['deletionGracePeriodSeconds', 'deletionGracePeriodSeconds'],
  ['ownerReferences', 'ownerReferences'],
  ['finalizers', 'finalizers'],
  ['managedFields', 'managedFields'],
] as const

/** The metadata of an object that is made from a template: labels and annotations, and nothing else. Paths as upstream writes them. */
export function validateEmbeddedMeta(errors: Errors, metadata: ObjectMeta | undefined, path: string): void {
  if (!metadata) return
  if (metadata.annotations) errors.push(...validateAnnotations(metadata.annotations, `${path}.annotations`))
  if (metadata.labels) errors.push(...validateLabels(metadata.labels, `${path}.labels`))
  const given = metadata as Readonly<Record<string, unknown>>
  for (const [field, shown] of otherFields) if (given[field]) errors.push(fieldErrors.forbidden(`${path}.${shown}`, 'cannot be set'))
}
