import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { defineKind } from '../define-kind.ts'
import type { Workload } from '../generated/types/scheduling-v1alpha2.ts'
import { validateSchedulingPolicy } from './scheduling-policy.ts'

const templatesMax = 8

/** The pod groups that a workload's controller makes, as templates. */
export const workloads = defineKind<Workload>({
  group: 'scheduling.k8s.io',
  version: 'v1alpha2',
  kind: 'Workload',
  validate: (workload) => {
    const errors: FieldError[] = []
    const path = 'spec.podGroupTemplates'
    const templates = templatesOf(workload)
    if (templates.length === 0) errors.push(fieldErrors.required(path, 'must have at least one item'))
    if (templates.length > templatesMax) errors.push(fieldErrors.tooMany(path, templates.length, templatesMax))
    templates.forEach(({ name, schedulingPolicy }, i) => {
      if (!name) errors.push(fieldErrors.required(`${path}[${i}].name`, ''))
      else if (templates.findIndex((t) => t.name === name) !== i) errors.push(fieldErrors.duplicate(`${path}[${i}].name`, name))
      validateSchedulingPolicy(errors, schedulingPolicy, `${path}[${i}].schedulingPolicy`)
    })
    return errors
  },
  validateUpdate: (workload, old) => immutableField(templatesOf(workload), templatesOf(old), 'spec.podGroupTemplates'),
})

/** A client may leave the whole specification out. */
function templatesOf(workload: Workload): Workload['spec']['podGroupTemplates'] {
  return (workload.spec as Workload['spec'] | undefined)?.podGroupTemplates ?? []
}
