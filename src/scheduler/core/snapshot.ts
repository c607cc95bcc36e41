import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { resourceAmounts } from '../../kinds/pod-requests.ts'
import { assert } from '../../base/assert.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { DeltaLog } from './delta-log.ts'
import { type CounterSpec, DomainCounter } from './domain-counter.ts'
import { equalForScheduling } from './equal-for-scheduling.ts'
import { ImageIndex } from './image-index.ts'
import { Interner } from './interner.ts'
import { LabelColumn } from './label-column.ts'
import { kinOf, looksAlike } from './looks-alike.ts'
import { affinityTerms, type Labels, type PodShape, type ShapeFacts, shapeFacts } from './pod-shape.ts'
import { ownedCounterSpecs } from './pod-term.ts'

/** Indexes of the resources that every node has. */
export const cpu = 0
export const memory = 1
export const ephemeralStorage = 2

/** One assigned (or assumed) pod. */
export type PodEntry = {
  readonly key: string
  pod: Pod
  readonly shape: PodShape
  readonly priority: number
  /** status.startTime in ms; unstarted pods count as started last (Infinity). */
  startedAt: number
  readonly isTerminating: boolean
  readonly nodeName: string
  /** −1 while its node is not known. */
  row: number
}

/** What changed about a node, for whoever decides which pods to wake. */
export type NodeChange = {
  readonly row: number
  readonly isNew: boolean
  readonly isSchedulingRelevant: boolean
}

/** Rows whose usage or node changed, oldest overwritten first; the readers keep their own positions. */
const ringSize = 1 << 16
const capacityStart = 64
/** Shapes without an assigned pod, and counters of topology domains, that are kept before a clean-up. */
const unusedShapesMax = 4_096
const countersMax = 1_024
/** Owners, and sets of labels, whose last pod is remembered. */
const kinMax = 4_096

/**
 * The cluster as the scheduler sees it, in columns by node row, updated in place by events and by its own decisions.
 *
 * 1. A row belongs to one node from setNode to removeNode and is reused afterwards; `nodes[row]` tells whether it is live.
 * 2. `requested`, `nonZero*`, `podCount`, ports and every counter always equal the sum over `podsOf(row)`.
 * 3. Every change of a row is appended to the ring; `staticVersions[row]` grows when its node object changed.
 * 4. `layoutVersion` grows when closures over columns must be made anew: columns moved, a key stopped being per-row,
 *    namespaces changed.
 */
export class Snapshot {
  readonly resources = new Interner({ first: 0 })
  readonly images = new ImageIndex()
  /** Counters of terms that assigned pods own, in order of their creation. */
  readonly ownedCounters: DomainCounter[] = []
  nodes: (Node | undefined)[] = []
  nodeCount = 0
  /** Rows ever used: every live row is below. */
  rowsEnd = 0
  layoutVersion = 1
  allocatable: Float64Array[] = []
  requested: Float64Array[] = []
  nonZeroCpu = new Float64Array(capacityStart)
  nonZeroMemory = new Float64Array(capacityStart)
  podCount = new Int32Array(capacityStart)
  podsMax = new Float64Array(capacityStart)
  staticVersions = new Uint32Array(capacityStart)
  /** How many changes there have been; the last `ringSize` rows are at `position % ringSize`. */
  position = 0
  readonly #ring = new Int32Array(ringSize)
  /** What happened, for explanations of past decisions. */
  readonly log = new DeltaLog()
  #isLogging = true
  /** Whether the ring is told of changes. */
  #isTelling = true
  #capacity = capacityStart
  /** The largest of `staticVersions`. */
  staticVersion = 0
  readonly #rowOf = new Map<string, number>()
  readonly #freeRows: number[] = []
  readonly #columns = new Map<string, LabelColumn>()
  readonly #counters = new Map<string, DomainCounter>()
  readonly #shapes = new Map<string, PodShape>()
  readonly #shapeById = new Map<number, PodShape>()
  /** By what most pods of one shape have in common. */
  readonly #lastOfKin = new Map<string, { readonly of: Pod; readonly shape: PodShape }>()
  #shapeSerial = 0
  #counterSerial = 0
  /** The number of shapes at which unused ones are dropped next. */
  #shapesLimit = unusedShapesMax
  #lastShape: { readonly of: Pod; readonly shape: PodShape } | undefined
  readonly #pods = new Map<string, PodEntry>()
  #podsOf: PodEntry[][] = []
  readonly #strays = new Map<string, Set<PodEntry>>()
  readonly #namespaces = new Map<string, Labels>()
  readonly #priorities = new Map<number, number>()
  /** Resources that drivers provide as devices on nodes that have none of them to give (devices/extended-resources.ts). */
  deviceResources: ReadonlySet<string> = new Set()

  constructor() {
    for (const name of ['cpu', 'memory', 'ephemeral-storage']) this.resourceId(name)
  }

  setDeviceResources(names: ReadonlySet<string>): void {
    if (names.size === this.deviceResources.size && [...names].every((name) => this.deviceResources.has(name))) return
    this.deviceResources = names
    this.layoutVersion++
  }

  // — Reading —

  rowOf(nodeName: string): number | undefined {
    return this.#rowOf.get(nodeName)
  }

  nodeName(row: number): string {
    return this.nodes[row]?.metadata.name ?? ''
  }

  podsOf(row: number): readonly PodEntry[] {
    return this.#podsOf[row] ?? []
  }

  pod(key: string): PodEntry | undefined {
    return this.#pods.get(key)
  }

  get assignedPodCount(): number {
    return this.#pods.size
  }

  /** True when some assigned pod has a lower priority. */
  hasPodBelow(priority: number): boolean {
    for (const p of this.#priorities.keys()) if (p < priority) return true
    return false
  }

  namespaceLabels(name: string): Labels {
    return this.#namespaces.get(name) ?? {}
  }

  /** Calls back with every row that changed after `position`; false when those are no longer all known. */
  changesSince(position: number, visit: (row: number) => void): boolean {
    if (this.position - position > ringSize) return false
    for (let p = position; p < this.position; p++) visit(this.#ring[p % ringSize]!)
    return true
  }

  // — Interning —

  resourceId(name: string): number {
    const known = this.resources.find(name)
    if (known !== undefined) return known
    const id = this.resources.id(name)
    this.allocatable.push(new Float64Array(this.#capacity))
    this.requested.push(new Float64Array(this.#capacity))
    return id
  }

  /** Whether somebody goes by the domains of the label. */
  hasColumn(key: string): boolean {
    return this.#columns.has(key)
  }

  column(key: string): LabelColumn {
    const known = this.#columns.get(key)
    if (known) return known
    const column = new LabelColumn(key, this.#capacity)
    for (let row = 0; row < this.rowsEnd; row++) {
      const node = this.nodes[row]
      if (node) column.set(row, node.metadata.labels?.[key])
    }
    this.#columns.set(key, column)
    return column
  }

  shapeOf(pod: Pod): PodShape {
    // One decision asks for the same pod's shape several times in a row.
    if (this.#lastShape?.of === pod) return this.#lastShape.shape
    const shape = this.#shapeLike(pod) ?? this.#shapeBySignature(pod)
    this.#lastShape = { of: pod, shape }
    return shape
  }

  /** Most pods look like the last one of the same owner, or of the same labels. */
  #shapeLike(pod: Pod): PodShape | undefined {
    const known = this.#lastOfKin.get(kinOf(pod))
    return known && looksAlike(pod, known.of) ? known.shape : undefined
  }

  #shapeBySignature(pod: Pod): PodShape {
    const { facts, signature } = shapeFacts(pod)
    let shape = this.#shapes.get(signature)
    if (!shape) {
      if (this.#shapes.size >= this.#shapesLimit && this.#isLogging) this.#dropUnused()
      shape = this.#internShape(facts, signature)
    }
    if (this.#lastOfKin.size >= kinMax) this.#lastOfKin.clear()
    this.#lastOfKin.set(kinOf(pod), { of: pod, shape })
    return shape
  }

  #internShape(facts: ShapeFacts, signature: string): PodShape {
    const resourceIds: number[] = []
    const amounts: number[] = []
    for (const [name, amount] of Object.entries(facts.requests)) {
      if (amount === 0 || name === 'pods') continue
      resourceIds.push(this.resourceId(name))
      amounts.push(amount)
    }
    const shape: PodShape = {
      ...facts,
      id: this.#shapeSerial++,
      resourceIds,
      resourceAmounts: amounts,
      bumps: [],
      terminatingBumps: [],
      podCount: 0,
    }
    this.#shapes.set(signature, shape)
    this.#shapeById.set(shape.id, shape)
    for (const counter of this.#counters.values()) bumpFor(shape, counter)
    for (const spec of ownedCounterSpecs(affinityTerms(shape.spec), shape, this)) this.counter(spec)
    return shape
  }

  /**
   * Pods with labels of their own (jobs, stateful sets) make shapes without end: those of pods that are gone are dropped from
   * time to time, and with many counters also the counters, which plans then ask for anew. The log speaks of shapes, so it is cut.
   */
  #dropUnused(): void {
    this.log.cut()
    this.#lastShape = undefined
    this.#lastOfKin.clear()
    for (const [signature, shape] of this.#shapes) {
      if (shape.podCount > 0) continue
      this.#shapes.delete(signature)
      this.#shapeById.delete(shape.id)
    }
    this.#shapesLimit = this.#shapes.size + unusedShapesMax
    if (this.#counters.size > countersMax) this.#dropCounters()
  }

  #dropCounters(): void {
    this.#counters.clear()
    this.ownedCounters.length = 0
    this.layoutVersion++
    for (const shape of this.#shapeById.values()) {
      shape.bumps.length = shape.terminatingBumps.length = 0
    }
    for (const shape of this.#shapeById.values())
      for (const spec of ownedCounterSpecs(affinityTerms(shape.spec), shape, this)) this.counter(spec)
  }

  shapeById(id: number): PodShape {
    const shape = this.#shapeById.get(id)
    assert(shape, `shape ${id} is unknown`)
    return shape
  }

  /** The counter of that key; a new one is filled from the pods that are there, in one pass. */
  counter(spec: CounterSpec): DomainCounter {
    const known = this.#counters.get(spec.key)
    if (known) return known
    const counter = new DomainCounter(spec, this.column(spec.topologyKey), this.#counterSerial++)
    this.#counters.set(spec.key, counter)
    if (spec.owned) this.ownedCounters.push(counter)
    this.#fill(counter)
    return counter
  }

  #fill(counter: DomainCounter): void {
    const weights = new Map<PodShape, number>()
    for (const shape of this.#shapeById.values()) {
      const weight = bumpFor(shape, counter)
      if (weight !== 0 && shape.podCount > 0) weights.set(shape, weight)
    }
    // That of a new workload counts none of the pods that are there.
    for (const entry of weights.size > 0 ? this.#pods.values() : []) {
      if (entry.row < 0 || (entry.isTerminating && counter.spec.skipsTerminating)) continue
      const weight = weights.get(entry.shape)
      if (weight !== undefined) counter.add(entry.row, weight)
    }
  }

  get shapeCount(): number {
    return this.#shapes.size
  }

  get counterCount(): number {
    return this.#counters.size
  }

  // — Nodes —

  /** Adds or replaces a node. Cheap when nothing that scheduling reads has changed (heartbeats). */
  setNode(node: Node): NodeChange {
    const name = node.metadata.name!
    const known = this.#rowOf.get(name)
    if (known !== undefined) {
      const isSchedulingRelevant = !equalForScheduling(this.nodes[known]!, node)
      if (isSchedulingRelevant) this.swapNode(known, node)
      else this.nodes[known] = node
      return { row: known, isNew: false, isSchedulingRelevant }
    }
    const row = this.#freeRows.pop() ?? this.rowsEnd++
    if (row >= this.#capacity) this.#grow(row + 1)
    this.swapNode(row, node)
    const strays = this.#strays.get(name)
    if (strays) {
      this.#strays.delete(name)
      for (const entry of strays) this.#attach(entry, row)
    }
    return { row, isNew: true, isSchedulingRelevant: true }
  }

  /** Its pods are kept aside until they are removed or the node is back. */
  removeNode(name: string): void {
    const row = this.#rowOf.get(name)
    if (row === undefined) return
    const entries = this.#podsOf[row]!
    while (entries.length > 0) {
      const entry = entries.at(-1)!
      this.#detach(entry)
      this.#stray(entry)
    }
    this.swapNode(row, undefined)
    this.#freeRows.push(row)
  }

  /** Puts a node on a row, replaces it, or takes it away (then the row must be empty). Which rows are free is the caller's matter. */
  swapNode(row: number, node: Node | undefined): void {
    const old = this.nodes[row]
    if (old && node) this.#replaceNode(row, node)
    else if (node) {
      this.#rowOf.set(node.metadata.name!, row)
      this.nodeCount++
      this.#podsOf[row] ??= []
      this.#writeNode(row, node)
    } else if (old) {
      assert(this.#podsOf[row]!.length === 0, `row ${row} still has pods`)
      this.#rowOf.delete(old.metadata.name!)
      this.nodeCount--
      this.#clearNode(row)
    }
    if (this.#isLogging) this.log.addNode(row, old, node)
  }

  #clearNode(row: number): void {
    this.nodes[row] = undefined
    this.images.remove(row)
    for (const column of this.#columns.values()) column.set(row, undefined)
    for (const amounts of this.allocatable) amounts[row] = 0
    this.podsMax[row] = 0
    this.#touchStatic(row)
  }

  /** Counters depend on the labels: the pods are taken out with the old node and put back with the new one. */
  #replaceNode(row: number, node: Node): void {
    const entries = [...this.#podsOf[row]!]
    this.whatIf(() => {
      for (const entry of entries) this.#detach(entry)
      this.#writeNode(row, node)
      for (const entry of entries) this.#attach(entry, row)
    })
  }

  #writeNode(row: number, node: Node): void {
    this.nodes[row] = node
    const amounts = resourceAmounts(node.status?.allocatable)
    for (const name in amounts) this.resourceId(name)
    for (let id = 0; id < this.resources.size; id++) this.allocatable[id]![row] = amounts[this.resources.name(id)] ?? 0
    this.podsMax[row] = amounts.pods ?? 0
    for (const [key, column] of this.#columns) {
      const wasPerRow = column.isPerRow
      column.set(row, node.metadata.labels?.[key])
      if (wasPerRow !== column.isPerRow) this.layoutVersion++
    }
    this.images.set(row, node.status?.images ?? [])
    this.#touchStatic(row)
  }

  /** Something that plugins know of the node has changed: what was computed from its use is computed again. */
  touchNode(name: string): void {
    const row = this.#rowOf.get(name)
    if (row !== undefined) this.#touch(row)
  }

  /** As `touchNode`, for every node. */
  touchAll(): void {
    for (let row = 0; row < this.rowsEnd; row++) if (this.nodes[row]) this.#touch(row)
  }

  #touchStatic(row: number): void {
    this.staticVersions[row] = ++this.staticVersion
    this.#touch(row)
  }

  #touch(row: number): void {
    if (this.#isTelling) this.#ring[this.position++ % ringSize] = row
  }

  // — Pods —

  /** Puts a pod on a node (that may not be known yet). A pod that is there already is replaced. */
  addPod(key: string, pod: Pod, nodeName: string): PodEntry {
    this.removePod(key)
    const shape = this.shapeOf(pod)
    const entry: PodEntry = {
      key,
      pod,
      shape,
      priority: pod.spec?.priority ?? 0,
      startedAt: startedAt(pod),
      isTerminating: pod.metadata.deletionTimestamp !== undefined,
      nodeName,
      row: -1,
    }
    this.#pods.set(key, entry)
    shape.podCount++
    this.#priorities.set(entry.priority, (this.#priorities.get(entry.priority) ?? 0) + 1)
    const row = this.#rowOf.get(nodeName)
    if (row === undefined) this.#stray(entry)
    else this.#attach(entry, row)
    return entry
  }

  /** A newer object of the same shape: nothing that is counted has changed, but preemption looks at the start. */
  refreshPod(entry: PodEntry, pod: Pod): void {
    entry.pod = pod
    const started = startedAt(pod)
    if (started === entry.startedAt) return
    entry.startedAt = started
    if (entry.row >= 0) this.#touch(entry.row)
  }

  removePod(key: string): PodEntry | undefined {
    const entry = this.#pods.get(key)
    if (!entry) return undefined
    this.#pods.delete(key)
    entry.shape.podCount--
    const same = this.#priorities.get(entry.priority)! - 1
    if (same === 0) this.#priorities.delete(entry.priority)
    else this.#priorities.set(entry.priority, same)
    if (entry.row >= 0) this.#detach(entry)
    else {
      const strays = this.#strays.get(entry.nodeName)
      strays?.delete(entry)
      if (strays?.size === 0) this.#strays.delete(entry.nodeName)
    }
    return entry
  }

  /** Takes an entry off its row, within whatIf. */
  lift(entry: PodEntry): void {
    this.#detach(entry)
  }

  /** Puts a lifted entry (back) on a row, within whatIf. */
  restore(entry: PodEntry, row: number): void {
    this.#attach(entry, row)
  }

  /** A pod that is no more, within whatIf; `lift` takes it away again. */
  addGhost(shape: PodShape, row: number, isTerminating: boolean): PodEntry {
    const ghost: PodEntry = { key: '', pod: shape.pod, shape, priority: 0, startedAt: 0, isTerminating, nodeName: '', row }
    this.#attach(ghost, row)
    return ghost
  }

  /** Runs a question that changes the snapshot and undoes all its changes; they are not logged. */
  whatIf<T>(question: () => T): T {
    const wasLogging = this.#isLogging
    this.#isLogging = false
    try {
      return question()
    } finally {
      this.#isLogging = wasLogging
    }
  }

  /** As `whatIf`, for a question that asks filters alone: nobody catches up within it, so those who remember rows are told nothing. */
  suppose<T>(question: () => T): T {
    const wasTelling = this.#isTelling
    this.#isTelling = false
    try {
      return this.whatIf(question)
    } finally {
      this.#isTelling = wasTelling
    }
  }

  #attach(entry: PodEntry, row: number): void {
    entry.row = row
    this.#podsOf[row]!.push(entry)
    this.#account(entry, row, 1)
  }

  #detach(entry: PodEntry): void {
    const { row } = entry
    const entries = this.#podsOf[row]!
    const index = entries.lastIndexOf(entry)
    assert(index >= 0, `${entry.key} is not on row ${row}`)
    const last = entries.pop()!
    if (index < entries.length) entries[index] = last
    this.#account(entry, row, -1)
    entry.row = -1
  }

  #account({ shape, isTerminating }: PodEntry, row: number, sign: 1 | -1): void {
    const { resourceIds, resourceAmounts: amounts } = shape
    for (let i = 0; i < resourceIds.length; i++) this.requested[resourceIds[i]!]![row]! += sign * amounts[i]!
    this.nonZeroCpu[row]! += sign * shape.nonZeroCpu
    this.nonZeroMemory[row]! += sign * shape.nonZeroMemory
    this.podCount[row]! += sign
    const bumps = isTerminating ? shape.terminatingBumps : shape.bumps
    for (let i = 0; i < bumps.length; i++) bumps[i]!.counter.add(row, sign * bumps[i]!.weight)
    this.#touch(row)
    if (this.#isLogging) this.log.addPod(row, { shapeId: shape.id, isTerminating, isAdded: sign === 1 })
  }

  #stray(entry: PodEntry): void {
    entry.row = -1
    let strays = this.#strays.get(entry.nodeName)
    if (!strays) this.#strays.set(entry.nodeName, (strays = new Set()))
    strays.add(entry)
  }

  // — Namespaces —

  /** Labels of a namespace, which namespace selectors of affinity terms read. Rare, so everything is counted anew. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (deepEqual(this.#namespaces.get(name) ?? {}, labels ?? {})) {
      if (labels) this.#namespaces.set(name, labels)
      return
    }
    if (labels) this.#namespaces.set(name, labels)
    else this.#namespaces.delete(name)
    this.log.cut()
    if (this.#counters.size > 0) this.#recount()
  }

  #recount(): void {
    this.layoutVersion++
    for (const shape of this.#shapeById.values()) shape.bumps.length = shape.terminatingBumps.length = 0
    for (const counter of this.#counters.values()) {
      counter.clear()
      this.#fill(counter)
    }
  }

  #grow(rows: number): void {
    const capacity = Math.max(rows, this.#capacity * 2)
    const wider = (old: Float64Array) => {
      const larger = new Float64Array(capacity)
      larger.set(old)
      return larger
    }
    this.allocatable = this.allocatable.map(wider)
    this.requested = this.requested.map(wider)
    this.nonZeroCpu = wider(this.nonZeroCpu)
    this.nonZeroMemory = wider(this.nonZeroMemory)
    this.podsMax = wider(this.podsMax)
    const podCount = new Int32Array(capacity)
    podCount.set(this.podCount)
    this.podCount = podCount
    const staticVersions = new Uint32Array(capacity)
    staticVersions.set(this.staticVersions)
    this.staticVersions = staticVersions
    for (const column of this.#columns.values()) column.grow(capacity)
    this.#capacity = capacity
    this.layoutVersion++
  }
}

function bumpFor(shape: PodShape, counter: DomainCounter): number {
  const weight = counter.spec.weight(shape)
  if (weight === 0) return 0
  shape.bumps.push({ counter, weight })
  if (!counter.spec.skipsTerminating) shape.terminatingBumps.push({ counter, weight })
  return weight
}

function startedAt(pod: Pod): number {
  const startTime = pod.status?.startTime
  return startTime ? Date.parse(startTime) : Number.POSITIVE_INFINITY
}
