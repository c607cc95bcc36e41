import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { type CgroupTree, readCgroupTree } from '../../platform/cgroup.ts'
import { type CgroupFigures, cgroupProcess, type MemoryFigures, readCgroupFigures } from '../../platform/cgroup-figures.ts'
import { blockDeviceName, type FileSystemFigures, fileSystemFigures } from '../../platform/file-system-figures.ts'
import { bootTimeMs, type MachineMemory, readMachineMemory } from '../../platform/machine-memory.ts'
import { type InterfaceFigures, readNetworkFigures } from '../../platform/network-figures.ts'
import { type ProcessFigures, processFigures } from '../../platform/process-figures.ts'
import { podCgroupPath } from '../resources/pod-cgroups.ts'

/** What only a real machine can tell. Nothing is read before somebody asks. */
export type MachineFigures = {
  readonly bootTimeMs: number | undefined
  /** Absolute path of the cgroup that holds all pods; undefined: pods are where the engine put them. */
  readonly podsRoot: string | undefined
  podPath(pod: Pod): string | undefined
  /** Undefined: there is no such cgroup. */
  cgroup(path: string): CgroupFigures | undefined
  /** Interfaces in the network of the cgroup's first process. */
  network(path: string): InterfaceFigures[]
  nodeNetwork(): InterfaceFigures[]
  memory(): MachineMemory | undefined
  /** The file system of the node's own directory. */
  nodeFs(): FileSystemFigures | undefined
  fileSystem(path: string): FileSystemFigures | undefined
  process(): ProcessFigures
}

/** `podsRoot`: see AgentFiles.cgroupRoot. `directory` lies on the file system whose space counts. */
export function machineFigures({
  podsRoot,
  directory,
}: {
  readonly podsRoot: string | undefined
  readonly directory: string
}): MachineFigures {
  let tree: CgroupTree | undefined
  const treeOf = () => (tree ??= readCgroupTree())
  const names = new Map<string, string>()
  const nameOf = (device: string) => {
    let name = names.get(device)
    if (name === undefined) names.set(device, (name = blockDeviceName(device)))
    return name
  }
  return {
    bootTimeMs: bootTimeMs(),
    podsRoot,
    podPath: (pod) => (podsRoot === undefined ? undefined : podCgroupPath(podsRoot, pod)),
    cgroup: (path) => {
      const figures = readCgroupFigures(path, treeOf())
      if (!figures) return undefined
      const devices = figures.devices.map((one) => ({ ...one, device: nameOf(one.device) }))
      const memory = figures.memory ?? (path === '/' ? rootMemory(readMachineMemory()) : undefined)
      return { ...figures, memory, devices }
    },
    network: (path) => {
      const pid = cgroupProcess(path, treeOf())
      return pid === undefined ? [] : readNetworkFigures(pid)
    },
    nodeNetwork: () => readNetworkFigures('self'),
    memory: readMachineMemory,
    nodeFs: () => fileSystemFigures(directory),
    fileSystem: fileSystemFigures,
    process: processFigures,
  }
}

/** The root of cgroup v2 does not tell the memory of the whole machine. */
function rootMemory(memory: MachineMemory | undefined): MemoryFigures | undefined {
  if (!memory) return undefined
  const usageBytes = memory.totalBytes - memory.freeBytes
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - memory.inactiveFileBytes),
    rssBytes: memory.anonymousBytes,
    cacheBytes: memory.cachedBytes,
    mappedFileBytes: memory.mappedBytes,
    activeFileBytes: memory.activeFileBytes,
    inactiveFileBytes: memory.inactiveFileBytes,
    swapBytes: memory.swapTotalBytes - memory.swapFreeBytes,
    peakBytes: undefined,
    limitBytes: undefined,
    swapLimitBytes: undefined,
    limitHits: 0,
    oomKills: 0,
    pageFaults: 0,
    majorPageFaults: 0,
  }
}
