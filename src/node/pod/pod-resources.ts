import type { Pod, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { podLimits, podRequests, type ResourceAmounts } from '../../kinds/pod-requests.ts'
import { formatQuantity, parseQuantity, quantityOfMilli, quantityOfUnits } from '../../machinery/quantity.ts'
import { isPodLimited } from '../resources/container-resources.ts'
import type { Phase } from './pod-phase.ts'
import type { PodView } from './pod-view.ts'
import { actualResources, appliedPod } from './resize.ts'

type Told = Pick<PodStatus, 'resources' | 'allocatedResources'>
type Lists = { readonly requests: Record<string, string>; readonly limits: Record<string, string> }

/**
 * What a pod as a whole was granted, and what it has: while it runs the cpu and memory of its cgroup, before and after that what was granted.
 * Source: KEP-5419. Pure.
 */
export function podResources({ pod, records }: PodView, phase: Phase): Told {
  const granted = pod.spec?.resources
  const own = granted ? actualResources(granted, records.appliedToPod ?? granted) : {}
  const allocated = { ...texts(podRequests(pod), pod, 'requests'), ...granted?.requests }
  const has = phase === 'Running' ? ofCgroup(appliedPod(pod, records)) : whole(pod)
  const requests = { ...has.requests, ...own.requests }
  const limits = { ...has.limits, ...own.limits }
  return {
    resources: { ...own, ...filled('limits', limits), ...filled('requests', requests) },
    ...filled('allocatedResources', allocated),
  }
}

function whole(pod: Pod): Lists {
  return { requests: texts(podRequests(pod), pod, 'requests'), limits: texts(podLimits(pod), pod, 'limits') }
}

function ofCgroup(pod: Pod): Lists {
  const pick = (amounts: ResourceAmounts, isTold: (name: 'cpu' | 'memory') => boolean) =>
    Object.fromEntries((['cpu', 'memory'] as const).flatMap((name) => (amounts[name] && isTold(name) ? [[name, amounts[name]]] : [])))
  const requests = pick(podRequests(pod), () => true)
  const limits = pick(podLimits(pod), (name) => isPodLimited(pod, name))
  return { requests: texts(requests, pod, 'requests'), limits: texts(limits, pod, 'limits') }
}

/** Amounts as quantities, each in the form in which the pod asks for it first. */
function texts(amounts: ResourceAmounts, { spec }: Pod, field: keyof Lists): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name in amounts) {
    const format = formatOf(name, spec, field)
    const quantity = name === 'cpu' ? quantityOfMilli(amounts[name]!, format) : quantityOfUnits(amounts[name]!, format)
    result[name] = formatQuantity(quantity)
  }
  return result
}

function formatOf(name: string, spec: Pod['spec'], field: keyof Lists) {
  for (const { resources } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), { resources: spec?.resources }]) {
    const text = resources?.[field]?.[name]
    if (text !== undefined) return parseQuantity(text).format
  }
  return name === 'cpu' ? 'DecimalSI' : 'BinarySI'
}

const filled = <Name extends string, List extends object>(name: Name, list: List) =>
  (Object.keys(list).length > 0 ? { [name]: list } : {}) as Partial<Record<Name, List>>
