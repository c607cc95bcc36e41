import type { DeviceTaint, DeviceToleration } from '../../kinds/generated/types/resource-v1.ts'
import { toleratesDevice } from '../../kinds/resource/device-taints.ts'
import type { Alternative } from './claim-requests.ts'
import { type Amounts, consumptionOf, lackOf, plus } from './device-capacity.ts'
import type { DevicePool, PooledDevice } from './device-pools.ts'
import type { DeviceReach } from './device-reach.ts'

/** Who has which devices, allocations that are on their way included. */
export type TakenDevices = {
  /** By a claim that shares it with nobody; what that claim is. */
  readonly holderOf: (id: string) => string | undefined
  /** What claims take of a device that they share; undefined: nobody uses it. */
  readonly sharedOf: (id: string) => Amounts | undefined
}

/** Why a device cannot serve a request, whatever else is asked for. `text` completes "the device …". */
export type Unfit = {
  readonly kind: 'Pool' | 'Selector' | 'Error' | 'Capacity' | 'InUse' | 'Taint' | 'Counter'
  readonly text: string
}

/** Who has what, with what follows from it for shared counters. */
export class DeviceState {
  readonly taken: TakenDevices
  readonly #countersLeft = new Map<DevicePool, Amounts>()

  constructor(taken: TakenDevices) {
    this.taken = taken
  }

  /** A device of the pool has changed hands. */
  forget(pool: DevicePool): void {
    this.#countersLeft.delete(pool)
  }

  /** The pools are made anew. */
  forgetAll(): void {
    this.#countersLeft.clear()
  }

  /** What allocated devices have left of a pool's counters; may be below zero. */
  countersLeft(pool: DevicePool): Amounts {
    let left = this.#countersLeft.get(pool)
    if (!left) {
      const inUse = pool.devices.filter((d) => d.counters.size > 0 && isInUse(this.taken, d.id))
      left = inUse.reduce((sum, { counters }) => plus(sum, counters, -1n), pool.counters)
      this.#countersLeft.set(pool, left)
    }
    return left
  }
}

const isInUse = (taken: TakenDevices, id: string) => taken.holderOf(id) !== undefined || taken.sharedOf(id) !== undefined

/** The first thing that speaks against the device; what was selected is asked before what is free. */
export function unfit(request: Alternative, pooled: PooledDevice, state: DeviceState): Unfit | undefined {
  return unselected(request, pooled) ?? unavailable(request, pooled, state)
}

/** Of the devices that a node reaches, those that the request selects, free or not; `failing`: those that a selector fails on. */
export type Selected = { readonly devices: readonly PooledDevice[]; readonly failing: readonly PooledDevice[] }

const selectionsMax = 64
/** What is selected changes with the slices only, which make the reach anew. */
const selections = new WeakMap<DeviceReach, Map<string, Selected>>()

export function selectedDevices(request: Alternative, reach: DeviceReach): Selected {
  let known = selections.get(reach)
  if (!known) selections.set(reach, (known = new Map()))
  let selected = known.get(request.selects)
  if (selected) return selected
  const failing: PooledDevice[] = []
  const devices = reach.devices.filter((device) => {
    const problem = unselected(request, device)
    if (problem?.kind === 'Error') failing.push(device)
    return problem === undefined
  })
  selected = { devices, failing }
  if (known.size >= selectionsMax) known.clear()
  known.set(request.selects, selected)
  return selected
}

export function unselected(request: Alternative, { pool, device }: PooledDevice): Unfit | undefined {
  if (pool.problem !== undefined)
    return { kind: 'Pool', text: `is in pool ${pool.key}, which is ${pool.problem.state}: ${pool.problem.detail}` }
  for (const { of, index, expression, program } of request.selectors) {
    const answer = program.matches({ driver: pool.driver, device })
    if (typeof answer === 'object') return { kind: 'Error', text: `${of}: selector #${index}: CEL runtime error: ${answer.error}` }
    if (!answer) return { kind: 'Selector', text: `does not match ${of}: ${expression}` }
  }
  const consumption = consumptionOf(request.capacity, device)
  return consumption.problem === undefined ? undefined : { kind: 'Capacity', text: consumption.problem }
}

/** What speaks against a device that is selected. */
export function unavailable(request: Alternative, pooled: PooledDevice, state: DeviceState): Unfit | undefined {
  const { id, device, pool } = pooled
  const holder = request.isAdmin ? undefined : state.taken.holderOf(id)
  if (holder !== undefined) return { kind: 'InUse', text: `is in use by claim ${holder}` }
  const taint = untolerated(device.taints, request.tolerations)
  if (taint) return { kind: 'Taint', text: `has taint ${taintText(taint)}` }
  const shared = device.allowMultipleAllocations ? state.taken.sharedOf(id) : undefined
  const lack = shared && capacityLack(request, pooled, shared)
  if (lack !== undefined) return { kind: 'Capacity', text: `has too little left of ${lack}` }
  if (shared || pooled.counters.size === 0) return undefined
  const left = state.countersLeft(pool)
  for (const [name, amount] of pooled.counters)
    if (left.has(name) && amount > left.get(name)!) return { kind: 'Counter', text: `needs more of counter ${name} than is left` }
  return undefined
}

/** The capacity that the device has too little of, with `used` in use. */
export function capacityLack(request: Alternative, { device }: PooledDevice, used: Amounts): string | undefined {
  const { amounts } = consumptionOf(request.capacity, device) as { readonly amounts?: Amounts }
  return amounts && lackOf(device, amounts, used)
}

/** Taints with other effects than these keep nobody away. */
export function untolerated(taints: readonly DeviceTaint[] | undefined, tolerations: readonly DeviceToleration[]): DeviceTaint | undefined {
  return taints?.find(
    (taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerations.some((t) => toleratesDevice(t, taint)),
  )
}

export const taintText = ({ key, value, effect }: DeviceTaint) => `${key}${value ? `=${value}` : ''}:${effect}`
