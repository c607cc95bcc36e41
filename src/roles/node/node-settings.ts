import { CliError } from '../../cli/cli-error.ts'
import type { NodeFlagName } from '../../cli/node-flags.ts'
import type { Taint } from '../../kinds/generated/types/core-v1.ts'
import { labelValue, qualifiedName } from '../../machinery/names.ts'
import { isQuantity, quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import type { EvictionThresholds, Reserved } from '../../node/node-status/node-status.ts'

/** What a machine's node is beyond what the machine tells by itself. */
export type NodeSettings = {
  readonly labels: Readonly<Record<string, string>>
  /** Of a node that is new; later they are the cluster's to change. */
  readonly taints: readonly Taint[]
  readonly reserved: Partial<Reserved>
  readonly thresholds: Partial<EvictionThresholds>
  readonly maxPods: number | undefined
}

/** The flags that were given; each may be a list with commas. Throws CliError (exit code 2). */
export function parseNodeSettings(values: Readonly<Partial<Record<NodeFlagName, string | undefined>>>): NodeSettings {
  return {
    labels: Object.fromEntries(listOf(values['node-labels']).map(label)),
    taints: listOf(values['register-with-taints']).map(taint),
    reserved: merged(listOf(values['system-reserved']).map(reservation)),
    thresholds: merged(listOf(values['eviction-hard']).map(threshold)),
    maxPods: values['max-pods'] === undefined ? undefined : podsMax(values['max-pods']),
  }
}

const listOf = (text: string | undefined) => (text ?? '').split(',').filter((part) => part !== '')
const merged = <T extends object>(parts: readonly T[]): T => Object.assign({}, ...parts) as T

function misuse(flag: NodeFlagName, value: string, nextStep: string): CliError {
  return new CliError(`--${flag} ${value}`, { nextStep, exitCode: 2 })
}

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

function threshold(text: string): Partial<EvictionThresholds> {
  const [signal, bound = '', ...rest] = text.split('<')
  const share = /^\d{1,2}(\.\d+)?%$/.test(bound) ? Number(bound.slice(0, -1)) / 100 : undefined
  if (rest.length === 0) {
    if (signal === 'memory.available' && isQuantity(bound) && quantityValue(bound) >= 0)
      return { memoryAvailableBytes: quantityValue(bound) }
    if (signal === 'nodefs.available' && share !== undefined) return { diskAvailableShare: share }
    if (signal === 'pid.available' && share !== undefined) return { processShare: 1 - share }
  }
  throw misuse('eviction-hard', text, 'give memory.available<QUANTITY, nodefs.available<PERCENT% or pid.available<PERCENT%')
}

/** A node has 254 addresses for pods; some go round while pods end. */
function podsMax(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count < 1 || count > 250) throw misuse('max-pods', text, 'give a whole number from 1 to 250')
  return count
}
