import {
  type Bound,
  boundAmount,
  type EvictionSettings,
  type EvictionSignal,
  evictionSignals,
  type Observation,
  type Observations,
} from './thresholds.ts'

/** What runs short. */
export type Pressure = { readonly memory: boolean; readonly disk: boolean; readonly processes: boolean }

export const noPressure: Pressure = { memory: false, disk: false, processes: false }

const pressureOfSignal: Readonly<Record<EvictionSignal, keyof Pressure>> = {
  'memory.available': 'memory',
  'nodefs.available': 'disk',
  'nodefs.inodesFree': 'disk',
  'imagefs.available': 'disk',
  'imagefs.inodesFree': 'disk',
  'pid.available': 'processes',
}

/** A bound that the machine is below. */
export type Shortage = {
  readonly signal: EvictionSignal
  readonly isHard: boolean
  readonly bound: number
  readonly available: number
}

/** What is kept from one look to the next; moments are of the clock that nobody sets. */
export type PressureMemory = {
  /** By threshold, since when it has been met. */
  readonly metSinceMs: ReadonlyMap<string, number>
  /** Met long enough at the last look: those end only when the minimum is reclaimed, too. */
  readonly due: ReadonlySet<string>
  readonly toldAtMs: Readonly<Partial<Record<keyof Pressure, number>>>
}

export const noPressureMemory: PressureMemory = { metSinceMs: new Map(), due: new Set(), toldAtMs: {} }

export type PressureVerdict = {
  /** What the node tells: what is short, or was within the transition period. */
  readonly pressure: Pressure
  /** What pods have to end for, the most urgent first. */
  readonly due: readonly Shortage[]
  readonly memory: PressureMemory
}

/**
 * What a look at the machine means. https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
 * A node that has just evicted a pod must not ask for the next one at once, to be short again: hence the transition period. Pure.
 */
export function judgePressure(
  observed: Observations,
  settings: EvictionSettings,
  { memory, atMs }: { readonly memory: PressureMemory; readonly atMs: number },
): PressureVerdict {
  const met = thresholds(settings).flatMap((threshold) => shortageOf(threshold, observed, memory.due.has(threshold.key)))
  const metSinceMs = new Map(met.map(({ key }) => [key, memory.metSinceMs.get(key) ?? atMs]))
  const due = met.filter(({ key, graceMs }) => atMs - metSinceMs.get(key)! >= graceMs)
  const now = new Set(met.map(({ shortage }) => pressureOfSignal[shortage.signal]))
  const told = (name: keyof Pressure) => (now.has(name) ? atMs : memory.toldAtMs[name])
  const toldAtMs = { memory: told('memory'), disk: told('disk'), processes: told('processes') }
  const lasts = (name: keyof Pressure) =>
    now.has(name) || (toldAtMs[name] !== undefined && atMs - toldAtMs[name] < settings.pressureTransitionMs)
  return {
    pressure: { memory: lasts('memory'), disk: lasts('disk'), processes: lasts('processes') },
    due: due.map(({ shortage }) => shortage),
    memory: { metSinceMs, due: new Set(due.map(({ key }) => key)), toldAtMs },
  }
}

/** Whether anything is still short of its bound and of what is to be reclaimed beyond it. Pure. */
export function isAnythingShort(observed: Observations, settings: EvictionSettings): boolean {
  return thresholds(settings).some((threshold) => shortageOf(threshold, observed, true).length > 0)
}

type Threshold = {
  readonly key: string
  readonly signal: EvictionSignal
  readonly isHard: boolean
  readonly bound: Bound
  readonly reclaim: Bound | undefined
  readonly graceMs: number
}
type Met = { readonly key: string; readonly graceMs: number; readonly shortage: Shortage }

function thresholds({ hard, soft, softGraceMs, minimumReclaim }: EvictionSettings): Threshold[] {
  return evictionSignals.flatMap((signal) =>
    [true, false].flatMap((isHard) => {
      const bound = (isHard ? hard : soft)[signal]
      if (!bound) return []
      const graceMs = isHard ? 0 : (softGraceMs[signal] ?? 0)
      return [{ key: `${signal}/${isHard ? 'hard' : 'soft'}`, signal, isHard, bound, reclaim: minimumReclaim[signal], graceMs }]
    }),
  )
}

function shortageOf({ key, signal, isHard, bound, reclaim, graceMs }: Threshold, observed: Observations, withReclaim: boolean): Met[] {
  const observation: Observation | undefined = observed[signal]
  if (!observation) return []
  const { available, capacity } = observation
  const amount = boundAmount(bound, capacity)
  if (available >= amount + (withReclaim ? boundAmount(reclaim, capacity) : 0)) return []
  return [{ key, graceMs, shortage: { signal, isHard, bound: amount, available } }]
}
