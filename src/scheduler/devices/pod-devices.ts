import { toTime } from '../../base/clock.ts'
import type { ContainerExtendedResourceRequest, Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { DeviceClass, ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { matchesTerm } from '../../kinds/node-selection.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Relief, Reservation } from '../core/judgement.ts'
import type { Rejection, Verdict } from '../core/plugin.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { allocationResult } from './allocation-result.ts'
import type { ClaimClass, ClaimClasses } from './claim-class.ts'
import type { ClaimLedger } from './claim-ledger.ts'
import type { CompiledClaim } from './claim-requests.ts'
import type { DecidedClaim, DeviceBinder } from './device-binder.ts'
import { lackOnNode, lackVerdict } from './device-lack.ts'
import type { SearchResult } from './device-search.ts'
import type { DeviceSources } from './device-sources.ts'
import { extendedRequests, isInMemory } from './extended-resources.ts'

/** Upstream's FirstAvailableDeviceRequestMaxSize: what the best of the alternatives scores. */
const alternativesMax = 8

export type PodDevicesOptions = {
  readonly snapshot: Snapshot
  readonly sources: DeviceSources
  readonly ledger: ClaimLedger
  readonly classes: ClaimClasses
  readonly binder: DeviceBinder
  readonly now: () => number
  readonly shareId: () => string
}

export type PodDevicesInput = {
  readonly pod: Pod
  /** That it names itself. */
  readonly claims: readonly ResourceClaim[]
  /** The class of those of them that hold no devices yet. */
  readonly claimClass: ClaimClass
  /** For what it asks by resource names. */
  readonly extended?: ExtendedClaim
}

/** `resources`: those that classes serve. A claim that is in the API is left over from an earlier attempt. */
export type ExtendedClaim = { readonly claim: ResourceClaim; readonly resources: readonly string[] }

/** What the pod asks of a node's drivers: the same on all nodes, but for resources that some nodes have to give without a driver. */
type Variant = {
  readonly claimClass: ClaimClass
  /** Still to be allocated, in the class's order. */
  readonly claims: readonly ResourceClaim[]
  readonly mappings: readonly ContainerExtendedResourceRequest[]
}

/** One pod's claims and the nodes, for one attempt. */
export class PodDevices {
  /** Pods whose claims are all still to be allocated, and of one class, are judged alike. */
  readonly sharedAs: string | undefined
  readonly hasAlternatives: boolean
  readonly #options: PodDevicesOptions
  readonly #input: PodDevicesInput
  readonly #allocated: readonly ResourceClaim[]
  readonly #variants = new Map<string, Variant>()
  /** Allocated claims that alone keep the pod off some node. */
  readonly #foundAway = new Set<ResourceClaim>()

  constructor(options: PodDevicesOptions, input: PodDevicesInput) {
    const { pod, claims, claimClass, extended } = input
    this.#options = options
    this.#input = input
    this.#allocated = claims.filter((c) => c.status?.allocation)
    this.hasAlternatives = claimClass.hasAlternatives
    this.#variants.set('', { claimClass, claims: claims.filter((c) => !c.status?.allocation), mappings: [] })
    const asked = extended ? JSON.stringify(extendedRequests(pod, extended.resources, this.#classOf).requests) : ''
    const isShared = this.#allocated.length === 0 && !this.#isLeftOver
    this.sharedAs = isShared ? `DynamicResources ${options.classes.epoch} ${claimClass.id} ${asked}` : undefined
  }

  fits(row: number): boolean {
    // Searched first: a search that fails counts, whatever else speaks against the node.
    return !this.#isLeftOver && this.#resultAt(row).kind === 'Found' && this.#unavailable(row).length === 0
  }

  /** As `rejection`, without looking for what is short. Nodes that another plugin rejects are not asked about. */
  verdict(row: number): Verdict {
    if (this.#isLeftOver) return leftOverVerdict
    const result = this.#resultAt(row)
    if (result.kind === 'None') return result.problem === undefined ? lackVerdict(this.#reachOf(row)) : problemVerdict(result.problem)
    for (const claim of this.#unavailable(row)) this.#foundAway.add(claim)
    return awayVerdict
  }

  rejection(row: number): Rejection {
    if (this.#isLeftOver)
      return { ...leftOverVerdict, details: [`claim ${keyOf(this.#input.extended!.claim)} is left over from an earlier attempt`] }
    const away = this.#unavailable(row).map((claim) => `claim ${keyOf(claim)} is allocated to devices that this node does not reach`)
    const result = this.#resultAt(row)
    if (result.kind === 'Found') return { ...awayVerdict, details: away }
    if (result.problem !== undefined) return { ...problemVerdict(result.problem), details: [result.problem, ...away] }
    const lack = lackOnNode(this.#ownAt(row), this.#reachOf(row), this.#options.classes.state)
    return away.length === 0 ? lack : { ...lack, details: [...lack.details, ...away] }
  }

  /** Why a node could not be judged, if one of those that were asked about could not. */
  failure(): ((row: number) => string | undefined) | undefined {
    const hasFailed = [...this.#variants.values()].some(({ claimClass }) => claimClass.hasFailed)
    return hasFailed ? (row) => this.#variantAt(row).claimClass.failureAt(this.#reachOf(row)) : undefined
  }

  /** Σ of the points of requests with alternatives. */
  preference(row: number): number {
    return this.#chosen(row).reduce((sum, { index }) => sum + preferenceOf(index), 0)
  }

  preferenceText(row: number): string {
    return this.#chosen(row)
      .map(({ request, index, of }) => `request ${request} gets alternative ${index + 1} of ${of}`)
      .join(', ')
  }

  reserve(row: number): Reservation {
    const { ledger, sources, shareId, now, binder, classes } = this.#options
    const { pod } = this.#input
    const node = classes.nodeAt(row)
    const result = this.#resultAt(row)
    const own = this.#ownAt(row)
    for (const { claim } of own)
      if (ledger.isPending(claim) || ledger.get(keyOf(claim))?.status?.allocation)
        throw new Error(`claim ${keyOf(claim)} got allocated elsewhere in the meantime`)
    if (result.kind === 'None') throw new Error(`the devices for ${keyOf(pod)} are no longer to be had on node ${node.metadata.name}`)
    const context = {
      nodeName: node.metadata.name ?? '',
      classOf: (className: string) => sources.classes.get(className),
      shareId,
      now: toTime(now()),
    }
    const granted = new Map(result.claims.map((g, i) => [own[i]!.claim, allocationResult({ ...g, claim: own[i]! }, context)]))
    const { claims, mappings } = this.#variantAt(row)
    const decided = [...this.#allocated, ...claims].map(
      (claim): DecidedClaim => ({ claim, allocation: granted.get(claim), ...(isInMemory(claim) ? { mappings } : {}) }),
    )
    return binder.reserve(pod, decided)
  }

  /** A claim that holds devices elsewhere and that nobody else uses can be allocated anew; one that is left over can go. */
  relief(): Relief {
    const { binder } = this.#options
    const { pod, extended } = this.#input
    const isUsedByOthers = (claim: ResourceClaim) => (claim.status?.reservedFor ?? []).some((r) => r.uid !== pod.metadata.uid)
    const idle = this.#allocated.find((claim) => this.#foundAway.has(claim) && !isUsedByOthers(claim))
    if (idle) return { message: 'deallocation of ResourceClaim completed', act: (signal) => binder.deallocate(idle, signal) }
    if (this.#isLeftOver) return { message: 'deletion of ResourceClaim completed', act: (signal) => binder.delete(extended!.claim, signal) }
    return { message: 'still not schedulable' }
  }

  get #isLeftOver(): boolean {
    return this.#input.extended !== undefined && !isInMemory(this.#input.extended.claim)
  }

  readonly #classOf = (resource: string): DeviceClass | undefined => this.#options.classes.byResource.get(resource)

  #variantAt(row: number): Variant {
    const { extended, pod } = this.#input
    const { snapshot, classes } = this.#options
    const isServed = (resource: string) => snapshot.allocatable[snapshot.resourceId(resource)]![row] === 0
    const served = extended?.resources.filter(isServed) ?? []
    const key = served.join(' ')
    const known = this.#variants.get(key)
    if (known) return known
    const { requests, mappings } = extendedRequests(pod, served, this.#classOf)
    const claim = { ...extended!.claim, spec: { devices: { requests: [...requests] } } }
    const claims = [...this.#variants.get('')!.claims, claim]
    const claimClass = classes.classOf(claims)
    if ('problem' in claimClass) throw new Error(claimClass.problem)
    const variant = { claimClass, claims, mappings }
    this.#variants.set(key, variant)
    return variant
  }

  #ownAt(row: number): readonly CompiledClaim[] {
    const { claimClass, claims } = this.#variantAt(row)
    return claimClass.of(claims)
  }

  #chosen(row: number): ReturnType<ClaimClass['chosenAt']> {
    return this.#variantAt(row).claimClass.chosenAt(this.#reachOf(row))
  }

  /** Claims whose devices the node does not reach. */
  #unavailable(row: number): readonly ResourceClaim[] {
    if (this.#allocated.length === 0) return this.#allocated
    const node = this.#options.classes.nodeAt(row)
    return this.#allocated.filter((claim) => !reaches(claim, node))
  }

  #resultAt(row: number): SearchResult {
    const { claimClass } = this.#variantAt(row)
    return claimClass.compiled.length === 0 ? nothingToFind : claimClass.resultAt(this.#reachOf(row))
  }

  #reachOf(row: number): ReturnType<ClaimClasses['reachOf']> {
    return this.#options.classes.reachOf(row)
  }
}

const awayVerdict: Verdict = { reasons: ['resourceclaim not available on the node'], isResolvable: false }
const leftOverVerdict: Verdict = { reasons: ['cannot schedule extended resource claim'], isResolvable: false }
const problemVerdict = (problem: string): Verdict => ({ reasons: [problem], isResolvable: false })

/** 8 points for a request's first alternative, one less for each further one. */
export const preferenceOf = (place: number) => alternativesMax - place

const nothingToFind: SearchResult = { kind: 'Found', claims: [] }

function reaches({ status }: ResourceClaim, node: Node): boolean {
  const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms
  return !terms || terms.some((term) => matchesTerm(term, node))
}
