import type { CompiledPlugin, Plugin } from '../core/plugin.ts'
import { ConfigurationError, type PluginArgs } from './configuration-error.ts'
import { optionalPlugins } from './optional-plugins.ts'
import { builtInNames, pluginFactories, podPluginNames, postFilterNames } from './plugin-registry.ts'

/** Which plugins place the pods of one `spec.schedulerName`, and with what weights. */
export type SchedulerProfile = {
  readonly schedulerName: string
  readonly plugins: readonly Plugin[]
  /** Names of those of them that filter. */
  readonly filters: ReadonlySet<string>
  /** Names among `podPluginNames` that are off. */
  readonly disabled: ReadonlySet<string>
  /** Those of `postFilterNames` that look what could be done for a pod that fits nowhere. */
  readonly postFilters: ReadonlySet<string>
}

export type PluginSet = {
  readonly enabled?: readonly { readonly name: string; readonly weight?: number }[]
  readonly disabled?: readonly { readonly name: string }[]
}

/** One entry of `profiles` in a KubeSchedulerConfiguration. */
export type ProfileDocument = {
  readonly schedulerName?: string
  readonly plugins?: Readonly<Record<string, PluginSet>>
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: PluginArgs }[]
}

type Points = { filter: boolean; score: boolean; weight: number | undefined }

/**
 * Upstream's rules: the default plugins stand at every point where they do something; `multiPoint` and then each point take away
 * (`*`: all) and add, and a weight given there counts. `extra` are plugins of the user's own, on unless the profile takes them away.
 */
export function profileOf(document: ProfileDocument, extra: readonly Plugin[] = []): SchedulerProfile {
  const schedulerName = document.schedulerName ?? 'default-scheduler'
  const args = new Map((document.pluginConfig ?? []).map((c) => [c.name, c.args ?? {}]))
  const known = new Map<string, Plugin>()
  for (const [name, make] of Object.entries({ ...pluginFactories, ...optionalPlugins }))
    known.set(
      name,
      named(name, () => make(args.get(name) ?? {})),
    )
  for (const plugin of extra) known.set(plugin.name, plugin)
  for (const name of [...args.keys(), ...namesIn(document)]) checkKnown(name, known)
  const points = new Map<string, Points>([...known.keys()].map((name) => [name, startOf(name)]))
  const { multiPoint, filter, score, postFilter } = document.plugins ?? {}
  apply(points, multiPoint, ['filter', 'score'])
  apply(points, filter, ['filter'])
  apply(points, score, ['score'])
  return {
    schedulerName,
    filters: new Set([...known.keys()].filter((name) => points.get(name)!.filter)),
    plugins: [...known].flatMap(([name, plugin]) => atPoints(plugin, points.get(name)!)),
    disabled: new Set(podPluginNames.filter((name) => !isOn(name, [multiPoint, filter]))),
    postFilters: new Set(postFilterNames.filter((name) => isOn(name, [multiPoint, postFilter]))),
  }
}

/** On by default; each set takes away before it adds. */
function isOn(name: string, sets: readonly (PluginSet | undefined)[]): boolean {
  const names = (list: PluginSet['enabled'] = []) => list.map((p) => p.name)
  const apply = (on: boolean, set: PluginSet | undefined) =>
    names(set?.enabled).includes(name) || (on && !names(set?.disabled).some((n) => n === '*' || n === name))
  return sets.reduce(apply, true)
}

function startOf(name: string): Points {
  const isOn = optionalPlugins[name] === undefined
  return { filter: isOn, score: isOn, weight: undefined }
}

function named<T>(plugin: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof ConfigurationError ? new ConfigurationError(`plugin ${plugin}: ${error.message}`) : error
  }
}

function namesIn({ plugins }: ProfileDocument): string[] {
  return Object.values(plugins ?? {}).flatMap((set) => [...(set.enabled ?? []), ...(set.disabled ?? [])].map((p) => p.name))
}

function checkKnown(name: string, known: ReadonlyMap<string, Plugin>): void {
  if (name === '*' || known.has(name) || podPluginNames.includes(name) || postFilterNames.includes(name) || builtInNames.includes(name))
    return
  throw new ConfigurationError(`plugin ${JSON.stringify(name)} does not exist`)
}

function apply(points: Map<string, Points>, set: PluginSet | undefined, at: readonly ('filter' | 'score')[]): void {
  for (const { name } of set?.disabled ?? [])
    for (const [of, entry] of points) if (name === '*' || name === of) for (const point of at) entry[point] = false
  for (const { name, weight } of set?.enabled ?? []) {
    const entry = points.get(name)
    if (!entry) continue
    for (const point of at) entry[point] = true
    if (weight !== undefined && !(Number.isInteger(weight) && weight > 0))
      throw new ConfigurationError(`plugin ${name}: weight: Invalid value: ${String(weight)}: must be a positive integer`)
    if (weight !== undefined && at.includes('score')) entry.weight = weight
  }
}

function atPoints(plugin: Plugin, { filter, score, weight }: Points): readonly Plugin[] {
  if (!filter && !score) return []
  const weighed = weight === undefined ? plugin : { ...plugin, weight }
  if (filter && score) return [weighed]
  const only = filter ? onlyFilter : onlyScore
  return [
    {
      ...weighed,
      compile: (context) => {
        const compiled = plugin.compile(context)
        return compiled && only(compiled)
      },
    },
  ]
}

function onlyFilter(compiled: CompiledPlugin): CompiledPlugin | undefined {
  const {
    staticScore: _1,
    usageScore: _2,
    staticRaw: _3,
    beginScore: _4,
    rawScore: _5,
    normalise: _6,
    explainScore: _7,
    ...filter
  } = compiled
  return filter.staticFilter || filter.usageFilter || filter.domainFilter ? filter : undefined
}

function onlyScore(compiled: CompiledPlugin): CompiledPlugin | undefined {
  const { staticFilter: _1, usageFilter: _2, beginFilter: _3, domainFilter: _4, reject: _5, verdict: _6, ...score } = compiled
  return score.staticScore || score.usageScore || score.staticRaw || score.rawScore ? score : undefined
}
