import { ConfigurationError } from '../config/configuration-error.ts'

/** A webhook that takes part in decisions; fields as in KubeSchedulerConfiguration's `extenders`. */
export type ExtenderConfig = {
  readonly urlPrefix: string
  readonly filterVerb: string
  readonly prioritizeVerb: string
  readonly preemptVerb: string
  readonly bindVerb: string
  /** Of its scores, which are 0..10; ≥ 1 where it scores. */
  readonly weight: number
  readonly httpTimeoutMs: number
  /** Whether names of nodes are enough for it. */
  readonly nodeCacheCapable: boolean
  /** Resources whose pods concern it; empty: every pod does. */
  readonly managedResources: readonly string[]
  /** Those among them that it counts alone: NodeResourcesFit does not. */
  readonly ignoredByScheduler: readonly string[]
  /** Whether a pod may be placed while it does not answer. */
  readonly ignorable: boolean
  readonly caData: string | undefined
}

type Document = {
  readonly urlPrefix?: unknown
  readonly filterVerb?: string
  readonly prioritizeVerb?: string
  readonly preemptVerb?: string
  readonly bindVerb?: string
  readonly weight?: number
  readonly httpTimeout?: string
  readonly nodeCacheCapable?: boolean
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[]
  readonly ignorable?: boolean
  readonly tlsConfig?: { readonly caData?: string }
}

export function extenderConfigs(list: unknown): readonly ExtenderConfig[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) throw new ConfigurationError('extenders: Invalid value: must be a list')
  const configs = (list as readonly Document[]).map(configOf)
  if (configs.filter((c) => c.bindVerb !== '').length > 1)
    throw new ConfigurationError('extenders: Invalid value: only one extender can implement bind')
  return configs
}

function configOf(document: Document, index: number): ExtenderConfig {
  const path = `extenders[${index}]`
  const { urlPrefix, filterVerb = '', prioritizeVerb = '', preemptVerb = '', bindVerb = '', weight = 0 } = document
  if (typeof urlPrefix !== 'string' || !URL.canParse(urlPrefix))
    throw new ConfigurationError(`${path}.urlPrefix: Invalid value: ${JSON.stringify(urlPrefix)}: must be a URL`)
  if (prioritizeVerb !== '' && weight <= 0)
    throw new ConfigurationError(`${path}.weight: Invalid value: ${weight}: must have a positive weight applied to it`)
  const managed = document.managedResources ?? []
  return {
    urlPrefix: urlPrefix.replace(/\/$/, ''),
    filterVerb,
    prioritizeVerb,
    preemptVerb,
    bindVerb,
    weight,
    httpTimeoutMs: durationMs(document.httpTimeout ?? '30s', `${path}.httpTimeout`),
    nodeCacheCapable: document.nodeCacheCapable === true,
    managedResources: managed.map((r) => r.name),
    ignoredByScheduler: managed.filter((r) => r.ignoredByScheduler === true).map((r) => r.name),
    ignorable: document.ignorable === true,
    caData: document.tlsConfig?.caData,
  }
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

function durationMs(text: string, path: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text)
  if (!match) throw new ConfigurationError(`${path}: Invalid value: ${JSON.stringify(text)}: must be a duration like 5s`)
  return Number(match[1]) * unitsMs[match[2]!]!
}
