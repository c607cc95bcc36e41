import type { DomainCounter } from '../core/domain-counter.ts'
import { affinityTerms, type PodShape } from '../core/pod-shape.ts'
import { type PodTerm, podTerm } from '../core/pod-term.ts'
import { minMaxNormalise } from '../core/score-formulas.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { CompileContext, CompiledPlugin, Plugin, Rejection, Verdict } from '../core/plugin.ts'

export type InterPodAffinityArgs = {
  /** What the required affinity of a pod that is there adds for pods that match it, 0..100. */
  readonly hardPodAffinityWeight: number
  /** Whether what pods that are there want is left out of account for pods that prefer no others themselves. */
  readonly ignorePreferredTermsOfExistingPods: boolean
}

export const defaultInterPodAffinityArgs: InterPodAffinityArgs = { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false }

/**
 * Required terms filter (the pod's own, and anti-affinity of pods that are there); preferred terms of both sides add their
 * weights per matching pod of the domain, normalised by min and max over the feasible nodes.
 */
export function interPodAffinity(args: InterPodAffinityArgs = defaultInterPodAffinityArgs): Plugin {
  return {
    name: 'InterPodAffinity',
    weight: 2,
    compile: (context) => {
      const filters = compileFilters(context)
      const score = compileScore(context, args)
      if (filters === undefined && score === undefined) return undefined
      return {
        ...filters,
        ...score,
        cellKeys: [...(filters?.cellKeys ?? []), ...(score?.cellKeys ?? [])],
        sharedAs: () => `${filters?.sharedAs?.()} ${score?.sharedAs?.()}`,
        ...(filters?.apart ? { apart: { sharedAs: () => `${filters.apart!.sharedAs()} ${score?.sharedAs?.()}` } } : {}),
      }
    },
  }
}

type Affinity = { readonly terms: readonly PodTerm[]; readonly counters: readonly DomainCounter[]; readonly matchesSelf: boolean }

function compileFilters({ snapshot, shape }: CompileContext): CompiledPlugin | undefined {
  const { requiredAffinity, requiredAntiAffinity } = affinityTerms(shape.spec)
  const affinity = compileAffinity(
    snapshot,
    shape,
    requiredAffinity.map((t) => podTerm(t, shape, snapshot)),
  )
  const own = requiredAntiAffinity.map((t) => matchCounter(snapshot, podTerm(t, shape, snapshot)))
  const existing = snapshot.ownedCounters.filter((c) => c.spec.owned!.kind === 'antiAffinity' && c.spec.owned!.matches(shape))
  const forbidden = [...own, ...existing]
  if (!affinity && forbidden.length === 0) return undefined
  const perRow = forbidden.filter((c) => c.column.isPerRow)
  const perDomain = forbidden.filter((c) => !c.column.isPerRow)
  const rows = { rowsMax: snapshot.staticVersions.length, layoutVersion: snapshot.layoutVersion }
  for (const counter of perRow) counter.trackRows(rows)
  const ofAffinity = () => affinity && [affinity.matchesSelf, idsOf(affinity.counters)]
  return {
    ...(perRow.length > 0
      ? {
          usageFilter: (row) => noneOn(perRow, row),
          apart: { sharedAs: () => JSON.stringify([ofAffinity(), idsOf(perDomain)]) },
        }
      : {}),
    ...(affinity || perDomain.length > 0
      ? { domainFilter: (row) => (affinity === undefined || satisfiesAffinity(affinity, row)) && noneAt(perDomain, row) }
      : {}),
    cellKeys: [
      ...perDomain.map((c) => (row: number) => c.column.ids[row]!),
      ...(affinity?.counters ?? []).map(({ column }, i) =>
        column.isPerRow
          ? (row: number) => (column.ids[row] === 0 ? -1 : affinity!.counters[i]!.at(row) > 0 ? 1 : 0)
          : (row: number) => column.ids[row]!,
      ),
    ],
    sharedAs: () => JSON.stringify([ofAffinity(), idsOf(own), idsOf(existing)]),
    reject: (row) => rejection({ affinity, own, existing }, row),
    verdict: (row) => verdictOf({ affinity, own, existing }, row),
  }
}

const idsOf = (counters: readonly DomainCounter[]) => counters.map((c) => c.id)

function compileAffinity(snapshot: Snapshot, shape: PodShape, terms: readonly PodTerm[]): Affinity | undefined {
  if (terms.length === 0) return undefined
  const matchesAll = (pod: PodShape) => terms.every((t) => t.matches(pod))
  const keys = terms.map((t) => t.key)
  const counters = terms.map((t) =>
    snapshot.counter({
      key: `affinity:${JSON.stringify([t.topologyKey, keys])}`,
      topologyKey: t.topologyKey,
      weight: (other) => (matchesAll(other) ? 1 : 0),
      skipsTerminating: false,
    }),
  )
  return { terms, counters, matchesSelf: matchesAll(shape) }
}

/** Pods that match the term, by domain. */
function matchCounter(snapshot: Snapshot, term: PodTerm): DomainCounter {
  return snapshot.counter({
    key: `match:${term.key}`,
    topologyKey: term.topologyKey,
    weight: (other) => (term.matches(other) ? 1 : 0),
    skipsTerminating: false,
  })
}

function noneOn(counters: readonly DomainCounter[], row: number): boolean {
  for (let i = 0; i < counters.length; i++) if (counters[i]!.isAt(row)) return false
  return true
}

function noneAt(counters: readonly DomainCounter[], row: number): boolean {
  for (let i = 0; i < counters.length; i++) if (counters[i]!.at(row) > 0) return false
  return true
}

/** Every term has a matching pod in the row's domain; the first pod of a group that wants itself may go anywhere with the labels. */
function satisfiesAffinity({ counters, matchesSelf }: Affinity, row: number): boolean {
  let isEmpty = true
  let isMatched = true
  for (const counter of counters) {
    if (counter.column.ids[row] === 0) return false
    if (counter.at(row) <= 0) isMatched = false
    if (counter.total > 0) isEmpty = false
  }
  return isMatched || (isEmpty && matchesSelf)
}

type Filters = {
  readonly affinity: Affinity | undefined
  readonly own: readonly DomainCounter[]
  readonly existing: readonly DomainCounter[]
}

const unmet: Verdict = { reasons: [`node(s) didn't match pod affinity rules`], isResolvable: false }
const excluded: Verdict = { reasons: [`node(s) didn't match pod anti-affinity rules`], isResolvable: true }
const unwanted: Verdict = { reasons: [`node(s) didn't satisfy existing pods anti-affinity rules`], isResolvable: true }

function verdictOf({ affinity, own }: Filters, row: number): Verdict {
  if (affinity && !satisfiesAffinity(affinity, row)) return unmet
  return own.some((c) => c.at(row) > 0) ? excluded : unwanted
}

/** In upstream's words the first of the three; what would help is all that is in the way. */
function rejection(filters: Filters, row: number): Rejection {
  const { affinity, own, existing } = filters
  const where = (c: DomainCounter) => `${c.spec.topologyKey}=${c.column.value(row) ?? '(no label)'}`
  const missing = affinity && !satisfiesAffinity(affinity, row) ? affinity.counters.filter((c) => c.at(row) <= 0) : []
  const excludedIn = own.filter((c) => c.at(row) > 0)
  const unwantedIn = existing.filter((c) => c.at(row) > 0)
  const verdict = verdictOf(filters, row)
  const details =
    verdict === unmet
      ? missing.map((c) => `no pod that the affinity asks for is in ${where(c)}`)
      : verdict === excluded
        ? excludedIn.map((c) => `${c.at(row)} pod(s) that the anti-affinity excludes are in ${where(c)}`)
        : unwantedIn.map((c) => `${c.at(row)} pod(s) in ${where(c)} have an anti-affinity against this pod`)
  const texts = [
    ...missing.map((c) =>
      c.column.ids[row] === 0 ? `give it the label ${c.spec.topologyKey}` : `run a pod that the affinity asks for in ${where(c)}`,
    ),
    ...excludedIn.map((c) => `move away ${podsText(c.at(row))} in ${where(c)} that the anti-affinity excludes`),
    ...unwantedIn.map((c) => `move away ${podsText(c.at(row))} in ${where(c)} with an anti-affinity against this one`),
  ]
  return { ...verdict, details, remedies: texts.map((text) => ({ kind: 'Other', text })), needsAll: true }
}

const podsText = (count: number) => (count === 1 ? 'the pod' : `the ${count} pods`)

/** Counters of what pods that are there want, of pods like this one, and how much each counts. */
function wishesOfOthers({ snapshot, shape }: CompileContext, { hardPodAffinityWeight }: InterPodAffinityArgs) {
  const weights = { antiAffinity: 0, affinity: hardPodAffinityWeight, preferred: 1 }
  return snapshot.ownedCounters
    .map((counter) => ({ counter, weight: weights[counter.spec.owned!.kind] }))
    .filter(({ counter, weight }) => weight > 0 && counter.spec.owned!.matches(shape))
}

function compileScore(context: CompileContext, args: InterPodAffinityArgs): CompiledPlugin | undefined {
  const { snapshot, shape } = context
  const own = affinityTerms(shape.spec).preferred.map((p) => ({
    counter: matchCounter(snapshot, podTerm(p.term, shape, snapshot)),
    weight: p.weight,
  }))
  const others = own.length === 0 && args.ignorePreferredTermsOfExistingPods ? [] : wishesOfOthers(context, args)
  const parts = [...own, ...others]
  if (parts.length === 0) return undefined
  const sumOf = (list: typeof parts) => (row: number) => {
    let sum = 0
    for (let i = 0; i < list.length; i++) sum += list[i]!.counter.at(row) * list[i]!.weight
    return sum
  }
  const perRow = parts.filter((p) => p.counter.column.isPerRow)
  return {
    sharedAs: () => JSON.stringify(parts.map((p) => [p.counter.id, p.weight])),
    rawScore: sumOf(parts),
    normalise: minMaxNormalise,
    cellKeys: [
      ...(perRow.length > 0 ? [sumOf(perRow)] : []),
      ...[...new Set(parts.filter((p) => !p.counter.column.isPerRow).map((p) => p.counter.column))].map(
        (column) => (row: number) => column.ids[row]!,
      ),
    ],
    explainScore: (row, { raw, min, max, score }) => {
      const terms = parts
        .filter((p) => p.counter.at(row) !== 0)
        .map((p) => `${p.counter.at(row)} × ${p.weight} in ${p.counter.spec.topologyKey}=${p.counter.column.value(row)}`)
      const sum = terms.join(' + ') || 'no matching pod'
      return max > min
        ? `⌊100 × (${raw} − ${min})/(${max} − ${min})⌋ = ${score} (${sum} = ${raw})`
        : `all feasible nodes have ${raw} = ${score} (${sum})`
    },
  }
}
