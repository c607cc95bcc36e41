import { durationMs } from '../../base/duration.ts'
import { defaulted } from '../../machinery/structural/defaults.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { pruned } from '../../machinery/structural/prune.ts'
import { compileValidator } from '../../machinery/structural/validate-value.ts'
import { ConfigurationError } from '../config/configuration-error.ts'
import { defaultRebalancePolicy, type RebalancePolicy, strategies, type Utilisation } from './rebalance-policy.ts'

/** What a RebalancerConfiguration says. */
export type RebalancerConfiguration = {
  /** `Report` says only what should move. */
  readonly mode: 'Report' | 'Move'
  readonly periodMs: number
  readonly policy: RebalancePolicy
}

export const defaultRebalancerConfiguration: RebalancerConfiguration = { mode: 'Report', periodMs: 300_000, policy: defaultRebalancePolicy }

const served = 'keelson.dev/v1alpha1'
const periodMinMs = 1_000

const count = (of: number): JsonSchema => ({ type: 'integer', minimum: 1, maximum: 100_000, default: of })
const percent = (of: number, minimum = 0): JsonSchema => ({ type: 'number', minimum, maximum: 100, default: of })
const utilisation = (of: Utilisation): JsonSchema => ({
  type: 'object',
  default: {},
  properties: { cpu: percent(of.cpu), memory: percent(of.memory), pods: percent(of.pods) },
})
const names: JsonSchema = { type: 'array', items: { type: 'string', minLength: 1 }, default: [] }
const is = defaultRebalancePolicy

const schema: JsonSchema = {
  type: 'object',
  required: ['apiVersion', 'kind'],
  properties: {
    apiVersion: { type: 'string', enum: [served] },
    kind: { type: 'string', enum: ['RebalancerConfiguration'] },
    metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    mode: { type: 'string', enum: ['Report', 'Move'], default: 'Report' },
    period: { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d))+$', default: '5m' },
    strategies: { type: 'array', minItems: 1, items: { type: 'string', enum: [...strategies] }, default: [...strategies] },
    gainMin: percent(is.gainMin, 1),
    movesMax: count(is.movesMax),
    movesPerNodeMax: count(is.movesPerNodeMax),
    movesPerNamespaceMax: count(is.movesPerNamespaceMax),
    movesPerOwnerMax: count(is.movesPerOwnerMax),
    underused: utilisation(is.underused),
    overused: utilisation(is.overused),
    excludedNamespaces: names,
    priorityMax: { type: 'integer', default: is.priorityMax },
  },
}

type Document = Omit<RebalancePolicy, 'excludedNamespaces'> & {
  readonly mode: 'Report' | 'Move'
  readonly period: string
  readonly excludedNamespaces: readonly string[]
}

const validate = compileValidator(schema)

/** Reads a RebalancerConfiguration that was parsed from YAML or JSON (docs/scheduling.md). Throws ConfigurationError with all mistakes. */
export function readRebalancerConfiguration(document: unknown): RebalancerConfiguration {
  const mistakes: string[] = []
  const known = pruned(schema, document, { isResource: false, note: (path) => mistakes.push(`unknown field "${path}"`) })
  const full = defaulted(schema, known)
  for (const { field, message } of validate(full)) mistakes.push(`${field}: ${message}`)
  if (mistakes.length > 0) throw new ConfigurationError(mistakes.join('; '))
  const { mode, period, ...fields } = full as Document
  const periodMs = durationMs(period) ?? 0
  if (periodMs < periodMinMs) throw new ConfigurationError('period: must be at least 1s')
  for (const name of ['cpu', 'memory', 'pods'] as const)
    if (fields.underused[name] > fields.overused[name])
      throw new ConfigurationError(`underused.${name}: must not be more than overused.${name} (${fields.overused[name]})`)
  const { gainMin, movesMax, movesPerNodeMax, movesPerNamespaceMax, movesPerOwnerMax, underused, overused, priorityMax } = fields
  return {
    mode,
    periodMs,
    policy: {
      strategies: strategies.filter((s) => fields.strategies.includes(s)),
      ...{ gainMin, movesMax, movesPerNodeMax, movesPerNamespaceMax, movesPerOwnerMax, underused, overused, priorityMax },
      excludedNamespaces: new Set(fields.excludedNamespaces),
    },
  }
}
