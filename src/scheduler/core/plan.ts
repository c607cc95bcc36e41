import type { CompiledPlugin, DefaultSpread, Plugin, Rejection, Verdict } from './plugin.ts'
import { ignoredRaw } from './plugin.ts'
import type { PodShape } from './pod-shape.ts'
import type { Snapshot } from './snapshot.ts'

/** A plugin that has something to say about the plan's shape. */
export type PlanPlugin = {
  readonly name: string
  readonly weight: number
  readonly compiled: CompiledPlugin
  /** Of one that judges single pods: its reason counts only where those that look at other nodes have none. */
  readonly isLast?: boolean
}

/** A score that is normalised over the feasible rows. */
export type RawScore = {
  readonly name: string
  readonly weight: number
  readonly raw: (row: number) => number
  readonly isStatic: boolean
  readonly normalise: (raw: number, min: number, max: number) => number
}

type Filter = (row: number) => boolean
type Score = { readonly weight: number; readonly score: (row: number) => number }

/** All plugins compiled for one shape, sorted by what their functions depend on. */
export type Plan = {
  readonly shape: PodShape
  readonly defaultSpread: DefaultSpread | undefined
  readonly plugins: readonly PlanPlugin[]
  /** By what it may share what is remembered of nodes: these plugins' texts, and the kind of what judges besides. Undefined: with nobody. */
  readonly sharing: { readonly plugins: readonly PlanPlugin[]; readonly kind: string } | undefined
  /** The only nodes that can be feasible, where a plugin names them. */
  readonly namedNodes: ReadonlySet<string> | undefined
  readonly staticFilters: readonly Filter[]
  readonly usageFilters: readonly Filter[]
  /** The same in two parts: what the index of several shapes can share, and what sets this shape apart. */
  readonly indexFilters: readonly Filter[]
  readonly apartFilters: readonly Filter[]
  /** Whether all that an index asks of a row's use is amounts. */
  readonly readsAmounts: boolean
  readonly domainFilters: readonly Filter[]
  readonly staticScores: readonly Score[]
  readonly usageScores: readonly Score[]
  readonly rawScores: readonly RawScore[]
  readonly cellKeys: readonly ((row: number) => number)[]
  readonly beginFilters: readonly (() => void)[]
  readonly beginScores: readonly NonNullable<CompiledPlugin['beginScore']>[]
  readonly layoutVersion: number
  readonly imagesFingerprint: string
  /** The images' version and the node count for which the fingerprint was last found unchanged. */
  imagesSeen: number
  nodeCountSeen: number
  /** Verdicts met so far, each once. */
  readonly verdictByKey: Map<string, PluginVerdict>
  readonly verdictOf: WeakMap<Verdict, PluginVerdict>
  /** How many owned counters there were: later ones may concern the shape. */
  ownedSeen: number
}

export function compilePlan(input: {
  readonly snapshot: Snapshot
  readonly shape: PodShape
  readonly defaultSpread: DefaultSpread | undefined
  readonly plugins: readonly Plugin[]
}): Plan {
  const { snapshot, shape, defaultSpread } = input
  const plugins: PlanPlugin[] = []
  for (const { name, weight, compile } of input.plugins) {
    const compiled = compile({ snapshot, shape, defaultSpread })
    if (compiled?.namedNodes) plugins.unshift({ name, weight: 0, compiled: namesOnly(snapshot, compiled, compiled.namedNodes) })
    if (compiled) plugins.push({ name, weight, compiled })
  }
  const pick = <T>(of: (plugin: PlanPlugin) => T | undefined): T[] => {
    const picked: T[] = []
    for (const plugin of plugins) {
      const one = of(plugin)
      if (one !== undefined) picked.push(one)
    }
    return picked
  }
  const rawScores = pick(rawScoreOf)
  const imagesFingerprint = snapshot.images.fingerprint(shape.images, snapshot.nodeCount)
  return {
    shape,
    defaultSpread,
    plugins,
    sharing: { plugins, kind: '' },
    namedNodes: pick((p) => p.compiled.namedNodes)[0],
    staticFilters: pick((p) => p.compiled.staticFilter),
    usageFilters: pick((p) => p.compiled.usageFilter),
    indexFilters: pick(({ compiled }) => (compiled.apart ? undefined : compiled.usageFilter)),
    apartFilters: pick(({ compiled }) => (compiled.apart ? compiled.usageFilter : undefined)),
    readsAmounts: plugins.every(isAskedForAmounts),
    domainFilters: pick((p) => p.compiled.domainFilter),
    staticScores: pick(({ weight, compiled }) => compiled.staticScore && { weight, score: compiled.staticScore }),
    usageScores: pick(({ weight, compiled }) => compiled.usageScore && { weight, score: compiled.usageScore }),
    rawScores,
    cellKeys: pick((p) => p.compiled.cellKeys).flat(),
    beginFilters: pick((p) => p.compiled.beginFilter),
    beginScores: pick((p) => p.compiled.beginScore),
    verdictByKey: new Map(),
    verdictOf: new WeakMap(),
    layoutVersion: snapshot.layoutVersion,
    imagesFingerprint,
    imagesSeen: snapshot.images.version,
    nodeCountSeen: snapshot.nodeCount,
    ownedSeen: snapshot.ownedCounters.length,
  }
}

/** Equal for plans that give equal answers for every row while they are current; undefined where a plugin does not say. */
export const sharedAs = (plan: Plan) => sharedText(plan, ({ sharedAs: text }) => text)

/** The same but for the filters that are kept apart. */
export const indexSharedAs = (plan: Plan) => sharedText(plan, ({ apart, sharedAs: text }) => apart?.sharedAs ?? text)

/** The same for what plugins say by the node alone. What judges besides stands among the filters by use, but for scores that are compared. */
export function staticSharedAs(plan: Plan): string | undefined {
  const { sharing, rawScores } = plan
  if (!sharing || rawScores.some((s) => s.isStatic && !sharing.plugins.some((p) => p.name === s.name))) return undefined
  return sharedText({ ...plan, sharing: { plugins: sharing.plugins.filter(isStatic), kind: '' } }, ({ sharedAs: text }) => text)
}

const isAskedForAmounts = ({ compiled: { usageFilter, usageScore, cellKeys, apart, readsAmounts } }: PlanPlugin) =>
  readsAmounts === true || (!usageScore && !cellKeys?.length && (!usageFilter || apart !== undefined))

const isStatic = ({ compiled: { staticFilter, staticScore, staticRaw } }: PlanPlugin) => Boolean(staticFilter ?? staticScore ?? staticRaw)

function sharedText(
  { sharing, imagesFingerprint }: Plan,
  textOf: (compiled: CompiledPlugin) => (() => string) | undefined,
): string | undefined {
  if (!sharing) return undefined
  const texts = [sharing.kind, imagesFingerprint]
  for (const { name, compiled } of sharing.plugins) {
    const text = textOf(compiled)
    if (!text) return undefined
    texts.push(name, text())
  }
  return JSON.stringify(texts)
}

/** The plan for a pod that names its only node: it shares what is compiled, and nothing that is remembered of nodes. */
export function pinnedPlan(plan: Plan, snapshot: Snapshot, name: string): Plan {
  const isNamed = (row: number) => snapshot.nodeName(row) === name
  const reject = (): Rejection => ({
    reasons: [`node(s) didn't satisfy plugin(s) [NodeAffinity]`],
    isResolvable: false,
    details: [`the pod's node affinity names ${name}`],
  })
  return {
    ...plan,
    plugins: [{ name: 'NodeAffinity', weight: 0, compiled: { staticFilter: isNamed, reject } }, ...plan.plugins],
    sharing: undefined,
    namedNodes: new Set([name]),
    staticFilters: [isNamed, ...plan.staticFilters],
  }
}

/** The part of a plugin that is asked before all others. */
function namesOnly(snapshot: Snapshot, { reject, sharedAs }: CompiledPlugin, names: ReadonlySet<string>): CompiledPlugin {
  return {
    staticFilter: (row) => names.has(snapshot.nodeName(row)),
    ...(reject ? { reject } : {}),
    ...(sharedAs ? { sharedAs } : {}),
  }
}

/**
 * The plan with plugins that concern one pod alone. Their filters may look at anything, so they stand among the domain filters, and
 * nothing of such a plan is remembered between decisions. In the order of reasons they come before those that look at other nodes, or last.
 */
export function withPlugins(plan: Plan, own: readonly PlanPlugin[]): Plan {
  const at = plan.plugins.findIndex(({ compiled }) => compiled.domainFilter ?? compiled.apart)
  const split = at < 0 ? plan.plugins.length : at
  const [first, last] = [own.filter((p) => !p.isLast), own.filter((p) => p.isLast)]
  const filtersOf = ({ compiled: { staticFilter, usageFilter, domainFilter } }: PlanPlugin) =>
    [staticFilter, usageFilter, domainFilter].filter((f) => f !== undefined)
  const scoresOf = ({ weight, compiled }: PlanPlugin) =>
    [compiled.staticScore, compiled.usageScore].filter((f) => f !== undefined).map((score) => ({ weight, score }))
  return {
    ...plan,
    plugins: [...plan.plugins.slice(0, split), ...first, ...plan.plugins.slice(split), ...last],
    sharing: undefined,
    domainFilters: [...first.flatMap(filtersOf), ...plan.domainFilters, ...last.flatMap(filtersOf)],
    usageScores: [...plan.usageScores, ...own.flatMap(scoresOf)],
    rawScores: [...plan.rawScores, ...own.map(rawScoreOf).filter((s) => s !== undefined)],
    beginFilters: [...plan.beginFilters, ...own.map((p) => p.compiled.beginFilter).filter((b) => b !== undefined)],
    verdictByKey: new Map(),
    verdictOf: new WeakMap(),
  }
}

/**
 * The plan with plugins that judge every pod of a kind alike, by the row alone: all of it may be remembered. They come where
 * `withPlugins` puts them. `kind` is equal for pods that they judge alike.
 */
export function withSharedPlugins(plan: Plan, shared: readonly PlanPlugin[], kind: string): Plan {
  const own = withPlugins(plan, shared)
  // What the node alone decides is asked first.
  const first = shared.flatMap(({ compiled }) => compiled.staticFilter ?? [])
  const last = own.domainFilters.filter((f) => !plan.domainFilters.includes(f) && !first.includes(f))
  return {
    ...own,
    sharing: plan.sharing && { ...plan.sharing, kind },
    domainFilters: plan.domainFilters,
    usageFilters: [...first, ...plan.usageFilters, ...last],
    indexFilters: [...first, ...plan.indexFilters, ...last],
    readsAmounts: false,
    cellKeys: [...plan.cellKeys, ...shared.flatMap(({ compiled }) => compiled.cellKeys ?? [])],
  }
}

function rawScoreOf({ name, weight, compiled }: PlanPlugin): RawScore | undefined {
  const raw = compiled.staticRaw ?? compiled.rawScore
  if (!raw || !compiled.normalise) return undefined
  return { name, weight, raw, isStatic: compiled.staticRaw !== undefined, normalise: compiled.normalise }
}

/** False when the plan's functions may be stale and it must be compiled anew. */
export function isCurrent(plan: Plan, snapshot: Snapshot): boolean {
  if (plan.layoutVersion !== snapshot.layoutVersion) return false
  const { images, nodeCount } = snapshot
  if (plan.imagesSeen !== images.version || plan.nodeCountSeen !== nodeCount) {
    if (images.fingerprint(plan.shape.images, nodeCount) !== plan.imagesFingerprint) return false
    plan.imagesSeen = images.version
    plan.nodeCountSeen = nodeCount
  }
  for (; plan.ownedSeen < snapshot.ownedCounters.length; plan.ownedSeen++)
    if (snapshot.ownedCounters[plan.ownedSeen]!.spec.owned!.matches(plan.shape)) return false
  return true
}

export function beginFilter(plan: Plan): void {
  for (const begin of plan.beginFilters) begin()
}

/** Whether every filter accepts the row. `beginFilter` must have been called since the last change. */
export function isFeasible(plan: Plan, row: number): boolean {
  for (let i = 0; i < plan.staticFilters.length; i++) if (!plan.staticFilters[i]!(row)) return false
  for (let i = 0; i < plan.usageFilters.length; i++) if (!plan.usageFilters[i]!(row)) return false
  for (let i = 0; i < plan.domainFilters.length; i++) if (!plan.domainFilters[i]!(row)) return false
  return true
}

/** The first plugin, in the profile's order, that rejects the row. */
export function rejectionOf(plan: Plan, row: number): { readonly plugin: string; readonly rejection: Rejection } | undefined {
  for (const { name, compiled } of plan.plugins) {
    const isRejected =
      (compiled.staticFilter && !compiled.staticFilter(row)) ||
      (compiled.usageFilter && !compiled.usageFilter(row)) ||
      (compiled.domainFilter && !compiled.domainFilter(row))
    if (isRejected) return { plugin: name, rejection: compiled.reject!(row) }
  }
  return undefined
}

/** The same for counting, with one object for equal verdicts of a plugin. */
export function verdictOf(plan: Plan, row: number): PluginVerdict | undefined {
  for (let i = 0; i < plan.plugins.length; i++) {
    const { name, compiled } = plan.plugins[i]!
    if (
      (compiled.staticFilter && !compiled.staticFilter(row)) ||
      (compiled.usageFilter && !compiled.usageFilter(row)) ||
      (compiled.domainFilter && !compiled.domainFilter(row))
    )
      return interned(plan, name, (compiled.verdict ?? compiled.reject!)(row))
  }
  return undefined
}

export type PluginVerdict = { readonly plugin: string; readonly verdict: Verdict }

function interned(plan: Plan, plugin: string, verdict: Verdict): PluginVerdict {
  const known = plan.verdictOf.get(verdict)
  if (known) return known
  const key = `${plugin} ${verdict.isResolvable} ${verdict.reasons.join('\n')}`
  let made = plan.verdictByKey.get(key)
  if (!made) plan.verdictByKey.set(key, (made = { plugin, verdict: { reasons: verdict.reasons, isResolvable: verdict.isResolvable } }))
  plan.verdictOf.set(verdict, made)
  return made
}

/** Σ weight × score over the scores that need no normalisation. */
export function localScore(plan: Plan, row: number): number {
  let sum = 0
  for (let i = 0; i < plan.staticScores.length; i++) sum += plan.staticScores[i]!.weight * plan.staticScores[i]!.score(row)
  for (let i = 0; i < plan.usageScores.length; i++) sum += plan.usageScores[i]!.weight * plan.usageScores[i]!.score(row)
  return sum
}

export type Range = { min: number; max: number }

/** min and max as upstream starts them: with nothing counted, the maximum is 0 and no row asks for the minimum. */
export function emptyRange(): Range {
  return { min: Number.POSITIVE_INFINITY, max: 0 }
}

export function normalised(score: RawScore, raw: number, range: Range): number {
  return raw === ignoredRaw ? 0 : score.normalise(raw, range.min, range.max)
}
