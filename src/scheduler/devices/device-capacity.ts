/**
 * What an allocation takes of a device that several may share. Amounts are exact, in 10⁻⁹ units.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#consumable-capacity
 */
import type { CapacityRequirements, CapacityRequestPolicy, Device } from '../../kinds/generated/types/resource-v1.ts'
import { formatQuantity, parseQuantity } from '../../machinery/quantity.ts'

export type Amounts = ReadonlyMap<string, bigint>

/** What the request takes of each capacity, or why the device cannot serve it whoever else uses it. */
export type Consumption = { readonly amounts: Amounts; readonly problem?: undefined } | { readonly problem: string }

export function consumptionOf(request: CapacityRequirements | undefined, device: Device): Consumption {
  let ofDevice = consumptions.get(device)
  if (!ofDevice) consumptions.set(device, (ofDevice = new WeakMap()))
  const key = request ?? nothingAsked
  let known = ofDevice.get(key)
  if (!known) ofDevice.set(key, (known = computeConsumption(request, device)))
  return known
}

/** Requests are compiled once for all claims that look alike, so the same ones meet the same devices again and again. */
const consumptions = new WeakMap<Device, WeakMap<CapacityRequirements, Consumption>>()
const nothingAsked: CapacityRequirements = {}

function computeConsumption(request: CapacityRequirements | undefined, { capacity = {} }: Device): Consumption {
  const wanted = request?.requests ?? {}
  const unknown = Object.keys(wanted).find((name) => capacity[name] === undefined)
  if (unknown !== undefined) return { problem: `has no capacity ${unknown}` }
  const taken = new Map<string, bigint>()
  for (const [name, { value, requestPolicy }] of Object.entries(capacity)) {
    const all = parseQuantity(value).nano
    const amount = consumed(wanted[name], requestPolicy, all)
    const asked = wanted[name] ?? 'the default'
    if (violates(amount, requestPolicy)) return { problem: `does not give ${asked} of ${name} by its request policy` }
    if (amount > all) return { problem: `has ${value} of ${name}, less than ${asked}` }
    taken.set(name, amount)
  }
  return { amounts: taken }
}

/** The request rounded up to what the policy lets it be; nothing asked: the policy's default, or all of it. */
function consumed(wanted: string | number | undefined, policy: CapacityRequestPolicy | undefined, all: bigint): bigint {
  if (wanted === undefined) return policy?.default ? parseQuantity(policy.default).nano : all
  const amount = parseQuantity(wanted).nano
  if (policy?.validRange) {
    const { min, step } = policy.validRange
    const least = parseQuantity(min).nano
    if (amount <= least) return least
    const by = step === undefined ? 0n : parseQuantity(step).nano
    return by <= 0n ? amount : least + ((amount - least + by - 1n) / by) * by
  }
  const valid = (policy?.validValues ?? []).map((v) => parseQuantity(v).nano).toSorted((a, b) => (a < b ? -1 : 1))
  return valid.find((v) => v >= amount) ?? amount
}

function violates(amount: bigint, policy: CapacityRequestPolicy | undefined): boolean {
  if (!policy || (policy.default && amount === parseQuantity(policy.default).nano)) return false
  if (policy.validRange?.max !== undefined) return amount > parseQuantity(policy.validRange.max).nano
  if (!policy.validValues?.length) return false
  return !policy.validValues.some((v) => parseQuantity(v).nano === amount)
}

/** The first capacity that would be used beyond what there is, in words; undefined: there is room. */
export function lackOf(device: Device, amounts: Amounts, used: Amounts): string | undefined {
  for (const [name, all] of capacityOf(device)) {
    const wanted = amounts.get(name) ?? 0n
    const inUse = used.get(name) ?? 0n
    if (wanted + inUse <= all) continue
    const { value } = device.capacity![name]!
    return `${name}: wants ${text(wanted, value)}, ${text(inUse, value)} of ${value} in use`
  }
  return undefined
}

const capacities = new WeakMap<Device, Amounts>()

function capacityOf(device: Device): Amounts {
  let known = capacities.get(device)
  if (!known) {
    known = new Map(Object.entries(device.capacity ?? {}).map(([name, { value }]) => [name, parseQuantity(value).nano]))
    capacities.set(device, known)
  }
  return known
}

/** In the format of another amount. */
export const text = (nano: bigint, like: string | number) => formatQuantity({ nano, format: parseQuantity(like).format })

export function plus(a: Amounts, b: Amounts, sign: 1n | -1n = 1n): Amounts {
  const sum = new Map(a)
  for (const [name, amount] of b) sum.set(name, (sum.get(name) ?? 0n) + sign * amount)
  return sum
}

export const noAmounts: Amounts = new Map()
