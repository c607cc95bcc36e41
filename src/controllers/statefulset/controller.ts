import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { controlledBy, orphansIn, performClaims, planClaims } from '../../control/ownership.ts'
import { claimRevisions, performHistory, planHistory, planHistoryCleanup, templateOfRevision } from '../../control/revision-history.ts'
import { gatherWithPods } from '../../control/gather-with-pods.ts'
import { slowStart } from '../../control/slow-start.ts'
import { keysOfController, readKind, watchKind } from '../../control/watch-declaration.ts'
import type { ControllerRevision, StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import { controllerOf, keyOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { claimsOf, ordinalOf, revisionLabel } from './identity.ts'
import { type Action, planStatefulSet, planStatus, type Revision } from './plan.ts'
import { type ClaimUser, isStaleClaim, planRetention } from './retention.ts'
import { type GrowthPlan, planVolumeGrowth } from './volume-growth.ts'

const { statefulSets, controllerRevisions } = kindRefs.appsV1
const { pods, persistentVolumeClaims } = kindRefs.coreV1

/** Each step of an ordered set waits for the one before. */
const orderedGatherMs = 10
const gather = gatherWithPods(statefulSets)

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
  minIntervalMs: (context, key) =>
    context.informer(statefulSets).get(key)?.spec?.podManagementPolicy === 'Parallel' ? gather(context, key) : orderedGatherMs,
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

/** Only the growth of a claim and its end matter, which one of the same namespace's sets may wait for. */
function keysOfClaim(
  { current, old }: { readonly current: PersistentVolumeClaim | undefined; readonly old: PersistentVolumeClaim | undefined },
  context: LoopContext,
): readonly string[] {
  const trace = (claim: PersistentVolumeClaim | undefined) => `${claim?.status?.phase} ${claim?.status?.capacity?.storage}`
  if (!old || (current && trace(current) === trace(old))) return []
  const isOf = (set: StatefulSet) =>
    set.spec?.volumeClaimTemplates?.some(({ metadata }) => old.metadata.name?.startsWith(`${metadata.name}-${set.metadata.name}-`))
  return context.informer(statefulSets).list(old.metadata.namespace).filter(isOf).map(keyOf)
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
  const hasStaleClaim = (ordinal: number) => ordinalHasStaleClaim(context, set, ordinal)
  const lacksClaim = (ordinal: number) => knownClaims(context, set, ordinal).includes(undefined)
  const hasEndingClaim = (ordinal: number) => knownClaims(context, set, ordinal).some((claim) => claim?.metadata.deletionTimestamp)
  const observed = { set, current, update, pods: owned, hasStaleClaim, lacksClaim, hasEndingClaim }
  const plan = planStatefulSet(observed, context.clock.now())
  const growth = planGrowthOf(context, set)
  const act = async () => {
    await retainClaims(context, set, plan.reached)
    const { error } = await slowStart(plan.actions.length, (i) => perform(context, set, plan.actions[i]!))
    if (error !== undefined) throw error
    for (const claim of growth.grow) await growClaim(context, set, claim)
  }
  // What could not be done changes nothing of what is there, and that is told.
  const failure = await act().then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  const present = controlledBy(informer, set.metadata.uid).filter((pod) => matches(selector, pod.metadata.labels))
  const { condition } = growth.grow.length > 0 ? planGrowthOf(context, set) : growth
  const status = planStatus({ set, current, update, pods: present, ...(condition ? { condition } : {}) }, context.clock.now())
  if (status) await context.client.resource(statefulSets, namespace).updateStatus({ ...set, status })
  await cleanHistory(context, set, present, new Set([current.name, update.name]))
  if (failure) throw failure.error
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
    const what = `Claim ${claim.metadata.name}`
    const growing = () => context.client.resource(persistentVolumeClaims, claim.metadata.namespace).update(claim)
    await said(context, set, { verb: 'Update', done: `${what} in`, failed: `${what} in` }, growing)
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
      await said(context, set, podWords('Create', name), () => resource.create(action.pod))
      return
    case 'create-claims':
      return createClaims(context, set, action.ordinal)
    case 'update':
      await said(context, set, podWords('Update', name), () => resource.update(action.pod))
      return
    case 'delete':
      await said(context, set, podWords('Delete', name), () => resource.delete(name, { preconditions: { uid } }))
      return
    default:
      unreachable(action)
  }
}

/** How an event tells of it: upstream has other words for a claim that was made and one that was not. */
type Words = { readonly verb: 'Create' | 'Update' | 'Delete'; readonly done: string; readonly failed: string; readonly success?: string }

const podWords = (verb: Words['verb'], name: string): Words => ({ verb, done: `Pod ${name} in`, failed: `Pod ${name} in` })

/** Does it, and records how it went. What was done by somebody else already is fine. */
async function said(context: LoopContext, set: StatefulSet, words: Words, act: () => Promise<unknown>): Promise<void> {
  const { verb, done, success = 'successful' } = words
  const { name } = set.metadata
  try {
    await act()
    context.event(set, { type: 'Normal', reason: `Successful${verb}`, message: `${verb} ${done} StatefulSet ${name} ${success}` })
  } catch (error) {
    if ((verb === 'Delete' && isStatus(error, 'NotFound')) || isNamespaceTerminating(error)) return
    if (!isStatus(error, 'Conflict') && !isStatus(error, 'AlreadyExists')) sayFailed(context, set, words, messageOf(error))
    throw error
  }
}

function sayFailed(context: LoopContext, set: StatefulSet, { verb, failed }: Words, why: string): void {
  const message = `${verb} ${failed} StatefulSet ${set.metadata.name} failed error: ${why}`
  context.event(set, { type: 'Warning', reason: `Failed${verb}`, message })
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function ordinalHasStaleClaim(context: LoopContext, set: StatefulSet, ordinal: number): boolean {
  return knownClaims(context, set, ordinal).some(
    (claim) => claim !== undefined && isStaleClaim(set, claim, `${set.metadata.name}-${ordinal}`),
  )
}

/** Of each claim of the ordinal; undefined: it is not there. */
function knownClaims(context: LoopContext, set: StatefulSet, ordinal: number): readonly (PersistentVolumeClaim | undefined)[] {
  const informer = context.informer(persistentVolumeClaims)
  return [...claimsOf(set, ordinal).values()].map(({ metadata: { namespace, name } }) => informer.get(`${namespace}/${name}`))
}

/** Throws while a claim of the ordinal is on its way out: its pod would be left with one that nobody fills. */
async function createClaims(context: LoopContext, set: StatefulSet, ordinal: number): Promise<void> {
  const podName = `${set.metadata.name}-${ordinal}`
  const informer = context.informer(persistentVolumeClaims)
  for (const claim of claimsOf(set, ordinal).values()) {
    const { namespace, name = '' } = claim.metadata
    const known = informer.get(`${namespace}/${name}`)
    if (!known) await createClaim(context, set, claim, podName)
    else if (known.metadata.deletionTimestamp) {
      sayFailed(context, set, podWords('Create', podName), `pvc ${name} is being deleted`)
      throw new Error(`pvc ${name} is being deleted`)
    }
  }
}

async function createClaim(context: LoopContext, set: StatefulSet, claim: PersistentVolumeClaim, podName: string): Promise<void> {
  const { namespace, name = '' } = claim.metadata
  const { owners } = planRetention(set, claim, { name: podName, pod: undefined, isCondemned: false })
  const wanted = owners ? { ...claim, metadata: { ...claim.metadata, ownerReferences: [...owners] } } : claim
  const words: Words = {
    verb: 'Create',
    done: `Claim ${name} Pod ${podName} in`,
    failed: `Claim ${name} for Pod ${podName} in`,
    success: 'success',
  }
  try {
    await said(context, set, words, () => context.client.resource(persistentVolumeClaims, namespace).create(wanted))
  } catch (error) {
    if (isStatus(error, 'AlreadyExists')) return
    sayFailed(context, set, podWords('Create', podName), `failed to create PVC ${name}: ${messageOf(error)}`)
    throw error
  }
}

/** A pod in range that has started is said to be updated with its claims. */
async function retainClaims(context: LoopContext, set: StatefulSet, reached: readonly Pod[]): Promise<void> {
  if ((set.spec?.volumeClaimTemplates ?? []).length === 0) return
  const start = set.spec?.ordinals?.start ?? 0
  const end = start + (set.spec?.replicas ?? 1)
  for (const pod of reached) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) continue
    const { name = '' } = pod.metadata
    const isCondemned = ordinal < start || ordinal >= end
    const writes = planClaimOwners(context, set, ordinal, { name, pod, isCondemned })
    if (writes.length === 0) continue
    const write = () =>
      Promise.all(writes.map((claim) => context.client.resource(persistentVolumeClaims, claim.metadata.namespace).update(claim)))
    const isTold = !isCondemned && pod.status?.phase !== 'Pending'
    await (isTold ? said(context, set, podWords('Update', name), write) : write())
  }
}

/** The claims of the ordinal whose owners have to change, with the new ones. */
function planClaimOwners(context: LoopContext, set: StatefulSet, ordinal: number, user: ClaimUser): readonly PersistentVolumeClaim[] {
  return [...claimsOf(set, ordinal).values()].flatMap(({ metadata }) => {
    const claim = context.informer(persistentVolumeClaims).get(`${metadata.namespace}/${metadata.name}`)
    const { owners, isContested } = claim ? planRetention(set, claim, user) : { owners: undefined, isContested: false }
    if (!claim || !owners) return []
    if (isContested) sayContested(context, set, metadata.name ?? '')
    return [{ ...claim, metadata: { ...claim.metadata, ownerReferences: [...owners] } }]
  })
}

function sayContested(context: LoopContext, set: StatefulSet, claim: string): void {
  const why = 'has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim'
  context.event(set, { type: 'Warning', reason: 'ConflictingController', message: `PersistentVolumeClaim ${claim} ${why}` })
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
