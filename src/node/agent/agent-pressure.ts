import type { AgentBase } from './agent-base.ts'
import { Evictor } from '../eviction/evictor.ts'
import { isAnythingShort, judgePressure, noPressure, noPressureMemory, type Pressure } from '../eviction/pressure.ts'
import { observations } from '../eviction/thresholds.ts'
import type { MachineUse } from '../node-status/machine.ts'
import type { PodHost } from '../pod/pod-host.ts'

export type AgentPressureOptions = {
  readonly base: AgentBase
  readonly host: PodHost
  /** Removes images that nobody uses. */
  readonly reclaimImages: () => Promise<void>
}

/** What of the machine runs short, and the pods that end for it. */
export class AgentPressure {
  readonly #base: AgentBase
  readonly #evictor: Evictor
  #current = noPressure
  #memory = noPressureMemory

  constructor({ base, host, reclaimImages }: AgentPressureOptions) {
    const { options, settings, metrics, machine, loop, nodeEvent } = base
    this.#base = base
    this.#evictor = new Evictor({
      runtime: options.runtime,
      host,
      log: options.log,
      maxPodGraceSeconds: settings.eviction.maxPodGraceSeconds,
      onShortage: (message) => nodeEvent({ type: 'Warning', reason: 'EvictionThresholdMet', message }),
      onEviction: (signal) => metrics.evicted(signal),
      pods: () => loop().pods(),
      evict: (uid, terminal) => loop().evict(uid, terminal),
      reclaimDisk: async () => {
        await reclaimImages()
        return !isAnythingShort(observations(await machine.use(), machine.facts().memoryBytes), settings.eviction)
      },
    })
  }

  get current(): Pressure {
    return this.#current
  }

  /** Weighs what the machine uses now, and ends pods where that must be. */
  judge(use: MachineUse): Pressure {
    const { options, settings, machine } = this.#base
    const observed = observations(use, machine.facts().memoryBytes)
    const { pressure, due, memory } = judgePressure(observed, settings.eviction, {
      memory: this.#memory,
      atMs: options.clock.monotonicMs(),
    })
    this.#memory = memory
    this.#current = pressure
    this.#evictor.look(use, due)
    return pressure
  }
}
