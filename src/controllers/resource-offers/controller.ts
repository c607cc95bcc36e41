import { toTime } from '../../base/clock.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { controllerReference } from '../../control/ownership.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { type Framework, frameworks } from '../../kinds/keelson/framework.ts'
import { type Offer, offers } from '../../kinds/keelson/offer.ts'
import { isPodScheduled, isPodTerminal } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { keyOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { frameworkStatus } from './framework-status.ts'
import { LeaseAges } from './lease-ages.ts'
import { type OfferAction, planOffers } from './plan.ts'
import { frameworkView, nodeView, offerView, Requests, resourceList } from './views.ts'

const { nodes, pods } = kindRefs.coreV1
const { leases } = kindRefs.coordinationV1

/** Frameworks share all nodes, so there is one key. */
const everything = 'offers'
/** After a refused offer: the node's room was taken meanwhile. */
const retryMs = 1_000
const nameMax = 253

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

/**
 * Offers the room of nodes to frameworks by weighted dominant resource fairness, takes offers back when they expire or their framework
 * dies, and keeps the frameworks' status. Does nothing while there is no framework.
 */
export function resourceOffersController(): ControllerDefinition {
  const ages = new LeaseAges()
  const requests = new Requests()
  return {
    name: 'resource-offers',
    watches: [
      watchKind(frameworks, () => [everything]),
      watchKind(offers, () => [everything]),
      watchKind(leases, (change, context) => ofFramework(change, context)),
      watchKind(nodes, (change, context) => (hasFrameworks(context) && isOtherNode(change) ? [everything] : [])),
      watchKind(pods, (change, context) => (hasFrameworks(context) && movesRoom(change) ? [everything] : [])),
    ],
    writes: [frameworks, offers],
    concurrency: 1,
    minIntervalMs: 200,
    reconcile: (context, _key, signal) => reconcile(context, { ages, requests }, signal),
  }
}

const hasFrameworks = (context: LoopContext) => context.informer(frameworks).list().length > 0

function ofFramework(
  { current, old }: Change<{ metadata: { namespace?: string; name?: string } }>,
  context: LoopContext,
): readonly string[] {
  const { namespace = '', name = '' } = (current ?? old)?.metadata ?? {}
  return context.informer(frameworks).get(`${namespace}/${name}`) ? [everything] : []
}

function isOtherNode({ current, old }: Change<Node>): boolean {
  const facts = (node: Node | undefined) => {
    if (!node) return ''
    const isReady = node.status?.conditions?.find((c) => c.type === 'Ready')?.status
    return JSON.stringify([node.metadata.labels, node.spec?.unschedulable, node.spec?.taints, node.status?.allocatable, isReady])
  }
  return facts(current) !== facts(old)
}

/** A pod came to a node, left one, or asks for something else there. */
function movesRoom({ current, old }: Change<Pod>): boolean {
  const holds = (pod: Pod | undefined) => pod !== undefined && isPodScheduled(pod) && !isPodTerminal(pod)
  return holds(current) !== holds(old) || (holds(current) && current!.metadata.generation !== old!.metadata.generation)
}

async function reconcile(
  context: LoopContext,
  { ages, requests }: { readonly ages: LeaseAges; readonly requests: Requests },
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const all = context
    .informer(frameworks)
    .list()
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const existing = context
    .informer(offers)
    .list()
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (all.length === 0 && existing.length === 0) return
  const nowMs = context.clock.now()
  const leaseOf = (framework: Framework) => context.informer(leases).get(keyOf(framework))
  const lives = new Map(all.map((framework) => [keyOf(framework), ages.look(framework, leaseOf(framework), context.clock.monotonicMs())]))
  const used = requests.of(context.informer(pods).list())
  const plan = planOffers({
    nowMs,
    frameworks: all.map((framework) => frameworkView(framework, lives.get(keyOf(framework))!.isActive, used.byFramework)),
    offers: existing.map(offerView),
    nodes: context
      .informer(nodes)
      .list()
      .map((node) => nodeView(node, used.byNode.get(node.metadata.name ?? ''))),
  })
  let isRefused = false
  for (const action of plan.actions) {
    if (signal.aborted) return
    if (!(await act(context, action))) isRefused = true
  }
  for (const framework of all) {
    const key = keyOf(framework)
    const status = frameworkStatus({ framework, share: plan.shares.get(key)!, life: lives.get(key)!, now: toTime(nowMs) })
    if (!deepEqual(status, framework.status)) await writeStatus(context, framework, status)
  }
  const dueMs = [
    ...(isRefused ? [retryMs] : []),
    ...(plan.nextMs === undefined ? [] : [plan.nextMs - nowMs]),
    ...[...lives.values()].flatMap(({ remainingMs }) => (remainingMs === undefined ? [] : [remainingMs])),
  ]
  return dueMs.length === 0 ? undefined : { requeueAfterMs: Math.max(1, Math.min(...dueMs)) }
}

/** False where it could not be done at this moment; throws where trying again needs a back-off. */
async function act(context: LoopContext, action: OfferAction): Promise<boolean> {
  try {
    if (action.type === 'Offer') await makeOffer(context, action)
    else if (action.type === 'TimeOut') await timeOut(context, action)
    else await withdraw(context, action.offer)
    return true
  } catch (error) {
    if (isStatus(error, 'NotFound')) return true
    // Somebody took the room, or answered, in this moment: the change that follows is looked at.
    if (isStatus(error, 'Conflict') || isStatus(error, 'AlreadyExists')) return false
    throw error
  }
}

async function makeOffer(context: LoopContext, action: Extract<OfferAction, { type: 'Offer' }>): Promise<void> {
  const framework = context.informer(frameworks).get(action.framework)
  if (!framework) return
  const { namespace, name = '' } = framework.metadata
  await context.client.resource<Offer>(offers, namespace).create({
    apiVersion: 'keelson.dev/v1',
    kind: 'Offer',
    metadata: { name: offerName(name, action.node), ownerReferences: [controllerReference(frameworks, framework)] },
    spec: {
      frameworkName: name,
      nodeName: action.node,
      resources: resourceList(action.resources),
      // Whole seconds, never too early.
      expirationTime: toTime(action.untilMs + 999),
    },
  })
}

/** One offer a framework and node has one name: made twice it is there once. */
function offerName(framework: string, node: string): string {
  const name = `${framework}.${node}`
  return name.length <= nameMax ? name : `${name.slice(0, nameMax - 9)}-${shortHash(name)}`
}

function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

async function timeOut(context: LoopContext, { offer: key, untilMs }: Extract<OfferAction, { type: 'TimeOut' }>): Promise<void> {
  const offer = context.informer(offers).get(key)
  if (!offer) return
  const status = { phase: 'Declined', reason: 'TimedOut', filterUntil: toTime(untilMs + 999) } as const
  await context.client.resource<Offer>(offers, offer.metadata.namespace).updateStatus({ ...offer, status })
}

async function withdraw(context: LoopContext, key: string): Promise<void> {
  const { namespace, name } = splitKey(key)
  const uid = context.informer(offers).get(key)?.metadata.uid
  await context.client.resource(offers, namespace).delete(name, uid === undefined ? {} : { preconditions: { uid } })
}

async function writeStatus(context: LoopContext, framework: Framework, status: Framework['status'] & object): Promise<void> {
  try {
    await context.client.resource<Framework>(frameworks, framework.metadata.namespace).updateStatus({ ...framework, status })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
