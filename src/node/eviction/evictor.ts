import type { Log } from '../../base/log.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { MachineUse } from '../node-status/machine.ts'
import type { PodHost } from '../pod/pod-host.ts'
import type { TerminalReason } from '../pod/pod-records.ts'
import type { ContainerStats, Runtime } from '../runtime/contract.ts'
import { hasLocalLimit, limitExcess, type LocalUse } from './local-storage.ts'
import { evictionMessage, evictionOrder, type PodUse, resourceOfSignal } from './plan-eviction.ts'
import type { Shortage } from './pressure.ts'

export type EvictorOptions = {
  readonly runtime: Runtime
  readonly host: Pick<PodHost, 'diskUse' | 'processCount'>
  readonly log: Log
  /** The most time that a pod gets which ends for a soft bound. */
  readonly maxPodGraceSeconds: number
  readonly pods: () => readonly Pod[]
  readonly evict: (uid: string, terminal: TerminalReason) => void
  /** A pod is evicted for this signal. */
  readonly onEviction: (signal: string) => void
  /** Something runs short, and is about to be mended: an event's text. */
  readonly onShortage: (message: string) => void
  /** Frees what nobody uses of the disk. True: that was enough. */
  readonly reclaimDisk: () => Promise<boolean>
}

/** What a pod gets that ends for a hard bound, as upstream has it. */
const hardGraceSeconds = 1

/**
 * Ends pods for the node's sake: each that outgrows a limit on the disk; and one whenever something runs short, the one whose end
 * helps most at the least harm. The next look tells whether it was enough.
 */
export class Evictor {
  readonly #options: EvictorOptions
  #isLooking = false
  /** By uid, of the pods of the last look. */
  #hasLimit: ReadonlyMap<string | undefined, boolean> = new Map()

  constructor(options: EvictorOptions) {
    this.#options = options
  }

  /** `due`: what pods have to end for, the most urgent first. Returns at once; a look that comes before the last one has ended is left out. */
  look(use: MachineUse, due: readonly Shortage[]): void {
    if (this.#isLooking) return
    this.#isLooking = true
    void this.#look(use, due[0])
      .catch((error: unknown) => this.#options.log.warn({ error: String(error) }, 'no pod could be judged for eviction'))
      .finally(() => {
        this.#isLooking = false
      })
  }

  async #look(use: MachineUse, shortage: Shortage | undefined): Promise<void> {
    const { pods, runtime } = this.#options
    const all = pods()
    const limited = this.#limitedOf(all).filter(isActive)
    if (limited.length === 0 && !shortage) return
    const stats = await runtime.stats()
    for (const pod of limited) {
      const excess = limitExcess(pod, await this.#localUse(pod, stats))
      if (excess) this.#evict(pod, { ...excess, graceSeconds: 0 })
    }
    if (shortage) await this.#mend(shortage, all.filter(isActive), { use, stats })
  }

  /** Limits on the disk never change, so each pod's spec is read once: on most nodes nearly all pods have none, and are looked at every few seconds. */
  #limitedOf(pods: readonly Pod[]): readonly Pod[] {
    const known = this.#hasLimit
    this.#hasLimit = new Map(pods.map((pod) => [pod.metadata.uid, known.get(pod.metadata.uid) ?? hasLocalLimit(pod)]))
    return pods.filter((pod) => this.#hasLimit.get(pod.metadata.uid))
  }

  async #mend(
    shortage: Shortage,
    active: readonly Pod[],
    { use, stats }: { readonly use: MachineUse; readonly stats: readonly ContainerStats[] },
  ): Promise<void> {
    const { onShortage, reclaimDisk, maxPodGraceSeconds } = this.#options
    const { signal, isHard } = shortage
    const resource = resourceOfSignal[signal]
    onShortage(`Attempting to reclaim ${resource}`)
    if ((resource === 'ephemeral-storage' || resource === 'inodes') && (await reclaimDisk())) return
    const hasImageDisk = use.imageDisk !== undefined
    const uses = await Promise.all(active.map((pod) => this.#useOf(pod, { signal, stats, hasImageDisk })))
    const [first] = evictionOrder(uses, resource)
    if (!first) return
    const own = first.pod.spec?.terminationGracePeriodSeconds ?? 30
    const graceSeconds = isHard ? hardGraceSeconds : Math.min(maxPodGraceSeconds, own)
    this.#evict(first.pod, { signal, message: evictionMessage(shortage, first), graceSeconds })
  }

  async #useOf(
    pod: Pod,
    look: { readonly signal: Shortage['signal']; readonly stats: readonly ContainerStats[]; readonly hasImageDisk: boolean },
  ): Promise<PodUse> {
    const { signal, stats, hasImageDisk } = look
    const resource = resourceOfSignal[signal]
    if (resource === 'pids') return { pod, used: this.#options.host.processCount(pod), byContainer: new Map() }
    if (resource === 'memory')
      return useOf(
        pod,
        byContainer(pod, stats, (s) => s.memoryWorkingSetBytes),
      )
    // Where images have a disk of their own, so have the containers' own files.
    const isImageDisk = signal.startsWith('imagefs.')
    const parts = { layers: !hasImageDisk || isImageDisk, rest: !hasImageDisk || !isImageDisk }
    const { volumes, containers } = await this.#localUse(pod, stats, resource === 'inodes' ? 'inodes' : 'bytes', parts)
    const use = useOf(pod, containers)
    return { ...use, used: use.used + sum(volumes.values()) }
  }

  async #localUse(
    pod: Pod,
    stats: readonly ContainerStats[],
    unit: 'bytes' | 'inodes' = 'bytes',
    parts = { layers: true, rest: true },
  ): Promise<LocalUse> {
    const containers = parts.layers
      ? byContainer(pod, stats, (s) => (unit === 'bytes' ? s.rootfsUsedBytes : (s.rootfsInodesUsed ?? 0)))
      : new Map<string, number>()
    if (!parts.rest) return { volumes: new Map(), containers }
    const { volumes, logs } = await this.#options.host.diskUse(pod, unit)
    for (const [name, amount] of logs) containers.set(name, (containers.get(name) ?? 0) + amount)
    return { volumes, containers }
  }

  #evict(pod: Pod, why: { readonly signal: string; readonly message: string; readonly graceSeconds: number }): void {
    const { signal, message, graceSeconds } = why
    const { name, namespace, uid = '' } = pod.metadata
    this.#options.log.warn({ pod: name, namespace, message }, 'evicting a pod')
    this.#options.onEviction(signal)
    this.#options.evict(uid, { reason: 'Evicted', message, hasStarted: true, graceSeconds })
  }
}

const isActive = ({ metadata, status }: Pod) => status?.phase === 'Running' && metadata.deletionTimestamp === undefined

function byContainer(pod: Pod, stats: readonly ContainerStats[], amountOf: (stats: ContainerStats) => number): Map<string, number> {
  return new Map(stats.filter((s) => s.uid === pod.metadata.uid).map((s) => [s.containerName, amountOf(s)]))
}

function useOf(pod: Pod, containers: ReadonlyMap<string, number>): PodUse {
  return { pod, used: sum(containers.values()), byContainer: containers }
}

function sum(amounts: Iterable<number>): number {
  let total = 0
  for (const amount of amounts) total += amount
  return total
}
