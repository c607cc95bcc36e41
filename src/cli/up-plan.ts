import type { ClusterState, RuntimeName } from './cluster-state.ts'

export type UpOptions = {
  readonly runtime: RuntimeName
  readonly nodes: number
  readonly listen: string
  /** An etcd in place of the SQLite in the data directory. */
  readonly store?: string | undefined
  /** The options that the user wrote; the others are defaults and give way to what the data directory remembers. */
  readonly given: ReadonlySet<'runtime' | 'nodes' | 'listen' | 'store'>
}

export type UpPlan =
  | { readonly type: 'keep' }
  | { readonly type: 'run'; readonly isServerMissing: boolean; readonly missingAgents: readonly string[]; readonly options: UpOptions }
  | { readonly type: 'refuse'; readonly message: string; readonly nextStep: string }

export type UpFacts = {
  /** What an earlier `up` remembered, whether its processes still run or not. */
  readonly state: ClusterState | undefined
  readonly isServerRunning: boolean
  readonly runningAgents: readonly string[]
}

const names = ['runtime', 'nodes', 'listen', 'store'] as const

/** Pure: what `up` does, given what is there. Whatever still runs is kept. */
export function planUp(wanted: UpOptions, facts: UpFacts): UpPlan {
  const { state, isServerRunning, runningAgents } = facts
  const differs = state ? names.filter((name) => wanted.given.has(name) && wanted[name] !== state[name]) : []
  if (state && differs.length > 0 && (isServerRunning || runningAgents.length > 0)) {
    const list = differs.map((name) => `--${name} ${state[name]}`).join(' ')
    return {
      type: 'refuse',
      message: `a cluster is already running here with ${list}`,
      nextStep: 'run `keelson down` first, or leave that option out',
    }
  }
  const options = state ? remembered(wanted, state) : wanted
  const missingAgents = agentNames(options).filter((name) => !runningAgents.includes(name))
  if (isServerRunning && missingAgents.length === 0) return { type: 'keep' }
  return { type: 'run', isServerMissing: !isServerRunning, missingAgents, options }
}

function remembered(wanted: UpOptions, state: ClusterState): UpOptions {
  const value = <K extends (typeof names)[number]>(name: K) => (wanted.given.has(name) ? wanted[name] : state[name])
  return {
    runtime: value('runtime') as RuntimeName,
    nodes: value('nodes') as number,
    listen: value('listen') as string,
    store: value('store') as string | undefined,
    given: wanted.given,
  }
}

/** Several real nodes on one machine are agents in network namespaces of their own; else the server is the node too. */
export function isMultiNode(options: Pick<UpOptions, 'runtime' | 'nodes'>): boolean {
  return options.runtime === 'containerd' && options.nodes > 1
}

export function agentNames(options: Pick<UpOptions, 'runtime' | 'nodes'>): string[] {
  return isMultiNode(options) ? Array.from({ length: options.nodes }, (_, i) => `node-${i + 1}`) : []
}
