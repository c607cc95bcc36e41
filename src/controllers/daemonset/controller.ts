import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { controlledBy, orphansIn, performClaims, planClaims } from '../../control/ownership.ts'
import { claimRevisions, performHistory, planHistory, planHistoryCleanup } from '../../control/revision-history.ts'
import { slowStart } from '../../control/slow-start.ts'
import { keysOfController, watchKind } from '../../control/watch-declaration.ts'
import type { DaemonSet } from '../../kinds/generated/types/apps-v1.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { matches, selectorFrom, selectsEverything } from '../../machinery/label-selector.ts'
import { controllerOf, keyOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { daemonPod, revisionHashLabel } from './daemon-pod.ts'
import { eligibilityOf } from './eligibility.ts'
import { FailureBackoff } from './failure-backoff.ts'
import { type Action, planDaemonSet, planStatus } from './plan.ts'

const { daemonSets, controllerRevisions } = kindRefs.appsV1
const { pods, nodes } = kindRefs.coreV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }
type Create = Extract<Action, { type: 'create' }>
type Delete = Extract<Action, { type: 'delete' }>

/** Keeps one pod on every node that a DaemonSet belongs on. Remembers which nodes' pods failed lately. */
export function daemonSetController(): ControllerDefinition {
  const backoff = new FailureBackoff()
  return {
    name: 'daemonset',
    account: 'daemon-set-controller',
    watches: [
      watchKind(daemonSets),
      watchKind(pods, keysOfPod),
      watchKind(nodes, keysOfNode),
      watchKind(controllerRevisions, keysOfController(daemonSets)),
    ],
    writes: [daemonSets, pods, controllerRevisions],
    minIntervalMs: 10,
    reconcile: (context, key) => reconcile(context, key, backoff),
  }
}

const keysOfOwner = keysOfController(daemonSets)

function keysOfPod(change: Change<Pod>, context: LoopContext): readonly string[] {
  const { current } = change
  if (!current || controllerOf(current)) return keysOfOwner(change)
  const owners = context.informer(daemonSets).list(current.metadata.namespace)
  const adopters = owners.filter((set) => matches(selectorFrom(set.spec?.selector), current.metadata.labels))
  return [...keysOfOwner(change), ...adopters.map(keyOf)]
}

/** The sets that a change of the node's labels or taints calls to it or away from it. */
function keysOfNode({ current, old }: Change<Node>, context: LoopContext): readonly string[] {
  const isSame =
    current && old && deepEqual(current.metadata.labels, old.metadata.labels) && deepEqual(current.spec?.taints, old.spec?.taints)
  if (isSame) return []
  const sets = context.informer(daemonSets).list()
  const fit = (set: DaemonSet, node: Node | undefined) => {
    const { shouldRun, mayStay } = node ? eligibilityOf(set, node) : { shouldRun: false, mayStay: false }
    return `${shouldRun} ${mayStay}`
  }
  return sets.filter((set) => fit(set, current) !== fit(set, old)).map(keyOf)
}

async function reconcile(context: LoopContext, key: string, backoff: FailureBackoff): Promise<ReconcileResult> {
  const daemonSet = context.informer(daemonSets).get(key)
  if (!daemonSet?.spec) return
  const selector = selectorFrom(daemonSet.spec.selector)
  if (selectsEverything(selector)) {
    const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
    context.event(daemonSet, { type: 'Warning', reason: 'SelectingAll', message })
    return
  }
  if (daemonSet.metadata.deletionTimestamp) return
  const { namespace = '' } = splitKey(key)
  const podInformer = context.informer(pods)
  const claims = planClaims({
    owner: daemonSet,
    selector,
    controlled: controlledBy(podInformer, daemonSet.metadata.uid),
    orphans: orphansIn(podInformer, namespace),
  })
  const owned = await performClaims({ client: context.client, ownerKind: daemonSets, owner: daemonSet, kind: pods }, claims)
  const revisions = await claimRevisions(context, daemonSets, daemonSet, selector)
  const history = planHistory({
    owner: daemonSet,
    ownerKind: daemonSets,
    template: daemonSet.spec.template,
    collisionCount: daemonSet.status?.collisionCount ?? 0,
    revisions,
    hashLabel: revisionHashLabel,
  })
  const newest = await performHistory(context, history)
  if (!newest) return countCollision(context, daemonSet)
  const revisionHash = newest.metadata.labels?.[revisionHashLabel] ?? ''
  const nodeList = context.informer(nodes).list()
  const failedWaitMs = (nodeName: string) => backoff.waitMs(backoffKey(daemonSet, nodeName), context.clock.now())
  const plan = planDaemonSet({ daemonSet, nodes: nodeList, pods: owned, revisionHash, failedWaitMs }, context.clock.now())
  const error = await perform(context, { daemonSet, revisionHash, backoff }, plan.actions)
  const present = controlledBy(podInformer, daemonSet.metadata.uid).filter((pod) => matches(selector, pod.metadata.labels))
  const observed = { daemonSet, nodes: nodeList, pods: present, revisionHash }
  const { status, requeueAfterMs } = planStatus(observed, context.clock.now())
  if (status) await context.client.resource(daemonSets, namespace).updateStatus({ ...daemonSet, status })
  if (error !== undefined) throw error
  await cleanHistory(context, daemonSet, present, revisionHash)
  const waits = [plan.requeueAfterMs, requeueAfterMs].filter((ms) => ms !== undefined)
  return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : undefined
}

const backoffKey = ({ metadata }: DaemonSet, nodeName: string) => `${metadata.uid}/${nodeName}`

async function countCollision(context: LoopContext, daemonSet: DaemonSet): Promise<void> {
  const { metadata, status } = daemonSet
  const numbers = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }
  const collisionCount = (status?.collisionCount ?? 0) + 1
  await context.client
    .resource(daemonSets, metadata.namespace)
    .updateStatus({ ...daemonSet, status: { ...numbers, ...status, collisionCount } })
}

type Acting = { readonly daemonSet: DaemonSet; readonly revisionHash: string; readonly backoff: FailureBackoff }

/** Gives the first failure; the others come again. */
async function perform(context: LoopContext, acting: Acting, actions: readonly Action[]): Promise<unknown> {
  const creations = actions.filter((action): action is Create => action.type === 'create')
  const deletions = actions.filter((action): action is Delete => action.type === 'delete')
  const { error } = await slowStart(creations.length, (i) => createPod(context, acting, creations[i]!.nodeName))
  const results = await Promise.allSettled(deletions.map((action) => deletePod(context, acting, action)))
  const failed = results.find((result) => result.status === 'rejected')
  return error !== undefined && !isNamespaceTerminating(error) ? error : failed?.reason
}

async function createPod(context: LoopContext, { daemonSet, revisionHash }: Acting, nodeName: string): Promise<void> {
  try {
    const resource = context.client.resource(pods, daemonSet.metadata.namespace)
    const pod = await resource.create(daemonPod(daemonSet, revisionHash, nodeName))
    context.event(daemonSet, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` })
  } catch (error) {
    if (!isNamespaceTerminating(error)) {
      const message = `Error creating: ${error instanceof Error ? error.message : String(error)}`
      context.event(daemonSet, { type: 'Warning', reason: 'FailedCreate', message })
    }
    throw error
  }
}

async function deletePod(context: LoopContext, { daemonSet, backoff }: Acting, { pod, reason, nodeName }: Delete): Promise<void> {
  const { name = '', namespace, uid } = pod.metadata
  if (reason === 'failed') {
    const message = `Found failed daemon pod ${namespace}/${name} on node ${nodeName}, will try to kill it`
    context.event(daemonSet, { type: 'Warning', reason: 'FailedDaemonPod', message })
    backoff.count(backoffKey(daemonSet, nodeName), context.clock.now())
  } else if (reason === 'succeeded') {
    const message = `Found succeeded daemon pod ${namespace}/${name} on node ${nodeName}, will try to delete it`
    context.event(daemonSet, { type: 'Normal', reason: 'SucceededDaemonPod', message })
  }
  try {
    await context.client.resource(pods, namespace).delete(name, { preconditions: uid ? { uid } : {} })
    context.event(daemonSet, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` })
  } catch (error) {
    if (isStatus(error, 'NotFound')) return
    if (!isStatus(error, 'Conflict')) {
      const message = `Error deleting: ${error instanceof Error ? error.message : String(error)}`
      context.event(daemonSet, { type: 'Warning', reason: 'FailedDelete', message })
    }
    throw error
  }
}

async function cleanHistory(context: LoopContext, daemonSet: DaemonSet, present: readonly Pod[], revisionHash: string): Promise<void> {
  const hashes = new Set([revisionHash, ...present.map((pod) => pod.metadata.labels?.[revisionHashLabel] ?? '')])
  const revisions = controlledBy(context.informer(controllerRevisions), daemonSet.metadata.uid)
  const inUse = revisions.filter(({ metadata }) => hashes.has(metadata.labels?.[revisionHashLabel] ?? ''))
  const live = new Set(inUse.map(({ metadata }) => metadata.name ?? ''))
  const { revisionHistoryLimit = 10 } = daemonSet.spec ?? {}
  // Old revisions that still have pods count, too: other than with StatefulSets.
  const oldInUse = inUse.filter(({ metadata }) => metadata.labels?.[revisionHashLabel] !== revisionHash).length
  for (const { metadata } of planHistoryCleanup(revisions, live, Math.max(0, revisionHistoryLimit - oldInUse))) {
    await context.client
      .resource(controllerRevisions, metadata.namespace)
      .delete(metadata.name ?? '', { preconditions: { uid: metadata.uid ?? '' } })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error
      })
  }
}
