import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { controlledBy, orphansIn, performClaims, planClaims } from '../../control/ownership.ts'
import { claimRevisions, performHistory, planHistory, planHistoryCleanup, templateOfRevision } from '../../control/revision-history.ts'
import { keysOfController, readKind, watchKind } from '../../control/watch-declaration.ts'
import type { ControllerRevision, StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import { controllerOf, keyOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { claimsOf, ordinalOf, revisionLabel } from './identity.ts'
import { type Action, planStatefulSet, planStatus, type Revision } from './plan.ts'
import { retainedOwners } from './retention.ts'
import { type GrowthPlan, planVolumeGrowth } from './volume-growth.ts'

const { statefulSets, controllerRevisions } = kindRefs.appsV1
const { pods, persistentVolumeClaims } = kindRefs.coreV1

/** Keeps pods with a name, an order and volumes of their own. */
export const statefulSetController: ControllerDefinition = {
  name: 'statefulset',
  watches: [
    watchKind(statefulSets),
    watchKind(pods, keysOfPod),
    readKind(controllerRevisions),
    watchKind(persistentVolumeClaims, keysOfClaim),
  ],
  writes: [statefulSets, pods, controllerRevisions, persistentVolumeClaims],
  minIntervalMs: 10,
  reconcile,
}

const keysOfOwner = keysOfController(statefulSets)

function keysOfPod(change: { readonly current: Pod | undefined; readonly old: Pod | undefined }, context: LoopContext): readonly string[] {
  const { current } = change
  if (!current || controllerOf(current)) return keysOfOwner(change)
  const owners = context.informer(statefulSets).list(current.metadata.namespace)
  return [
    ...keysOfOwner(change),
    ...owners
      .filter((set) => matches(selectorFrom(set.spec?.selector), current.metadata.labels))
      .map((set) => `${set.metadata.namespace}/${set.metadata.name}`),
  ]
}

/** Only the growth of a claim matters, which one of the same namespace's sets may wait for. */
function keysOfClaim(
  { current, old }: { readonly current: PersistentVolumeClaim | undefined; readonly old: PersistentVolumeClaim | undefined },
  context: LoopContext,
): readonly string[] {
  const trace = (claim: PersistentVolumeClaim | undefined) => `${claim?.status?.phase} ${claim?.status?.capacity?.storage}`
  if (!current || !old || trace(current) === trace(old)) return []
  const isOf = (set: StatefulSet) =>
    set.spec?.volumeClaimTemplates?.some(({ metadata }) => current.metadata.name?.startsWith(`${metadata.name}-${set.metadata.name}-`))
  return context.informer(statefulSets).list(current.metadata.namespace).filter(isOf).map(keyOf)
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const set = context.informer(statefulSets).get(key)
  if (!set?.spec) return
  const { namespace = '' } = splitKey(key)
  const informer = context.informer(pods)
  const selector = selectorFrom(set.spec.selector)
  const claims = planClaims({
    owner: set,
    selector,
    controlled: controlledBy(informer, set.metadata.uid),
    // Only pods whose name is the set's can be its own.
    orphans: orphansIn(informer, namespace).filter((pod) => ordinalOf(set, pod) !== undefined),
  })
  const owned = await performClaims({ client: context.client, ownerKind: statefulSets, owner: set, kind: pods }, claims)
  const revisions = await claimRevisions(context, statefulSets, set, selector)
  const history = planHistory({
    owner: set,
    ownerKind: statefulSets,
    template: set.spec.template,
    collisionCount: set.status?.collisionCount ?? 0,
    revisions,
  })
  const newest = await performHistory(context, history)
  if (!newest) return countCollision(context, set)
  const update = asRevision(newest)
  const old = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision)
  const current = old ? asRevision(old) : update
  const plan = planStatefulSet({ set, current, update, pods: owned }, context.clock.now())
  await retainClaims(context, set, owned)
  for (const action of plan.actions) await perform(context, set, action)
  const growth = planGrowthOf(context, set)
  for (const claim of growth.grow) await growClaim(context, set, claim)
  const present = controlledBy(informer, set.metadata.uid).filter((pod) => matches(selector, pod.metadata.labels))
  const { condition } = growth.grow.length > 0 ? planGrowthOf(context, set) : growth
  const status = planStatus({ set, current, update, pods: present, ...(condition ? { condition } : {}) }, context.clock.now())
  if (status) await context.client.resource(statefulSets, namespace).updateStatus({ ...set, status })
  await cleanHistory(context, set, present, new Set([current.name, update.name]))
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

function planGrowthOf(context: LoopContext, set: StatefulSet): GrowthPlan {
  if (!set.spec?.volumeClaimTemplates?.length || set.metadata.deletionTimestamp) return { grow: [], condition: undefined }
  const claims = context.informer(persistentVolumeClaims)
  return planVolumeGrowth(set, (name) => claims.get(`${set.metadata.namespace}/${name}`), context.clock.now())
}

/** What the API refuses (a class that does not let volumes grow) is told; the set goes on without. */
async function growClaim(context: LoopContext, set: StatefulSet, claim: PersistentVolumeClaim): Promise<void> {
  try {
    await said(context, set, `update Claim ${claim.metadata.name}`, 'Update', () =>
      context.client.resource(persistentVolumeClaims, claim.metadata.namespace).update(claim),
    )
  } catch (error) {
    if (!isStatus(error, 'Forbidden') && !isStatus(error, 'Invalid')) throw error
  }
}

function asRevision(revision: ControllerRevision): Revision {
  return { name: revision.metadata.name ?? '', template: templateOfRevision(revision) }
}

async function countCollision(context: LoopContext, set: StatefulSet): Promise<void> {
  const status = { ...set.status, replicas: set.status?.replicas ?? 0, collisionCount: (set.status?.collisionCount ?? 0) + 1 }
  await context.client.resource(statefulSets, set.metadata.namespace).updateStatus({ ...set, status })
}

async function perform(context: LoopContext, set: StatefulSet, action: Action): Promise<void> {
  const resource = context.client.resource(pods, set.metadata.namespace)
  const { name = '', uid = '' } = action.pod.metadata
  switch (action.type) {
    case 'create':
      await createClaims(context, set, action.ordinal)
      await said(context, set, `create Pod ${name}`, 'Create', () => resource.create(action.pod))
      return
    case 'update':
      await said(context, set, `update Pod ${name}`, 'Update', () => resource.update(action.pod))
      return
    case 'delete': {
      const subject = `StatefulSet ${set.metadata.namespace}/${set.metadata.name}`
      if (action.reason === 'failed')
        context.event(set, { type: 'Warning', reason: 'RecreatingFailedPod', message: `${subject} is recreating failed Pod ${name}` })
      if (action.reason === 'ended')
        context.event(set, {
          type: 'Normal',
          reason: 'RecreatingTerminatedPod',
          message: `${subject} is recreating terminated Pod ${name}`,
        })
      await said(context, set, `delete Pod ${name}`, 'Delete', () => resource.delete(name, { preconditions: { uid } }))
      return
    }
    default:
      unreachable(action)
  }
}

/** Does it, and records how it went. What was done by somebody else already is fine. */
async function said(
  context: LoopContext,
  set: StatefulSet,
  what: string,
  verb: 'Create' | 'Update' | 'Delete',
  act: () => Promise<unknown>,
): Promise<void> {
  const subject = `${what} in StatefulSet ${set.metadata.name}`
  try {
    await act()
    context.event(set, { type: 'Normal', reason: `Successful${verb}`, message: `${subject} successful` })
  } catch (error) {
    if ((verb === 'Delete' && isStatus(error, 'NotFound')) || isNamespaceTerminating(error)) return
    const message = `${subject} failed error: ${error instanceof Error ? error.message : String(error)}`
    if (!isStatus(error, 'Conflict')) context.event(set, { type: 'Warning', reason: `Failed${verb}`, message })
    throw error
  }
}

async function createClaims(context: LoopContext, set: StatefulSet, ordinal: number): Promise<void> {
  for (const claim of claimsOf(set, ordinal).values()) {
    const { namespace, name = '' } = claim.metadata
    if (context.informer(persistentVolumeClaims).get(`${namespace}/${name}`)) continue
    const owners = retainedOwners(set, claim, undefined)
    const wanted = owners ? { ...claim, metadata: { ...claim.metadata, ownerReferences: [...owners] } } : claim
    const what = `create Claim ${name} Pod ${set.metadata.name}-${ordinal}`
    await said(context, set, what, 'Create', async () => {
      try {
        await context.client.resource(persistentVolumeClaims, namespace).create(wanted)
      } catch (error) {
        if (!isStatus(error, 'AlreadyExists')) throw error
      }
    })
  }
}

async function retainClaims(context: LoopContext, set: StatefulSet, owned: readonly Pod[]): Promise<void> {
  if ((set.spec?.volumeClaimTemplates ?? []).length === 0) return
  const start = set.spec?.ordinals?.start ?? 0
  const end = start + (set.spec?.replicas ?? 1)
  for (const pod of owned) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) continue
    for (const { metadata } of claimsOf(set, ordinal).values()) {
      const claim = context.informer(persistentVolumeClaims).get(`${metadata.namespace}/${metadata.name}`)
      const owners = claim && retainedOwners(set, claim, ordinal < start || ordinal >= end ? pod : undefined)
      if (!claim || !owners) continue
      const body = { metadata: { resourceVersion: claim.metadata.resourceVersion, ownerReferences: owners } }
      await context.client.resource(persistentVolumeClaims, metadata.namespace).patch(metadata.name ?? '', { type: 'merge', body })
    }
  }
}

async function cleanHistory(context: LoopContext, set: StatefulSet, present: readonly Pod[], inUse: ReadonlySet<string>): Promise<void> {
  const live = new Set([...inUse, ...present.map((pod) => pod.metadata.labels?.[revisionLabel] ?? '')])
  const revisions = controlledBy(context.informer(controllerRevisions), set.metadata.uid)
  for (const { metadata } of planHistoryCleanup(revisions, live, set.spec?.revisionHistoryLimit ?? 10)) {
    await context.client
      .resource(controllerRevisions, metadata.namespace)
      .delete(metadata.name ?? '', { preconditions: { uid: metadata.uid ?? '' } })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error
      })
  }
}
