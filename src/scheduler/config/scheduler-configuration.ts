import type { Plugin } from '../core/plugin.ts'
import type { ExtenderConfig } from '../extenders/extender-config.ts'
import { extenderConfigs } from '../extenders/extender-config.ts'
import { ConfigurationError } from './configuration-error.ts'
import { type ProfileDocument, profileOf, type SchedulerProfile } from './scheduler-profile.ts'

/** What a KubeSchedulerConfiguration says of this scheduler. */
export type SchedulerConfiguration = {
  /** At least one; names are unique. */
  readonly profiles: readonly SchedulerProfile[]
  readonly extenders: readonly ExtenderConfig[]
  readonly podInitialBackoffSeconds: number
  readonly podMaxBackoffSeconds: number
}

export const defaultConfiguration: SchedulerConfiguration = {
  profiles: [profileOf({})],
  extenders: [],
  podInitialBackoffSeconds: 1,
  podMaxBackoffSeconds: 10,
}

const served = 'kubescheduler.config.k8s.io/v1'
/** Fields that say how upstream's process runs; they have no meaning here and are no error. */
const ofTheProcess = ['leaderElection', 'clientConnection', 'parallelism', 'percentageOfNodesToScore', 'delayCacheUntilActive']
const ours = ['apiVersion', 'kind', 'profiles', 'extenders', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds']
const debugging = ['enableProfiling', 'enableContentionProfiling']

/**
 * Reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) that was parsed from YAML or JSON. `plugins` are those of the
 * user's own, which every profile has unless it takes them away. Throws ConfigurationError, in upstream's words where they exist.
 * https://kubernetes.io/docs/reference/scheduling/config/
 */
export function readConfiguration(document: unknown, plugins: readonly Plugin[] = []): SchedulerConfiguration {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new ConfigurationError('the configuration is no object')
  const fields = document as Readonly<Record<string, unknown>>
  if (fields.apiVersion !== served || fields.kind !== 'KubeSchedulerConfiguration')
    throw new ConfigurationError(
      `no kind ${JSON.stringify(fields.kind ?? '')} is registered for version ${JSON.stringify(fields.apiVersion ?? '')}: give KubeSchedulerConfiguration in ${served}`,
    )
  for (const name of Object.keys(fields))
    if (![...ours, ...ofTheProcess, ...debugging].includes(name))
      throw new ConfigurationError(`strict decoding error: unknown field ${JSON.stringify(name)}`)
  const documents = (fields.profiles ?? [{}]) as readonly ProfileDocument[]
  if (documents.length === 0) throw new ConfigurationError('profiles: Required value')
  const extenders = extenderConfigs(fields.extenders)
  const ignored = extenders.flatMap((e) => e.ignoredByScheduler)
  const profiles = documents.map((d) => profileOf(ignored.length > 0 ? withoutCounting(ignored, d) : d, plugins))
  profiles.forEach(({ schedulerName }, i) => {
    if (profiles.findIndex((p) => p.schedulerName === schedulerName) !== i)
      throw new ConfigurationError(`profiles[${i}].schedulerName: Duplicate value: ${JSON.stringify(schedulerName)}`)
  })
  const podInitialBackoffSeconds = seconds(fields.podInitialBackoffSeconds, 1, 'podInitialBackoffSeconds')
  const podMaxBackoffSeconds = seconds(fields.podMaxBackoffSeconds, Math.max(10, podInitialBackoffSeconds), 'podMaxBackoffSeconds')
  if (podMaxBackoffSeconds < podInitialBackoffSeconds)
    throw new ConfigurationError(
      `podMaxBackoffSeconds: Invalid value: ${podMaxBackoffSeconds}: must be greater than or equal to PodInitialBackoffSeconds`,
    )
  return {
    profiles,
    extenders,
    podInitialBackoffSeconds,
    podMaxBackoffSeconds,
  }
}

/** The profile leaves these resources to the extenders that count them. */
function withoutCounting(resources: readonly string[], document: ProfileDocument): ProfileDocument {
  const name = 'NodeResourcesFit'
  const configs = document.pluginConfig ?? []
  const args = configs.find((c) => c.name === name)?.args ?? {}
  const ignoredResources = [...((args.ignoredResources as readonly string[] | undefined) ?? []), ...resources]
  return { ...document, pluginConfig: [...configs.filter((c) => c.name !== name), { name, args: { ...args, ignoredResources } }] }
}

function seconds(value: unknown, fallback: number, field: string): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
  throw new ConfigurationError(`${field}: Invalid value: ${JSON.stringify(value)}: must be greater than 0`)
}
