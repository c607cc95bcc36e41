import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { DeviceClass, ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { ClaimLedger } from './claim-ledger.ts'
import { compileClaim, type CompiledClaim } from './claim-requests.ts'
import type { DeviceState } from './device-fit.ts'
import type { DevicePools } from './device-pools.ts'
import type { DeviceReach } from './device-reach.ts'
import { classesByResource } from './extended-resources.ts'
import { searchDevices, type SearchResult } from './device-search.ts'
import type { DeviceSources } from './device-sources.ts'

/** Classes that are kept, the least recently used going first. */
const classesMax = 256

/** Claims that ask for the same in the same order: what a node has for one set of them it has for every other. */
export class ClaimClass {
  readonly id: number
  /** Of the first pod with such claims: the requests are everybody's. */
  readonly compiled: readonly CompiledClaim[]
  readonly hasAlternatives: boolean
  /** Some answer names a claim, so it is not everybody's. */
  hasProblem = false
  readonly #state: DeviceState
  /** Nodes that could not be judged, and why. */
  readonly #failures = new Map<DeviceReach, string>()
  readonly #answers = new WeakMap<DeviceReach, { readonly version: number; readonly result: SearchResult }>()

  constructor(input: { readonly id: number; readonly compiled: readonly CompiledClaim[]; readonly state: DeviceState }) {
    this.id = input.id
    this.compiled = input.compiled
    this.#state = input.state
    this.hasAlternatives = input.compiled.some((c) => c.requests.some((r) => r.isPrioritised))
  }

  /** Searched once for all nodes with that reach, and again only when a device of it has changed hands. */
  resultAt(reach: DeviceReach): SearchResult {
    const { version } = reach
    const known = this.#answers.get(reach)
    if (known?.version === version) return known.result
    const result = searchDevices(this.compiled, reach, this.#state)
    this.#answers.set(reach, { version, result })
    if (result.kind === 'None' && result.problem !== undefined) {
      this.hasProblem = true
      this.#failures.set(reach, result.problem)
    } else this.#failures.delete(reach)
    return result
  }

  get hasFailed(): boolean {
    return this.#failures.size > 0
  }

  failureAt(reach: DeviceReach): string | undefined {
    return this.#failures.get(reach)
  }

  /** What each request with alternatives gets there. */
  chosenAt(reach: DeviceReach): readonly { readonly request: string; readonly index: number; readonly of: number }[] {
    const result = this.resultAt(reach)
    if (result.kind === 'None') return []
    return result.claims.flatMap(({ claim, chosen }) =>
      claim.requests.flatMap((r, i) => (r.isPrioritised ? [{ request: r.name, index: chosen[i]!, of: r.alternatives.length }] : [])),
    )
  }

  /** The same class as another pod's claims have it: results speak of those. */
  of(claims: readonly ResourceClaim[]): readonly CompiledClaim[] {
    return claims.map((claim, i) => ({ claim, requests: this.compiled[i]!.requests }))
  }
}

/** The classes of the claims that have been asked about, and what every node reaches. */
export class ClaimClasses {
  readonly state: DeviceState
  /** Stops following the device classes. */
  readonly close: () => void
  /** Grows when all that was found out has become void. */
  epoch = 0
  /** What pods may ask for by a resource's name (extended-resources.ts). */
  byResource: ReadonlyMap<string, DeviceClass> = new Map()
  readonly #sources: DeviceSources
  readonly #snapshot: Snapshot
  readonly #pools: DevicePools
  readonly #classes = new Map<string, ClaimClass>()
  #serial = 0

  constructor(input: {
    readonly sources: DeviceSources
    readonly snapshot: Snapshot
    readonly pools: DevicePools
    readonly state: DeviceState
    readonly ledger: ClaimLedger
  }) {
    this.#sources = input.sources
    this.#snapshot = input.snapshot
    this.#pools = input.pools
    this.state = input.state
    this.close = input.sources.classes.onChange(() => this.#learnClasses())
    this.#learnClasses()
    input.pools.listen((nodeName) => {
      if (nodeName !== undefined) return this.#snapshot.touchNode(nodeName)
      input.state.forgetAll()
      this.#forgetAll()
      this.#snapshot.touchAll()
    })
    input.ledger.listen((poolKey) => {
      const pool = input.pools.handsChanged(poolKey)
      if (pool) input.state.forget(pool)
    })
  }

  #learnClasses(): void {
    this.#forgetAll()
    this.byResource = classesByResource(this.#sources.classes.list())
    this.#snapshot.setDeviceResources(new Set(this.byResource.keys()))
  }

  #forgetAll(): void {
    this.#classes.clear()
    this.epoch++
  }

  /** Of claims without devices; or what is wrong with one of them. */
  classOf(claims: readonly ResourceClaim[]): ClaimClass | { readonly problem: string } {
    const asked = JSON.stringify(claims.map((c) => c.spec.devices))
    const known = this.#classes.get(asked)
    if (known && !known.hasProblem) return known
    const key = known ? `${asked} ${claims.map((c) => c.metadata.uid).join(' ')}` : asked
    const own = known && this.#classes.get(key)
    if (own) return own
    const compiled: CompiledClaim[] = []
    for (const claim of claims) {
      const one = compileClaim(claim, (className) => this.#sources.classes.get(className))
      if ('problem' in one) return one
      compiled.push(one)
    }
    const made = new ClaimClass({ id: this.#serial++, compiled, state: this.state })
    if (this.#classes.size >= classesMax) this.#classes.delete(this.#classes.keys().next().value!)
    this.#classes.set(key, made)
    return made
  }

  reachOf(row: number): DeviceReach {
    return this.#pools.on(this.nodeAt(row))
  }

  nodeAt(row: number): Node {
    return this.#snapshot.nodes[row]!
  }
}
