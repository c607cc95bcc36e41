import type { LoopContext } from '../control/contract.ts'
import type { Informer } from '../client/informer-contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { keelsonKinds } from '../client/own-kind-refs.ts'
import type { Namespace, Node, Pod } from '../kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudget } from '../kinds/generated/types/policy-v1.ts'
import type { PodGroup } from '../kinds/generated/types/scheduling-v1alpha2.ts'
import { isOpenOffer, type Offer } from '../kinds/keelson/offer.ts'
import { isPodTerminal } from '../kinds/pod-status.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import { keyOf } from '../machinery/object.ts'
import { isAssigned, type PodShape } from './core/pod-shape.ts'
import type { SharedCluster } from './core/scheduler-core.ts'
import { type DeviceSources, deviceSources } from './devices/device-sources.ts'
import type { SpreadSources } from './default-spread.ts'
import type { SchedulingQueue } from './queue.ts'
import { type ClusterEvent, isElsewhere, type Judging, mayHelp } from './queueing-hints.ts'
import { type VolumeSources, volumeSources } from './volumes/volume-sources.ts'

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

/** The informers that scheduling reads. */
export type SchedulerInformers = SpreadSources & {
  readonly pods: Informer<Pod>
  readonly nodes: Informer<Node>
  readonly namespaces: Informer<Namespace>
  readonly budgets: Informer<PodDisruptionBudget>
  readonly podGroups: Informer<PodGroup>
  readonly offers: Informer<Offer>
  readonly storage: VolumeSources
  readonly devices: DeviceSources
}

export function schedulerInformers(context: LoopContext): SchedulerInformers {
  return {
    pods: context.informer(kindRefs.coreV1.pods),
    nodes: context.informer(kindRefs.coreV1.nodes),
    namespaces: context.informer(kindRefs.coreV1.namespaces),
    budgets: context.informer(kindRefs.policyV1.podDisruptionBudgets),
    podGroups: context.informer(kindRefs.schedulingV1alpha2.podGroups),
    offers: context.informer(keelsonKinds.offers),
    storage: volumeSources(context),
    devices: deviceSources(context),
    services: context.informer(kindRefs.coreV1.services),
    replicaSets: context.informer(kindRefs.appsV1.replicaSets),
    statefulSets: context.informer(kindRefs.appsV1.statefulSets),
    replicationControllers: context.informer(kindRefs.coreV1.replicationControllers),
  }
}

export type ClusterObserverOptions = {
  readonly cluster: SharedCluster
  readonly queue: SchedulingQueue
  readonly isOurs: (pod: Pod) => boolean
  /** Names of the plugins whose filters are asked about it. */
  readonly filtersOf: (pod: Pod) => ReadonlySet<string>
}

/** Turns events of the API into changes of the snapshot and of the queue. Nothing here waits. */
export class ClusterObserver {
  readonly #options: ClusterObserverOptions
  /** Key → uid of pods that are decided but not yet seen with their node. */
  readonly #assumed = new Map<string, string | undefined>()
  /** Keys of pods that are being decided with others' help: what happens to them meanwhile is looked at afterwards. */
  readonly #held = new Set<string>()
  readonly #goneListeners = new Map<string, () => void>()

  constructor(options: ClusterObserverOptions) {
    this.#options = options
  }

  /** The returned function stops observing. */
  start(informers: SchedulerInformers): () => void {
    const removals = [
      informers.namespaces.onChange((change) => this.#namespaceChanged(change)),
      informers.nodes.onChange((change) => this.#nodeChanged(change)),
      informers.pods.onChange((change) => this.#podChanged(change)),
      informers.offers.onChange((change) => this.#offerChanged(change)),
      informers.podGroups.onChange(({ current, old }) => {
        // Its status is ours: only a new group, or one with another specification, tells something.
        if (current && current.spec !== old?.spec && !deepEqual(current.spec, old?.spec))
          this.wake({ kind: 'PodGroupChanged', namespace: current.metadata.namespace ?? '' })
      }),
      informers.budgets.onChange(({ current, old }) => {
        if (old && (!current || (current.status?.disruptionsAllowed ?? 0) > (old.status?.disruptionsAllowed ?? 0)))
          this.wake({ kind: 'BudgetGrew' })
      }),
      ...this.#observeStorage(informers.storage),
      ...this.#observeDevices(informers.devices),
    ]
    return () => removals.forEach((remove) => remove())
  }

  /** Looks again at every pod without a node: which of them are ours has changed. */
  reshard(pods: Informer<Pod>): void {
    for (const pod of pods.list()) {
      if (isAssigned(pod) || isPodTerminal(pod)) continue
      const key = keyOf(pod)
      this.#podPending(key, pod, this.#options.queue.has(key) ? pod : undefined)
    }
  }

  /** Keeps the pod out of the queue until it is released; the caller then looks at what it has become. */
  hold(key: string): () => void {
    this.#held.add(key)
    return () => void this.#held.delete(key)
  }

  /** Calls back once when the pod needs no node any more. The returned function stops that. */
  onGone(key: string, listener: () => void): () => void {
    this.#goneListeners.set(key, listener)
    return () => void this.#goneListeners.delete(key)
  }

  #observeStorage({ claims, volumes, storageClasses, csiNodes, csiDrivers, storageCapacities }: VolumeSources): (() => void)[] {
    const wake = () => this.wake({ kind: 'StorageChanged' })
    return [
      claims.onChange(({ current }) => {
        const namespace = current?.metadata.namespace
        if (namespace !== undefined) this.wake({ kind: 'StorageChanged', namespace })
      }),
      ...[volumes, storageClasses, csiNodes, csiDrivers, storageCapacities].map((informer) => informer.onChange(wake)),
    ]
  }

  #observeDevices({ claims, classes, slices }: DeviceSources): (() => void)[] {
    const wake = () => this.wake({ kind: 'DevicesChanged' })
    return [
      claims.onChange(({ current, old }) => {
        // Devices that are given back may help anybody; other news of a claim only those who may use it.
        const isFreed = old?.status?.allocation !== undefined && !current?.status?.allocation
        if (isFreed) wake()
        else if (!current || !old || !deepEqual(current.status, old.status))
          this.wake({ kind: 'DevicesChanged', namespace: (current ?? old)?.metadata.namespace ?? '' })
      }),
      classes.onChange(() => this.wake({ kind: 'DeviceClassChanged' })),
      slices.onChange(wake),
    ]
  }

  /** The pod counts on the node from now on, before the API says so. */
  assume(key: string, pod: Pod, nodeName: string): void {
    this.#assumed.set(key, pod.metadata.uid)
    this.#options.cluster.snapshot.addPod(key, pod, nodeName)
  }

  /** Takes an assumption back before anything else has been decided. */
  takeBack(key: string): void {
    this.#assumed.delete(key)
    this.#options.cluster.snapshot.removePod(key)
  }

  /** Takes an assumption back, unless the API has confirmed it since. */
  forget(key: string, pod: Pod): void {
    if (!this.#assumed.has(key) || this.#assumed.get(key) !== pod.metadata.uid) return
    this.#assumed.delete(key)
    this.#removePod(key)
  }

  #namespaceChanged({ current, old }: Change<Namespace>): void {
    const name = (current ?? old)?.metadata.name
    if (name === undefined) return
    this.#options.cluster.snapshot.setNamespace(name, current?.metadata.labels ?? (current ? {} : undefined))
    if (current && old) this.wake({ kind: 'NamespaceChanged' })
  }

  #nodeChanged({ current, old }: Change<Node>): void {
    const { snapshot } = this.#options.cluster
    if (!current) {
      if (!old) return
      snapshot.removeNode(old.metadata.name!)
      this.wake({ kind: 'NodeRemoved' })
      return
    }
    const change = snapshot.setNode(current)
    if (change.isNew || !old) this.wake({ kind: 'NodeAdded', node: current })
    else if (change.isSchedulingRelevant) this.wake({ kind: 'NodeChanged', node: current, old })
  }

  /** What an open offer keeps for its framework is nobody else's: it counts as if a pod had it that nothing pushes out. */
  #offerChanged({ current, old }: Change<Offer>): void {
    const offer = current ?? old
    if (!offer) return
    const key = `offer/${keyOf(offer)}`
    if (current && isOpenOffer(current)) this.#options.cluster.snapshot.addPod(key, standInOf(current), current.spec.nodeName)
    else this.#removePod(key)
  }

  #podChanged({ current, old }: Change<Pod>): void {
    const pod = current ?? old
    if (!pod) return
    const key = keyOf(pod)
    if (!current || isPodTerminal(current)) this.#podGone(key)
    else if (isAssigned(current)) this.#podAssigned(key, current)
    else this.#podPending(key, current, old)
  }

  #podGone(key: string): void {
    const { queue, cluster } = this.#options
    queue.remove(key)
    cluster.nominations.delete(key)
    this.#assumed.delete(key)
    this.#removePod(key)
    this.#goneListeners.get(key)?.()
  }

  #removePod(key: string): void {
    const entry = this.#options.cluster.snapshot.removePod(key)
    if (!entry) return
    const { queue, cluster } = this.#options
    for (const waiting of cluster.nominations.settle(entry.nodeName, key)) queue.activate(waiting)
    this.wake({ kind: 'PodRemoved', shape: entry.shape, nodeName: entry.nodeName })
  }

  /** A victim could not be evicted: who waits for it tries again after its back-off. */
  victimStays(nodeName: string, victim: string): void {
    const { queue, cluster } = this.#options
    const waiting = new Set(cluster.nominations.settle(nodeName, victim))
    if (waiting.size > 0) queue.wakeIf(({ key }) => waiting.has(key))
  }

  #podAssigned(key: string, pod: Pod): void {
    const { cluster, queue } = this.#options
    queue.remove(key)
    cluster.nominations.delete(key)
    // Others may wait for this pod to be somewhere; until the API confirmed it, they had nothing to rely on.
    const isConfirmation = this.#assumed.delete(key)
    const known = cluster.snapshot.pod(key)
    const shape = cluster.snapshot.shapeOf(pod)
    const isTerminating = pod.metadata.deletionTimestamp !== undefined
    if (known && known.nodeName === pod.spec!.nodeName && known.shape === shape && known.isTerminating === isTerminating) {
      // A status update, most often: keep the counts, remember the newer object.
      cluster.snapshot.refreshPod(known, pod)
      if (isConfirmation) this.wake({ kind: 'PodAssigned', shape })
      return
    }
    cluster.snapshot.addPod(key, pod, pod.spec!.nodeName!)
    if (known && (isTerminating || needsLess(shape, known.shape)))
      this.wake({ kind: 'PodRemoved', shape: known.shape, nodeName: known.nodeName })
    if (known?.nodeName !== pod.spec!.nodeName || known?.shape !== shape) this.wake({ kind: 'PodAssigned', shape })
  }

  #podPending(key: string, pod: Pod, old: Pod | undefined): void {
    const { queue, isOurs } = this.#options
    if (!isOurs(pod) || pod.metadata.deletionTimestamp !== undefined) {
      queue.remove(key)
      this.#options.cluster.nominations.delete(key)
      return
    }
    // Already decided; the binding is on its way.
    if (this.#assumed.has(key) || this.#held.has(key)) return
    const { nominatedNodeName } = pod.status ?? {}
    // After a restart of ours, room that was being made is still meant for this pod.
    if (old === undefined && nominatedNodeName) {
      this.#options.cluster.nominations.set({ key, pod, nodeName: nominatedNodeName, priority: pod.spec?.priority ?? 0 })
    }
    const shape = this.#options.cluster.snapshot.shapeOf(pod)
    queue.put(key, { pod, shape, mayHelp: old === undefined || hasOtherSpec(pod, old) })
  }

  /** Looks which pods that fit nowhere the event may help. */
  wake(event: ClusterEvent): void {
    // Pods of one shape that failed alike get one answer.
    let answers: Map<PodShape, Judging & { readonly answer: boolean }> | undefined
    const { cluster, filtersOf } = this.#options
    const { nominations } = cluster
    // Whose room is being made looks when its own victims have left: of a thousand that preempt each would look a thousand times.
    const keptNode = event.kind === 'PodRemoved' && nominations.isKept(event.nodeName) ? event.nodeName : undefined
    this.#options.queue.wakeIf(({ key, pod, shape, rejectedBy, pinnedTo }) => {
      if (isElsewhere(event, pinnedTo, rejectedBy)) return false
      const own = keptNode === undefined ? undefined : nominations.get(key)
      if (own && (own.nodeName !== keptNode || own.leaving)) return false
      const filters = filtersOf(pod)
      const known = answers?.get(shape)
      if (known && known.filters === filters && isSameSet(known.rejectedBy, rejectedBy)) return known.answer
      const answer = mayHelp(event, shape, { filters, rejectedBy })
      answers ??= new Map()
      answers.set(shape, { filters, rejectedBy, answer })
      return answer
    })
  }
}

function standInOf({ metadata, spec }: Offer): Pod {
  const { pods: _, ...requests } = spec.resources
  return {
    metadata: { name: metadata.name ?? '', uid: metadata.uid ?? '' },
    spec: { priority: 2 ** 31 - 1, containers: [{ name: 'offer', resources: { requests } }] },
  }
}

/** It was resized. Other labels, like those of its node's zone that a binding brings, are told of as an assignment. */
function needsLess(now: PodShape, before: PodShape): boolean {
  return now !== before && Object.entries(before.requests).some(([name, amount]) => (now.requests[name] ?? 0) < amount)
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const item of a) if (!b.has(item)) return false
  return true
}

/** Our own condition and nomination come back as updates too: those must not wake the pod. */
function hasOtherSpec(pod: Pod, old: Pod): boolean {
  if (pod.metadata.generation !== undefined && pod.metadata.generation !== old.metadata.generation) return true
  const text = (p: Pod) => JSON.stringify([p.metadata.labels, p.metadata.annotations, p.spec, p.status?.resourceClaimStatuses])
  return text(pod) !== text(old)
}
