import type { MachineUse } from '../node-status/machine.ts'

/** What of a machine may run short, by upstream's names, in the order in which it is mended. */
export const evictionSignals = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const
export type EvictionSignal = (typeof evictionSignals)[number]

/** Bytes or pieces, or a part of what there is (0 to 1). */
export type Bound = { readonly amount: number } | { readonly share: number }
export type Bounds = Readonly<Partial<Record<EvictionSignal, Bound>>>

export type EvictionSettings = {
  /** Below it pods end at once. */
  readonly hard: Bounds
  /** Below it for as long as `softGraceMs` says they end with time to do so. */
  readonly soft: Bounds
  readonly softGraceMs: Readonly<Partial<Record<EvictionSignal, number>>>
  /** So much more than the bound must be free again before it is enough. */
  readonly minimumReclaim: Bounds
  /** The most time that a pod gets which ends for a soft bound. */
  readonly maxPodGraceSeconds: number
  /** For so long a pressure is told after it has gone. */
  readonly pressureTransitionMs: number
}

/** Upstream's, and a tenth of the process ids. */
export const defaultEviction: EvictionSettings = {
  hard: {
    'memory.available': { amount: 100 * 2 ** 20 },
    'nodefs.available': { share: 0.1 },
    'nodefs.inodesFree': { share: 0.05 },
    'imagefs.available': { share: 0.15 },
    'imagefs.inodesFree': { share: 0.05 },
    'pid.available': { share: 0.1 },
  },
  soft: {},
  softGraceMs: {},
  minimumReclaim: {},
  maxPodGraceSeconds: 0,
  pressureTransitionMs: 300_000,
}

export type EvictionOptions = Partial<EvictionSettings>

/** Signals that are not named keep their default. */
export function evictionSettings(given: EvictionOptions = {}): EvictionSettings {
  return { ...defaultEviction, ...given, hard: { ...defaultEviction.hard, ...given.hard } }
}

export function boundAmount(bound: Bound | undefined, capacity: number): number {
  if (!bound) return 0
  return 'amount' in bound ? bound.amount : Math.trunc(capacity * bound.share)
}

export type Observation = { readonly available: number; readonly capacity: number }
export type Observations = Readonly<Partial<Record<EvictionSignal, Observation>>>

/** What the machine tells of each signal; what it does not know is left out, and so is images' disk where it is the pods' own. Pure. */
export function observations(use: MachineUse, memoryBytes: number): Observations {
  const { memoryAvailableBytes, processCount, processCountMax, imageDisk } = use
  const observed = (available: number | undefined, capacity: number | undefined) =>
    available === undefined || !capacity ? undefined : { available, capacity }
  const entries: readonly [EvictionSignal, Observation | undefined][] = [
    ['memory.available', observed(memoryAvailableBytes, memoryBytes)],
    ['nodefs.available', observed(use.diskAvailableBytes, use.diskCapacityBytes)],
    ['nodefs.inodesFree', observed(use.diskInodesFree, use.diskInodes)],
    ['imagefs.available', observed(imageDisk?.availableBytes, imageDisk?.capacityBytes)],
    ['imagefs.inodesFree', observed(imageDisk?.inodesFree, imageDisk?.inodes)],
    ['pid.available', observed(processCount === undefined ? undefined : (processCountMax ?? 0) - processCount, processCountMax)],
  ]
  return Object.fromEntries(entries.filter(([, observation]) => observation !== undefined))
}
