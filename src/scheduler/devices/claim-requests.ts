import type {
  CapacityRequirements,
  DeviceClass,
  DeviceRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
} from '../../kinds/generated/types/resource-v1.ts'
import { compileDeviceSelector, type DeviceSelectorProgram } from '../../kinds/resource/device-selector.ts'
import { keyOf } from '../../machinery/object.ts'

/** One way to satisfy a request: itself, or one of its `firstAvailable`. */
export type Alternative = {
  /** `request` or `request/alternative`. */
  readonly name: string
  readonly className: string
  readonly isAll: boolean
  /** Devices wanted; without meaning where all are. */
  readonly count: number
  readonly isAdmin: boolean
  /** The class's, then the request's own. */
  readonly selectors: readonly Selector[]
  readonly tolerations: readonly DeviceToleration[]
  readonly capacity: CapacityRequirements | undefined
  /** Equal for requests that select the same devices. */
  readonly selects: string
  /** Equal for requests that also find the same of them free. */
  readonly finds: string
}

export type Selector = {
  /** `class gpu` or `claim default/x`, for messages. */
  readonly of: string
  readonly index: number
  readonly expression: string
  readonly program: DeviceSelectorProgram
}

/** A request's alternatives, best first; a plain request has one. */
export type CompiledRequest = { readonly name: string; readonly alternatives: readonly Alternative[]; readonly isPrioritised: boolean }

export type CompiledClaim = { readonly claim: ResourceClaim; readonly requests: readonly CompiledRequest[] }

/** The claim with everything looked up; or the sentence that says what is missing, upstream's where it has one. */
export function compileClaim(
  claim: ResourceClaim,
  classOf: (name: string) => DeviceClass | undefined,
): CompiledClaim | { readonly problem: string } {
  const requests: CompiledRequest[] = []
  for (const request of claim.spec.devices?.requests ?? []) {
    const alternatives: Alternative[] = []
    for (const [name, exact] of waysOf(request)) {
      const deviceClass = classOf(exact.deviceClassName)
      if (!deviceClass) return { problem: `request ${name}: device class ${exact.deviceClassName} does not exist` }
      const compiled = alternative(name, exact, { claim, deviceClass })
      if ('problem' in compiled) return compiled
      alternatives.push(compiled)
    }
    requests.push({ name: request.name, alternatives, isPrioritised: !request.exactly })
  }
  return { claim, requests }
}

function waysOf({ name, exactly, firstAvailable }: DeviceRequest): readonly (readonly [string, ExactDeviceRequest])[] {
  if (exactly) return [[name, exactly]]
  return (firstAvailable ?? []).map((sub) => [`${name}/${sub.name}`, sub])
}

function alternative(
  name: string,
  request: ExactDeviceRequest,
  { claim, deviceClass }: { readonly claim: ResourceClaim; readonly deviceClass: DeviceClass },
): Alternative | { readonly problem: string } {
  const selectors: Selector[] = []
  const sources = [
    { of: `class ${deviceClass.metadata.name}`, list: deviceClass.spec.selectors },
    { of: `claim ${keyOf(claim)}`, list: request.selectors },
  ]
  for (const { of, list } of sources)
    for (const [index, { cel }] of (list ?? []).entries()) {
      const expression = cel?.expression ?? ''
      const { program, error } = compileDeviceSelector(expression)
      if (!program) return { problem: `${of}: selector #${index}: CEL compile error: ${error}` }
      selectors.push({ of, index, expression, program })
    }
  const selects = JSON.stringify([selectors.map((s) => s.expression), request.capacity])
  return {
    name,
    className: request.deviceClassName,
    isAll: request.allocationMode === 'All',
    count: request.count ?? 1,
    isAdmin: request.adminAccess === true,
    selectors,
    tolerations: request.tolerations ?? [],
    capacity: request.capacity,
    selects,
    finds: JSON.stringify([selects, request.tolerations, request.adminAccess]),
  }
}
