import type { ClusterState, RuntimeName } from './cluster-state.ts'

export type UpOptions = {
  readonly runtime: RuntimeName
  readonly nodes: number
  readonly listen: string
  /** The options that the user wrote; the others are defaults and give way to what is running. */
  readonly given: ReadonlySet<'runtime' | 'nodes' | 'listen'>
}

export type UpPlan =
  | { readonly type: 'start' }
  /** It runs already, as asked for. */
  | { readonly type: 'keep' }
  /** The server runs, but some of its agents died. */
  | { readonly type: 'restart-agents'; readonly nodeNames: readonly string[] }
  | { readonly type: 'refuse'; readonly message: string; readonly nextStep: string }

export type UpFacts = {
  readonly state: ClusterState | undefined
  readonly isServerRunning: boolean
  readonly deadAgents: readonly string[]
}

/** Pure: what `up` does, given what is there. */
export function planUp(options: UpOptions, facts: UpFacts): UpPlan {
  const { state } = facts
  if (!state || !facts.isServerRunning) return { type: 'start' }
  const differs = (['runtime', 'nodes', 'listen'] as const).filter((o) => options.given.has(o) && options[o] !== state[o])
  if (differs.length > 0) {
    const list = differs.map((o) => `--${o} ${state[o]}`).join(' ')
    return {
      type: 'refuse',
      message: `a cluster is already running here with ${list}`,
      nextStep: 'run `keelson down` first, or leave that option out',
    }
  }
  if (facts.deadAgents.length > 0) return { type: 'restart-agents', nodeNames: facts.deadAgents }
  return { type: 'keep' }
}
