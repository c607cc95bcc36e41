import { RowSet } from '../core/row-set.ts'
import type { Alternative } from './claim-requests.ts'
import { attributeText, type AttributeValue } from './device-constraint.ts'
import { type DeviceState, selectedDevices, unavailable } from './device-fit.ts'
import type { PooledDevice } from './device-pools.ts'
import type { DeviceReach } from './device-reach.ts'

/** Kinds of requests for which a reach's candidates are kept. */
const kindsMax = 64

/**
 * The devices of a reach that a request selects, in order, and which of them can be had: found once for all requests that look alike,
 * then kept current pool by pool.
 */
export class DeviceCandidates {
  readonly devices: readonly PooledDevice[]
  /** Those that a selector fails on. */
  readonly failing: readonly PooledDevice[]
  readonly #request: Alternative
  readonly #reach: DeviceReach
  readonly #state: DeviceState
  readonly #available: RowSet
  /** Pool → from and to among `devices`. */
  readonly #ranges = new Map<string, { readonly from: number; to: number }>()
  readonly #byValue = new Map<string, Map<string, number[]>>()
  #version: number

  constructor(request: Alternative, reach: DeviceReach, state: DeviceState) {
    const { devices, failing } = selectedDevices(request, reach)
    this.devices = devices
    this.failing = failing
    this.#request = request
    this.#reach = reach
    this.#state = state
    this.#available = new RowSet(devices.length)
    this.#version = reach.version
    devices.forEach(({ pool }, i) => {
      const range = this.#ranges.get(pool.key)
      if (range) range.to = i + 1
      else this.#ranges.set(pool.key, { from: i, to: i + 1 })
    })
    this.#look(0, devices.length)
  }

  get availableCount(): number {
    return this.#available.size
  }

  /** Looks again at the pools in which something has changed hands. */
  catchUp(): this {
    const { version } = this.#reach
    if (version === this.#version) return this
    const changes = this.#reach.changesSince(this.#version)
    if (changes) {
      for (const key of new Set(changes)) {
        const range = this.#ranges.get(key)
        if (range) this.#look(range.from, range.to)
      }
    } else this.#look(0, this.devices.length)
    this.#version = version
    return this
  }

  /** The first that can be had at or after a place; −1: none. `settled`: only those with that value of an attribute. */
  next(from: number, settled: AttributeValue | undefined): number {
    if (!settled) return this.#available.firstFrom(from)
    for (const place of this.#withValue(settled)) if (place >= from && this.#available.has(place)) return place
    return -1
  }

  #look(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      if (unavailable(this.#request, this.devices[i]!, this.#state)) this.#available.delete(i)
      else this.#available.add(i)
    }
  }

  #withValue({ attribute, value }: AttributeValue): readonly number[] {
    let places = this.#byValue.get(attribute)
    if (!places) {
      this.#byValue.set(attribute, (places = new Map()))
      for (const [i, device] of this.devices.entries()) {
        const text = attributeText(device, attribute)
        if (text === undefined) continue
        const list = places.get(text)
        if (list) list.push(i)
        else places.set(text, [i])
      }
    }
    return places.get(value) ?? []
  }
}

const kept = new WeakMap<DeviceState, WeakMap<DeviceReach, Map<string, DeviceCandidates>>>()

export function candidatesOf(request: Alternative, reach: DeviceReach, state: DeviceState): DeviceCandidates {
  let ofState = kept.get(state)
  if (!ofState) kept.set(state, (ofState = new WeakMap()))
  let ofReach = ofState.get(reach)
  if (!ofReach) ofState.set(reach, (ofReach = new Map()))
  const known = ofReach.get(request.finds)
  if (known) return known.catchUp()
  const candidates = new DeviceCandidates(request, reach, state)
  if (ofReach.size >= kindsMax) ofReach.clear()
  ofReach.set(request.finds, candidates)
  return candidates
}
