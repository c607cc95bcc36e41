/** `/metrics/resource`: what autoscaling reads (https://kubernetes.io/docs/reference/instrumentation/node-metrics/). Pure. */
import type { Family, Labels, Sample } from './exposition.ts'
import type { CgroupRow, NodeObservation } from './observation.ts'

export type NodeUse = {
  readonly atMs: number
  readonly cpuNanoseconds: number
  readonly workingSetBytes: number
  /** Undefined: the machine does not tell. */
  readonly swapBytes: number | undefined
}

type Column = {
  readonly name: string
  readonly type: Family['type']
  readonly help: string
  readonly of: (row: CgroupRow) => number | undefined
}

const cpuSeconds = ({ usage }: CgroupRow) => usage && usage.cpuNanoseconds / 1e9
const workingSet = ({ usage }: CgroupRow) => usage?.workingSetBytes
const swap = ({ cgroup }: CgroupRow) => cgroup?.memory?.swapBytes

const containerColumns: readonly Column[] = [
  {
    name: 'container_cpu_usage_seconds_total',
    type: 'counter',
    help: 'Cumulative cpu time consumed by the container in core-seconds',
    of: cpuSeconds,
  },
  {
    name: 'container_memory_working_set_bytes',
    type: 'gauge',
    help: 'Current working set of the container in bytes',
    of: workingSet,
  },
  {
    name: 'container_swap_usage_bytes',
    type: 'gauge',
    help: 'Current amount of the container swap usage in bytes. Reported only on non-windows systems',
    of: swap,
  },
  {
    name: 'container_start_time_seconds',
    type: 'gauge',
    help: 'Start time of the container since unix epoch in seconds',
    of: ({ startedAtMs }) => (startedAtMs === undefined ? undefined : startedAtMs / 1000),
  },
]

const podColumns: readonly Column[] = [
  { name: 'pod_cpu_usage_seconds_total', type: 'counter', help: 'Cumulative cpu time consumed by the pod in core-seconds', of: cpuSeconds },
  { name: 'pod_memory_working_set_bytes', type: 'gauge', help: 'Current working set of the pod in bytes', of: workingSet },
  {
    name: 'pod_swap_usage_bytes',
    type: 'gauge',
    help: 'Current amount of the pod swap usage in bytes. Reported only on non-windows systems',
    of: swap,
  },
]

export function resourceFamilies(
  { pods, hasFailed }: NodeObservation,
  { atMs, cpuNanoseconds, workingSetBytes, swapBytes }: NodeUse,
): Family[] {
  const node = (name: string, type: Family['type'], help: string, value: number | undefined): Family => ({
    name,
    type,
    help,
    samples: value === undefined ? [] : [{ value, atMs }],
  })
  const containers = pods.flatMap((pod) => pod.containers.map((c) => c.row))
  const containerLabels = ({ container, namespace, pod }: CgroupRow) => ({ container, namespace, pod })
  const podLabels = ({ namespace, pod }: CgroupRow) => ({ namespace, pod })
  return [
    ...containerColumns.map((column) => family(column, containers, containerLabels)),
    node('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', cpuNanoseconds / 1e9),
    node('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', workingSetBytes),
    node('node_swap_usage_bytes', 'gauge', 'Current swap usage of the node in bytes. Reported only on non-windows systems', swapBytes),
    ...podColumns.map((column) =>
      family(
        column,
        pods.map(({ row }) => row),
        podLabels,
      ),
    ),
    {
      name: 'resource_scrape_error',
      type: 'gauge',
      help: '1 if there was an error while getting container metrics, 0 otherwise',
      samples: [{ value: hasFailed ? 1 : 0 }],
    },
  ]
}

function family({ name, type, help, of }: Column, rows: readonly CgroupRow[], labels: (row: CgroupRow) => Labels): Family {
  const samples = rows.flatMap((row): Sample[] => {
    const value = of(row)
    return value === undefined ? [] : [{ labels: labels(row), value, atMs: row.atMs }]
  })
  return { name, type, help, samples }
}
