import type { ClusterState, RuntimeName, UpFlags } from './cluster-state.ts'

export type UpOptions = {
  readonly runtime: RuntimeName
  readonly nodes: number
  readonly listen: string
  /** An etcd in place of the SQLite in the data directory. */
  readonly store?: string | undefined
  /** Those that the user wrote; each takes the place of its older values, the others stay as they were. */
  readonly flags: UpFlags
  /** Whether flags of before are forgotten. */
  readonly resetsFlags: boolean
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
  const options = state ? remembered(wanted, state) : wanted
  const differs = state ? names.filter((name) => options[name] !== state[name]).map((name) => `--${name} ${state[name]}`) : []
  if (state) differs.push(...differingFlags(state.flags ?? noFlags, options.flags))
  if (differs.length > 0 && (isServerRunning || runningAgents.length > 0)) {
    return {
      type: 'refuse',
      message: `a cluster is already running here with ${differs.join(' ')}`,
      nextStep: 'run `keelson down` first, or leave that option out',
    }
  }
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
    flags: wanted.resetsFlags ? wanted.flags : withFlags(state.flags ?? noFlags, wanted.flags),
    resetsFlags: wanted.resetsFlags,
    given: wanted.given,
  }
}

const noFlags: UpFlags = { server: [], node: [] }

function withFlags(before: UpFlags, given: UpFlags): UpFlags {
  const merge = (old: readonly string[], fresh: readonly string[]) => {
    const names = new Set(pairsOf(fresh).map(([name]) => name))
    return [...pairsOf(old).filter(([name]) => !names.has(name)), ...pairsOf(fresh)].flat()
  }
  return { server: merge(before.server, given.server), node: merge(before.node, given.node) }
}

/** Flags that have other values than they are to have, as the running cluster has them. */
function differingFlags(running: UpFlags, wanted: UpFlags): string[] {
  const valuesOf = ({ server, node }: UpFlags) => Map.groupBy(pairsOf([...server, ...node]), ([name]) => name)
  const [is, shall] = [valuesOf(running), valuesOf(wanted)]
  const text = (pairs: readonly (readonly string[])[] | undefined) => (pairs ?? []).flat().join(' ')
  return [...new Set([...is.keys(), ...shall.keys()])]
    .filter((name) => text(is.get(name)) !== text(shall.get(name)))
    .map((name) => text(is.get(name)) || `no ${name}`)
}

function pairsOf(flags: readonly string[]): [string, string][] {
  return flags.flatMap((flag, i) => (i % 2 === 0 ? [[flag, flags[i + 1] ?? ''] as [string, string]] : []))
}

/** Several real nodes on one machine are agents in network namespaces of their own; else the server is the node too. */
export function isMultiNode(options: Pick<UpOptions, 'runtime' | 'nodes'>): boolean {
  return options.runtime === 'containerd' && options.nodes > 1
}

export function agentNames(options: Pick<UpOptions, 'runtime' | 'nodes'>): string[] {
  return isMultiNode(options) ? Array.from({ length: options.nodes }, (_, i) => `node-${i + 1}`) : []
}
