import type { Alternative, CompiledClaim } from './claim-requests.ts'
import { type Amounts, consumptionOf, noAmounts, plus } from './device-capacity.ts'
import { candidatesOf, type DeviceCandidates } from './device-candidates.ts'
import { type AttributeValue, constraintState, type ConstraintState } from './device-constraint.ts'
import { capacityLack, type DeviceState, unavailable, unselected } from './device-fit.ts'
import type { DevicePool, PooledDevice } from './device-pools.ts'
import type { DeviceReach } from './device-reach.ts'

/** Upstream's AllocationResultsMaxSize: devices that one claim can hold. */
const devicesMax = 32
/** Devices that one search may try for one node before it gives up; upstream gives up after ten seconds. */
const stepsMax = 50_000

export type GrantedDevice = {
  readonly request: Alternative
  readonly device: PooledDevice
  /** What is taken of a device that several share; undefined: all of it. */
  readonly share: Amounts | undefined
}

export type GrantedClaim = {
  readonly claim: CompiledClaim
  readonly devices: readonly GrantedDevice[]
  /** For each request, which of its alternatives. */
  readonly chosen: readonly number[]
}

/** `problem`: a sentence where more is known than that no combination serves. */
export type SearchResult =
  | { readonly kind: 'Found'; readonly claims: readonly GrantedClaim[] }
  | { readonly kind: 'None'; readonly problem?: string }

export const searchTimedOut = 'timed out trying to allocate devices'

/**
 * The first combination of devices, in the order of pools, slices and devices, that satisfies every request and constraint of all
 * claims together; of alternatives the first that can be had. Exhaustive, as upstream's, but by steps and not by time: the same question
 * has the same answer. Pure.
 */
export function searchDevices(claims: readonly CompiledClaim[], reach: DeviceReach, state: DeviceState): SearchResult {
  return new Search(claims, reach, state).run()
}

type Outcome = 'Found' | 'None' | 'TooMany'

/** Where the search is: which device of which way to satisfy which request. */
type Place = {
  readonly claim: number
  readonly request: number
  readonly alternative: number
  readonly taken: number
  readonly from: number
}

class Search {
  readonly #claims: readonly CompiledClaim[]
  readonly #reach: DeviceReach
  readonly #brokenPool: DevicePool | undefined
  readonly #state: DeviceState
  readonly #constraints: readonly (readonly ConstraintState[])[]
  readonly #candidates = new Map<Alternative, DeviceCandidates>()
  readonly #granted: GrantedDevice[][]
  readonly #chosen: number[][]
  /** Device → claims that have just been given it. */
  readonly #inUse = new Map<string, number[]>()
  readonly #shared = new Map<string, { count: number; amounts: Amounts }>()
  readonly #counters = new Map<DevicePool, Amounts>()
  #steps = 0
  #problem: string | undefined

  constructor(claims: readonly CompiledClaim[], reach: DeviceReach, state: DeviceState) {
    this.#claims = claims
    this.#reach = reach
    this.#brokenPool = reach.pools.find(({ pool }) => pool.problem !== undefined)?.pool
    this.#state = state
    this.#constraints = claims.map(({ claim }) => (claim.spec.devices?.constraints ?? []).map(constraintState))
    this.#granted = claims.map(() => [])
    this.#chosen = claims.map(({ requests }) => requests.map(() => 0))
  }

  run(): SearchResult {
    // As upstream, what has to be all of them is gathered before anything is tried.
    for (const [claim, { requests }] of this.#claims.entries())
      for (const alternative of requests.flatMap((r) => r.alternatives)) if (alternative.isAll) this.#candidatesOf(alternative, claim)
    const outcome = this.#problem === undefined ? this.#nextRequest(0, 0) : 'None'
    if (this.#problem !== undefined) return { kind: 'None', problem: this.#problem }
    if (outcome !== 'Found') return { kind: 'None' }
    return {
      kind: 'Found',
      claims: this.#claims.map((claim, i) => ({ claim, devices: this.#granted[i]!, chosen: this.#chosen[i]! })),
    }
  }

  #nextRequest(claim: number, request: number): Outcome {
    const of = this.#claims[claim]
    if (!of) return 'Found'
    if (request >= of.requests.length) {
      const outcome = this.#nextRequest(claim + 1, 0)
      return outcome === 'TooMany' ? 'None' : outcome
    }
    let result: Outcome = 'TooMany'
    for (const alternative of of.requests[request]!.alternatives.keys()) {
      const outcome = this.#take({ claim, request, alternative, taken: 0, from: 0 })
      if (outcome === 'Found') {
        this.#chosen[claim]![request] = alternative
        return 'Found'
      }
      if (outcome === 'None') result = 'None'
      if (this.#problem !== undefined) return 'None'
    }
    return result
  }

  #take(place: Place): Outcome {
    const { claim, request, alternative, taken, from } = place
    const of = this.#claims[claim]!.requests[request]!.alternatives[alternative]!
    const candidates = this.#candidatesOf(of, claim)
    const { devices } = candidates
    if (this.#problem !== undefined || (of.isAll && devices.length === 0)) return 'None'
    const needed = of.isAll ? devices.length : of.count
    if (taken >= needed) return this.#nextRequest(claim, request + 1)
    if (this.#granted[claim]!.length + needed - taken > devicesMax) return 'TooMany'
    if (!of.isAll && candidates.availableCount < needed) return 'None'
    const settled = of.isAll ? undefined : this.#settled(claim, of.name)
    // All of them: in which order does not matter, so one way is enough.
    const end = of.isAll ? from + 1 : devices.length - (needed - taken) + 1
    const first = of.isAll ? from : candidates.next(from, settled)
    for (let i = first; i >= 0 && i < end; i = of.isAll ? i + 1 : candidates.next(i + 1, settled)) {
      if (++this.#steps > stepsMax) {
        this.#problem = searchTimedOut
        return 'None'
      }
      const takeBack = this.#grant(claim, of, devices[i]!)
      if (!takeBack) continue
      const outcome = this.#take({ ...place, taken: taken + 1, from: i + 1 })
      if (outcome === 'Found') return 'Found'
      takeBack()
      if (outcome === 'TooMany' || this.#problem !== undefined) return outcome
    }
    return 'None'
  }

  /** A value that one of the claim's constraints asks of every further device. */
  #settled(claim: number, request: string): AttributeValue | undefined {
    for (const constraint of this.#constraints[claim]!) {
      const settled = constraint.settled(request)
      if (settled) return settled
    }
    return undefined
  }

  /** What could serve the request if no other did; for all devices, those that have to. */
  #candidatesOf(request: Alternative, claim: number): DeviceCandidates {
    const known = this.#candidates.get(request)
    if (known) return known
    if (request.isAll && this.#brokenPool) {
      const { key, problem } = this.#brokenPool
      const { name, namespace } = this.#claims[claim]!.claim.metadata
      // An alternative is told of by its own name.
      this.#problem ??= `claim ${namespace}/${name}, request ${request.name.split('/').at(-1)}: asks for all devices, but resource pool ${key} is currently ${problem!.state}`
    }
    const candidates = candidatesOf(request, this.#reach, this.#state)
    // As upstream, selectors are not asked about what somebody has.
    const failing = candidates.failing.find(({ id }) => !this.#inUse.has(id) && this.#state.taken.holderOf(id) === undefined)
    if (failing) this.#problem ??= unselected(request, failing)?.text
    this.#candidates.set(request, candidates)
    return candidates
  }

  /** Takes the device for now; the answer takes that back. Undefined: it cannot be had beside what is taken already. */
  #grant(claim: number, request: Alternative, pooled: PooledDevice): (() => void) | undefined {
    const { id, device, pool } = pooled
    if (request.isAll && unavailable(request, pooled, this.#state)) return undefined
    const users = this.#inUse.get(id) ?? []
    if (request.isAdmin ? users.includes(claim) : users.length > 0) return undefined
    const isShared = device.allowMultipleAllocations === true
    const before = this.#shared.get(id)
    const used = isShared ? plus(this.#state.taken.sharedOf(id) ?? noAmounts, before?.amounts ?? noAmounts) : noAmounts
    if (isShared && capacityLack(request, pooled, used) !== undefined) return undefined
    const counters = isShared && (before || this.#state.taken.sharedOf(id)) ? noAmounts : pooled.counters
    if (!this.#hasCounters(pool, counters)) return undefined
    const constraints = this.#constraints[claim]!
    for (const [i, constraint] of constraints.entries()) {
      if (constraint.add(request.name, pooled)) continue
      for (const added of constraints.slice(0, i)) added.remove(request.name)
      return undefined
    }
    const share = isShared ? (consumptionOf(request.capacity, device) as { readonly amounts: Amounts }).amounts : undefined
    if (share) this.#shared.set(id, { count: (before?.count ?? 0) + 1, amounts: plus(before?.amounts ?? noAmounts, share) })
    else this.#inUse.set(id, [...users, claim])
    this.#addCounters(pool, counters, 1n)
    this.#granted[claim]!.push({ request, device: pooled, share })
    return () => {
      this.#granted[claim]!.pop()
      this.#addCounters(pool, counters, -1n)
      if (!share) this.#inUse.set(id, users)
      else if (before) this.#shared.set(id, before)
      else this.#shared.delete(id)
      for (const constraint of constraints) constraint.remove(request.name)
    }
  }

  #hasCounters(pool: DevicePool, wanted: Amounts): boolean {
    if (wanted.size === 0) return true
    const left = this.#state.countersLeft(pool)
    const consumed = this.#counters.get(pool) ?? noAmounts
    for (const [name, amount] of wanted) if (left.has(name) && (consumed.get(name) ?? 0n) + amount > left.get(name)!) return false
    return true
  }

  #addCounters(pool: DevicePool, amounts: Amounts, sign: 1n | -1n): void {
    if (amounts.size > 0) this.#counters.set(pool, plus(this.#counters.get(pool) ?? noAmounts, amounts, sign))
  }
}
