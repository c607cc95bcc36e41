import type { Informer } from '../../client/informer-contract.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { CounterSet, Device, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import { matchesTerm } from '../../kinds/node-selection.ts'
import { parseQuantity } from '../../machinery/quantity.ts'
import { type Amounts, noAmounts } from './device-capacity.ts'
import { DeviceReach } from './device-reach.ts'

const poolIndex = 'device-pool'
const nodeIndex = 'device-node'
/** Where slices stand that more than one node may reach. */
const anyNode = '*'

/** A device of a pool; its id is `driver/pool/name`. */
export type PooledDevice = {
  readonly id: string
  readonly pool: DevicePool
  readonly slice: ResourceSlice
  readonly device: Device
  /** What allocating it takes from its pool's counters. */
  readonly counters: Amounts
}

/** The devices that a driver publishes under one name, over all of its slices of the newest generation. */
export type DevicePool = {
  /** `driver/name`. */
  readonly key: string
  readonly driver: string
  readonly name: string
  readonly devices: readonly PooledDevice[]
  /** Why nothing may be taken from it: its slices are being replaced, or contradict each other. */
  readonly problem: PoolProblem | undefined
  /** `set/counter` → how much of it there is, in 10⁻⁹ units. */
  readonly counters: Amounts
  readonly waitsForConditions: boolean
}

/** Its state in upstream's words, and what of it is so. */
export type PoolProblem = { readonly state: 'being updated' | 'invalid'; readonly detail: string }

/** Whose devices have changed; undefined: any node's may have. */
export type ReachListener = (nodeName: string | undefined) => void

/**
 * What each node reaches, from ResourceSlices; kept as long as no slice changes that the node may reach.
 *
 * 1. Nodes that reach the same devices share one reach, so that what is found for one is found for all of them.
 * 2. `listen` hears of every node whose reach, or whose devices' holders, may have changed.
 */
export class DevicePools {
  /** Stops following the slices. */
  readonly close: () => void
  readonly #slices: Informer<ResourceSlice>
  readonly #pools = new Map<string, PoolWithSlices>()
  readonly #byNode = new Map<string, { readonly node: Node; readonly reach: DeviceReach }>()
  /** Node with devices of its own, or '' → which shared devices it reaches → all that it reaches. */
  readonly #reaches = new Map<string, Map<string, DeviceReach>>()
  readonly #byPool = new Map<string, Set<DeviceReach>>()
  #shared: readonly SharedDevices[] | undefined
  #listener: ReachListener = () => {}

  constructor(slices: Informer<ResourceSlice>) {
    this.#slices = slices
    slices.addIndex(poolIndex, (slice) => [keyOfPool(slice)])
    slices.addIndex(nodeIndex, ({ spec }) => [spec.nodeName ?? anyNode])
    this.close = slices.onChange(({ current, old }) => {
      const changed = [current, old].filter((slice) => slice !== undefined)
      for (const slice of changed) this.#pools.delete(keyOfPool(slice))
      const names = new Set(changed.flatMap((slice) => this.#nodesOfPool(keyOfPool(slice), slice)))
      if (names.has(anyNode)) this.#forgetAll()
      else for (const name of names) this.#forget(name)
    })
  }

  /** There is one listener: whoever keeps answers by node. */
  listen(listener: ReachListener): void {
    this.#listener = listener
  }

  /** Pools whose devices need no further conditions come first, then by name. */
  on(node: Node): DeviceReach {
    const name = node.metadata.name ?? ''
    const known = this.#byNode.get(name)
    if (known?.node === node) return known.reach
    const own = this.#slices.byIndex(nodeIndex, name)
    const shared = this.#sharedDevices().flatMap((of, i) => (of.reaches(node) ? [i] : []))
    const owner = own.length > 0 ? name : ''
    let reaches = this.#reaches.get(owner)
    if (!reaches) this.#reaches.set(owner, (reaches = new Map()))
    const key = shared.join()
    let reach = reaches.get(key)
    if (!reach) {
      reach = this.#reachOf([
        ...own.flatMap((slice) => this.#devicesOf(slice)),
        ...shared.flatMap((i) => this.#sharedDevices()[i]!.devices),
      ])
      reaches.set(key, reach)
    }
    reach.nodes.add(name)
    this.#byNode.set(name, { node, reach })
    return reach
  }

  /** A device of the pool has another holder; answers the pool, if anybody has asked for it. */
  handsChanged(poolKey: string): DevicePool | undefined {
    for (const reach of this.#byPool.get(poolKey) ?? []) {
      reach.changed(poolKey)
      for (const name of reach.nodes) this.#listener(name)
    }
    return this.#pools.get(poolKey)
  }

  /** A pool's slices are judged together, so a change of one concerns the nodes of all. */
  #nodesOfPool(key: string, changed: ResourceSlice): readonly string[] {
    return [changed, ...this.#slices.byIndex(poolIndex, key)].map(({ spec }) => spec.nodeName ?? anyNode)
  }

  #forget(name: string): void {
    this.#byNode.delete(name)
    for (const reach of this.#reaches.get(name)?.values() ?? [])
      for (const { pool } of reach.pools) this.#byPool.get(pool.key)?.delete(reach)
    this.#reaches.delete(name)
    this.#listener(name)
  }

  #forgetAll(): void {
    this.#byNode.clear()
    this.#reaches.clear()
    this.#byPool.clear()
    this.#shared = undefined
    this.#listener(undefined)
  }

  #reachOf(devices: readonly PooledDevice[]): DeviceReach {
    const pools = [...Map.groupBy(devices, (d) => d.pool)]
      .map(([pool, of]) => ({ pool, devices: of.length === pool.devices.length ? pool.devices : inOrder(pool, of) }))
      .sort((a, b) => Number(a.pool.waitsForConditions) - Number(b.pool.waitsForConditions) || (a.pool.key < b.pool.key ? -1 : 1))
    const reach = new DeviceReach(pools)
    for (const { pool } of pools) {
      const reaches = this.#byPool.get(pool.key)
      if (reaches) reaches.add(reach)
      else this.#byPool.set(pool.key, new Set([reach]))
    }
    return reach
  }

  /** Devices that are not one node's, by what they ask of nodes: there are few such rules, however many devices. */
  #sharedDevices(): readonly SharedDevices[] {
    if (this.#shared) return this.#shared
    const byRule = new Map<string, { readonly reaches: (node: Node) => boolean; readonly devices: PooledDevice[] }>()
    for (const slice of this.#slices.byIndex(nodeIndex, anyNode))
      for (const pooled of this.#devicesOf(slice)) {
        const rule = slice.spec.perDeviceNodeSelection ? pooled.device : slice.spec
        const { nodeName, allNodes, nodeSelector } = rule
        const key = JSON.stringify([nodeName, allNodes, nodeSelector])
        const known = byRule.get(key)
        if (known) known.devices.push(pooled)
        else byRule.set(key, { reaches: (node) => reaches(node, rule), devices: [pooled] })
      }
    this.#shared = [...byRule.values()]
    return this.#shared
  }

  #devicesOf(slice: ResourceSlice): readonly PooledDevice[] {
    return this.#pool(keyOfPool(slice)).bySlice.get(slice) ?? []
  }

  #pool(key: string): PoolWithSlices {
    let pool = this.#pools.get(key)
    if (!pool) this.#pools.set(key, (pool = poolOf(this.#slices.byIndex(poolIndex, key))))
    return pool
  }
}

type SharedDevices = { readonly reaches: (node: Node) => boolean; readonly devices: readonly PooledDevice[] }

function inOrder(pool: DevicePool, some: readonly PooledDevice[]): readonly PooledDevice[] {
  const set = new Set(some)
  return pool.devices.filter((d) => set.has(d))
}

type PoolWithSlices = DevicePool & { readonly bySlice: ReadonlyMap<ResourceSlice, readonly PooledDevice[]> }

const keyOfPool = ({ spec }: ResourceSlice) => `${spec.driver}/${spec.pool.name}`

function poolOf(all: readonly ResourceSlice[]): PoolWithSlices {
  const generation = Math.max(...all.map((s) => s.spec.pool.generation))
  const slices = all
    .filter((s) => s.spec.pool.generation === generation)
    .toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  const { driver, pool: named } = slices[0]!.spec
  const counters = new Map(slices.flatMap((s) => s.spec.sharedCounters ?? []).flatMap(({ name, counters: of }) => counterAmounts(name, of)))
  const devices: PooledDevice[] = []
  const bySlice = new Map<ResourceSlice, readonly PooledDevice[]>()
  const pool: PoolWithSlices = {
    key: `${driver}/${named.name}`,
    driver,
    name: named.name,
    devices,
    bySlice,
    problem: problemOf(slices),
    counters,
    waitsForConditions: slices.some((s) => s.spec.devices?.some((d) => (d.bindingConditions?.length ?? 0) > 0)),
  }
  for (const slice of slices) {
    const of = (slice.spec.devices ?? []).map((device) => ({
      ...{ id: `${pool.key}/${device.name}`, pool, slice, device },
      counters: countersOf(device),
    }))
    devices.push(...of)
    bySlice.set(slice, of)
  }
  return pool
}

const counterAmounts = (set: string, counters: CounterSet['counters']) =>
  Object.entries(counters).map(([name, { value }]) => [`${set}/${name}`, parseQuantity(value).nano] as const)

function countersOf({ consumesCounters }: Device): Amounts {
  if (!consumesCounters?.length) return noAmounts
  return new Map(consumesCounters.flatMap(({ counterSet, counters }) => counterAmounts(counterSet, counters)))
}

function problemOf(slices: readonly ResourceSlice[]): PoolProblem | undefined {
  const wanted = slices[0]!.spec.pool.resourceSliceCount
  if (slices.length !== wanted) return { state: 'being updated', detail: `${slices.length} of its ${wanted} slices are there` }
  const seen = new Set<string>()
  const twice = slices
    .flatMap((s) => s.spec.devices ?? [])
    .map((d) => d.name)
    .find((name) => seen.size === seen.add(name).size)
  return twice === undefined ? undefined : { state: 'invalid', detail: `device ${twice} is published twice` }
}

function reaches(node: Node, { nodeName, allNodes, nodeSelector }: Pick<Device, 'nodeName' | 'allNodes' | 'nodeSelector'>): boolean {
  if (nodeName) return nodeName === node.metadata.name
  if (allNodes) return true
  return nodeSelector?.nodeSelectorTerms.some((term) => matchesTerm(term, node)) ?? false
}
