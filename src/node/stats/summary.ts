/** `/stats/summary` in upstream's form (k8s.io/kubelet/pkg/apis/stats/v1alpha1). What is not measured is not told. Pure. */
import { toTime } from '../../base/clock.ts'
import type { CgroupFigures } from '../../platform/cgroup-figures.ts'
import type { FileSystemFigures } from '../../platform/file-system-figures.ts'
import type { MachineMemory } from '../../platform/machine-memory.ts'
import type { InterfaceFigures } from '../../platform/network-figures.ts'
import type { ProcessFigures } from '../../platform/process-figures.ts'
import type { MachineFacts, MachineUse } from '../node-status/machine.ts'
import type { FsUse, PodDisk, VolumeUse } from './disk-figures.ts'
import type { CgroupRow, NodeObservation, ObservedContainer, ObservedPod } from './observation.ts'

export type SummaryInput = {
  readonly nodeName: string
  readonly nowMs: number
  /** When the machine started, or the agent of a simulated node. */
  readonly startedAtMs: number
  readonly observation: NodeObservation
  readonly facts: MachineFacts
  readonly use: MachineUse
  /** CPU time of the whole node. */
  readonly cpuNanoseconds: number
  readonly memory: MachineMemory | undefined
  readonly nodeFs: FileSystemFigures | undefined
  readonly imageFs: { readonly usedBytes: number; readonly fileSystem: FileSystemFigures } | undefined
  readonly agentProcess: ProcessFigures | undefined
  readonly disks: ReadonlyMap<string, PodDisk>
  /** See UsageRates. */
  readonly rate: (key: string, atMs: number, nanoseconds: number) => number | undefined
}

export function nodeSummary(input: SummaryInput): object {
  return { node: nodeStats(input), pods: input.observation.pods.map((pod) => podStats(input, pod)) }
}

function nodeStats(input: SummaryInput): object {
  const { nodeName, startedAtMs, observation, use, cpuNanoseconds, nowMs, rate, imageFs } = input
  const time = toTime(nowMs)
  const { machine } = observation
  const imageStats = imageFs && fsStats(time, imageFs.fileSystem, { usedBytes: imageFs.usedBytes })
  return {
    nodeName,
    ...given('systemContainers', systemContainers(input)),
    startTime: toTime(startedAtMs),
    cpu: { time, ...given('usageNanoCores', rate('/', nowMs, cpuNanoseconds)), usageCoreNanoSeconds: cpuNanoseconds },
    memory: nodeMemory(input, time),
    ...given('network', machine && networkStats(time, machine.interfaces)),
    fs: nodeFs(input, time),
    ...given('runtime', imageStats && { imageFs: imageStats, containerFs: imageStats }),
    ...given('rlimit', rlimit(time, use)),
    ...given(
      'swap',
      input.memory && {
        time,
        swapAvailableBytes: input.memory.swapFreeBytes,
        swapUsageBytes: input.memory.swapTotalBytes - input.memory.swapFreeBytes,
      },
    ),
  }
}

function nodeMemory({ observation: { machine, pods }, facts, use }: SummaryInput, time: string): object {
  const inPods = (of: (row: CgroupRow) => number | undefined) => sum(pods.map(({ row }) => of(row)))
  const workingSetBytes =
    use.memoryAvailableBytes === undefined ? inPods((row) => row.usage?.workingSetBytes) : facts.memoryBytes - use.memoryAvailableBytes
  const memory = machine?.cgroup?.memory
  return {
    time,
    availableBytes: facts.memoryBytes - workingSetBytes,
    usageBytes: memory?.usageBytes ?? workingSetBytes,
    workingSetBytes,
    rssBytes: memory?.rssBytes ?? inPods((row) => row.usage?.rssBytes),
    ...(memory ? { pageFaults: memory.pageFaults, majorPageFaults: memory.majorPageFaults } : {}),
  }
}

function nodeFs({ nodeFs: fs, facts, use }: SummaryInput, time: string): object {
  if (fs) return fsStats(time, fs, { usedBytes: fs.usedBytes, inodesUsed: fs.inodes - fs.inodesFree })
  return { time, availableBytes: use.diskAvailableBytes ?? facts.ephemeralStorageBytes, capacityBytes: facts.ephemeralStorageBytes }
}

function rlimit(time: string, { processCount, processCountMax }: MachineUse): object | undefined {
  return processCount === undefined || processCountMax === undefined ? undefined : { time, maxpid: processCountMax, curproc: processCount }
}

/** The agent's own process (with the control plane where both are one), and all pods together. */
function systemContainers(input: SummaryInput): object[] | undefined {
  const { agentProcess, observation, nowMs, rate } = input
  if (!agentProcess) return undefined
  const time = toTime(nowMs)
  const nanoseconds = Math.round(agentProcess.cpuSeconds * 1e9)
  const own = {
    name: 'kubelet',
    startTime: toTime(agentProcess.startTimeSeconds * 1000),
    cpu: { time, ...given('usageNanoCores', rate('kubelet', nowMs, nanoseconds)), usageCoreNanoSeconds: nanoseconds },
    memory: {
      time,
      usageBytes: agentProcess.residentBytes,
      workingSetBytes: agentProcess.residentBytes,
      rssBytes: agentProcess.residentBytes,
    },
  }
  const [pods] = observation.groups
  return pods ? [own, { name: 'pods', startTime: toTime(input.startedAtMs), ...usageStats(pods, rate) }] : [own]
}

function podStats({ disks, nodeFs, imageFs, rate }: SummaryInput, observed: ObservedPod): object {
  const { pod, row, sandbox, containers } = observed
  const { name, namespace, uid = '' } = pod.metadata
  const time = toTime(row.atMs)
  const disk = disks.get(uid)
  const rows = [...(sandbox ? [sandbox] : []), ...containers.map((c) => c.row)]
  const counts = rows.flatMap(({ cgroup }) => cgroup?.processCount ?? [])
  return {
    podRef: { name, namespace, uid },
    startTime: toTime(row.startedAtMs ?? row.atMs),
    containers: containers.map((c) => containerStats(c, disk, imageFs?.fileSystem, rate)),
    ...usageStats(row, rate),
    ...given('network', sandbox && sandbox.interfaces.length > 0 ? networkStats(time, sandbox.interfaces) : undefined),
    ...given('volume', disk && disk.volumes.length > 0 ? disk.volumes.map(volumeStats) : undefined),
    ...given('ephemeral-storage', nodeFs && ephemeralStorage(time, nodeFs, containers, disk)),
    ...given('process_stats', counts.length > 0 ? { process_count: sum(counts) } : undefined),
  }
}

function containerStats(
  { row, stats }: ObservedContainer,
  disk: PodDisk | undefined,
  imageFs: FileSystemFigures | undefined,
  rate: SummaryInput['rate'],
): object {
  const time = toTime(row.atMs)
  const layer = stats && { usedBytes: stats.rootfsUsedBytes, inodesUsed: stats.rootfsInodesUsed }
  const logs = disk?.logs.get(row.container)
  return {
    name: row.container,
    startTime: toTime(row.startedAtMs ?? row.atMs),
    ...usageStats(row, rate),
    ...given('rootfs', layer && (imageFs ? fsStats(time, imageFs, layer) : { time, ...defined(layer) })),
    ...given('logs', logs && fsUseStats(logs)),
  }
}

function usageStats({ id, atMs, usage, cgroup }: CgroupRow, rate: SummaryInput['rate']): object {
  const time = toTime(atMs)
  if (!usage) return {}
  return {
    cpu: {
      time,
      ...given('usageNanoCores', rate(id, atMs, usage.cpuNanoseconds)),
      usageCoreNanoSeconds: usage.cpuNanoseconds,
    },
    memory: { time, ...memoryStats(cgroup?.memory), workingSetBytes: usage.workingSetBytes, rssBytes: usage.rssBytes },
    ...given('swap', cgroup?.memory && { time, swapUsageBytes: cgroup.memory.swapBytes }),
  }
}

function memoryStats(memory: CgroupFigures['memory']): object {
  if (!memory) return {}
  const { limitBytes, workingSetBytes, usageBytes, pageFaults, majorPageFaults } = memory
  const available = limitBytes === undefined ? undefined : Math.max(0, limitBytes - workingSetBytes)
  return { ...given('availableBytes', available), usageBytes, pageFaults, majorPageFaults }
}

function volumeStats({ name, claim, use }: VolumeUse): object {
  return { ...fsUseStats(use), name, ...given('pvcRef', claim) }
}

/** Containers' layers and logs, and what emptyDirs and files out of the API take of the node's disk. */
function ephemeralStorage(
  time: string,
  fs: FileSystemFigures,
  containers: readonly ObservedContainer[],
  disk: PodDisk | undefined,
): object {
  const parts = [...(disk?.logs.values() ?? []), ...(disk?.volumes ?? []).filter((v) => v.isEphemeral).map((v) => v.use)]
  return fsStats(time, fs, {
    usedBytes: sum(containers.map(({ stats }) => stats?.rootfsUsedBytes)) + sum(parts.map((p) => p.usedBytes)),
    inodesUsed: sum(containers.map(({ stats }) => stats?.rootfsInodesUsed)) + sum(parts.map((p) => p.inodesUsed)),
  })
}

function networkStats(time: string, interfaces: readonly InterfaceFigures[]): object {
  const all = interfaces.map(({ name, receivedBytes, receiveErrors, sentBytes, sendErrors }) => ({
    name,
    rxBytes: receivedBytes,
    rxErrors: receiveErrors,
    txBytes: sentBytes,
    txErrors: sendErrors,
  }))
  // The one that goes out, by upstream's name for it.
  const main = all.find(({ name }) => name === 'eth0')
  return { time, ...(main ?? { name: '' }), interfaces: all }
}

function fsStats(
  time: string,
  { availableBytes, capacityBytes, inodesFree, inodes }: FileSystemFigures,
  { usedBytes, inodesUsed }: { readonly usedBytes: number; readonly inodesUsed?: number | undefined },
): object {
  return { time, availableBytes, capacityBytes, usedBytes, inodesFree, inodes, ...given('inodesUsed', inodesUsed) }
}

function fsUseStats({ atMs, ...use }: FsUse): object {
  return fsStats(toTime(atMs), { ...use, device: '' }, use)
}

function given<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, T>)
}

function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function sum(values: Iterable<number | undefined>): number {
  let total = 0
  for (const value of values) total += value ?? 0
  return total
}
