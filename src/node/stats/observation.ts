import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { CgroupFigures } from '../../platform/cgroup-figures.ts'
import type { InterfaceFigures } from '../../platform/network-figures.ts'
import { pauseImageName } from '../containerd/pause-image.ts'
import { podCgroupPath } from '../resources/pod-cgroups.ts'
import type { ContainerStats, Runtime, RuntimeContainer, RuntimePod } from '../runtime/contract.ts'
import type { MachineFigures } from './machine-figures.ts'

/** What a node uses at one moment, whoever asks in whatever form. */
export type NodeObservation = {
  /** The machine; undefined on a simulated node. */
  readonly machine: CgroupRow | undefined
  /** The cgroups between the machine's and the pods': all pods, and the two classes below it. */
  readonly groups: readonly CgroupRow[]
  readonly pods: readonly ObservedPod[]
  /** The engine did not tell of its containers. */
  readonly hasFailed: boolean
}

/** One line of cadvisor's tables; `pod`, `namespace`, `container`, `name` and `image` are empty where they have no meaning. */
export type CgroupRow = {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly atMs: number
  readonly startedAtMs: number | undefined
  readonly usage: Usage | undefined
  /** Undefined on a simulated node. */
  readonly cgroup: CgroupFigures | undefined
  readonly interfaces: readonly InterfaceFigures[]
}

export type Usage = { readonly cpuNanoseconds: number; readonly workingSetBytes: number; readonly rssBytes: number }

export type ObservedPod = {
  readonly pod: Pod
  readonly row: CgroupRow
  readonly sandbox: CgroupRow | undefined
  readonly containers: readonly ObservedContainer[]
}

export type ObservedContainer = { readonly row: CgroupRow; readonly stats: ContainerStats | undefined }

/** A pod as its worker knows it. */
export type KnownPod = { readonly pod: Pod; readonly sandboxes: readonly RuntimePod[] }

export type ObserveOptions = {
  readonly runtime: Pick<Runtime, 'stats'>
  /** Undefined: a simulated node. */
  readonly figures: MachineFigures | undefined
  readonly pods: () => readonly KnownPod[]
  readonly nowMs: () => number
}

/**
 * Looks at every running pod once. `withContainers: false`: containers have only what the engine tells, which is enough for the use of
 * CPU and memory and spares most of the reading.
 */
export async function observeNode(
  { runtime, figures, pods, nowMs }: ObserveOptions,
  { withContainers }: { readonly withContainers: boolean },
): Promise<NodeObservation> {
  let hasFailed = false
  const stats = await runtime.stats().catch(() => {
    hasFailed = true
    return []
  })
  const statsOf = new Map(stats.map((one) => [one.containerId, one]))
  const observed: ObservedPod[] = []
  for (const { pod, sandboxes } of pods()) {
    const sandbox = sandboxes.find((s) => s.state === 'Ready')
    if (!sandbox) continue
    observed.push(observePod({ figures, nowMs }, pod, sandbox, { statsOf, withContainers }))
    // Each pod has some dozen files: whoever waits for a turn meanwhile gets it.
    if (figures) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const at = { ...nothing, atMs: nowMs() }
  const groupOf = (id: string) => cgroupRow({ ...at, id }, figures?.cgroup(id))
  const root = figures?.podsRoot
  return {
    machine: figures && {
      ...cgroupRow({ ...at, id: '/', startedAtMs: figures.bootTimeMs }, figures.cgroup('/')),
      interfaces: figures.nodeNetwork(),
    },
    groups: root === undefined ? [] : [root, `${root}/besteffort`, `${root}/burstable`].map(groupOf).filter((row) => row.cgroup),
    pods: observed,
    hasFailed,
  }
}

const nothing = {
  name: '',
  image: '',
  namespace: '',
  pod: '',
  container: '',
  startedAtMs: undefined,
  usage: undefined,
  cgroup: undefined,
  interfaces: [],
} as const

/** Where a simulated node's pods would be. */
const simulatedRoot = '/kubepods'

function observePod(
  { figures, nowMs }: Pick<ObserveOptions, 'figures' | 'nowMs'>,
  pod: Pod,
  sandbox: RuntimePod,
  { statsOf, withContainers }: { readonly statsOf: ReadonlyMap<string, ContainerStats>; readonly withContainers: boolean },
): ObservedPod {
  const { namespace, name } = sandbox
  const real = figures?.podPath(pod)
  const path = real ?? podCgroupPath(simulatedRoot, pod)
  const read = (id: string) => (real === undefined ? undefined : figures?.cgroup(id))
  const at = { ...nothing, atMs: nowMs(), namespace, pod: name }
  const containers = sandbox.containers
    .filter((c) => c.state === 'Running')
    .map((container): ObservedContainer => {
      const stats = statsOf.get(container.id)
      const bare = { ...at, ...containerIdentity(path, container) }
      return { row: cgroupRow(bare, withContainers ? read(bare.id) : undefined, stats), stats }
    })
  const own = cgroupRow({ ...at, id: path, startedAtMs: sandbox.createdAtMs }, read(path))
  const pause = `${path}/${sandbox.sandboxId}`
  return {
    pod,
    row: own.usage ? own : { ...own, usage: totalUsage(containers.map((c) => c.row)) },
    sandbox: withContainers && real !== undefined ? sandboxRow({ ...at, id: pause }, figures, pod, sandbox) : undefined,
    containers,
  }
}

function containerIdentity(path: string, { id, name, image, startedAtMs }: RuntimeContainer) {
  return { id: `${path}/${id}`, name: id, image, container: name, startedAtMs }
}

/** The pod's first process, whose network is the pod's. A pod in the node's own network has none that could be counted as its own. */
function sandboxRow(bare: CgroupRow, figures: MachineFigures | undefined, pod: Pod, sandbox: RuntimePod): CgroupRow {
  const named = { ...bare, name: sandbox.sandboxId, image: pauseImageName, startedAtMs: sandbox.createdAtMs }
  const interfaces = pod.spec?.hostNetwork ? [] : (figures?.network(bare.id) ?? [])
  return { ...cgroupRow(named, figures?.cgroup(bare.id)), interfaces }
}

function cgroupRow(bare: CgroupRow, cgroup: CgroupFigures | undefined, stats?: ContainerStats): CgroupRow {
  const { cpu, memory } = cgroup ?? {}
  if (cpu && memory) {
    const usage = { cpuNanoseconds: cpu.usageNanoseconds, workingSetBytes: memory.workingSetBytes, rssBytes: memory.rssBytes }
    return { ...bare, cgroup, usage }
  }
  if (!stats) return { ...bare, cgroup }
  const { cpuUsageNanoseconds, memoryWorkingSetBytes, memoryRssBytes, timestampMs } = stats
  const usage = { cpuNanoseconds: cpuUsageNanoseconds, workingSetBytes: memoryWorkingSetBytes, rssBytes: memoryRssBytes }
  return { ...bare, cgroup, usage, atMs: timestampMs }
}

export function totalUsage(rows: readonly CgroupRow[]): Usage | undefined {
  if (rows.length === 0) return undefined
  const total = { cpuNanoseconds: 0, workingSetBytes: 0, rssBytes: 0 }
  for (const { usage } of rows) {
    total.cpuNanoseconds += usage?.cpuNanoseconds ?? 0
    total.workingSetBytes += usage?.workingSetBytes ?? 0
    total.rssBytes += usage?.rssBytes ?? 0
  }
  return total
}
