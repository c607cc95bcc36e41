import type { Clock } from '../../base/clock.ts'
import type { ContainerImage } from '../../kinds/generated/types/core-v1.ts'
import type { NodeUsage } from '../../kinds/node-usage.ts'

/** What the agent knows of its machine. The real one reads /proc and statfs (platform/machine-facts.ts); simulated nodes state it. */
export type MachineFacts = {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly ephemeralStorageBytes: number
  readonly maxPods: number
  /** Bytes by page size in the API's words, e.g. `2Mi`. */
  readonly hugePages: Readonly<Record<string, number>>
  readonly machineId: string
  readonly systemUuid: string
  readonly bootId: string
  readonly kernelVersion: string
  readonly osImage: string
  /** Go's names: amd64, arm64. */
  readonly architecture: string
  readonly operatingSystem: string
  /** Whether containers can be confined by AppArmor. */
  readonly appArmor: boolean
  /** Whether the engine can keep the groups of an image from its containers. */
  readonly strictSupplementalGroups: boolean
}

/** Present use, for the pressure conditions. Undefined figures are unknown and never count as pressure. */
export type MachineUse = {
  readonly memoryAvailableBytes: number | undefined
  readonly diskAvailableBytes: number | undefined
  readonly diskCapacityBytes: number | undefined
  readonly diskInodesFree?: number | undefined
  /** Undefined, too, where the file system counts none. */
  readonly diskInodes?: number | undefined
  /** Of images and containers' own files, where that is another file system than the pods'. */
  readonly imageDisk?: DiskSpace | undefined
  readonly processCount: number | undefined
  readonly processCountMax: number | undefined
  /** Time that its CPUs have worked since the machine started. */
  readonly cpuNanoseconds: number | undefined
}

export type DiskSpace = {
  readonly availableBytes: number
  readonly capacityBytes: number
  readonly inodesFree: number
  readonly inodes: number
}

export type Machine = {
  facts(): MachineFacts
  use(): Promise<MachineUse>
}

/** A rate over less than this says nothing. */
const measuredOverMsMin = 1_000

/** Tells what the machine has used since the question before; undefined at first, and where the machine does not tell. */
export function usageMeter(machine: Machine, clock: Pick<Clock, 'monotonicMs'>): () => Promise<NodeUsage | undefined> {
  let before: { readonly atMs: number; readonly cpuNanoseconds: number } | undefined
  let cpuMilli: number | undefined
  return async () => {
    const { cpuNanoseconds, memoryAvailableBytes } = await machine.use()
    if (cpuNanoseconds === undefined || memoryAvailableBytes === undefined) return undefined
    const now = { atMs: clock.monotonicMs(), cpuNanoseconds }
    const elapsedMs = before ? now.atMs - before.atMs : 0
    // Nanoseconds in a millisecond of time are 10⁶ for a whole CPU, so 10³ for a thousandth of one.
    if (before && elapsedMs >= measuredOverMsMin) cpuMilli = (cpuNanoseconds - before.cpuNanoseconds) / elapsedMs / 1_000
    if (!before || elapsedMs >= measuredOverMsMin) before = now
    if (cpuMilli === undefined) return undefined
    return { cpuMilli, memoryBytes: Math.max(0, machine.facts().memoryBytes - memoryAvailableBytes) }
  }
}

export type ImageList = () => Promise<readonly ContainerImage[]>

export function simulatedMachine(facts: Partial<MachineFacts> = {}): Machine {
  const all: MachineFacts = {
    cpuMilli: 4000,
    memoryBytes: 16 * 2 ** 30,
    ephemeralStorageBytes: 100 * 2 ** 30,
    maxPods: 110,
    hugePages: {},
    machineId: '',
    systemUuid: '',
    bootId: '',
    kernelVersion: 'simulated',
    osImage: 'Keelson simulated node',
    architecture: 'amd64',
    operatingSystem: 'linux',
    appArmor: true,
    strictSupplementalGroups: true,
    ...facts,
  }
  const unknown: MachineUse = {
    memoryAvailableBytes: undefined,
    diskAvailableBytes: undefined,
    diskCapacityBytes: undefined,
    processCount: undefined,
    processCountMax: undefined,
    cpuNanoseconds: undefined,
  }
  return { facts: () => all, use: async () => unknown }
}
