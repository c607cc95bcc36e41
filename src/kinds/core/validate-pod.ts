import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { workedOut } from '../../machinery/shared-value.ts'
import type { Pod, PodSpec } from '../generated/types/core-v1.ts'
import type { ObjectMeta } from '../generated/types/meta-v1.ts'
import { checkImageBlanks } from './pod-template/validate-containers.ts'
import { validatePodAnnotations } from './pod-template/validate-pod-annotations.ts'
import { validatePodSpec } from './pod-template/validate-pod-spec.ts'

/** What holds of every pod, new or changed, beyond the rules of metadata. */
export function validatePod({ metadata, spec }: Pod): FieldError[] {
  if (!spec) return [fieldErrors.required('spec.containers')]
  const errors: FieldError[] = []
  validatePodAnnotations(errors, metadata.annotations, spec, 'metadata.annotations')
  errors.push(...specErrors(spec, metadata))
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

/** Once for all pods of a spec, where its rules look at nothing else of the pod. */
function specErrors(spec: PodSpec, metadata: ObjectMeta): readonly FieldError[] {
  const judge = () => {
    const errors: FieldError[] = []
    validatePodSpec(errors, spec, 'spec', metadata)
    return errors
  }
  const isOfThisPod = spec.resourceClaims !== undefined || spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined)
  return isOfThisPod ? judge() : workedOut(spec, validatePodSpec, judge)
}
