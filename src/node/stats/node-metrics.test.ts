import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { agentFamilies } from './agent-families.ts'
import { measuredCgroups } from './measured-cgroups.ts'
import { exposition, type Family } from './exposition.ts'
import { NodeMetrics } from './node-metrics.ts'
import { PodStarts } from './pod-starts.ts'

/** Each line is one of the text's. */
function checkLines(families: readonly Family[], lines: readonly string[]): void {
  const text = exposition(families)
  const all = new Set(text.split('\n'))
  for (const line of lines) assert.ok(all.has(line), `${line}\nis not in\n${text}`)
}

test('calls of the engine are counted and timed, failed ones as errors, too', () => {
  const metrics = new NodeMetrics()
  metrics.operation('run_podsandbox', 30, false)
  metrics.operation('run_podsandbox', 2, true)
  metrics.operation('podsandbox_status', 8, false)
  metrics.operation('list_podsandbox', 20, false)
  metrics.operation('list_podsandbox', 20, true)
  checkLines(metrics.families(), [
    'kubelet_runtime_operations_total{operation_type="run_podsandbox"} 2',
    'kubelet_runtime_operations_errors_total{operation_type="run_podsandbox"} 1',
    'kubelet_runtime_operations_duration_seconds_bucket{operation_type="run_podsandbox",le="0.005"} 1',
    'kubelet_runtime_operations_duration_seconds_bucket{operation_type="run_podsandbox",le="0.03125"} 2',
    'kubelet_runtime_operations_duration_seconds_sum{operation_type="run_podsandbox"} 0.032',
    // What an alert on a slow engine asks about: looks that were answered.
    'kubelet_pleg_relist_duration_seconds_bucket{le="0.01"} 1',
    'kubelet_pleg_relist_duration_seconds_count 2',
  ])
})

test('work on the cgroups of pods is timed by what it is', () => {
  const clock = virtualClock(0)
  const metrics = new NodeMetrics()
  const cgroups = measuredCgroups({ path: () => '', processCount: () => 0, ensure: () => {}, remove: () => {} }, metrics, clock)
  const pod: Pod = { metadata: { name: 'p', uid: 'u' } }
  cgroups.ensure(pod)
  cgroups.ensure(pod)
  cgroups.ensure(pod)
  cgroups.remove('u')
  cgroups.ensure(pod)
  checkLines(metrics.families(), [
    'kubelet_cgroup_manager_duration_seconds_count{operation_type="create"} 2',
    'kubelet_cgroup_manager_duration_seconds_count{operation_type="update"} 2',
    'kubelet_cgroup_manager_duration_seconds_count{operation_type="destroy"} 1',
  ])
})

for (const [method, path, labels] of [
  ['GET', '/metrics/cadvisor', 'method="GET",path="metrics/cadvisor",server_type="readwrite",long_running="false"'],
  ['POST', '/exec/a/b/c', 'method="POST",path="exec",server_type="readwrite",long_running="true"'],
  ['BREW', '/tea/pot', 'method="other",path="other",server_type="readwrite",long_running="false"'],
  ['GET', '/metrics/none', 'method="GET",path="other",server_type="readwrite",long_running="false"'],
] as const) {
  test(`${method} ${path} is counted among a bounded number of series`, () => {
    const metrics = new NodeMetrics()
    metrics.request(method, path)
    checkLines(metrics.families(), [`kubelet_http_requests_total{${labels}} 1`])
  })
}

test('pulls are told by the size of their image, evictions by their signal, volumes by what makes them', () => {
  const metrics = new NodeMetrics()
  metrics.pulled(0, 1)
  metrics.pulled(20 * 2 ** 20, 6_000)
  metrics.evicted('memory.available')
  metrics.preempted('cpu')
  for (const reason of ['OutOfcpu', 'OutOfexample.com/gpu', 'OutOfexample.com/fpga']) metrics.rejected(reason)
  metrics.storage('kubernetes.io/csi', 'volume_mount', 200, true)
  checkLines(metrics.families(), [
    'kubelet_image_pull_duration_seconds_count{image_size_in_bytes="N/A"} 1',
    'kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="10MB-100MB",le="5"} 0',
    'kubelet_image_pull_duration_seconds_bucket{image_size_in_bytes="10MB-100MB",le="10"} 1',
    'kubelet_evictions{eviction_signal="memory.available"} 1',
    'kubelet_preemptions{preemption_signal="cpu"} 1',
    'kubelet_admission_rejections_total{reason="OutOfcpu"} 1',
    'kubelet_admission_rejections_total{reason="OutOfExtendedResources"} 2',
    'storage_operation_duration_seconds_count{volume_plugin="kubernetes.io/csi",operation_name="volume_mount",status="fail-unknown",migrated="false"} 1',
  ])
})

test('probes are counted until the pod is probed no more', () => {
  const metrics = new NodeMetrics()
  const container = { uid: 'u', pod: 'web', namespace: 'shop', container: 'c' }
  metrics.probed(container, 'liveness', 'success', 7)
  metrics.probed(container, 'liveness', 'failure', 7)
  checkLines(metrics.probeFamilies(), [
    'prober_probe_total{probe_type="Liveness",result="successful",container="c",pod="web",namespace="shop",pod_uid="u"} 1',
    'prober_probe_total{probe_type="Liveness",result="failed",container="c",pod="web",namespace="shop",pod_uid="u"} 1',
    'prober_probe_duration_seconds_count{probe_type="Liveness",container="c",pod="web",namespace="shop"} 1',
  ])
  metrics.forgetProbes('u')
  assert.equal(exposition(metrics.probeFamilies()), '')
})

test('a start is told once, without its pulls and init containers in the indicator; one from before the agent is not', async () => {
  const clock = virtualClock(100_000)
  const metrics = new NodeMetrics()
  const starts = new PodStarts({ clock, metrics })
  const at = (seconds: number) => new Date(seconds * 1000).toISOString()
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { creationTimestamp: at(100) },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: 0, state: { running: { startedAt: at(110) } } }],
      initContainerStatuses: [
        {
          ...{ name: 'i', image: '', imageID: '', ready: true, restartCount: 0 },
          state: { terminated: { exitCode: 0, startedAt: at(104), finishedAt: at(106) } },
        },
      ],
    },
  }
  const owner = { records: { startTimeMs: 101_000 } }
  starts.pulled(owner, { startedMs: 10, endedMs: 1_010 })
  starts.pulled(owner, { startedMs: 2_000, endedMs: 4_010 })
  await clock.advance(12_000)
  const waiting = structuredClone(pod)
  waiting.status!.containerStatuses![0]!.state = { waiting: { reason: 'ContainerCreating' } }
  starts.written(owner, waiting)
  starts.written(owner, pod)
  starts.written(owner, pod)
  starts.written({ records: { startTimeMs: 50_000 } }, pod)
  checkLines(metrics.families(), [
    'kubelet_pod_start_duration_seconds_sum 11',
    'kubelet_pod_start_duration_seconds_count 1',
    'kubelet_pod_start_total_duration_seconds_sum 12',
    'kubelet_pod_start_sli_duration_seconds_sum 6',
  ])
})

test('a claim is told once, and the certificate by what is left of it', () => {
  const use = { atMs: 0, capacityBytes: 9, availableBytes: 8, usedBytes: 1, inodes: 7, inodesFree: 6, inodesUsed: 1 }
  const volume = { name: 'd', claim: { name: 'data', namespace: 'shop' }, isEphemeral: false, use }
  const disk = { volumes: [volume, { ...volume, claim: undefined }], logs: new Map() }
  const families = agentFamilies({
    ...{
      nodeName: 'n1',
      pods: [],
      clientCertificate: undefined,
      servingCertificate: undefined,
      renewalErrors: 2,
      agentProcess: undefined,
      nowMs: 0,
    },
    disks: new Map([
      ['a', disk],
      ['b', disk],
    ]),
  })
  const labels = '{namespace="shop",persistentvolumeclaim="data"}'
  checkLines(families, [
    'kubelet_node_name{node="n1"} 1',
    'kubelet_running_pods 0',
    'kubelet_certificate_manager_client_expiration_renew_errors 2',
    'kubelet_server_expiration_renew_errors 2',
    `kubelet_volume_stats_capacity_bytes${labels} 9`,
    `kubelet_volume_stats_available_bytes${labels} 8`,
    `kubelet_volume_stats_inodes_used${labels} 1`,
    'kubelet_certificate_manager_server_ttl_seconds +Inf',
    'kubelet_certificate_manager_client_ttl_seconds +Inf',
  ])
  assert.equal(families.find((f) => f.name === 'kubelet_volume_stats_used_bytes')?.samples.length, 1)
})
