import { availableMemoryBytes, cpuNanoseconds, processCounts, readMachineFacts } from '../../platform/machine-facts.ts'
import { fileSystemFigures } from '../../platform/file-system-figures.ts'
import type { Machine, MachineFacts } from './machine.ts'

const podsMax = 110

export type RealMachineOptions = {
  /** Lies on the file system whose space counts. */
  readonly directory: string
  /** Where the engine keeps images; undefined: not known (yet). */
  readonly imageDirectory?: () => Promise<string | undefined>
  /** What the node offers in place of what the machine has. */
  readonly overrides?: Partial<MachineFacts>
}

/** The machine that this process runs on. */
export function realMachine({ directory, imageDirectory = async () => undefined, overrides = {} }: RealMachineOptions): Machine {
  const read = readMachineFacts()
  const facts: MachineFacts = {
    cpuMilli: read.cpuCount * 1000,
    memoryBytes: read.memoryBytes,
    ephemeralStorageBytes: fileSystemFigures(directory)?.capacityBytes ?? 0,
    maxPods: podsMax,
    hugePages: read.hugePages,
    machineId: read.machineId,
    systemUuid: read.systemUuid,
    bootId: read.bootId,
    kernelVersion: read.kernelVersion,
    osImage: read.osImage,
    architecture: read.architecture,
    operatingSystem: 'linux',
    // The engine's own configuration turns it off.
    appArmor: false,
    // From containerd 2.0 on.
    strictSupplementalGroups: false,
    ...overrides,
  }
  return {
    facts: () => facts,
    use: async () => {
      const disk = fileSystemFigures(directory)
      const imagesAt = await imageDirectory()
      const imageDisk = imagesAt === undefined ? undefined : fileSystemFigures(imagesAt)
      const processes = processCounts()
      return {
        memoryAvailableBytes: availableMemoryBytes(),
        diskAvailableBytes: disk?.availableBytes,
        diskCapacityBytes: disk?.capacityBytes,
        diskInodesFree: disk?.inodesFree,
        diskInodes: disk?.inodes,
        // One file system is judged once, by what is asked of the pods'.
        imageDisk: imageDisk?.device === disk?.device ? undefined : imageDisk,
        processCount: processes?.count,
        processCountMax: processes?.max,
        cpuNanoseconds: cpuNanoseconds(),
      }
    },
  }
}
