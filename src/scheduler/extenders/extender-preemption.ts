import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { type Candidate, candidateOf } from '../core/preemption.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { post, tolerantly } from './extender-client.ts'
import type { ExtenderConfig } from './extender-config.ts'

/** Node → uids of the pods that may be evicted there. */
export type AllowedVictims = ReadonlyMap<string, ReadonlySet<string>>

type MetaVictims = { readonly Pods?: readonly { readonly UID?: string }[] | null; readonly NumPDBViolations?: number }
type PreemptionResult = { readonly NodeNameToMetaVictims?: Readonly<Record<string, MetaVictims>> | null }
type Proposal = { readonly node: string; readonly victims: readonly Pod[]; readonly violations: number }

/**
 * Asks each extender with a `preemptVerb` in turn which of the nodes may be cleared, and of which pods; the next about what the last
 * one left. One that does not answer, or leaves a node without victims, fails the attempt unless it may be ignored.
 */
export async function askForPreemption(
  extenders: readonly ExtenderConfig[],
  input: { readonly pod: Pod; readonly candidates: readonly Candidate[]; readonly snapshot: Snapshot; readonly signal: AbortSignal },
): Promise<AllowedVictims> {
  const { pod, candidates, snapshot, signal } = input
  let left: readonly Proposal[] = candidates.map(({ row, victims, violations }) => ({
    node: snapshot.nodeName(row),
    victims: victims.map((v) => v.pod),
    violations,
  }))
  for (const extender of extenders.filter((e) => e.preemptVerb !== '')) {
    if (left.length === 0) break
    const result = await tolerantly(extender, () =>
      post<PreemptionResult>(extender, extender.preemptVerb, argumentsOf(extender, pod, left), signal),
    )
    if (result) left = left.flatMap((proposal) => remaining(extender, proposal, result))
  }
  return new Map(left.map(({ node, victims }) => [node, new Set(victims.map((v) => v.metadata.uid ?? ''))]))
}

function argumentsOf({ nodeCacheCapable }: ExtenderConfig, pod: Pod, left: readonly Proposal[]): object {
  const byNode = (podsOf: (victims: readonly Pod[]) => unknown) =>
    Object.fromEntries(left.map(({ node, victims, violations }) => [node, { Pods: podsOf(victims), NumPDBViolations: violations }]))
  return nodeCacheCapable
    ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: byNode((victims) => victims.map((v) => ({ UID: v.metadata.uid }))) }
    : { Pod: pod, NodeNameToVictims: byNode((victims) => victims), NodeNameToMetaVictims: null }
}

function remaining(
  extender: ExtenderConfig,
  { node, victims }: Proposal,
  { NodeNameToMetaVictims: answer }: PreemptionResult,
): readonly Proposal[] {
  const allowed = answer?.[node]
  if (!allowed) return []
  const uids = new Set((allowed.Pods ?? []).map((p) => p.UID))
  const kept = victims.filter((v) => uids.has(v.metadata.uid))
  if (kept.length > 0) return [{ node, victims: kept, violations: allowed.NumPDBViolations ?? 0 }]
  if (extender.ignorable) return []
  throw new Error(`extender ${extender.urlPrefix}: expected at least one victim pod on node ${JSON.stringify(node)}`)
}

/** Holds candidates to what was allowed. */
export function acceptAllowed(allowed: AllowedVictims, snapshot: Snapshot): (candidate: Candidate) => Candidate | undefined {
  return ({ row, victims, violations }) => {
    const uids = allowed.get(snapshot.nodeName(row))
    const kept = victims.filter((v) => uids?.has(v.pod.metadata.uid ?? ''))
    return kept.length === 0 ? undefined : candidateOf(row, kept, violations)
  }
}
