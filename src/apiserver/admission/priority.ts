import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PriorityClass } from '../../kinds/generated/types/scheduling-v1.ts'
import { priorityClasses } from '../../kinds/scheduling/priority-class.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { nameIn, refusal } from './refusal.ts'

/** Resolves a pod's priority class to its number; keeps the global default class the only one. */
export function priorityAdmission(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'Priority',
    treatsAlike: ({ kind }) => kind.kind === 'Pod',
    handles: (operation, kind, subresource) =>
      subresource === '' &&
      (operation === 'CREATE' || operation === 'UPDATE') &&
      ((kind.group === '' && kind.kind === 'Pod') || (kind.group === 'scheduling.k8s.io' && kind.kind === 'PriorityClass')),
    admit: (request) => {
      if (request.kind.kind !== 'Pod') return
      if (request.old) keep(request.object as Pod, request.old as Pod)
      else resolve(reader, request)
    },
    validate: (request) => {
      if (request.kind.kind === 'PriorityClass') refuseSecondDefault(reader, request)
    },
  }
}

/** An update that leaves out what admission once computed does not change it. */
function keep({ spec }: Pod, { spec: old }: Pod): void {
  if (!spec || !old) return
  if (old.priority !== undefined) spec.priority ??= old.priority
  if (old.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy
}

function resolve(reader: ObjectReader, request: AdmissionRequest): void {
  const { spec } = request.object as Pod
  if (!spec) return
  const found = classOf(reader, spec.priorityClassName, request)
  if (found && !spec.priorityClassName) spec.priorityClassName = found.metadata!.name!
  const priority = found?.value ?? 0
  if (spec.priority !== undefined && spec.priority !== priority) {
    const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`
    throw refusal(request, why)
  }
  spec.priority = priority
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`
    throw refusal(request, why)
  }
  spec.preemptionPolicy = policy
}

function classOf(reader: ObjectReader, className: string | undefined, request: AdmissionRequest): PriorityClass | undefined {
  if (className) {
    const found = reader.get(priorityClasses, '', className)
    if (found) return found
    throw refusal(request, `no PriorityClass with name ${className} was found`)
  }
  let least: PriorityClass | undefined
  for (const one of reader.list(priorityClasses, ''))
    if (one.globalDefault && (!least || (one.value ?? 0) < (least.value ?? 0))) least = one
  return least
}

function refuseSecondDefault(reader: ObjectReader, request: AdmissionRequest): void {
  if (!(request.object as PriorityClass | undefined)?.globalDefault) return
  const other = reader.list(priorityClasses, '').find((c) => c.globalDefault && c.metadata?.name !== nameIn(request))
  if (!other) return
  const why = `PriorityClass ${other.metadata?.name} is already marked as default. Only one default can exist`
  throw refusal(request, why)
}
