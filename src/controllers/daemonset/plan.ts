/**
 * What a DaemonSet does next: (set, nodes, its pods, now) → actions.
 *  1. One pod on every node that it belongs on, none elsewhere; pods that ended are replaced.
 *  2. Only when that is so, the next step of an update: by deletion within maxUnavailable, or by a second pod within maxSurge.
 * https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
 */
import type { DaemonSet, DaemonSetStatus } from '../../kinds/generated/types/apps-v1.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { scaledValue } from '../../kinds/int-or-percent.ts'
import { isPodAvailable, isPodReady, isPodScheduled, isPodTerminal, isPodTerminating, podAvailableInMs } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { isUpdated } from './daemon-pod.ts'
import { eligibilityOf, targetNodeOf } from './eligibility.ts'

export type Observed = {
  readonly daemonSet: DaemonSet
  readonly nodes: readonly Node[]
  /** The set's own pods, whatever their phase. */
  readonly pods: readonly Pod[]
  /** The newest template's. */
  readonly revisionHash: string
  /** How long a failed pod on a node is left lying before it is replaced. */
  readonly failedWaitMs: (nodeName: string) => number
}

export type Action =
  | { readonly type: 'create'; readonly nodeName: string }
  | { readonly type: 'delete'; readonly pod: Pod; readonly reason: 'excess' | 'failed' | 'succeeded' | 'update'; readonly nodeName: string }

export type Plan = { readonly actions: readonly Action[]; readonly requeueAfterMs: number | undefined }

/** The most pods created, and the most deleted, by one reconcile; the next follows at once. */
const burst = 250

export function planDaemonSet(observed: Observed, nowMs: number): Plan {
  if (observed.daemonSet.metadata.deletionTimestamp) return { actions: [], requeueAfterMs: undefined }
  const onNodes = podsByNode(observed.pods)
  const placement = new Placement(observed, onNodes, nowMs)
  placement.plan()
  const isRolling = observed.daemonSet.spec?.updateStrategy?.type !== 'OnDelete'
  const wanted = placement.actions.length > 0 || !isRolling ? placement.actions : planUpdate(observed, onNodes, nowMs)
  const of = (type: Action['type']) => wanted.filter((action) => action.type === type).slice(0, burst)
  return { actions: [...of('create'), ...of('delete')], requeueAfterMs: placement.requeueAfterMs }
}

type PodsByNode = ReadonlyMap<string, readonly Pod[]>

/** Pods that ended and are being deleted hold no place: a finalizer may keep them for long. */
function podsByNode(pods: readonly Pod[]): PodsByNode {
  const byNode = new Map<string, Pod[]>()
  for (const pod of pods) {
    const nodeName = targetNodeOf(pod)
    if (nodeName === undefined || (isPodTerminal(pod) && isPodTerminating(pod))) continue
    const list = byNode.get(nodeName)
    if (list) list.push(pod)
    else byNode.set(nodeName, [pod])
  }
  for (const list of byNode.values()) list.sort(oldestFirst)
  return byNode
}

function oldestFirst(a: Pod, b: Pod): number {
  if (isPodScheduled(a) !== isPodScheduled(b)) return isPodScheduled(a) ? -1 : 1
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (left !== right) return left < right ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}

const isNamed = (nodes: readonly Node[]) => new Set(nodes.map(({ metadata }) => metadata.name ?? ''))

/** Rule 1. */
class Placement {
  readonly actions: Action[] = []
  requeueAfterMs: number | undefined
  readonly #observed: Observed
  readonly #onNodes: PodsByNode
  readonly #nowMs: number

  constructor(observed: Observed, onNodes: PodsByNode, nowMs: number) {
    this.#observed = observed
    this.#onNodes = onNodes
    this.#nowMs = nowMs
  }

  plan(): void {
    for (const node of this.#observed.nodes) this.#planNode(node)
    const known = isNamed(this.#observed.nodes)
    for (const [nodeName, pods] of this.#onNodes)
      if (!known.has(nodeName)) for (const pod of pods) if (!isPodScheduled(pod)) this.#delete(pod, 'excess', nodeName)
  }

  #planNode(node: Node): void {
    const nodeName = node.metadata.name ?? ''
    const pods = this.#onNodes.get(nodeName) ?? []
    const { shouldRun, mayStay } = eligibilityOf(this.#observed.daemonSet, node)
    if (!mayStay) {
      for (const pod of pods) this.#delete(pod, 'excess', nodeName)
      return
    }
    if (pods.length === 0) {
      if (shouldRun) this.actions.push({ type: 'create', nodeName })
      return
    }
    const running: Pod[] = []
    for (const pod of pods) {
      if (isPodTerminating(pod)) continue
      if (!isPodTerminal(pod)) running.push(pod)
      else if (pod.status?.phase === 'Succeeded') this.#delete(pod, 'succeeded', nodeName)
      else this.#replaceFailed(pod, nodeName)
    }
    this.#planRunning(running, nodeName, { shouldRun, hasEnded: pods.some(isPodTerminal) })
  }

  #planRunning(running: readonly Pod[], nodeName: string, { shouldRun, hasEnded }: { shouldRun: boolean; hasEnded: boolean }): void {
    const [first, ...rest] = running
    if (!this.#mayShareNode()) {
      for (const pod of rest) this.#delete(pod, 'excess', nodeName)
      return
    }
    // While it surges the next pod need not wait for the last one's end.
    if (!first && shouldRun && !hasEnded) this.actions.push({ type: 'create', nodeName })
    if (rest.length === 0) return
    const updated = running.filter((pod) => this.#isUpdated(pod))
    const outdated = running.filter((pod) => !this.#isUpdated(pod))
    for (const pod of [...updated.slice(1), ...outdated.slice(1)]) this.#delete(pod, 'excess', nodeName)
    const [newPod, oldPod] = [updated[0], outdated[0]]
    if (newPod && oldPod && (!isPodReady(oldPod) || this.#isAvailable(newPod))) this.#delete(oldPod, 'update', nodeName)
  }

  #replaceFailed(pod: Pod, nodeName: string): void {
    const waitMs = this.#observed.failedWaitMs(nodeName)
    if (waitMs > 0) this.requeueAfterMs = Math.min(this.requeueAfterMs ?? waitMs, waitMs)
    else this.#delete(pod, 'failed', nodeName)
  }

  #delete(pod: Pod, reason: Extract<Action, { type: 'delete' }>['reason'], nodeName: string): void {
    if (!isPodTerminating(pod)) this.actions.push({ type: 'delete', pod, reason, nodeName })
  }

  #mayShareNode(): boolean {
    const { type = 'RollingUpdate', rollingUpdate } = this.#observed.daemonSet.spec?.updateStrategy ?? {}
    return type === 'RollingUpdate' && scaledValue(rollingUpdate?.maxSurge, this.#observed.nodes.length, 'up') > 0
  }

  #isUpdated(pod: Pod): boolean {
    return isUpdated(this.#observed.daemonSet, pod, this.#observed.revisionHash)
  }

  #isAvailable(pod: Pod): boolean {
    return isPodAvailable(pod, this.#observed.daemonSet.spec?.minReadySeconds ?? 0, this.#nowMs)
  }
}

/** What a node has while an update goes on; `odd`: rule 1 has work there. */
type NodeState = { readonly nodeName: string; readonly newPod: Pod | undefined; readonly oldPod: Pod | undefined; readonly isOdd: boolean }

/** Rule 2. */
function planUpdate(observed: Observed, onNodes: PodsByNode, nowMs: number): readonly Action[] {
  const { daemonSet, nodes } = observed
  const eligible = nodes.filter((node) => eligibilityOf(daemonSet, node).shouldRun)
  const eligibleNames = isNamed(eligible)
  const states = [...new Set([...eligibleNames, ...onNodes.keys()])].sort().map((nodeName): NodeState => {
    const live = (onNodes.get(nodeName) ?? []).filter((pod) => !isPodTerminating(pod))
    const [updated, outdated]: [Pod[], Pod[]] = [[], []]
    for (const pod of live) (isUpdated(daemonSet, pod, observed.revisionHash) ? updated : outdated).push(pod)
    return { nodeName, newPod: updated[0], oldPod: outdated[0], isOdd: updated.length > 1 || outdated.length > 1 }
  })
  const { maxUnavailable = 1, maxSurge = 0 } = daemonSet.spec?.updateStrategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, eligible.length, 'up')
  const isAvailable = (pod: Pod) => isPodAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, nowMs)
  if (surge > 0) return planSurge(states, surge, eligibleNames, isAvailable)
  return planReplacement(states, Math.max(1, scaledValue(maxUnavailable, eligible.length, 'up')), isAvailable)
}

/** Deletes old pods: those that are of no use at once, available ones while few enough are missing. */
function planReplacement(states: readonly NodeState[], maxUnavailable: number, isAvailable: (pod: Pod) => boolean): readonly Action[] {
  const useless: Action[] = []
  const candidates: Action[] = []
  let unavailable = 0
  for (const { nodeName, newPod, oldPod, isOdd } of states) {
    if (isOdd || (newPod === undefined) === (oldPod === undefined)) unavailable++
    else if (newPod) unavailable += isAvailable(newPod) ? 0 : 1
    else if (oldPod) {
      const isUseful = isAvailable(oldPod)
      if (!isUseful) unavailable++
      ;(isUseful ? candidates : useless).push({ type: 'delete', pod: oldPod, reason: 'update', nodeName })
    }
  }
  return [...useless, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))]
}

/** Creates new pods beside old ones, and deletes the old one where the new one is available. */
function planSurge(
  states: readonly NodeState[],
  maxSurge: number,
  eligible: ReadonlySet<string>,
  isAvailable: (pod: Pod) => boolean,
): readonly Action[] {
  const actions: Action[] = []
  const candidates: Action[] = []
  let surging = 0
  for (const { nodeName, newPod, oldPod, isOdd } of states) {
    if (isOdd) surging++
    else if (!oldPod) continue
    else if (!newPod) {
      // A node that it may only stay on gets no second pod, and the set does not count on the first.
      if (!eligible.has(nodeName)) actions.push({ type: 'delete', pod: oldPod, reason: 'update', nodeName })
      else (isAvailable(oldPod) ? candidates : actions).push({ type: 'create', nodeName })
    } else if (isAvailable(newPod)) actions.push({ type: 'delete', pod: oldPod, reason: 'update', nodeName })
    else surging++
  }
  return [...actions, ...candidates.slice(0, Math.max(0, maxSurge - surging))]
}

export type StatusPlan = {
  /** Undefined: what is stored is right. */
  readonly status: DaemonSetStatus | undefined
  /** When the next ready pod has been so for minReadySeconds: the second one of a node, too, for which an older one there is to go. */
  readonly requeueAfterMs: number | undefined
}

export function planStatus({ daemonSet, nodes, pods, revisionHash }: Omit<Observed, 'failedWaitMs'>, nowMs: number): StatusPlan {
  const onNodes = podsByNode(pods)
  let [desired, current, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0]
  const availableInMs = (pod: Pod) => podAvailableInMs(pod, daemonSet.spec?.minReadySeconds ?? 0, nowMs)
  for (const node of nodes) {
    const [pod] = onNodes.get(node.metadata.name ?? '') ?? []
    if (!eligibilityOf(daemonSet, node).shouldRun) {
      if (pod) misscheduled++
      continue
    }
    desired++
    if (!pod) continue
    current++
    if (isUpdated(daemonSet, pod, revisionHash)) updated++
    const waitMs = availableInMs(pod)
    if (waitMs !== undefined) ready++
    if (waitMs === 0) available++
  }
  let requeueAfterMs: number | undefined
  for (const pod of [...onNodes.values()].flat()) {
    const waitMs = availableInMs(pod)
    if (waitMs) requeueAfterMs = Math.min(requeueAfterMs ?? waitMs, waitMs)
  }
  const { conditions, collisionCount } = daemonSet.status ?? {}
  const status: DaemonSetStatus = {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    observedGeneration: daemonSet.metadata.generation ?? 0,
    ...(updated ? { updatedNumberScheduled: updated } : {}),
    ...(available ? { numberAvailable: available } : {}),
    ...(desired - available ? { numberUnavailable: desired - available } : {}),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions ? { conditions } : {}),
  }
  return { status: deepEqual(status, daemonSet.status) ? undefined : status, requeueAfterMs }
}
