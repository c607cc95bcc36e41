import type { DevicePool, PooledDevice } from './device-pools.ts'

/** A pool as one node reaches it. */
export type NodePool = { readonly pool: DevicePool; readonly devices: readonly PooledDevice[] }

/** Changes that are told one by one; who has missed more looks at everything again. */
const changesMax = 4_096

/** What a node reaches. Nodes that reach the same share it, and every answer about it. */
export class DeviceReach {
  readonly pools: readonly NodePool[]
  /** All devices of the pools, in their order. */
  readonly devices: readonly PooledDevice[]
  /** Names of nodes that were found to reach this. */
  readonly nodes = new Set<string>()
  readonly #changes: string[] = []
  #from = 0

  constructor(pools: readonly NodePool[]) {
    this.pools = pools
    this.devices = pools.flatMap((p) => p.devices)
  }

  /** Grows with every device here that changes hands. */
  get version(): number {
    return this.#from + this.#changes.length
  }

  /** A device of the pool has changed hands. */
  changed(poolKey: string): void {
    if (this.#changes.length >= changesMax) {
      this.#from += this.#changes.length
      this.#changes.length = 0
    }
    this.#changes.push(poolKey)
  }

  /** The pools with changes since a version, some perhaps twice; undefined: too many to tell. */
  changesSince(version: number): readonly string[] | undefined {
    return version < this.#from ? undefined : this.#changes.slice(version - this.#from)
  }
}
