import { type CelProgram, compileCel, describeIssues } from '../../machinery/cel/cel.ts'
import { type CelType, celTypes } from '../../machinery/cel/cel-type.ts'
import { estimatedCost } from '../../machinery/cel/cost-estimate.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import { EvaluationError } from '../../machinery/cel/evaluation-error.ts'
import { kubernetesEnvironment } from '../../machinery/cel/kubernetes-environment.ts'
import { quantityOfText } from '../../machinery/cel/quantity-library.ts'
import { semverOfText } from '../../machinery/cel/semver-library.ts'
import { type CelMap, type CelStruct, EntryMap, FieldStruct, type Value } from '../../machinery/cel/value.ts'
import type { Device, DeviceAttribute } from '../generated/types/resource-v1.ts'

/**
 * The expressions that select devices: they see `device` with `driver`, `attributes["domain"].name`, `capacity["domain"].name` and
 * `allowMultipleAllocations`, and say yes or no. A domain that a device has nothing of is an empty map.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/resource-claim-v1/
 */
export type DeviceSelectorProgram = {
  /** Whether the device is selected, or why that cannot be said; a device belongs to one driver. */
  readonly matches: (device: SelectedDevice) => boolean | { readonly error: string }
  /** What it costs at most, by the sizes that devices are bounded by. */
  readonly estimatedCost: number
}

export type SelectedDevice = { readonly driver: string; readonly device: Device }

export type CompiledSelector =
  | { readonly program: DeviceSelectorProgram; readonly error?: undefined }
  | { readonly program?: undefined; readonly error: string }

/** Upstream's CELSelectorExpressionMaxCost and CELSelectorExpressionMaxLength. */
export const selectorCostMax = 1_000_000
export const selectorLengthMax = 10 * 1024

const compiledMax = 256
/** A handful of expressions serves a whole cluster. Dropped whole when full. */
const compiled = new Map<string, CompiledSelector>()
let environment: Environment | undefined

/** Compiles once; `error` has upstream's words. */
export function compileDeviceSelector(text: string): CompiledSelector {
  const known = compiled.get(text)
  if (known) return known
  environment ??= kubernetesEnvironment({ variables: { device: deviceType }, extras: ['bindings'] })
  const { program, issues } = compileCel(environment, text, { results: [celTypes.bool] })
  const result: CompiledSelector = program
    ? { program: { matches: remembered((device) => evaluate(program, device)), estimatedCost: estimatedCost(program) } }
    : { error: wrong(describeIssues(text, issues)) }
  if (compiled.size >= compiledMax) compiled.clear()
  compiled.set(text, result)
  return result
}

/** Answers are kept with the device: the same one is asked about for every pod. */
function remembered(matches: DeviceSelectorProgram['matches']): DeviceSelectorProgram['matches'] {
  const answers = new WeakMap<Device, ReturnType<DeviceSelectorProgram['matches']>>()
  return (selected) => {
    let answer = answers.get(selected.device)
    if (answer === undefined) answers.set(selected.device, (answer = matches(selected)))
    return answer
  }
}

function wrong(description: string): string {
  const [, wanted, got] = /^must evaluate to (.+) but got (.+)$/.exec(description) ?? []
  return wanted === undefined ? `compilation failed: ${description}` : `must evaluate to ${wanted} or the unknown type, not ${got}`
}

function evaluate(program: CelProgram, { driver, device }: SelectedDevice): boolean | { readonly error: string } {
  let value: CelStruct
  try {
    value = valueOf(driver, device)
  } catch (error) {
    if (error instanceof EvaluationError) return { error: error.message }
    throw error
  }
  const result = program.evaluate({ device: value }, { costMax: selectorCostMax })
  if (result.error) return { error: result.error.message }
  if (typeof result.value !== 'boolean') return { error: 'the expression does not evaluate to bool' }
  return result.value
}

const sized = <T extends CelType>(type: T, maxElements: number): T => ({ ...type, maxElements })
const domain = sized(celTypes.string, 63)
const identifier = sized(celTypes.string, 32)
/** Attributes and capacities of a device together are at most 32. */
const perDomain = (value: CelType) => sized(celTypes.map(domain, sized(celTypes.map(identifier, value), 32)), 32)

const deviceType = celTypes.object('kubernetes.DRADevice', {
  driver: sized(celTypes.string, 63),
  allowMultipleAllocations: celTypes.bool,
  attributes: perDomain(sized(celTypes.dyn, 64)),
  capacity: perDomain(celTypes.opaque('kubernetes.Quantity')),
})

const values = new WeakMap<Device, CelStruct>()

function valueOf(driver: string, device: Device): CelStruct {
  const known = values.get(device)
  if (known) return known
  const value = new FieldStruct(
    deviceType,
    new Map<string, Value>([
      ['driver', driver],
      ['allowMultipleAllocations', device.allowMultipleAllocations === true],
      ['attributes', byDomain(driver, device.attributes, attributeValue)],
      ['capacity', byDomain(driver, device.capacity, ({ value: quantity }) => quantityOfText(String(quantity)))],
    ]),
  )
  values.set(device, value)
  return value
}

function attributeValue(attribute: DeviceAttribute): Value {
  if (attribute.int !== undefined) return BigInt(attribute.int)
  if (attribute.bool !== undefined) return attribute.bool
  if (attribute.string !== undefined) return attribute.string
  if (attribute.version !== undefined) return semverOfText(attribute.version)
  throw new EvaluationError('unsupported attribute value')
}

/** Names without a domain belong to the driver's. */
export function qualifiedName(name: string, driver: string): { readonly domain: string; readonly id: string } {
  const at = name.indexOf('/')
  return at < 0 ? { domain: driver, id: name } : { domain: name.slice(0, at), id: name.slice(at + 1) }
}

type Entries = Map<unknown, readonly [Value, Value]>
const nothing: CelMap = new EntryMap(new Map())

function byDomain<T>(driver: string, named: Readonly<Record<string, T>> | undefined, toValue: (item: T) => Value): CelMap {
  const domains = new Map<string, Entries>()
  for (const [name, item] of Object.entries(named ?? {})) {
    const { domain: of, id } = qualifiedName(name, driver)
    const entries: Entries = domains.get(of) ?? new Map()
    entries.set(id, [id, toValue(item)])
    domains.set(of, entries)
  }
  const map = new EntryMap(new Map([...domains].map(([of, entries]) => [of, [of, new EntryMap(entries)] as const])))
  const has = (key: Value) => map.get(key) !== undefined
  return { kind: 'map', size: map.size, has, get: (key) => map.get(key) ?? nothing, keys: () => map.keys() }
}
