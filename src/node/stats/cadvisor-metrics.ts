/** `/metrics/cadvisor`: the families that dashboards and alerts read, by cadvisor's names and labels (https://github.com/google/cadvisor). Pure. */
import type { CgroupFigures, CpuFigures, DeviceFigures, MemoryFigures } from '../../platform/cgroup-figures.ts'
import type { InterfaceFigures } from '../../platform/network-figures.ts'
import type { MachineFacts } from '../node-status/machine.ts'
import type { Family, Labels, Sample } from './exposition.ts'
import type { CgroupRow, NodeObservation } from './observation.ts'

/** A container's own layer of its file system. */
export type LayerUse = { readonly row: CgroupRow; readonly device: string; readonly usedBytes: number }

type Type = Family['type']
/** Name, type, help and value; an undefined value has no line. */
type RowFamily = readonly [name: string, type: Type, help: string, value: (row: CgroupRow) => number | undefined]
type PartFamily<T> = readonly [name: string, help: string, value: (part: T) => number | undefined]

const cpuFamilies: readonly PartFamily<CpuFigures>[] = [
  ['container_cpu_user_seconds_total', 'Cumulative user cpu time consumed in seconds.', (c) => c.userNanoseconds / 1e9],
  ['container_cpu_system_seconds_total', 'Cumulative system cpu time consumed in seconds.', (c) => c.systemNanoseconds / 1e9],
]

/** Told only of what has a quota, as dashboards divide by the periods. */
const quotaFamilies: readonly PartFamily<CpuFigures>[] = [
  ['container_cpu_cfs_periods_total', 'Number of elapsed enforcement period intervals.', (c) => c.periods],
  ['container_cpu_cfs_throttled_periods_total', 'Number of throttled period intervals.', (c) => c.throttledPeriods],
  [
    'container_cpu_cfs_throttled_seconds_total',
    'Total time duration the container has been throttled.',
    (c) => c.throttledNanoseconds / 1e9,
  ],
]

const memoryGauges: readonly PartFamily<MemoryFigures>[] = [
  [
    'container_memory_usage_bytes',
    'Current memory usage in bytes, including all memory regardless of when it was accessed',
    (m) => m.usageBytes,
  ],
  ['container_memory_cache', 'Number of bytes of page cache memory.', (m) => m.cacheBytes],
  ['container_memory_mapped_file', 'Size of memory mapped files in bytes.', (m) => m.mappedFileBytes],
  ['container_memory_swap', 'Container swap usage in bytes.', (m) => m.swapBytes],
  ['container_memory_max_usage_bytes', 'Maximum memory usage recorded in bytes', (m) => m.peakBytes],
  ['container_memory_total_active_file_bytes', 'Current total active file in bytes.', (m) => m.activeFileBytes],
  ['container_memory_total_inactive_file_bytes', 'Current total inactive file in bytes.', (m) => m.inactiveFileBytes],
]

const memoryCounters: readonly PartFamily<MemoryFigures>[] = [
  ['container_memory_failcnt', 'Number of memory usage hits limits', (m) => m.limitHits],
  ['container_oom_events_total', 'Count of out of memory events observed for the container', (m) => m.oomKills],
]

const limitFamilies: readonly RowFamily[] = [
  ['container_spec_cpu_period', 'gauge', 'CPU period of the container.', (row) => row.cgroup?.cpuLimits?.periodUs],
  ['container_spec_cpu_quota', 'gauge', 'CPU quota of the container.', (row) => row.cgroup?.cpuLimits?.quotaUs],
  ['container_spec_cpu_shares', 'gauge', 'CPU share of the container.', (row) => row.cgroup?.cpuLimits?.shares],
  // None is told as 0.
  [
    'container_spec_memory_limit_bytes',
    'gauge',
    'Memory limit for the container.',
    ({ cgroup }) => cgroup?.memory && (cgroup.memory.limitBytes ?? 0),
  ],
  [
    'container_spec_memory_swap_limit_bytes',
    'gauge',
    'Memory swap limit for the container.',
    ({ cgroup }) => cgroup?.memory && (cgroup.memory.swapLimitBytes ?? 0),
  ],
  [
    'container_start_time_seconds',
    'gauge',
    'Start time of the container since unix epoch in seconds.',
    (row) => (row.startedAtMs === undefined ? undefined : Math.floor(row.startedAtMs / 1000)),
  ],
]

const rowFamilies: readonly RowFamily[] = [
  ['container_last_seen', 'gauge', 'Last time a container was seen by the exporter', (row) => Math.floor(row.atMs / 1000)],
  ['container_memory_rss', 'gauge', 'Size of RSS in bytes.', (row) => row.usage?.rssBytes],
  ['container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', (row) => row.usage?.workingSetBytes],
  ['container_processes', 'gauge', 'Number of processes running inside the container.', (row) => row.cgroup?.processCount],
  ['container_threads', 'gauge', 'Number of threads running inside the container', (row) => row.cgroup?.threadCount],
]

const deviceFamilies: readonly PartFamily<DeviceFigures>[] = [
  ['container_fs_reads_bytes_total', 'Cumulative count of bytes read', (d) => d.readBytes],
  ['container_fs_reads_total', 'Cumulative count of reads completed', (d) => d.reads],
  ['container_fs_writes_bytes_total', 'Cumulative count of bytes written', (d) => d.writeBytes],
  ['container_fs_writes_total', 'Cumulative count of writes completed', (d) => d.writes],
]

const interfaceFamilies: readonly PartFamily<InterfaceFigures>[] = [
  ['container_network_receive_bytes_total', 'Cumulative count of bytes received', (i) => i.receivedBytes],
  ['container_network_receive_packets_total', 'Cumulative count of packets received', (i) => i.receivedPackets],
  ['container_network_receive_packets_dropped_total', 'Cumulative count of packets dropped while receiving', (i) => i.receiveDrops],
  ['container_network_receive_errors_total', 'Cumulative count of errors encountered while receiving', (i) => i.receiveErrors],
  ['container_network_transmit_bytes_total', 'Cumulative count of bytes transmitted', (i) => i.sentBytes],
  ['container_network_transmit_packets_total', 'Cumulative count of packets transmitted', (i) => i.sentPackets],
  ['container_network_transmit_packets_dropped_total', 'Cumulative count of packets dropped while transmitting', (i) => i.sendDrops],
  ['container_network_transmit_errors_total', 'Cumulative count of errors encountered while transmitting', (i) => i.sendErrors],
]

export function cadvisorFamilies(
  observation: NodeObservation,
  layers: readonly LayerUse[],
  { facts, swapBytes }: { readonly facts: MachineFacts; readonly swapBytes: number | undefined },
): Family[] {
  const rows = rowsOf(observation).map((row) => ({ row, labels: rowLabels(row) }))
  const each = (values: (row: CgroupRow) => readonly { readonly labels?: Labels; readonly value: number | undefined }[]) =>
    rows.flatMap(({ row, labels }): Sample[] =>
      values(row).flatMap(({ labels: more, value }) =>
        value === undefined ? [] : [{ labels: more ? { ...labels, ...more } : labels, value, atMs: row.atMs }],
      ),
    )
  const part = <T>(of: (cgroup: CgroupFigures) => T | undefined, type: Type, [name, help, value]: PartFamily<T>): Family => ({
    name,
    type,
    help,
    samples: each(({ cgroup }) => {
      const found = cgroup && of(cgroup)
      return found === undefined ? [] : [{ value: value(found) }]
    }),
  })
  return [
    {
      name: 'container_cpu_usage_seconds_total',
      type: 'counter',
      help: 'Cumulative cpu time consumed in seconds.',
      samples: each(({ usage }) => (usage ? [{ labels: { cpu: 'total' }, value: usage.cpuNanoseconds / 1e9 }] : [])),
    },
    ...cpuFamilies.map((family) => part((c) => c.cpu, 'counter', family)),
    ...quotaFamilies.map((family) => part((c) => (c.cpuLimits?.quotaUs === undefined ? undefined : c.cpu), 'counter', family)),
    ...memoryGauges.map((family) => part((c) => c.memory, 'gauge', family)),
    ...memoryCounters.map((family) => part((c) => c.memory, 'counter', family)),
    pageFaults(each),
    ...rowFamilies.map(([name, type, help, value]) => ({ name, type, help, samples: each((row) => [{ value: value(row) }]) })),
    ...limitFamilies.map(([name, type, help, value]) => ({
      name,
      type,
      help,
      // What does not change by itself has no time of its own, as upstream has it.
      samples: each((row) => [{ value: value(row) }]).map(({ labels, value: v }) => ({ labels: labels!, value: v })),
    })),
    ...deviceFamilies.map(([name, help, value]) => ({
      name,
      type: 'counter' as const,
      help,
      samples: each(({ cgroup }) => (cgroup?.devices ?? []).map((d) => ({ labels: { device: d.device }, value: value(d) }))),
    })),
    layerFamily(layers),
    ...interfaceFamilies.map(([name, help, value]) => ({
      name,
      type: 'counter' as const,
      help,
      samples: each(({ interfaces }) => interfaces.map((i) => ({ labels: { interface: i.name }, value: value(i) }))),
    })),
    ...machineFamilies(facts, swapBytes),
    {
      name: 'container_scrape_error',
      type: 'gauge',
      help: '1 if there was an error while getting container metrics, 0 otherwise',
      samples: [{ value: observation.hasFailed ? 1 : 0 }],
    },
  ]
}

function pageFaults(
  each: (values: (row: CgroupRow) => readonly { readonly labels: Labels; readonly value: number }[]) => Sample[],
): Family {
  const labelsOf = (type: string) => ({ failure_type: type, scope: 'hierarchy' })
  return {
    name: 'container_memory_failures_total',
    type: 'counter',
    help: 'Cumulative count of memory allocation failures.',
    samples: each(({ cgroup }) =>
      cgroup?.memory
        ? [
            { labels: labelsOf('pgfault'), value: cgroup.memory.pageFaults },
            { labels: labelsOf('pgmajfault'), value: cgroup.memory.majorPageFaults },
          ]
        : [],
    ),
  }
}

function layerFamily(layers: readonly LayerUse[]): Family {
  return {
    name: 'container_fs_usage_bytes',
    type: 'gauge',
    help: 'Number of bytes that are consumed by the container on this filesystem.',
    samples: layers.map(({ row, device, usedBytes }) => ({
      labels: { ...rowLabels(row), device },
      value: usedBytes,
      atMs: row.atMs,
    })),
  }
}

function machineFamilies({ cpuMilli, memoryBytes, machineId, systemUuid, bootId }: MachineFacts, swapBytes: number | undefined): Family[] {
  const labels = { boot_id: bootId, machine_id: machineId, system_uuid: systemUuid }
  const gauge = (name: string, help: string, value: number | undefined): Family => ({
    name,
    type: 'gauge',
    help,
    samples: value === undefined ? [] : [{ labels, value }],
  })
  return [
    gauge('machine_cpu_cores', 'Number of logical CPU cores.', cpuMilli / 1000),
    gauge('machine_memory_bytes', 'Amount of memory installed on the machine.', memoryBytes),
    gauge('machine_swap_bytes', 'Amount of swap memory available on the machine.', swapBytes),
  ]
}

function rowsOf({ machine, groups, pods }: NodeObservation): CgroupRow[] {
  const ofPods = pods.flatMap(({ row, sandbox, containers }) => [row, ...(sandbox ? [sandbox] : []), ...containers.map((c) => c.row)])
  return [...(machine ? [machine] : []), ...groups, ...ofPods]
}

function rowLabels({ container, id, image, name, namespace, pod }: CgroupRow): Labels {
  return { container, id, image, name, namespace, pod }
}
