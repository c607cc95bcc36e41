import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { CgroupFigures, MemoryFigures } from '../../platform/cgroup-figures.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { type MachineUse, simulatedMachine } from '../node-status/machine.ts'
import type { ContainerStats, RuntimeContainer, RuntimePod } from '../runtime/contract.ts'
import type { MachineFigures } from './machine-figures.ts'
import { NodeStatistics } from './node-statistics.ts'
import { UsageRates } from './usage-rates.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
  spec: { containers: [{ name: 'c' }] },
}
const startedAtMs = 5_000
const container: RuntimeContainer = {
  ...{ id: 'k1', name: 'c', attempt: 0, state: 'Running' as const, createdAtMs: startedAtMs, startedAtMs, finishedAtMs: undefined },
  ...{ exitCode: undefined, reason: '', message: '', image: 'app:1', imageId: 'sha256:1', logPath: '', specHash: '' },
}
const sandbox: RuntimePod = {
  ...{ namespace: 'shop', name: 'web', uid: 'u1', sandboxId: 's1', state: 'Ready', attempt: 0, createdAtMs: 4_000, ips: [] },
  containers: [container],
}
const stats: ContainerStats = {
  ...{ namespace: 'shop', name: 'web', uid: 'u1', containerId: 'k1', containerName: 'c', timestampMs: 9_000 },
  ...{ cpuUsageNanoseconds: 2e9, memoryWorkingSetBytes: 300, memoryRssBytes: 200, rootfsUsedBytes: 4096 },
}

const memory: MemoryFigures = {
  ...{ usageBytes: 1000, workingSetBytes: 800, rssBytes: 500, cacheBytes: 400, mappedFileBytes: 10, activeFileBytes: 20 },
  ...{ inactiveFileBytes: 200, swapBytes: 3, peakBytes: undefined, limitBytes: 2000, swapLimitBytes: undefined, limitHits: 7 },
  ...{ oomKills: 1, pageFaults: 11, majorPageFaults: 2 },
}
const cgroup = (nanoseconds: number): CgroupFigures => ({
  cpu: {
    ...{ usageNanoseconds: nanoseconds, userNanoseconds: 1e9, systemNanoseconds: 5e8 },
    ...{ periods: 10, throttledPeriods: 3, throttledNanoseconds: 4e7 },
  },
  cpuLimits: { shares: 512, periodUs: 100_000, quotaUs: 50_000 },
  memory,
  ...{ processCount: 2, threadCount: 5, devices: [{ device: '/dev/vda', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }] },
})
const eth0 = {
  ...{ name: 'eth0', receivedBytes: 1, receivedPackets: 2, receiveErrors: 3, receiveDrops: 4 },
  ...{ sentBytes: 5, sentPackets: 6, sendErrors: 7, sendDrops: 8 },
}
const disk = { device: '/dev/vda', capacityBytes: 9000, availableBytes: 7000, usedBytes: 2000, inodes: 90, inodesFree: 70 }
const podPath = '/kubepods/besteffort/podu1'

const figures: MachineFigures = {
  bootTimeMs: 1_000,
  podsRoot: '/kubepods',
  podPath: () => podPath,
  // No such class below it: that row is left out.
  cgroup: (path) => (path === '/kubepods/burstable' ? undefined : cgroup(3e9)),
  network: () => [eth0],
  nodeNetwork: () => [eth0],
  memory: () => undefined,
  nodeFs: () => disk,
  fileSystem: () => disk,
  process: () => ({
    ...{ cpuSeconds: 1, residentBytes: 2, virtualBytes: 3, startTimeSeconds: 4, openFiles: 5, openFilesMax: 6 },
  }),
}

const use: MachineUse = {
  ...{ memoryAvailableBytes: 2 ** 33, diskAvailableBytes: 7000, diskCapacityBytes: 9000 },
  ...{ processCount: 3, processCountMax: 99, cpuNanoseconds: 8e9 },
}

const fsUse = { ...disk, atMs: 0, inodesUsed: 5, usedBytes: 50 }

function statistics({ isReal, fails = false }: { isReal: boolean; fails?: boolean }): NodeStatistics {
  const machine = simulatedMachine({ machineId: 'm', systemUuid: 's', bootId: 'b' })
  return new NodeStatistics({
    runtime: {
      stats: async () => (fails ? Promise.reject(new Error('away')) : [stats]),
      imageFilesystem: async () => ({ usedBytes: 77, mountpoint: '/images' }),
    },
    machine: isReal ? { ...machine, use: async () => use } : machine,
    figures: isReal ? figures : undefined,
    disks: {
      read: async () =>
        new Map([
          [
            'u1',
            {
              volumes: [
                { name: 'data', claim: { name: 'claim', namespace: 'shop' }, isEphemeral: false, use: fsUse },
                { name: 'tmp', claim: undefined, isEphemeral: true, use: fsUse },
              ],
              logs: new Map([['c', fsUse]]),
            },
          ],
        ]),
    },
    pods: () => [{ pod, sandboxes: [sandbox] }],
    nodeName: 'n1',
    clock: virtualClock(10_000),
  })
}

const labels = 'container="c",id="/kubepods/besteffort/podu1/k1",image="app:1",name="k1",namespace="shop",pod="web"'
const podLabels = 'container="",id="/kubepods/besteffort/podu1",image="",name="",namespace="shop",pod="web"'
const pauseLabels = 'container="",id="/kubepods/besteffort/podu1/s1",image="localhost/keelson/pause:1",name="s1",namespace="shop",pod="web"'
const rootLabels = 'container="",id="/",image="",name="",namespace="",pod=""'

/** Each line is one of the text's. */
function checkLines(text: string, lines: readonly string[]): void {
  const all = new Set(text.split('\n'))
  for (const line of lines) assert.ok(all.has(line), `${line}\nis not in\n${text}`)
}

test("containers, pods, their first processes and the machine are cadvisor's rows", async () => {
  const text = await statistics({ isReal: true }).cadvisorMetrics()
  checkLines(text, [
    `container_cpu_usage_seconds_total{${labels},cpu="total"} 3 10000`,
    `container_cpu_usage_seconds_total{${podLabels},cpu="total"} 3 10000`,
    `container_cpu_cfs_periods_total{${labels}} 10 10000`,
    `container_cpu_cfs_throttled_periods_total{${labels}} 3 10000`,
    `container_cpu_cfs_throttled_seconds_total{${labels}} 0.04 10000`,
    `container_memory_usage_bytes{${labels}} 1000 10000`,
    `container_memory_working_set_bytes{${labels}} 800 10000`,
    `container_memory_working_set_bytes{${rootLabels}} 800 10000`,
    `container_memory_rss{${labels}} 500 10000`,
    `container_memory_cache{${labels}} 400 10000`,
    `container_memory_swap{${labels}} 3 10000`,
    `container_memory_failcnt{${labels}} 7 10000`,
    `container_memory_failures_total{${labels},failure_type="pgmajfault",scope="hierarchy"} 2 10000`,
    `container_oom_events_total{${labels}} 1 10000`,
    `container_spec_cpu_period{${labels}} 100000`,
    `container_spec_cpu_quota{${labels}} 50000`,
    `container_spec_cpu_shares{${labels}} 512`,
    `container_spec_memory_limit_bytes{${labels}} 2000`,
    `container_start_time_seconds{${labels}} 5`,
    `container_start_time_seconds{${rootLabels}} 1`,
    `container_last_seen{${labels}} 10 10000`,
    `container_processes{${labels}} 2 10000`,
    `container_fs_usage_bytes{${labels},device="/dev/vda"} 4096 10000`,
    `container_fs_writes_bytes_total{${labels},device="/dev/vda"} 2 10000`,
    `container_network_receive_bytes_total{${pauseLabels},interface="eth0"} 1 10000`,
    `container_network_transmit_packets_dropped_total{${rootLabels},interface="eth0"} 8 10000`,
    'machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 4',
    'machine_memory_bytes{boot_id="b",machine_id="m",system_uuid="s"} 17179869184',
    'container_scrape_error 0',
  ])
  assert.ok(text.includes('id="/kubepods/besteffort",') && !text.includes('id="/kubepods/burstable"'))
  assert.ok(!text.includes(`container_network_receive_bytes_total{${labels}`))
})

test('a simulated node tells what its engine tells, and nothing else', async () => {
  const text = await statistics({ isReal: false }).cadvisorMetrics()
  checkLines(text, [
    `container_cpu_usage_seconds_total{${labels},cpu="total"} 2 9000`,
    `container_memory_working_set_bytes{${podLabels}} 300 10000`,
    `container_start_time_seconds{${labels}} 5`,
  ])
  assert.ok(!/_cfs_|container_spec|container_network|id="\/"/.test(text))
})

test('an engine that does not answer is told as an error, beside what the machine tells', async () => {
  const text = await statistics({ isReal: true, fails: true }).cadvisorMetrics()
  checkLines(text, ['container_scrape_error 1', `container_memory_usage_bytes{${labels}} 1000 10000`])
  checkLines(await statistics({ isReal: false, fails: true }).resourceMetrics(), ['resource_scrape_error 1'])
})

test("what autoscaling reads is of container, pod and node, in upstream's order of labels", async () => {
  checkLines(await statistics({ isReal: true }).resourceMetrics(), [
    'container_cpu_usage_seconds_total{container="c",namespace="shop",pod="web"} 2 9000',
    'container_memory_working_set_bytes{container="c",namespace="shop",pod="web"} 300 9000',
    'container_start_time_seconds{container="c",namespace="shop",pod="web"} 5 9000',
    'pod_cpu_usage_seconds_total{namespace="shop",pod="web"} 3 10000',
    'pod_memory_working_set_bytes{namespace="shop",pod="web"} 800 10000',
    'node_cpu_usage_seconds_total 8 10000',
    `node_memory_working_set_bytes ${2 ** 33} 10000`,
    'resource_scrape_error 0',
  ])
})

test("the summary has upstream's form", async () => {
  const { node, pods } = (await statistics({ isReal: true }).summary()) as { node: Record<string, unknown>; pods: object[] }
  const time = '1970-01-01T00:00:10Z'
  const fs = { time, availableBytes: 7000, capacityBytes: 9000, usedBytes: 2000, inodesFree: 70, inodes: 90, inodesUsed: 20 }
  const image = { time, availableBytes: 7000, capacityBytes: 9000, usedBytes: 77, inodesFree: 70, inodes: 90 }
  const network = { name: 'eth0', rxBytes: 1, rxErrors: 3, txBytes: 5, txErrors: 7 }
  const { systemContainers, ...rest } = node
  assert.deepEqual(
    (systemContainers as { name: string }[]).map((s) => s.name),
    ['kubelet', 'pods'],
  )
  assert.deepEqual(rest, {
    nodeName: 'n1',
    startTime: '1970-01-01T00:00:01Z',
    cpu: { time, usageCoreNanoSeconds: 8e9 },
    memory: {
      ...{ time, availableBytes: 2 ** 33, usageBytes: 1000, workingSetBytes: 2 ** 33, rssBytes: 500 },
      ...{ pageFaults: 11, majorPageFaults: 2 },
    },
    network: { time, ...network, interfaces: [network] },
    fs,
    runtime: { imageFs: image, containerFs: image },
    rlimit: { time, maxpid: 99, curproc: 3 },
  })
  const cpu = { time, usageCoreNanoSeconds: 3e9 }
  const used = { time, availableBytes: 1200, usageBytes: 1000, pageFaults: 11, majorPageFaults: 2, workingSetBytes: 800, rssBytes: 500 }
  const counted = {
    time: '1970-01-01T00:00:00Z',
    availableBytes: 7000,
    capacityBytes: 9000,
    usedBytes: 50,
    inodesFree: 70,
    inodes: 90,
    inodesUsed: 5,
  }
  assert.deepEqual(pods, [
    {
      podRef: { name: 'web', namespace: 'shop', uid: 'u1' },
      startTime: '1970-01-01T00:00:04Z',
      containers: [
        {
          ...{ name: 'c', startTime: '1970-01-01T00:00:05Z', cpu, memory: used, swap: { time, swapUsageBytes: 3 } },
          rootfs: { time, availableBytes: 7000, capacityBytes: 9000, usedBytes: 4096, inodesFree: 70, inodes: 90 },
          logs: counted,
        },
      ],
      ...{ cpu, memory: used, swap: { time, swapUsageBytes: 3 } },
      network: { time, ...network, interfaces: [network] },
      volume: [
        { ...counted, name: 'data', pvcRef: { name: 'claim', namespace: 'shop' } },
        { ...counted, name: 'tmp' },
      ],
      'ephemeral-storage': { ...fs, usedBytes: 4096 + 50 + 50, inodesUsed: 10 },
      process_stats: { process_count: 4 },
    },
  ])
})

test('the summary leaves disks out for who asks for CPU and memory alone', async () => {
  const { pods } = (await statistics({ isReal: true }).summary({ onlyCpuAndMemory: true })) as { pods: object[] }
  assert.ok(!('volume' in pods[0]!))
})

test('a rate is over the time since the reading before; one too soon after it gives the last', () => {
  const rates = new UsageRates()
  const read = (atMs: number, nanoseconds: number) => {
    const rate = rates.rate('x', atMs, nanoseconds)
    rates.endRound()
    return rate
  }
  assert.deepEqual(
    [read(0, 0), read(2_000, 1e9), read(2_100, 1.5e9), read(4_000, 2e9), read(6_000, 0)],
    [undefined, 5e8, 5e8, 5e8, undefined],
  )
  rates.endRound()
  assert.equal(read(9_000, 1e9), undefined)
})
