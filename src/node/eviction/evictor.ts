import type { Log } from '../../base/log.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { MachineUse } from '../node-status/machine.ts'
import { type EvictionThresholds, pressureOf } from '../node-status/node-status.ts'
import type { PodHost } from '../pod/pod-host.ts'
import type { TerminalReason } from '../pod/pod-records.ts'
import type { ContainerStats, Runtime } from '../runtime/contract.ts'
import { hasLocalLimit, limitExcess, type LimitExcess, type LocalUse } from './local-storage.ts'
import { evictionMessage, evictionOrder, type PodUse, type ScarceResource } from './plan-eviction.ts'

export type EvictorOptions = {
  readonly thresholds: EvictionThresholds
  readonly runtime: Runtime
  readonly host: Pick<PodHost, 'diskUse'>
  readonly log: Log
  readonly pods: () => readonly Pod[]
  readonly evict: (uid: string, terminal: TerminalReason) => void
  /** A pod is evicted for this signal. */
  readonly onEviction: (signal: string) => void
  /** Frees what nobody uses of the disk. Gives the bytes that are available then. */
  readonly reclaimDisk: () => Promise<number | undefined>
}

const signals: Readonly<Record<ScarceResource, string>> = { memory: 'memory.available', 'ephemeral-storage': 'nodefs.available' }

/**
 * Ends pods for the node's sake: each that outgrows a limit on the disk; and one whenever memory or disk run short, the one whose end
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

  /** Returns at once; a look that comes before the last one has ended is left out. */
  look(use: MachineUse): void {
    if (this.#isLooking) return
    this.#isLooking = true
    void this.#look(use)
      .catch((error: unknown) => this.#options.log.warn({ error: String(error) }, 'no pod could be judged for eviction'))
      .finally(() => {
        this.#isLooking = false
      })
  }

  async #look(use: MachineUse): Promise<void> {
    const { thresholds, pods, runtime } = this.#options
    const all = pods()
    const limited = this.#limitedOf(all).filter(isActive)
    const pressure = pressureOf(use, thresholds)
    if (limited.length === 0 && !pressure.memory && !pressure.disk) return
    const stats = await runtime.stats()
    for (const pod of limited) {
      const excess = limitExcess(pod, await this.#localUse(pod, stats))
      if (excess) this.#evict(pod, excess)
    }
    if (pressure.memory) return this.#evictForMemory(use, all.filter(isActive), stats)
    if (pressure.disk) await this.#evictForDisk(use, all.filter(isActive), stats)
  }

  /** Limits on the disk never change, so each pod's spec is read once: on most nodes nearly all pods have none, and are looked at every few seconds. */
  #limitedOf(pods: readonly Pod[]): readonly Pod[] {
    const known = this.#hasLimit
    this.#hasLimit = new Map(pods.map((pod) => [pod.metadata.uid, known.get(pod.metadata.uid) ?? hasLocalLimit(pod)]))
    return pods.filter((pod) => this.#hasLimit.get(pod.metadata.uid))
  }

  #evictForMemory(use: MachineUse, active: readonly Pod[], stats: readonly ContainerStats[]): void {
    const uses = active.map((pod) =>
      useOf(
        pod,
        byContainer(pod, stats, (s) => s.memoryWorkingSetBytes),
      ),
    )
    const { memoryAvailableBytes: thresholdBytes } = this.#options.thresholds
    this.#evictFirst('memory', uses, { thresholdBytes, availableBytes: use.memoryAvailableBytes ?? 0 })
  }

  async #evictForDisk(use: MachineUse, active: readonly Pod[], stats: readonly ContainerStats[]): Promise<void> {
    const { thresholds, reclaimDisk } = this.#options
    const thresholdBytes = (use.diskCapacityBytes ?? 0) * thresholds.diskAvailableShare
    const availableBytes = (await reclaimDisk()) ?? use.diskAvailableBytes ?? 0
    if (availableBytes >= thresholdBytes) return
    const uses: PodUse[] = []
    for (const pod of active) {
      const { volumes, containers } = await this.#localUse(pod, stats)
      let usedBytes = useOf(pod, containers).usedBytes
      for (const bytes of volumes.values()) usedBytes += bytes
      uses.push({ pod, usedBytes, byContainer: containers })
    }
    this.#evictFirst('ephemeral-storage', uses, { thresholdBytes, availableBytes })
  }

  #evictFirst(
    resource: ScarceResource,
    uses: readonly PodUse[],
    figures: { readonly thresholdBytes: number; readonly availableBytes: number },
  ): void {
    const [first] = evictionOrder(uses, resource)
    if (first) this.#evict(first.pod, { signal: signals[resource], message: evictionMessage(resource, first, figures) })
  }

  async #localUse(pod: Pod, stats: readonly ContainerStats[]): Promise<LocalUse> {
    const { volumes, logs } = await this.#options.host.diskUse(pod)
    const containers = byContainer(pod, stats, (s) => s.rootfsUsedBytes)
    for (const [name, bytes] of logs) containers.set(name, (containers.get(name) ?? 0) + bytes)
    return { volumes, containers }
  }

  #evict(pod: Pod, { signal, message }: LimitExcess): void {
    const { name, namespace, uid = '' } = pod.metadata
    this.#options.log.warn({ pod: name, namespace, message }, 'evicting a pod')
    this.#options.onEviction(signal)
    this.#options.evict(uid, { reason: 'Evicted', message, hasStarted: true, graceSeconds: 0 })
  }
}

const isActive = ({ metadata, status }: Pod) => status?.phase === 'Running' && metadata.deletionTimestamp === undefined

function byContainer(pod: Pod, stats: readonly ContainerStats[], bytesOf: (stats: ContainerStats) => number): Map<string, number> {
  return new Map(stats.filter((s) => s.uid === pod.metadata.uid).map((s) => [s.containerName, bytesOf(s)]))
}

function useOf(pod: Pod, containers: ReadonlyMap<string, number>): PodUse {
  let usedBytes = 0
  for (const bytes of containers.values()) usedBytes += bytes
  return { pod, usedBytes, byContainer: containers }
}
