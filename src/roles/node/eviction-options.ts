import { CliError } from '../../cli/cli-error.ts'
import type { NodeFlagName } from '../../cli/node-flags.ts'
import { isQuantity, quantityValue } from '../../machinery/quantity.ts'
import { parseGoDuration } from '../../machinery/wire/go-duration.ts'
import { type Bound, type EvictionOptions, type EvictionSignal, evictionSignals } from '../../node/eviction/thresholds.ts'

export type NodeFlagValues = Readonly<Partial<Record<NodeFlagName, string | undefined>>>

/** When pods end for the machine's sake, by the flags that upstream's agent has for it. Throws CliError (exit code 2). */
export function parseEvictionOptions(values: NodeFlagValues): EvictionOptions {
  const soft = bounds(values, 'eviction-soft', '<')
  const softGraceMs = bySignal(values, 'eviction-soft-grace-period', '=', (text) => durationMs(text))
  for (const signal of Object.keys(soft)) {
    if (softGraceMs[signal as EvictionSignal] !== undefined) continue
    throw misuse('eviction-soft', values['eviction-soft'] ?? '', `say with --eviction-soft-grace-period how long ${signal} may last`)
  }
  const transition = values['eviction-pressure-transition-period']
  const grace = values['eviction-max-pod-grace-period']
  const minimumReclaim = bounds(values, 'eviction-minimum-reclaim', '=')
  return {
    ...given('hard', bounds(values, 'eviction-hard', '<')),
    ...given('soft', soft),
    ...given('softGraceMs', softGraceMs),
    ...given('minimumReclaim', minimumReclaim),
    ...(transition === undefined ? {} : { pressureTransitionMs: duration('eviction-pressure-transition-period', transition) }),
    ...(grace === undefined ? {} : { maxPodGraceSeconds: seconds('eviction-max-pod-grace-period', grace) }),
  }
}

/** The parts of a list with commas. */
export const listOf = (text: string | undefined) => (text ?? '').split(',').filter((part) => part !== '')

export function misuse(flag: NodeFlagName, value: string, nextStep: string): CliError {
  return new CliError(`--${flag} ${value}`, { nextStep, exitCode: 2 })
}

/** Milliseconds of a duration as Go writes it (`30s`, `1m30s`). */
export function duration(flag: NodeFlagName, text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw misuse(flag, text, 'give a duration like 30s or 1m30s')
  return ms
}

const given = <Name extends string, Value extends object>(name: Name, value: Value) =>
  (Object.keys(value).length > 0 ? { [name]: value } : {}) as Partial<Record<Name, Value>>

function durationMs(text: string): number | undefined {
  const nanos = parseGoDuration(text)
  return nanos === undefined || nanos < 0 ? undefined : nanos / 1e6
}

function seconds(flag: NodeFlagName, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw misuse(flag, text, 'give a whole number of seconds')
  return Number(text)
}

function bounds(values: NodeFlagValues, flag: NodeFlagName, separator: '<' | '='): Partial<Record<EvictionSignal, Bound>> {
  return bySignal(values, flag, separator, (text) => {
    const percent = /^(\d{1,2}(?:\.\d+)?|100)%$/.exec(text)?.[1]
    // As upstream has it, nought and all of it mean: no bound.
    if (percent !== undefined) return { share: percent === '100' ? 0 : Number(percent) / 100 }
    return isQuantity(text) && quantityValue(text) >= 0 ? { amount: quantityValue(text) } : undefined
  })
}

function bySignal<Value>(
  values: NodeFlagValues,
  flag: NodeFlagName,
  separator: '<' | '=',
  parse: (text: string) => Value | undefined,
): Partial<Record<EvictionSignal, Value>> {
  const entries = listOf(values[flag]).map((part) => {
    const [signal, text = '', ...rest] = part.split(separator)
    const value = rest.length === 0 && evictionSignals.some((known) => known === signal) ? parse(text) : undefined
    if (value === undefined) throw misuse(flag, part, `give one of ${evictionSignals.join(', ')} as SIGNAL${separator}${formOf(flag)}`)
    return [signal as EvictionSignal, value] as const
  })
  return Object.fromEntries(entries) as Partial<Record<EvictionSignal, Value>>
}

const formOf = (flag: NodeFlagName) => (flag === 'eviction-soft-grace-period' ? 'DURATION' : 'QUANTITY or a percentage')
