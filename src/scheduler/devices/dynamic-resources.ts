import { toTime } from '../../base/clock.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { matchesTerm } from '../../kinds/node-selection.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Judgement, PodPlugin, Refused, Relief, Reservation } from '../core/judgement.ts'
import type { CompiledPlugin, Rejection, Verdict } from '../core/plugin.ts'
import { defaultNormalise } from '../core/score-formulas.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { allocationResult } from './allocation-result.ts'
import { ClaimClasses, type ClaimClass } from './claim-class.ts'
import type { CompiledClaim } from './claim-requests.ts'
import type { ClaimLedger } from './claim-ledger.ts'
import type { DecidedClaim, DeviceBinder } from './device-binder.ts'
import { DeviceState } from './device-fit.ts'
import { lackOnNode, lackVerdict } from './device-lack.ts'
import type { DevicePools } from './device-pools.ts'
import type { SearchResult } from './device-search.ts'
import type { DeviceSources } from './device-sources.ts'
import { podClaims } from './pod-claims.ts'

const name = 'DynamicResources'
const notAvailable = 'resourceclaim not available on the node'
/** Upstream's FirstAvailableDeviceRequestMaxSize: what the best of the alternatives scores. */
const alternativesMax = 8

export type DynamicResourcesOptions = {
  readonly snapshot: Snapshot
  readonly sources: DeviceSources
  readonly ledger: ClaimLedger
  readonly pools: DevicePools
  readonly binder: DeviceBinder
  readonly now: () => number
  readonly shareId: () => string
}

/**
 * Places pods where the devices that they claim are or can be had: a claim that is allocated keeps its pods where its devices can be
 * used; one that is not needs devices that its selectors choose and that nobody else has.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export function dynamicResources(options: DynamicResourcesOptions): PodPlugin {
  const { ledger, pools, snapshot, sources } = options
  const classes = new ClaimClasses({ sources, snapshot, pools, state: new DeviceState(ledger), ledger })
  return {
    name,
    idle: 'no new claims to deallocate',
    judge: (pod) => {
      if (!pod.spec?.resourceClaims?.length) return undefined
      const used = podClaims(pod, (key) => ledger.get(key))
      if ('problem' in used) return used.isInUse ? refused(used.problem) : { ...refused(used.problem), isEarly: true }
      const { claims } = used
      if (claims.length === 0) return undefined
      const pending = claims.find((claim) => ledger.isPending(claim))
      if (pending) return refused(`resource claim ${keyOf(pending)} is in the process of being allocated`)
      const claimClass = classes.classOf(claims.filter((c) => !c.status?.allocation))
      if ('problem' in claimClass) return refused(claimClass.problem)
      return judged(new PodDevices(options, { pod, claims, classes, claimClass }))
    },
    close: () => {
      ledger.close()
      pools.close()
      classes.close()
    },
  }
}

const refused = (reason: string): Refused => ({
  kind: 'Refused',
  plugin: name,
  reason,
  relief: { message: 'no new claims to deallocate' },
})

function judged(devices: PodDevices): Judgement {
  const compiled: CompiledPlugin = {
    usageFilter: (row) => devices.fits(row),
    verdict: (row) => devices.verdict(row),
    reject: (row) => devices.rejection(row),
    ...(devices.hasAlternatives
      ? {
          rawScore: (row) => devices.preference(row),
          cellKeys: [(row: number) => devices.preference(row)],
          normalise: (raw, _min, max) => defaultNormalise(raw, max, false),
          explainScore: (row, { raw, max, score }) => `⌊100 × ${raw}/${max}⌋, ${devices.preferenceText(row)} = ${score}`,
        }
      : {}),
  }
  return {
    kind: 'Judged',
    plugin: { name, weight: 2, compiled, isLast: true },
    ...(devices.sharedAs === undefined ? {} : { sharedAs: devices.sharedAs }),
    reserve: (row) => devices.reserve(row),
    relieve: () => devices.relief(),
    failure: () => devices.failure(),
  }
}

/** One pod's claims and the nodes, for one attempt. */
class PodDevices {
  /** Pods whose claims are all still to be allocated, and of one class, are judged alike. */
  readonly sharedAs: string | undefined
  readonly #options: DynamicResourcesOptions
  readonly #pod: Pod
  readonly #claims: readonly ResourceClaim[]
  readonly #allocated: readonly ResourceClaim[]
  readonly #classes: ClaimClasses
  readonly #class: ClaimClass

  constructor(
    options: DynamicResourcesOptions,
    input: {
      readonly pod: Pod
      readonly claims: readonly ResourceClaim[]
      readonly classes: ClaimClasses
      readonly claimClass: ClaimClass
    },
  ) {
    this.#options = options
    this.#pod = input.pod
    this.#claims = input.claims
    this.#allocated = input.claims.filter((c) => c.status?.allocation)
    this.#classes = input.classes
    this.#class = input.claimClass
    this.sharedAs = this.#allocated.length === 0 ? `${name} ${input.claimClass.id}` : undefined
  }

  get hasAlternatives(): boolean {
    return this.#class.hasAlternatives
  }

  fits(row: number): boolean {
    return this.#unavailable(row) === undefined && this.#resultAt(row).kind === 'Found'
  }

  /** As `rejection`, without looking for what is short. */
  verdict(row: number): Verdict {
    if (this.#unavailable(row)) return awayVerdict
    const result = this.#resultAt(row)
    return result.kind === 'None' && result.problem !== undefined ? problemVerdict(result.problem) : lackVerdict(this.#classes.reachOf(row))
  }

  rejection(row: number): Rejection {
    const claim = this.#unavailable(row)
    if (claim) return { ...awayVerdict, details: [`claim ${keyOf(claim)} is allocated to devices that this node does not reach`] }
    const result = this.#resultAt(row)
    if (result.kind === 'None' && result.problem !== undefined) return { ...problemVerdict(result.problem), details: [result.problem] }
    return lackOnNode(this.#own(), this.#classes.reachOf(row), this.#classes.state)
  }

  /** Of a node that was asked about and could not be judged. */
  failure(): string | undefined {
    return this.#class.failure
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
    const { ledger, sources, shareId, now, binder } = this.#options
    const node = this.#classes.nodeAt(row)
    const result = this.#resultAt(row)
    const own = this.#own()
    for (const { claim } of own)
      if (ledger.isPending(claim) || ledger.get(keyOf(claim))?.status?.allocation)
        throw new Error(`claim ${keyOf(claim)} got allocated elsewhere in the meantime`)
    if (result.kind === 'None') throw new Error(`the devices for ${keyOf(this.#pod)} are no longer to be had on node ${node.metadata.name}`)
    const context = {
      nodeName: node.metadata.name ?? '',
      classOf: (className: string) => sources.classes.get(className),
      shareId,
      now: toTime(now()),
    }
    const granted = new Map(result.claims.map((g, i) => [own[i]!.claim, { ...g, claim: own[i]! }]))
    const decided = this.#claims.map((claim): DecidedClaim => {
      const grant = granted.get(claim)
      return { claim, allocation: grant && allocationResult(grant, context) }
    })
    return binder.reserve(this.#pod, decided)
  }

  /** A claim that holds devices elsewhere and that nobody else uses can be allocated anew. */
  relief(): Relief {
    const { snapshot, binder } = this.#options
    const isAway = (claim: ResourceClaim) =>
      claim.status?.allocation !== undefined && snapshot.nodes.some((node) => node && !reaches(claim, node))
    const isUsedByOthers = (claim: ResourceClaim) => (claim.status?.reservedFor ?? []).some((r) => r.uid !== this.#pod.metadata.uid)
    const idle = this.#claims.find((claim) => isAway(claim) && !isUsedByOthers(claim))
    if (!idle) return { message: 'still not schedulable' }
    return { message: 'deallocation of ResourceClaim completed', act: (signal) => binder.deallocate(idle, signal) }
  }

  #own(): readonly CompiledClaim[] {
    return this.#class.of(this.#claims.filter((c) => !this.#allocated.includes(c)))
  }

  #chosen(row: number): ReturnType<ClaimClass['chosenAt']> {
    return this.#class.chosenAt(this.#classes.reachOf(row))
  }

  #unavailable(row: number): ResourceClaim | undefined {
    if (this.#allocated.length === 0) return undefined
    const node = this.#classes.nodeAt(row)
    return this.#allocated.find((claim) => !reaches(claim, node))
  }

  #resultAt(row: number): SearchResult {
    return this.#class.compiled.length === 0 ? nothingToFind : this.#class.resultAt(this.#classes.reachOf(row))
  }
}

const awayVerdict: Verdict = { reasons: [notAvailable], isResolvable: false }
const problemVerdict = (problem: string): Verdict => ({ reasons: [problem], isResolvable: false })

/** 8 points for a request's first alternative, one less for each further one. */
export const preferenceOf = (place: number) => alternativesMax - place

const nothingToFind: SearchResult = { kind: 'Found', claims: [] }

function reaches({ status }: ResourceClaim, node: Node): boolean {
  const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms
  return !terms || terms.some((term) => matchesTerm(term, node))
}
