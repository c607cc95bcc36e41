import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { PodGroup } from '../generated/types/scheduling-v1alpha2.ts'
import { validateSchedulingPolicy } from './scheduling-policy.ts'

/** Pods that are placed together or not at all; a pod names its group in `spec.schedulingGroup.podGroupName`. */
export const podGroups = defineKind<PodGroup>({
  group: 'scheduling.k8s.io',
  version: 'v1alpha2',
  kind: 'PodGroup',
  applyDefaults: (group) => {
    // What a client leaves out is told by `validate`.
    const spec = group.spec as PodGroup['spec'] | undefined
    if (spec) spec.disruptionMode ??= 'Pod'
  },
  validate: (group) => {
    const errors: FieldError[] = []
    const spec: Partial<PodGroup['spec']> = group.spec ?? {}
    validateSchedulingPolicy(errors, spec.schedulingPolicy, 'spec.schedulingPolicy')
    checkEnum(errors, 'spec.disruptionMode', spec.disruptionMode, ['Pod', 'PodGroup'])
    const topology = spec.schedulingConstraints?.topology ?? []
    if (topology.length > 1) errors.push(fieldErrors.tooMany('spec.schedulingConstraints.topology', topology.length, 1))
    return errors
  },
  validateUpdate: ({ spec }, old) => immutableField(spec, old.spec, 'spec'),
  columns: [
    nameColumn,
    column.string('Policy', (group) => (policyOf(group)?.gang ? 'Gang' : 'Basic')),
    column.string('Min-Count', (group) => String(policyOf(group)?.gang?.minCount ?? '')),
    column.string('Scheduled', ({ status }) => status?.conditions?.find((c) => c.type === 'PodGroupScheduled')?.status ?? ''),
    ageColumn,
  ],
})

/** Columns are shown of incomplete objects too. */
function policyOf(group: PodGroup): PodGroup['spec']['schedulingPolicy'] | undefined {
  return (group.spec as PodGroup['spec'] | undefined)?.schedulingPolicy
}
