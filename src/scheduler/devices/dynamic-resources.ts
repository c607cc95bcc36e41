import { toTime } from '../../base/clock.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { matchesTerm } from '../../kinds/node-selection.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Judgement, PodPlugin, Relief, Reservation } from '../core/judgement.ts'
import type { CompiledPlugin, Rejection } from '../core/plugin.ts'
import { defaultNormalise } from '../core/score-formulas.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { allocationResult } from './allocation-result.ts'
import { compileClaim, type CompiledClaim } from './claim-requests.ts'
import type { ClaimLedger } from './claim-ledger.ts'
import type { DecidedClaim, DeviceBinder } from './device-binder.ts'
import { DeviceState } from './device-fit.ts'
import { lackOnNode } from './device-lack.ts'
import type { DevicePools } from './device-pools.ts'
import { searchDevices, type SearchResult } from './device-search.ts'
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
  return {
    name,
    judge: (pod) => {
      if (!pod.spec?.resourceClaims?.length) return undefined
      const used = podClaims(pod, (key) => options.ledger.get(key))
      if ('problem' in used) return refused(used.problem)
      const { claims } = used
      const pending = claims.find((claim) => options.ledger.isPending(claim))
      if (pending) return refused(`resource claim ${keyOf(pending)} is in the process of being allocated`)
      const compiled: CompiledClaim[] = []
      for (const claim of claims.filter((c) => !c.status?.allocation)) {
        const one = compileClaim(claim, (className) => options.sources.classes.get(className))
        if ('problem' in one) return refused(one.problem)
        compiled.push(one)
      }
      return claims.length === 0 ? undefined : judged(new PodDevices(options, { pod, claims, compiled }))
    },
    close: () => {
      options.ledger.close()
      options.pools.close()
    },
  }
}

const refused = (reason: string): Judgement => ({
  kind: 'Refused',
  plugin: name,
  reason,
  relief: { message: 'no new claims to deallocate' },
})

function judged(devices: PodDevices): Judgement {
  const compiled: CompiledPlugin = {
    staticFilter: (row) => devices.fits(row),
    reject: (row) => devices.rejection(row),
    ...(devices.hasAlternatives
      ? {
          rawScore: (row) => devices.preference(row),
          normalise: (raw, _min, max) => defaultNormalise(raw, max, false),
          explainScore: (row, { raw, max, score }) => `⌊100 × ${raw}/${max}⌋, ${devices.preferenceText(row)} = ${score}`,
        }
      : {}),
  }
  return {
    kind: 'Judged',
    plugin: { name, weight: 2, compiled },
    reserve: (row) => devices.reserve(row),
    relieve: () => devices.relief(),
  }
}

type Asked = { readonly version: number; readonly state: DeviceState; readonly results: Map<Node, SearchResult> }

/** One pod's claims and the nodes, for one attempt. Answers are kept until a device changes hands. */
class PodDevices {
  readonly hasAlternatives: boolean
  readonly #options: DynamicResourcesOptions
  readonly #pod: Pod
  readonly #claims: readonly ResourceClaim[]
  readonly #compiled: readonly CompiledClaim[]
  #asked: Asked | undefined

  constructor(
    options: DynamicResourcesOptions,
    input: { readonly pod: Pod; readonly claims: readonly ResourceClaim[]; readonly compiled: readonly CompiledClaim[] },
  ) {
    this.#options = options
    this.#pod = input.pod
    this.#claims = input.claims
    this.#compiled = input.compiled
    this.hasAlternatives = input.compiled.some((c) => c.requests.some((r) => r.isPrioritised))
  }

  fits(row: number): boolean {
    return this.#unavailable(row) === undefined && this.#resultAt(row).kind === 'Found'
  }

  rejection(row: number): Rejection {
    const claim = this.#unavailable(row)
    if (claim)
      return {
        reasons: [notAvailable],
        details: [`claim ${keyOf(claim)} is allocated to devices that this node does not reach`],
        isResolvable: false,
      }
    const result = this.#resultAt(row)
    if (result.kind === 'None' && result.problem !== undefined)
      return { reasons: [result.problem], details: [result.problem], isResolvable: false }
    return lackOnNode(this.#compiled, this.#options.pools.on(this.#nodeAt(row)), this.#askedNow().state)
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
    const node = this.#nodeAt(row)
    const result = this.#resultAt(row)
    for (const { claim } of this.#compiled)
      if (ledger.isPending(claim) || ledger.get(keyOf(claim))?.status?.allocation)
        throw new Error(`claim ${keyOf(claim)} got allocated elsewhere in the meantime`)
    if (result.kind === 'None') throw new Error(`the devices for ${keyOf(this.#pod)} are no longer to be had on node ${node.metadata.name}`)
    const context = {
      nodeName: node.metadata.name ?? '',
      classOf: (className: string) => sources.classes.get(className),
      shareId,
      now: toTime(now()),
    }
    const decided = this.#claims.map((claim): DecidedClaim => {
      const granted = result.claims.find((g) => g.claim.claim === claim)
      return { claim, allocation: granted && allocationResult(granted, context) }
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

  #chosen(row: number): readonly { readonly request: string; readonly index: number; readonly of: number }[] {
    const result = this.#resultAt(row)
    if (result.kind === 'None') return []
    return result.claims.flatMap(({ claim, chosen }) =>
      claim.requests.flatMap((r, i) => (r.isPrioritised ? [{ request: r.name, index: chosen[i]!, of: r.alternatives.length }] : [])),
    )
  }

  #unavailable(row: number): ResourceClaim | undefined {
    const node = this.#nodeAt(row)
    return this.#claims.find((claim) => !reaches(claim, node))
  }

  #resultAt(row: number): SearchResult {
    if (this.#compiled.length === 0) return nothingToFind
    const { state, results } = this.#askedNow()
    const node = this.#nodeAt(row)
    let result = results.get(node)
    if (!result) results.set(node, (result = searchDevices(this.#compiled, this.#options.pools.on(node), state)))
    return result
  }

  #askedNow(): Asked {
    const { ledger, pools } = this.#options
    const version = ledger.version + pools.version
    if (this.#asked?.version !== version) this.#asked = { version, state: new DeviceState(ledger), results: new Map() }
    return this.#asked
  }

  #nodeAt(row: number): Node {
    return this.#options.snapshot.nodes[row]!
  }
}

/** 8 points for a request's first alternative, one less for each further one. */
export const preferenceOf = (place: number) => alternativesMax - place

const nothingToFind: SearchResult = { kind: 'Found', claims: [] }

function reaches({ status }: ResourceClaim, node: Node): boolean {
  const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms
  return !terms || terms.some((term) => matchesTerm(term, node))
}
