import type { Plugin } from '../core/plugin.ts'
import { celPlugin, compileExpression, filterResults, scoreResults } from '../plugins/cel.ts'
import { defaultHalfLifeSeconds, loadAware } from '../plugins/load-aware.ts'
import { defaultPriceAndDistance, priceAndDistance, type PriceAndDistanceArgs } from '../plugins/price-and-distance.ts'
import { ConfigurationError, type PluginArgs } from './configuration-error.ts'

/** Plugins of Keelson's own: off unless a profile turns them on. */
export const optionalPlugins: Readonly<Record<string, (args: PluginArgs) => Plugin>> = {
  LoadAware: (args) => {
    checkFields(args, ['halfLifeSeconds', 'thresholds'])
    const thresholds = objectAt(args, 'thresholds')
    checkFields(thresholds, ['cpu', 'memory'], 'args.thresholds')
    return loadAware({
      halfLifeSeconds: numberAt(args, 'halfLifeSeconds', { min: 1, max: 86_400 }) ?? defaultHalfLifeSeconds,
      thresholds: {
        ...percent(thresholds, 'cpu'),
        ...percent(thresholds, 'memory'),
      },
    })
  },
  PriceAndDistance: (args) => {
    checkFields(args, Object.keys(defaultPriceAndDistance))
    const numbers = ['priceWeight', 'distanceWeight', 'defaultPrice', 'defaultDistance'] as const
    const given = numbers.flatMap((name) => {
      const value = numberAt(args, name, { min: 0, max: 1e6 })
      return value === undefined ? [] : [[name, value] as const]
    })
    const keys = (['priceKey', 'distanceKey'] as const).flatMap((name) =>
      args[name] === undefined ? [] : [[name, textAt(args, name)] as const],
    )
    return priceAndDistance({ ...defaultPriceAndDistance, ...(Object.fromEntries([...given, ...keys]) as Partial<PriceAndDistanceArgs>) })
  },
  CEL: (args) => {
    checkFields(args, ['filters', 'scores'])
    const filters = listAt(args, 'filters').map((entry, i) => {
      const path = `args.filters[${i}]`
      checkFields(entry, ['expression', 'message'], path)
      const expression = textAt(entry, 'expression', path)
      const filter = { expression, ...(entry.message === undefined ? {} : { message: textAt(entry, 'message', path) }) }
      return { filter, compiled: compiled(expression, filterResults, path) }
    })
    const scores = listAt(args, 'scores').map((entry, i) => {
      const path = `args.scores[${i}]`
      checkFields(entry, ['expression', 'weight'], path)
      const expression = textAt(entry, 'expression', path)
      const weight = numberAt(entry, 'weight', { min: 1, max: 100 }, path) ?? 1
      return { score: { expression, weight }, compiled: compiled(expression, scoreResults, path) }
    })
    return celPlugin(filters, scores)
  },
}

const expressionsMax = 16

function compiled(expression: string, results: Parameters<typeof compileExpression>[1], path: string) {
  try {
    return compileExpression(expression, results)
  } catch (error) {
    throw new ConfigurationError(`${path}.expression: Invalid value: ${JSON.stringify(expression)}: ${(error as Error).message}`)
  }
}

function checkFields(args: PluginArgs, known: readonly string[], path = 'args'): void {
  for (const name of Object.keys(args))
    if (!known.includes(name)) throw new ConfigurationError(`${path}: strict decoding error: unknown field ${JSON.stringify(name)}`)
}

function objectAt(args: PluginArgs, name: string): PluginArgs {
  const value = args[name] ?? {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new ConfigurationError(`args.${name}: Invalid value: must be an object`)
  return value as PluginArgs
}

function listAt(args: PluginArgs, name: string): readonly PluginArgs[] {
  const value = args[name] ?? []
  if (!Array.isArray(value) || value.some((v) => typeof v !== 'object' || v === null))
    throw new ConfigurationError(`args.${name}: Invalid value: must be a list of objects`)
  if (value.length > expressionsMax)
    throw new ConfigurationError(`args.${name}: Too many: ${value.length}: must have at most ${expressionsMax} items`)
  return value as readonly PluginArgs[]
}

function textAt(args: PluginArgs, name: string, path = 'args'): string {
  const value = args[name]
  if (typeof value !== 'string' || value === '') throw new ConfigurationError(`${path}.${name}: Required value`)
  return value
}

function numberAt(
  args: PluginArgs,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
  path = 'args',
): number | undefined {
  const value = args[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new ConfigurationError(`${path}.${name}: Invalid value: ${JSON.stringify(value)}: not in valid range [${min}-${max}]`)
  return value
}

function percent(thresholds: PluginArgs, name: 'cpu' | 'memory'): { readonly cpu?: number; readonly memory?: number } {
  const value = numberAt(thresholds, name, { min: 1, max: 100 }, 'args.thresholds')
  return value === undefined ? {} : { [name]: value }
}
