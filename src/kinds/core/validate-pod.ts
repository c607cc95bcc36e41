import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { Pod } from '../generated/types/core-v1.ts'
import { checkImageBlanks } from './pod-template/validate-containers.ts'
import { validatePodAnnotations } from './pod-template/validate-pod-annotations.ts'
import { validatePodSpec } from './pod-template/validate-pod-spec.ts'

/** What holds of every pod, new or changed, beyond the rules of metadata. */
export function validatePod({ metadata, spec }: Pod): FieldError[] {
  if (!spec) return [fieldErrors.required('spec.containers')]
  const errors: FieldError[] = []
  validatePodAnnotations(errors, metadata.annotations, spec, 'metadata.annotations')
  validatePodSpec(errors, spec, 'spec', metadata)
  if (!spec.serviceAccountName)
    spec.volumes?.forEach((volume, i) => {
      volume.projected?.sources?.forEach((source, k) => {
        if (source.serviceAccountToken)
          errors.push(
            fieldErrors.forbidden(
              `spec.volumes[${i}].projected.sources[${k}].serviceAccountToken`,
              'must not be specified when serviceAccountName is not set',
            ),
          )
      })
    })
  spec.containers?.forEach((container, i) => checkImageBlanks(errors, container, `spec.containers[${i}]`))
  spec.initContainers?.forEach((container, i) => checkImageBlanks(errors, container, `spec.initContainers[${i}]`))
  return errors
}
