import { seededRandom } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { controllerOf, keyOf } from '../../machinery/object.ts'
import type { SchedulerProfile } from '../config/scheduler-profile.ts'
import { fitErrorMessage } from '../core/fit-error.ts'
import { judge } from '../core/judgement.ts'
import { scan } from '../core/scan.ts'
import type { PodToPlace } from '../core/scheduler-core.ts'
import { defaultSpreadOf, type SpreadSources } from '../default-spread.ts'
import { type ClusterView, spreadSourcesOf } from '../what-if/cluster-view.ts'
import { PlannedClaims } from '../what-if/planned-claims.ts'
import { loadAssigned, nobodysText, PlannedProfiles } from '../what-if/planned-profiles.ts'
import { candidatesOf, type Candidate } from './candidates.ts'
import { DisruptionAllowance } from './disruption-allowance.ts'
import { reasonToStay } from './movable-pod.ts'
import type { RebalancePolicy, Strategy } from './rebalance-policy.ts'

/** A pod that should be evicted, because its replacement would land on another node. */
export type Move = {
  readonly pod: string
  /** Like `replicaset/web-5d`. */
  readonly of: string
  readonly from: string
  readonly to: string
  readonly strategy: Strategy
  /** What is wrong where it is, with the numbers. */
  readonly why: string
  /** Percent, 0..100; at least the policy's. */
  readonly gain: number
  readonly gainText: string
}

/** A pod that is in the wrong place, and why it stays there. */
export type Stay = {
  readonly pod: string
  readonly of: string
  readonly on: string
  readonly strategy: Strategy
  readonly why: string
  readonly because: string
}

export type RebalancePlan = { readonly moves: readonly Move[]; readonly stays: readonly Stay[] }

/** Pods that are looked at for another place, in one run. */
const triesMax = 500

/**
 * Which pods should move, so that rules that have come to be broken are kept again, copies of one workload are apart, and nodes are used
 * alike. Pure; nothing is written. Every move is played through on a copy of the cluster by the scheduler's own plugins before the next
 * is considered: no pod moves that no other node takes, no disruption budget is broken, no limit of the policy is exceeded.
 */
export function planRebalance(input: {
  readonly view: ClusterView
  readonly policy: RebalancePolicy
  /** At least one. Pods that none of them places stay. */
  readonly profiles: readonly SchedulerProfile[]
}): RebalancePlan {
  return new Rebalancing(input).run()
}

class Rebalancing {
  readonly #policy: RebalancePolicy
  readonly #profiles: PlannedProfiles
  readonly #spread: SpreadSources
  readonly #claims: PlannedClaims
  readonly #allowance: DisruptionAllowance
  readonly #moves: Move[] = []
  readonly #stays: Stay[] = []
  readonly #settled = new Set<string>()
  #tries = 0

  constructor({ view, policy, profiles }: Parameters<typeof planRebalance>[0]) {
    const random = seededRandom(1)
    this.#policy = policy
    this.#spread = spreadSourcesOf(view)
    this.#claims = new PlannedClaims(view.resourceClaims, view.resourceClaimTemplates)
    this.#profiles = new PlannedProfiles({ profiles, view, claims: this.#claims, random })
    const { snapshot } = this.#profiles.cluster
    this.#allowance = new DisruptionAllowance(view.budgets, policy)
    for (const { metadata } of view.namespaces) snapshot.setNamespace(metadata.name!, metadata.labels ?? {})
    for (const node of view.nodes) snapshot.setNode(node)
    loadAssigned(snapshot, view.pods)
    this.#profiles.measure(view.leases)
  }

  run(): RebalancePlan {
    for (const strategy of this.#policy.strategies)
      for (const candidate of candidatesOf(strategy, {
        snapshot: this.#profiles.cluster.snapshot,
        coreOf: ({ pod }) => (this.#profiles.of(pod) ?? this.#profiles.first).core,
        policy: this.#policy,
        targetOf: (entry) => this.#targetOf(entry.pod),
      })) {
        if (this.#settled.has(candidate.entry.key) || !candidate.isStillWrong()) continue
        if (++this.#tries > triesMax) return this.#result()
        this.#settled.add(candidate.entry.key)
        this.#tryToMove(candidate, strategy)
      }
    return this.#result()
  }

  #result(): RebalancePlan {
    return { moves: this.#moves, stays: this.#stays }
  }

  #tryToMove(candidate: Candidate, strategy: Strategy): void {
    const { entry, why } = candidate
    const { pod, key, nodeName: on } = entry
    const because =
      (this.#profiles.of(pod) ? undefined : nobodysText(pod)) ?? reasonToStay(pod, this.#policy) ?? this.#allowance.obstacle(pod, on)
    const found = because === undefined ? this.#findPlace(candidate) : { because }
    const base = { pod: key, of: ownerOf(pod), strategy, why }
    if ('because' in found) return void this.#stays.push({ ...base, on, because: found.because })
    this.#allowance.take(pod, on)
    this.#moves.push({ ...base, from: on, ...found })
  }

  /** The best other node that gains enough; the pod counts there from now on. Otherwise it is where it was. */
  #findPlace(candidate: Candidate): Pick<Move, 'to' | 'gain' | 'gainText'> | { readonly because: string } {
    const { snapshot } = this.#profiles.cluster
    const { entry } = candidate
    const { core, podPlugins } = this.#profiles.of(entry.pod)!
    const { key, nodeName: from, row: fromRow } = entry
    snapshot.removePod(key)
    const stay = (because: string) => {
      snapshot.addPod(key, entry.pod, from)
      return { because }
    }
    const anew = unbound(entry.pod)
    // Devices are given back when it goes, and claimed again where it comes: only for pods that may really go.
    if (anew.spec?.resourceClaims?.length) return stay('it holds devices')
    const judged = judge(podPlugins, anew)
    if ('kind' in judged) return stay(judged.reason)
    const target: PodToPlace = { ...this.#targetOf(anew), judged }
    const { rows, totals } = scan(core.planOf(target), snapshot)
    const options = rows
      .map((row, i) => ({ row, total: totals[i]!, name: snapshot.nodeName(row) }))
      .filter(({ row }) => row !== fromRow && candidate.mayGoTo(row))
      .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1))
    const [best] = options
    if (!best) {
      const isNowhere = rows.every((row) => row === fromRow)
      return stay(isNowhere ? `no other node takes it: ${fitErrorMessage(core.diagnose(target))}` : candidate.noPlaceText)
    }
    const { gain, text } = candidate.gainAt(best.row)
    if (gain < this.#policy.gainMin)
      return stay(`a move to ${best.name} would gain ${gain} %, less than ${this.#policy.gainMin} % (${text})`)
    for (const { reserve } of judged) reserve?.(best.row)
    snapshot.addPod(key, { ...anew, spec: { ...anew.spec!, nodeName: best.name } }, best.name)
    return { to: best.name, gain, gainText: text }
  }

  #targetOf(pod: Pod): PodToPlace {
    return { key: keyOf(pod), pod, priority: pod.spec?.priority ?? 0, defaultSpread: defaultSpreadOf(pod, this.#spread) }
  }
}

export function ownerOf(pod: Pod): string {
  const owner = controllerOf(pod)
  return owner ? `${owner.kind.toLowerCase()}/${owner.name}` : `pod/${pod.metadata.name}`
}

function unbound(pod: Pod): Pod {
  const { nodeName: _, ...spec } = pod.spec!
  return { ...pod, spec }
}
