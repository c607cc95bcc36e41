import type { Pod, PodSpec, Toleration } from '../../kinds/generated/types/core-v1.ts'
import type { RuntimeClass } from '../../kinds/generated/types/node-v1.ts'
import { runtimeClasses } from '../../kinds/node/runtime-class.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { compareQuantity } from '../../machinery/quantity.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { refusal } from './refusal.ts'

/** Gives a pod what its RuntimeClass costs and where it runs (https://kubernetes.io/docs/concepts/containers/runtime-class/). */
export function runtimeClassAdmission(reader: ObjectReader): AdmissionPlugin {
  const classOf = (request: AdmissionRequest): RuntimeClass | undefined => {
    const name = (request.object as Pod).spec?.runtimeClassName
    if (name === undefined) return undefined
    const found = reader.get(runtimeClasses, '', name)
    if (!found) throw refusal(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
    return found
  }
  return {
    name: 'RuntimeClass',
    treatsAlike: () => true,
    handles: (operation, kind, subresource) => operation === 'CREATE' && subresource === '' && kind.group === '' && kind.kind === 'Pod',
    admit: (request) => {
      const { spec } = request.object as Pod
      const runtimeClass = classOf(request)
      if (!spec || !runtimeClass) return
      const { overhead, scheduling } = runtimeClass
      if (overhead) {
        if (spec.overhead && !isSameList(spec.overhead, overhead.podFixed)) throw refusal(request, mismatch)
        if (overhead.podFixed) spec.overhead = { ...overhead.podFixed }
      }
      if (scheduling) place(request, spec, scheduling)
    },
    validate: (request) => {
      const { spec } = request.object as Pod
      const overhead = classOf(request)?.overhead
      if (overhead && !isSameList(spec?.overhead, overhead.podFixed)) throw refusal(request, mismatch)
      if (!overhead && spec?.overhead)
        throw refusal(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    },
  }
}

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

type Quantities = Readonly<Record<string, string | number>>

function isSameList(a: Quantities = {}, b: Quantities = {}): boolean {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => b[name] !== undefined && compareQuantity(a[name]!, b[name]) === 0)
}

function place(request: AdmissionRequest, spec: PodSpec, { nodeSelector, tolerations }: NonNullable<RuntimeClass['scheduling']>): void {
  for (const [key, value] of Object.entries(nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key]
    if (own === undefined || own === value) continue
    const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`
    throw refusal(request, why)
  }
  if (nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector }
  if (tolerations) spec.tolerations = merged([...(spec.tolerations ?? []), ...tolerations])
}

/** Without those that others already cover. */
function merged(all: readonly Toleration[]): Toleration[] {
  return all.filter((one, i) => !all.some((other, j) => i !== j && covers(other, one) && (!covers(one, other) || j < i)))
}

/** Whether `a` tolerates everything that `b` does. */
function covers(a: Toleration, b: Toleration): boolean {
  if (deepEqual(a, b)) return true
  if (a.key && a.key !== b.key) return false
  if (!a.key && a.operator !== 'Exists') return false
  if (a.effect && a.effect !== b.effect) return false
  if (a.effect === 'NoExecute' && (a.tolerationSeconds ?? Number.POSITIVE_INFINITY) < (b.tolerationSeconds ?? Number.POSITIVE_INFINITY))
    return false
  if (a.operator === 'Exists') return true
  return (a.operator ?? 'Equal') === (b.operator ?? 'Equal') && (a.value ?? '') === (b.value ?? '')
}
