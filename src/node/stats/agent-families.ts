import { X509Certificate } from 'node:crypto'
import type { ProcessFigures } from '../../platform/process-figures.ts'
import type { PodDisk, VolumeUse } from './disk-figures.ts'
import type { Family } from './exposition.ts'
import type { KnownPod } from './observation.ts'

export type AgentFamiliesInput = {
  readonly nodeName: string
  readonly pods: readonly KnownPod[]
  readonly disks: ReadonlyMap<string, PodDisk>
  /** PEM, as the next; undefined: the node shows none. */
  readonly clientCertificate: string | undefined
  readonly servingCertificate: string | undefined
  /** How often an exchange of both was refused; undefined: nobody exchanges them. */
  readonly renewalErrors: number | undefined
  readonly agentProcess: ProcessFigures | undefined
  readonly nowMs: number
}

/** The gauges of `/metrics`: what is so at this moment. Pure. */
export function agentFamilies({
  nodeName,
  pods,
  disks,
  clientCertificate,
  servingCertificate,
  renewalErrors,
  agentProcess,
  nowMs,
}: AgentFamiliesInput): Family[] {
  const containers = pods.flatMap((p) => p.sandboxes).flatMap((s) => s.containers)
  const byState = (state: string) => containers.filter((c) => c.state === state).length
  return [
    {
      name: 'kubelet_node_name',
      type: 'gauge',
      help: "The node's name. The count is always 1.",
      samples: [{ labels: { node: nodeName }, value: 1 }],
    },
    gauge(
      'kubelet_running_pods',
      'Number of pods that have a running pod sandbox',
      pods.filter((p) => p.sandboxes.some((s) => s.state === 'Ready')).length,
    ),
    {
      name: 'kubelet_running_containers',
      type: 'gauge',
      help: 'Number of containers currently running',
      samples: ['Created', 'Running', 'Exited'].map((state) => ({
        labels: { container_state: state.toLowerCase() },
        value: byState(state),
      })),
    },
    ...volumeFamilies(disks),
    gauge(
      'kubelet_certificate_manager_server_ttl_seconds',
      "Gauge of the shortest TTL (time-to-live) of the Kubelet's serving certificate. The value is in seconds until certificate expiry (negative if already expired). If serving certificate is invalid or unused, the value will be +INF.",
      secondsLeft(servingCertificate, nowMs),
    ),
    gauge(
      'kubelet_certificate_manager_client_ttl_seconds',
      "Gauge of the TTL (time-to-live) of the Kubelet's client certificate. The value is in seconds until certificate expiry (negative if already expired). If client certificate is invalid or unused, the value will be +INF.",
      secondsLeft(clientCertificate, nowMs),
    ),
    ...(renewalErrors === undefined ? [] : renewalFamilies(renewalErrors)),
    ...(agentProcess ? processFamilies(agentProcess) : []),
  ]
}

/** Both certificates are exchanged at once. */
function renewalFamilies(errors: number): Family[] {
  const family = (name: string, help: string): Family => ({ name, type: 'counter', help, samples: [{ value: errors }] })
  return [
    family('kubelet_certificate_manager_client_expiration_renew_errors', 'Counter of certificate renewal errors.'),
    family('kubelet_server_expiration_renew_errors', 'Counter of certificate renewal errors.'),
  ]
}

function secondsLeft(pem: string | undefined, nowMs: number): number {
  if (pem === undefined) return Number.POSITIVE_INFINITY
  return Math.trunc((Date.parse(new X509Certificate(pem).validTo) - nowMs) / 1000)
}

const volumeColumns: readonly (readonly [name: string, help: string, value: (volume: VolumeUse) => number])[] = [
  ['kubelet_volume_stats_capacity_bytes', 'Capacity in bytes of the volume', ({ use }) => use.capacityBytes],
  ['kubelet_volume_stats_available_bytes', 'Number of available bytes in the volume', ({ use }) => use.availableBytes],
  ['kubelet_volume_stats_used_bytes', 'Number of used bytes in the volume', ({ use }) => use.usedBytes],
  ['kubelet_volume_stats_inodes', 'Maximum number of inodes in the volume', ({ use }) => use.inodes],
  ['kubelet_volume_stats_inodes_free', 'Number of free inodes in the volume', ({ use }) => use.inodesFree],
  ['kubelet_volume_stats_inodes_used', 'Number of used inodes in the volume', ({ use }) => use.inodesUsed],
]

/** Of each claim once, however many pods use it. */
function volumeFamilies(disks: ReadonlyMap<string, PodDisk>): Family[] {
  const claims = new Map<string, VolumeUse>()
  for (const { volumes } of disks.values())
    for (const volume of volumes) if (volume.claim) claims.set(`${volume.claim.namespace}/${volume.claim.name}`, volume)
  return volumeColumns.map(([name, help, value]) => ({
    name,
    type: 'gauge',
    help,
    samples: [...claims.values()].map((volume) => ({
      labels: { namespace: volume.claim!.namespace, persistentvolumeclaim: volume.claim!.name },
      value: value(volume),
    })),
  }))
}

/** Of the agent's own process, by the names of Prometheus' libraries. Pure. */
export function processFamilies(figures: ProcessFigures): Family[] {
  const cpu = { name: 'process_cpu_seconds_total', type: 'counter', help: 'Total user and system CPU time spent in seconds.' } as const
  return [
    { ...cpu, samples: [{ value: figures.cpuSeconds }] },
    gauge('process_max_fds', 'Maximum number of open file descriptors.', figures.openFilesMax),
    gauge('process_open_fds', 'Number of open file descriptors.', figures.openFiles),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', figures.residentBytes),
    gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', figures.startTimeSeconds),
    gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', figures.virtualBytes),
  ]
}

function gauge(name: string, help: string, value: number | undefined): Family {
  return { name, type: 'gauge', help, samples: value === undefined ? [] : [{ value }] }
}
