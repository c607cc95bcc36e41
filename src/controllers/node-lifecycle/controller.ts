import { toTime } from '../../base/clock.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import type { Node, Pod, Taint } from '../../kinds/generated/types/core-v1.ts'
import { isPodReady, isPodTerminal } from '../../kinds/pod-status.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { NodeSettings } from '../settings.ts'
import { type EvictionRate, evictionRate, type ZoneCounts } from './eviction-rate.ts'
import { neverUpdatedReason, planNode, type Plan, withNoExecute } from './plan.ts'

const { nodes, pods } = kindRefs.coreV1
const { leases } = kindRefs.coordinationV1
const leaseNamespace = 'kube-node-lease'
const nodeIndex = 'node-name'

/** What a node last said, and when we saw it (by our own clock). */
type Sign = { readonly text: string; readonly seenMs: number }

/** Watches nodes' signs of life; marks the silent ones and their pods; sets the taints that keep pods away or drive them off. */
export function nodeLifecycleController(settings: NodeSettings = {}): ControllerDefinition {
  const lifecycle = new NodeLifecycle(evictionRate(settings.eviction), settings)
  return {
    name: 'node',
    watches: [
      watchKind(nodes, ({ current, old }, context) => lifecycle.nodeChanged(context, current, old)),
      watchKind(leases, ({ current, old }, context) => lifecycle.leaseChanged(context, current, old)),
      readKind(pods),
    ],
    writes: [nodes, pods],
    reconcile: (context, key) => lifecycle.reconcile(context, key),
  }
}

class NodeLifecycle {
  readonly #signs = new Map<string, Sign>()
  readonly #rate: EvictionRate
  readonly #settings: NodeSettings

  constructor(rate: EvictionRate, settings: NodeSettings) {
    this.#rate = rate
    this.#settings = settings
  }

  nodeChanged(context: LoopContext, current: Node | undefined, old: Node | undefined): readonly string[] {
    const name = (current ?? old)?.metadata.name ?? ''
    if (old && old.metadata.uid !== current?.metadata.uid) tell(context, old, 'RemovingNode', `Removing Node ${name} from Controller`)
    if (current && old?.metadata.uid !== current.metadata.uid)
      tell(context, current, 'RegisteredNode', `Registered Node ${name} in Controller`)
    if (!current) this.#signs.delete(name)
    else this.#see(context, current)
    // The fall or rise of one node can stop or start the eviction of others.
    const readiness = (node: Node | undefined) => node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status
    return readiness(current) === readiness(old)
      ? [name]
      : context
          .informer(nodes)
          .list()
          .map((node) => node.metadata.name ?? '')
  }

  /** A renewal is noted, not acted upon, unless its node counts as dead. */
  leaseChanged(context: LoopContext, current: Lease | undefined, old: Lease | undefined): readonly string[] {
    const lease = current ?? old
    const name = lease?.metadata.name ?? ''
    if (lease?.metadata.namespace !== leaseNamespace) return []
    const node = context.informer(nodes).get(name)
    if (!node) return []
    this.#see(context, node)
    return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ? [name] : []
  }

  async reconcile(context: LoopContext, name: string): Promise<ReconcileResult> {
    const node = context.informer(nodes).get(name)
    if (!node) return
    const nowMs = context.clock.now()
    const silentMs = context.clock.monotonicMs() - this.#see(context, node).seenMs
    const plan = planNode({ node, silentMs, ...this.#settings }, nowMs)
    const current = await this.#writeNode(context, node, plan)
    if (plan.isLost) await markPodsNotReady(context, name)
    const waitMs = await this.#writeNoExecute(context, current, plan)
    const times = [plan.requeueAfterMs, waitMs].filter((ms): ms is number => ms !== undefined && Number.isFinite(ms))
    return times.length > 0 ? { requeueAfterMs: Math.min(...times) } : undefined
  }

  #see(context: LoopContext, node: Node): Sign {
    const name = node.metadata.name ?? ''
    const lease = context.informer(leases).get(`${leaseNamespace}/${name}`)
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
    // What we wrote ourselves about a node that never spoke is no sign of life.
    const heartbeat = ready?.reason === neverUpdatedReason ? undefined : ready?.lastHeartbeatTime
    const text = `${node.metadata.uid} ${lease?.spec?.renewTime} ${heartbeat}`
    const known = this.#signs.get(name)
    if (known?.text === text) return known
    const sign = { text, seenMs: context.clock.monotonicMs() }
    this.#signs.set(name, sign)
    return sign
  }

  async #writeNode(context: LoopContext, node: Node, plan: Plan): Promise<Node> {
    const resource = context.client.resource(nodes)
    let current = node
    if (plan.conditions) {
      current = await resource.updateStatus({ ...node, status: { ...node.status, conditions: [...plan.conditions] } })
      if (plan.hasFallenSilent)
        context.event(node, { type: 'Normal', reason: 'NodeNotReady', message: `Node ${node.metadata.name} status is now: NodeNotReady` })
    }
    return plan.noScheduleTaints ? writeTaints(context, current, plan.noScheduleTaints) : current
  }

  /** Gives the time after which to try again, when the rate forbids it now. */
  async #writeNoExecute(context: LoopContext, node: Node, plan: Plan): Promise<number | undefined> {
    const taints = withNoExecute(node.spec?.taints ?? [], plan.noExecute?.key, context.clock.now())
    if (!taints) return undefined
    if (plan.noExecute) {
      const waitMs = this.#rate.take(zoneOf(node), countZones(context.informer(nodes).list()), context.clock.monotonicMs())
      if (waitMs > 0) return waitMs
    }
    await writeTaints(context, node, taints)
    return undefined
  }
}

function tell(context: LoopContext, node: Node, reason: string, what: string): void {
  context.event(node, { type: 'Normal', reason, message: `Node ${node.metadata.name} event: ${what}` })
}

const regionLabel = 'topology.kubernetes.io/region'
const zoneLabel = 'topology.kubernetes.io/zone'

/** Nodes without labels of a place are in one zone together. */
function zoneOf({ metadata }: Node): string {
  return `${metadata.labels?.[regionLabel] ?? ''}:${metadata.labels?.[zoneLabel] ?? ''}`
}

function countZones(all: readonly Node[]): ReadonlyMap<string, ZoneCounts> {
  const zones = new Map<string, { nodes: number; unhealthy: number }>()
  for (const node of all) {
    const zone = zoneOf(node)
    const counts = zones.get(zone) ?? { nodes: 0, unhealthy: 0 }
    counts.nodes++
    if (!node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) counts.unhealthy++
    zones.set(zone, counts)
  }
  return zones
}

function writeTaints(context: LoopContext, node: Node, taints: readonly Taint[]): Promise<Node> {
  // A merge patch with the version: taints are a list that others change too.
  const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } }
  return context.client.resource(nodes).patch(node.metadata.name ?? '', { type: 'merge', body })
}

/** Services stop leading to the pods of a node that nobody hears of. */
async function markPodsNotReady(context: LoopContext, nodeName: string): Promise<void> {
  const informer = context.informer(pods)
  informer.addIndex(nodeIndex, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []))
  const ready = informer.byIndex(nodeIndex, nodeName).filter((pod) => isPodReady(pod) && !isPodTerminal(pod))
  await Promise.all(ready.map((pod) => markNotReady(context, pod)))
}

async function markNotReady(context: LoopContext, pod: Pod): Promise<void> {
  const time = toTime(context.clock.now())
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: time } : condition,
  )
  try {
    await context.client.resource(pods, pod.metadata.namespace).updateStatus({ ...pod, status: { ...pod.status, conditions } })
    context.event(pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
