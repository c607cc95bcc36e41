import { validateLabels } from '../../../machinery/labels.ts'
import type { ObjectMeta } from '../../../machinery/object.ts'
import { validateAnnotations } from '../../../machinery/object-meta.ts'
import type { Errors } from '../../checks.ts'

/** Labels and annotations of a template; upstream's paths leave `metadata` out (`spec.template.labels`). */
export function validateTemplateMeta(errors: Errors, metadata: ObjectMeta | undefined, path: string): void {
  if (metadata?.labels) errors.push(...validateLabels(metadata.labels, `${path}.labels`))
  if (metadata?.annotations) errors.push(...validateAnnotations(metadata.annotations, `${path}.annotations`))
}
