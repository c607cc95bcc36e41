import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { countGeneration } from '../define-kind.ts'
import type { Pod } from '../generated/types/core-v1.ts'
import { internalDiff, internalForm } from '../internal-form.ts'
import type { SubresourceUpdate } from '../kind.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { mirrorKey } from './pod-template/validate-pod-annotations.ts'
import { validateAnnotationChanges } from './pod-update.ts'
import { validatePod } from './validate-pod.ts'

/** PUT and PATCH through `pods/NAME/ephemeralcontainers`: containers may join, none may change or leave. */
export const ephemeralContainersUpdate: SubresourceUpdate<Pod> = {
  prepare: (pod, old) => {
    const ephemeralContainers = pod.spec?.ephemeralContainers
    const target = pod as Record<string, unknown>
    target.spec = { ...old.spec, ...(ephemeralContainers ? { ephemeralContainers } : {}) }
    if (!ephemeralContainers) delete (target.spec as Record<string, unknown>).ephemeralContainers
    keepRest(pod, old)
  },
  validate: (pod, old) => {
    if (old.metadata.annotations?.[mirrorKey] !== undefined)
      return [fieldErrors.forbidden('[]', 'static pods do not support ephemeral containers')]
    const errors: FieldError[] = [...validatePod(pod), ...validateAnnotationChanges(pod, old)]
    const refuse = (detail: string) => errors.push(fieldErrors.forbidden('spec.ephemeralContainers', detail))
    const containers = pod.spec?.ephemeralContainers ?? []
    for (const before of old.spec?.ephemeralContainers ?? []) {
      const after = containers.find((c) => c.name === before.name)
      const shown = `existing ephemeral containers ${JSON.stringify(before.name ?? '')} may not be`
      if (!after) refuse(`${shown} removed\n`)
      else if (!semanticEqual(after, before)) {
        const [form, next] = [internalForm('EphemeralContainer', before), internalForm('EphemeralContainer', after)]
        refuse(`${shown} changed\n${internalDiff(form, next)}`)
      }
    }
    return errors
  },
}

/** Metadata and status are not these subresources' business. */
export function keepRest(pod: Pod, old: Pod): void {
  const { managedFields, resourceVersion } = pod.metadata
  pod.metadata = { ...old.metadata }
  if (managedFields) pod.metadata.managedFields = managedFields
  if (resourceVersion) pod.metadata.resourceVersion = resourceVersion
  if (old.status) pod.status = old.status
  countGeneration(pod, old)
}
