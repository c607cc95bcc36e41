import { isAbsolute, normalize } from 'node:path'
import type { Taint } from '../../kinds/generated/types/core-v1.ts'
import { labelValue, qualifiedName } from '../../machinery/names.ts'
import { isQuantity, quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import { type ShutdownPeriod, shutdownPeriods } from '../../node/shutdown/plan-shutdown.ts'
import type { NodeFlagName } from '../../cli/node-flags.ts'
import type { EvictionOptions } from '../../node/eviction/thresholds.ts'
import type { Reserved } from '../../node/node-status/node-status.ts'
import { duration, type NodeFlagValues, listOf, misuse, parseEvictionOptions } from './eviction-options.ts'

/** What a machine's node is beyond what the machine tells by itself. */
export type NodeSettings = {
  readonly labels: Readonly<Record<string, string>>
  /** Of a node that is new; later they are the cluster's to change. */
  readonly taints: readonly Taint[]
  readonly reserved: Partial<Reserved>
  readonly eviction: EvictionOptions
  readonly maxPods: number | undefined
  /** When the machine stops; none: nothing is done about it. */
  readonly shutdownPeriods: readonly ShutdownPeriod[]
  /** Absolute; undefined: the node has no static pods. */
  readonly manifestPath: string | undefined
}

/** The flags that were given; each may be a list with commas. Throws CliError (exit code 2). */
export function parseNodeSettings(values: NodeFlagValues): NodeSettings {
  return {
    labels: Object.fromEntries(listOf(values['node-labels']).map(label)),
    taints: listOf(values['register-with-taints']).map(taint),
    reserved: merged(listOf(values['system-reserved']).map(reservation)),
    eviction: parseEvictionOptions(values),
    maxPods: values['max-pods'] === undefined ? undefined : podsMax(values['max-pods']),
    shutdownPeriods: parseShutdownPeriods(values),
    manifestPath: values['pod-manifest-path'] === undefined ? undefined : manifestPath(values['pod-manifest-path']),
  }
}

const merged = <T extends object>(parts: readonly T[]): T => Object.assign({}, ...parts) as T

function label(text: string): [string, string] {
  const [key = '', value = '', ...rest] = text.split('=')
  const why = [...qualifiedName(key), ...labelValue(value)][0]
  if (rest.length > 0 || why !== undefined) throw misuse('node-labels', text, why ?? 'write it as key=value')
  return [key, value]
}

const effects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] satisfies Taint['effect'][]

function taint(text: string): Taint {
  const match = /^([^=:]+)(?:=([^:]*))?:([A-Za-z]+)$/.exec(text)
  const [, key = '', value = '', effect = ''] = match ?? []
  if (!match || !effects.includes(effect))
    throw misuse('register-with-taints', text, 'write it as key=value:Effect; an effect is NoSchedule, PreferNoSchedule or NoExecute')
  const why = [...qualifiedName(key), ...labelValue(value)][0]
  if (why !== undefined) throw misuse('register-with-taints', text, why)
  return { key, ...(value === '' ? {} : { value }), effect: effect as Taint['effect'] }
}

function reservation(text: string): Partial<Reserved> {
  const [resource, quantity = '', ...rest] = text.split('=')
  const isFine = rest.length === 0 && isQuantity(quantity) && quantityMilli(quantity) >= 0
  if (isFine && resource === 'cpu') return { cpuMilli: quantityMilli(quantity) }
  if (isFine && resource === 'memory') return { memoryBytes: quantityValue(quantity) }
  if (isFine && resource === 'ephemeral-storage') return { ephemeralStorageBytes: quantityValue(quantity) }
  throw misuse('system-reserved', text, 'give cpu, memory or ephemeral-storage with a quantity, like memory=500Mi')
}

/** In whole seconds, as logind and upstream count. */
function parseShutdownPeriods(values: NodeFlagValues): ShutdownPeriod[] {
  const flag = 'shutdown-grace-period-by-pod-priority'
  const seconds = (name: NodeFlagName) => (values[name] === undefined ? 0 : Math.trunc(duration(name, values[name]) / 1000))
  const [total, critical] = [seconds('shutdown-grace-period'), seconds('shutdown-grace-period-critical-pods')]
  if (critical > total) {
    const name = 'shutdown-grace-period-critical-pods'
    throw misuse(name, values[name] ?? '', 'give no more than --shutdown-grace-period')
  }
  if (values[flag] === undefined) return shutdownPeriods(total, critical)
  if (total > 0) throw misuse(flag, values[flag], 'give either this or --shutdown-grace-period')
  return listOf(values[flag]).map((part) => {
    const match = /^(-?\d{1,10})=(\d{1,6})$/.exec(part)
    if (!match) throw misuse(flag, part, 'write it as PRIORITY=SECONDS')
    return { priority: Number(match[1]), seconds: Number(match[2]) }
  })
}

/** Where one process looks and another is told must be one place. */
function manifestPath(text: string): string {
  if (!isAbsolute(text) || normalize(text) === '/') throw misuse('pod-manifest-path', text, 'give the absolute path of a folder or a file')
  return normalize(text).replace(/\/$/, '')
}

/** A node has 254 addresses for pods; some go round while pods end. */
function podsMax(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count < 1 || count > 250) throw misuse('max-pods', text, 'give a whole number from 1 to 250')
  return count
}
