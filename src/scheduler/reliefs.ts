import type { Relief } from './core/judgement.ts'
import type { Attempt } from './placer.ts'

/** What upstream's plugin says when an earlier one refused the pod before it could look at it; no other is asked after that. */
const notLookedAt: Relief = { message: 'not found' }

/** What the plugins that judge pods one by one can do, or have to say, about a pod that fits nowhere, before preemption is tried. */
export function reliefsFor({ profile, target, refused }: Pick<Attempt, 'profile' | 'target' | 'refused'>): {
  readonly reliefs: readonly Relief[]
  readonly mayPreempt: boolean
} {
  if (!profile.relieves) return { reliefs: [], mayPreempt: true }
  const reliefs: Relief[] = []
  for (const { name, idle } of profile.podPlugins) {
    if (refused) {
      if (refused.plugin === name) reliefs.push(...(refused.relief ? [refused.relief] : []))
      else if (idle !== undefined) return { reliefs: [notLookedAt], mayPreempt: false }
      continue
    }
    const judged = target.judged?.find((j) => j.plugin.name === name)
    if (judged) reliefs.push(...(judged.relieve ? [judged.relieve()] : []))
    else if (idle !== undefined) reliefs.push({ message: idle })
  }
  return { reliefs, mayPreempt: true }
}
