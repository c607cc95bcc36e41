/** What the flags on the API server and on the controllers say, read and checked. */
import { unknownController } from '../../controllers/controller-names.ts'
import type { AutoscalingSettings, ControllerSettings, EvictionSettings } from '../../controllers/settings.ts'
import type { ControlPlaneOptions } from '../control-plane.ts'
import { checkFeatureGates } from './feature-gates.ts'
import type { FlagReader } from './flag-reader.ts'

type ApiSettings = Pick<ControlPlaneOptions, 'nodePorts' | 'inflightMax' | 'tolerationSeconds'>

/** Throws CliError (exit code 2) for what cannot be used. */
export function readApiSettings(flags: FlagReader): ApiSettings {
  const ports = flags.text('service-node-port-range')
  const nodePorts = ports === undefined ? undefined : flags.using('service-node-port-range', () => parsePortRange(ports))
  const reading = countOf(flags, 'max-requests-inflight')
  const writing = countOf(flags, 'max-mutating-requests-inflight')
  const inflightMax = reading === undefined && writing === undefined ? undefined : (reading ?? 400) + (writing ?? 200)
  const notReady = countOf(flags, 'default-not-ready-toleration-seconds')
  const unreachable = countOf(flags, 'default-unreachable-toleration-seconds')
  flags.using('feature-gates', () => checkFeatureGates(flags.list('feature-gates') ?? []))
  if (inflightMax === 0)
    flags.using('max-requests-inflight', () => {
      throw new Error('some request must be let in')
    })
  return {
    ...(nodePorts ? { nodePorts } : {}),
    ...(inflightMax === undefined ? {} : { inflightMax }),
    tolerationSeconds: given({ notReady, unreachable }),
  }
}

/** Throws CliError (exit code 2) for what cannot be used. */
export async function readControllerSettings(flags: FlagReader): Promise<ControllerSettings> {
  const controllers = flags.list('controllers')
  // The loops themselves are loaded when the API answers already; who names some waits for them here.
  const known = controllers && (await import('../../controllers/all.ts')).knownControllers()
  return given({
    controllers: controllers && known && flags.using('controllers', () => checkedControllers(controllers, known)),
    nodes: given({
      graceMs: atLeast(flags, 'node-monitor-grace-period', 20_000, 'it is at least 20s: nodes say something every ten'),
      startupGraceMs: durationOf(flags, 'node-startup-grace-period'),
      eviction: evictionOf(flags),
    }),
    terminatedPodsMax: countOf(flags, 'terminated-pod-gc-threshold'),
    autoscaling: autoscalingOf(flags),
    nodeMaskBits: within(flags, 'node-cidr-mask-size', 16, 28),
    eventTtlMs: atLeast(flags, 'event-ttl', 1_000, 'it is at least 1s'),
    endpointsPerSliceMax: within(flags, 'max-endpoints-per-slice', 1, 1_000),
    mirroredPerSubsetMax: within(flags, 'mirroring-max-endpoints-per-subset', 1, 1_000),
    legacyTokenUnusedMs: durationOf(flags, 'legacy-service-account-token-clean-up-period'),
  })
}

/** How long certificates are good that the cluster signs, in milliseconds. Throws CliError (exit code 2). */
export function readSigningMs(flags: FlagReader): number | undefined {
  return atLeast(flags, 'cluster-signing-duration', 600_000, 'it is at least 10m: certificates are renewed before they end')
}

function evictionOf(flags: FlagReader): EvictionSettings {
  return given({
    perSecond: numberOf(flags, 'node-eviction-rate'),
    secondaryPerSecond: numberOf(flags, 'secondary-node-eviction-rate'),
    unhealthyShare: numberOf(flags, 'unhealthy-zone-threshold', 1),
    smallZoneMax: countOf(flags, 'large-cluster-size-threshold'),
  })
}

function autoscalingOf(flags: FlagReader): AutoscalingSettings {
  const name = 'horizontal-pod-autoscaler'
  return given({
    periodMs: atLeast(flags, `${name}-sync-period`, 1_000, 'it is at least 1s'),
    tolerance: numberOf(flags, `${name}-tolerance`),
    downscaleWindowMs: durationOf(flags, `${name}-downscale-stabilization`),
    startupMs: durationOf(flags, `${name}-cpu-initialization-period`),
    firstReadinessMs: durationOf(flags, `${name}-initial-readiness-delay`),
  })
}

function checkedControllers(list: readonly string[], known: readonly string[]): readonly string[] {
  const unknown = unknownController(list, known)
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is not in the list of known controllers`)
  return list
}

/** `min-max`, `min+count` or one port, as upstream reads it. */
function parsePortRange(text: string): { readonly min: number; readonly max: number } {
  const match = /^(\d{1,5})(?:([-+])(\d{1,5}))?$/.exec(text.trim())
  if (!match) throw new Error(`unable to parse port range: ${text}`)
  const [first, sign, second] = [Number(match[1]), match[2], Number(match[3] ?? 0)]
  const max = sign === '+' ? first + second : sign === '-' ? second : first
  if (first > 65_535 || max > 65_535) throw new Error(`the port range cannot be greater than 65535: ${text}`)
  if (max < first) throw new Error(`end port cannot be less than start port: ${text}`)
  if (first === 0) throw new Error('port 0 is no port of a node')
  return { min: first, max }
}

/** Without what is undefined. */
function given<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): T {
  // What is left has every property that has a value, which is what T asks of its optional ones.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}

const countOf = (flags: FlagReader, name: string) => (flags.text(name) === undefined ? undefined : flags.wholeNumber(name, 0))
const durationOf = (flags: FlagReader, name: string) => (flags.text(name) === undefined ? undefined : flags.durationMs(name, 0))

function within(flags: FlagReader, name: string, min: number, max: number): number | undefined {
  const value = countOf(flags, name)
  return flags.using(name, () => {
    if (value !== undefined && (value < min || value > max)) throw new Error(`it is a whole number from ${min} to ${max}`)
    return value
  })
}

function atLeast(flags: FlagReader, name: string, minMs: number, why: string): number | undefined {
  const value = durationOf(flags, name)
  return flags.using(name, () => {
    if (value !== undefined && value < minMs) throw new Error(why)
    return value
  })
}

function numberOf(flags: FlagReader, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = flags.text(name)
  if (text === undefined) return undefined
  return flags.using(name, () => {
    const value = Number(text)
    if (!/^\d*\.?\d+$/.test(text) || value > max)
      throw new Error(max === 1 ? 'it is a share from 0 to 1' : 'it is a number that is not negative')
    return value
  })
}
