import { cpu, memory } from '../core/snapshot.ts'
import { amountText } from '../../kinds/amount-text.ts'
import { isExtendedResourceName } from '../../kinds/core/resource-name.ts'
import { curveScore, leastRequestedScore, mostRequestedScore, type ShapePoint } from '../core/score-formulas.ts'
import type { CompileContext, CompiledPlugin, Plugin, Rejection, Remedy, Shortfall, Verdict } from '../core/plugin.ts'

export type ScoringStrategy =
  | { readonly type: 'LeastAllocated' | 'MostAllocated'; readonly resources: readonly ResourceWeight[] }
  | { readonly type: 'RequestedToCapacityRatio'; readonly resources: readonly ResourceWeight[]; readonly shape: readonly ShapePoint[] }

/** Extended resources that somebody else counts: by name, and by the part of the name before the slash. */
export type IgnoredResources = { readonly names: ReadonlySet<string>; readonly groups: ReadonlySet<string> }

const nothingIgnored: IgnoredResources = { names: new Set(), groups: new Set() }

export type ResourceWeight = { readonly name: string; readonly weight: number }

export const cpuAndMemory: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

/** Others count only for pods that ask for them. */
export const isAlwaysScored = (name: string) => name === 'cpu' || name === 'memory' || name === 'ephemeral-storage'

/**
 * Filter: R_r(p) ≤ A_r(n) − U_r(n) for every resource that the pod asks for, and room for one more pod; what a node has none of and
 * drivers provide as devices is DynamicResources' matter.
 * Score: the strategy's mean over its resources, each truncated, then the mean truncated; cpu and memory count with the
 * non-zero defaults for containers that request none. The pod's own part is what its containers ask for: upstream leaves
 * `spec.resources` out of this score, and counts it for the pods that are there.
 */
export function nodeResourcesFit(strategy: ScoringStrategy, ignored: IgnoredResources = nothingIgnored): Plugin {
  return {
    name: 'NodeResourcesFit',
    weight: 1,
    compile: (context) => {
      const { requests, scoredRequests } = context.shape
      const sharedAs = () => JSON.stringify([requests, scoredRequests])
      return { ...compileFilter(context, ignored), ...compileScore(context, strategy), readsAmounts: true, sharedAs }
    },
  }
}

/** A resource that the filter compares: what the pod asks for, and what each row has and has given away. */
type Asked = {
  readonly name: string
  readonly amount: number
  readonly allocatable: Float64Array
  readonly requested: Float64Array
  /** Where a node has none, drivers provide it. */
  readonly isDevice: boolean
}

function askedBy({ snapshot, shape }: CompileContext, ignored: IgnoredResources): readonly Asked[] {
  return shape.resourceIds
    .map((id, i) => {
      const name = snapshot.resources.name(id)
      const [allocatable, requested] = [snapshot.allocatable[id]!, snapshot.requested[id]!]
      return { name, amount: shape.resourceAmounts[i]!, allocatable, requested, isDevice: snapshot.deviceResources.has(name) }
    })
    .filter(({ name }) => !isIgnored(name, ignored))
}

function isIgnored(name: string, { names, groups }: IgnoredResources): boolean {
  return (names.has(name) || groups.has(name.split('/')[0]!)) && isExtendedResourceName(name)
}

function compileFilter(context: CompileContext, ignored: IgnoredResources): CompiledPlugin {
  const { podCount, podsMax } = context.snapshot
  const asked = askedBy(context, ignored)
  const count = asked.length
  const amounts = asked.map((a) => a.amount)
  const allocatable = asked.map((a) => a.allocatable)
  const requested = asked.map((a) => a.requested)
  const isDevice = asked.map((a) => a.isDevice)
  const hasRoom = (row: number) => {
    if (podCount[row]! + 1 > podsMax[row]!) return false
    for (let i = 0; i < count; i++)
      if (allocatable[i]![row]! < amounts[i]! + requested[i]![row]! && !(isDevice[i] && allocatable[i]![row] === 0)) return false
    return true
  }
  const [a0, a1, r0, r1] = [allocatable[0], allocatable[1], requested[0], requested[1]]
  const [amount0 = 0, amount1 = 0] = amounts
  // The usual two resources without a loop.
  const hasRoomForTwo =
    count === 2 && a0 && a1 && r0 && r1 && !isDevice.includes(true)
      ? (row: number) => podCount[row]! < podsMax[row]! && amount0 + r0[row]! <= a0[row]! && amount1 + r1[row]! <= a1[row]!
      : undefined
  return {
    usageFilter: hasRoomForTwo ?? hasRoom,
    comparesAll: count === context.shape.resourceIds.length,
    reject: (row) => rejection(context, asked, row),
    verdict: verdictByMask(context, asked),
  }
}

/** Which of the resources are missing, as bits, tells the verdict: each is made once. */
function verdictByMask(context: CompileContext, asked: readonly Asked[]): (row: number) => Verdict {
  const verdicts = new Map<number, Verdict>()
  const { podCount, podsMax } = context.snapshot
  return (row) => {
    let mask = podCount[row]! + 1 > podsMax[row]! ? 1 : 0
    for (let i = 0; i < asked.length; i++) {
      const { amount, allocatable, requested, isDevice } = asked[i]!
      if (allocatable[row]! >= amount + requested[row]! || (isDevice && allocatable[row] === 0)) continue
      // Two bits a resource: missing, and more than the node has at all. Exact up to 26 resources.
      mask += (amount > allocatable[row]! ? 3 : 1) * 2 ** (1 + 2 * i)
    }
    let verdict = verdicts.get(mask)
    if (!verdict) {
      const { reasons, isResolvable } = rejection(context, asked, row)
      verdicts.set(mask, (verdict = { reasons, isResolvable }))
    }
    return verdict
  }
}

function rejection({ snapshot }: CompileContext, asked: readonly Asked[], row: number): Rejection {
  const reasons: string[] = []
  const details: string[] = []
  const remedies: Remedy[] = []
  const shortfalls: Shortfall[] = []
  let isResolvable = true
  const podsMax = snapshot.podsMax[row]!
  if (snapshot.podCount[row]! + 1 > podsMax) {
    reasons.push('Too many pods')
    details.push(`Too many pods: ${snapshot.podCount[row]} of ${podsMax} allowed are there`)
    shortfalls.push({
      resource: 'pods',
      requested: 1,
      used: snapshot.podCount[row]!,
      allocatable: podsMax,
      free: podsMax - snapshot.podCount[row]!,
      short: snapshot.podCount[row]! + 1 - podsMax,
    })
    if (podsMax > 0) remedies.push({ kind: 'Free', resource: 'pods', amount: snapshot.podCount[row]! + 1 - podsMax })
  }
  for (const of of asked) {
    const { name: resource, amount: requested } = of
    const [used, allocatable] = [of.requested[row]!, of.allocatable[row]!]
    const free = allocatable - used
    if (requested <= free || (allocatable === 0 && of.isDevice)) continue
    const text = (amount: number) => amountText(resource, amount)
    reasons.push(`Insufficient ${resource}`)
    details.push(
      `Insufficient ${resource}: requested ${text(requested)}, free ${text(free)} of ${text(allocatable)} allocatable, short ${text(requested - free)}`,
    )
    shortfalls.push({ resource, requested, used, allocatable, free, short: requested - free })
    if (requested > allocatable) isResolvable = false
    else remedies.push({ kind: 'Free', resource, amount: requested - free })
    if (free > 0) remedies.push({ kind: 'ReduceRequest', resource, from: requested, to: free })
  }
  return { reasons, isResolvable, details, shortfalls, remedies }
}

function compileScore({ snapshot, shape }: CompileContext, strategy: ScoringStrategy): CompiledPlugin {
  const parts = strategy.resources.map(({ name, weight }) => {
    const id = snapshot.resourceId(name)
    const requested = id === cpu ? snapshot.nonZeroCpu : id === memory ? snapshot.nonZeroMemory : snapshot.requested[id]!
    const own = shape.scoredRequests[name] ?? 0
    return { name, weight, requested, own, allocatable: snapshot.allocatable[id]!, isSkipped: own === 0 && !isAlwaysScored(name) }
  })
  const used = parts.filter((p) => !p.isSkipped)
  const scoreOf = resourceScore(strategy)
  const usesDefaults = used.some((p) => p.own !== (shape.requests[p.name] ?? 0))
  const isCurve = strategy.type === 'RequestedToCapacityRatio'
  const mean = (row: number) => {
    let sum = 0
    let weights = 0
    for (let i = 0; i < used.length; i++) {
      const part = used[i]!
      const allocatable = part.allocatable[row]!
      if (allocatable === 0) continue
      const score = scoreOf(part.requested[row]! + part.own, allocatable)
      if (isCurve && score <= 0) continue
      sum += score * part.weight
      weights += part.weight
    }
    if (weights === 0) return 0
    return isCurve ? Math.round(sum / weights) : Math.floor(sum / weights)
  }
  return {
    usageScore: strategy.type === 'LeastAllocated' ? (leastOfTwo(used) ?? mean) : mean,
    explainScore: (row, { score }) => {
      const terms = used
        .filter((p) => p.allocatable[row] !== 0)
        .map(
          (p) =>
            `${p.weight === 1 ? '' : `${p.weight}×`}${termText(strategy.type, p.name, p.requested[row]! + p.own, p.allocatable[row]!)}`,
        )
      const weights = used.filter((p) => p.allocatable[row] !== 0).reduce((sum, p) => sum + p.weight, 0)
      if (terms.length === 0) return `no scored resource on this node = ${score}`
      return `(${terms.join(' + ')})/${weights} = ${score}${usesDefaults ? ' (containers without requests count as 100m and 200Mi here)' : ''}`
    },
  }
}

type ScoredPart = { readonly weight: number; readonly own: number; readonly requested: Float64Array; readonly allocatable: Float64Array }

/** The mean of the usual two resources, equally weighted, without a loop; undefined for others. */
function leastOfTwo(parts: readonly ScoredPart[]): ((row: number) => number) | undefined {
  const [first, second] = parts
  if (!first || !second || parts.length > 2 || first.weight !== second.weight) return undefined
  const [requested0, requested1, own0, own1] = [first.requested, second.requested, first.own, second.own]
  const [allocatable0, allocatable1] = [first.allocatable, second.allocatable]
  return (row) => {
    const [a, b] = [allocatable0[row]!, allocatable1[row]!]
    const x = leastRequestedScore(requested0[row]! + own0, a)
    const y = leastRequestedScore(requested1[row]! + own1, b)
    return a === 0 ? y : b === 0 ? x : (x + y) >> 1
  }
}

function resourceScore(strategy: ScoringStrategy): (requested: number, allocatable: number) => number {
  switch (strategy.type) {
    case 'LeastAllocated':
      return leastRequestedScore
    case 'MostAllocated':
      return mostRequestedScore
    case 'RequestedToCapacityRatio':
      return (requested, allocatable) => curveScore(strategy.shape, requested, allocatable)
  }
}

function termText(type: ScoringStrategy['type'], name: string, requested: number, allocatable: number): string {
  const text = (amount: number) => amountText(name, amount)
  switch (type) {
    case 'LeastAllocated':
      return `⌊100 × (${text(allocatable)} − ${text(requested)})/${text(allocatable)}⌋`
    case 'MostAllocated':
      return `⌊100 × ${text(requested)}/${text(allocatable)}⌋`
    case 'RequestedToCapacityRatio':
      return `curve(${text(requested)}/${text(allocatable)})`
  }
}
