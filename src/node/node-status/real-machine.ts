import { availableMemoryBytes, cpuNanoseconds, diskSpace, processCounts, readMachineFacts } from '../../platform/machine-facts.ts'
import type { Machine, MachineFacts } from './machine.ts'

const podsMax = 110

/** The machine that this process runs on. `directory` lies on the file system whose space counts; `overrides` limit what the node offers. */
export function realMachine(directory: string, overrides: Partial<MachineFacts> = {}): Machine {
  const read = readMachineFacts()
  const facts: MachineFacts = {
    cpuMilli: read.cpuCount * 1000,
    memoryBytes: read.memoryBytes,
    ephemeralStorageBytes: diskSpace(directory)?.capacityBytes ?? 0,
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
    ...overrides,
  }
  return {
    facts: () => facts,
    use: async () => {
      const disk = diskSpace(directory)
      const processes = processCounts()
      return {
        memoryAvailableBytes: availableMemoryBytes(),
        diskAvailableBytes: disk?.availableBytes,
        diskCapacityBytes: disk?.capacityBytes,
        processCount: processes?.count,
        processCountMax: processes?.max,
        cpuNanoseconds: cpuNanoseconds(),
      }
    },
  }
}
