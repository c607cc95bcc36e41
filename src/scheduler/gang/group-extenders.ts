import type { Judged } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { askExtenders, concerns } from '../extenders/extender-client.ts'
import type { ExtenderConfig } from '../extenders/extender-config.ts'
import { extenderJudgement } from '../extenders/extender-judgement.ts'
import type { Attempt } from '../placer.ts'

/** Members that are asked about at the same moment, at most. */
const askedAtOnceMax = 16

/** What extenders said of members, by key. */
export type GroupAnswers = ReadonlyMap<string, Judged>

/**
 * Asks the extenders about each member that concerns one; undefined where none does. They are asked about every node that would take the
 * member by itself, whatever runs there: the answer has to serve beside the other members, and where weaker pods leave. Rejects where one
 * that may not be ignored does not answer.
 */
export function askForGroup(
  extenders: readonly ExtenderConfig[],
  members: readonly Attempt[],
  { snapshot, signal }: { readonly snapshot: Snapshot; readonly signal: AbortSignal },
): Promise<GroupAnswers> | undefined {
  const questions = members
    .map((member) => ({ member, asked: extenders.filter((e) => concerns(e, member.target.pod)) }))
    .filter(({ member, asked }) => asked.length > 0 && !member.refused)
  if (questions.length === 0) return undefined
  const answerTo = async ({ member: { target, profile }, asked }: (typeof questions)[number]): Promise<[string, Judged]> => {
    const { staticFilters } = profile.core.planOf(target)
    const nodes = snapshot.nodes.flatMap((node, row) => (node && staticFilters.every((filter) => filter(row)) ? [node] : []))
    return [target.key, extenderJudgement(await askExtenders(asked, { pod: target.pod, nodes, signal }), snapshot)]
  }
  return (async () => {
    const answers = new Map<string, Judged>()
    for (let at = 0; at < questions.length; at += askedAtOnceMax)
      for (const [key, answer] of await Promise.all(questions.slice(at, at + askedAtOnceMax).map(answerTo))) answers.set(key, answer)
    return answers
  })()
}
