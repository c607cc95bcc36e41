import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { controlledBy } from '../../control/ownership.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim, ResourceClaimConsumerReference, ResourceClaimTemplate } from '../../kinds/generated/types/resource-v1.ts'
import { controllerOf, keyOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { isPodDone, planClaim, planPod, withReservation } from './plan.ts'

const { pods } = kindRefs.coreV1
const { resourceClaims, resourceClaimTemplates } = kindRefs.resourceV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

const podPrefix = 'pod/'
const claimPrefix = 'claim/'
const podsOfTemplate = 'resource-claim-template'
const podsOfClaim = 'resource-claim'

/** Makes pods' claims of devices from their templates, keeps reservations true, and frees what nobody uses. */
export const resourceClaimController: ControllerDefinition = {
  name: 'resource-claim',
  eventSource: 'resource_claim',
  watches: [watchKind(pods, keysOfPod), watchKind(resourceClaims, keysOfClaim), watchKind(resourceClaimTemplates, keysOfTemplate)],
  writes: [resourceClaims],
  rules: [{ verbs: ['patch', 'update'], apiGroups: [''], resources: ['pods/status'] }],
  reconcile: (context, key) =>
    key.startsWith(podPrefix) ? reconcilePod(context, key.slice(podPrefix.length)) : reconcileClaim(context, key.slice(claimPrefix.length)),
}

/** Pods without claims, which are most, cost nothing. */
function keysOfPod({ current, old }: Change<Pod>): readonly string[] {
  const pod = (current ?? old)!
  if (!pod.spec?.resourceClaims?.length) return []
  const isEnd = !current || (isPodDone(current) && (!old || !isPodDone(old)))
  const claims = isEnd ? claimNamesOf(pod).map((name) => `${claimPrefix}${pod.metadata.namespace}/${name}`) : []
  const isNews = current && (!old || old.spec?.nodeName !== current.spec?.nodeName)
  return [...claims, ...(isNews ? [`${podPrefix}${keyOf(pod)}`] : [])]
}

function claimNamesOf({ spec, status }: Pod): string[] {
  return (spec?.resourceClaims ?? [])
    .map(
      ({ name, resourceClaimName }) => resourceClaimName ?? status?.resourceClaimStatuses?.find((s) => s.name === name)?.resourceClaimName,
    )
    .filter((name) => name !== undefined)
}

/** The claim's own; the pods' that use it when it becomes allocated, the owner's always. */
function keysOfClaim({ current, old }: Change<ResourceClaim>, context: LoopContext): readonly string[] {
  const claim = (current ?? old)!
  const keys = [`${claimPrefix}${keyOf(claim)}`]
  const owner = controllerOf(claim)
  if (owner?.kind === 'Pod') keys.push(`${podPrefix}${claim.metadata.namespace}/${owner.name}`)
  if (!current?.status?.allocation || old?.status?.allocation) return keys
  const informer = context.informer(pods)
  informer.addIndex(podsOfClaim, ({ metadata, spec }) =>
    (spec?.resourceClaims ?? []).flatMap((c) => (c.resourceClaimName ? [`${metadata.namespace}/${c.resourceClaimName}`] : [])),
  )
  return [...keys, ...informer.byIndex(podsOfClaim, keyOf(claim)).map((pod) => `${podPrefix}${keyOf(pod)}`)]
}

function keysOfTemplate({ current }: Change<ResourceClaimTemplate>, context: LoopContext): readonly string[] {
  if (!current) return []
  const informer = context.informer(pods)
  informer.addIndex(podsOfTemplate, ({ metadata, spec }) =>
    (spec?.resourceClaims ?? []).flatMap((c) =>
      c.resourceClaimTemplateName ? [`${metadata.namespace}/${c.resourceClaimTemplateName}`] : [],
    ),
  )
  return informer.byIndex(podsOfTemplate, keyOf(current)).map((pod) => `${podPrefix}${keyOf(pod)}`)
}

async function reconcilePod(context: LoopContext, key: string): Promise<ReconcileResult> {
  const pod = context.informer(pods).get(key)
  if (!pod) return
  const { namespace, name = '' } = pod.metadata
  const claims = context.client.resource(resourceClaims, namespace)
  const observe = () =>
    planPod({
      pod,
      templateOf: (template) => context.informer(resourceClaimTemplates).get(`${namespace}/${template}`),
      owned: controlledBy(context.informer(resourceClaims), pod.metadata.uid),
      claimOf: (claim) => context.informer(resourceClaims).get(`${namespace}/${claim}`),
    })
  const plan = observe()
  for (const message of plan.errors) context.event(pod, { type: 'Warning', reason: 'FailedResourceClaimCreation', message })
  for (const { claim } of plan.create) await claims.create(claim)
  for (const claim of plan.reserve) await claims.updateStatus(withReservation(claim, pod))
  // Those just made show in the informer: named in one write.
  const { statuses } = plan.create.length > 0 ? observe() : plan
  if (statuses.length === 0) return
  const patch = { type: 'strategic' as const, body: { metadata: { uid: pod.metadata.uid }, status: { resourceClaimStatuses: statuses } } }
  try {
    await context.client.resource(pods, namespace).patch(name, patch, { subresource: 'status' })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

async function reconcileClaim(context: LoopContext, key: string): Promise<ReconcileResult> {
  const claim = context.informer(resourceClaims).get(key)
  if (!claim) return
  const { namespace, name = '', uid = '' } = claim.metadata
  const present = await podsReferred(context, claim)
  const plan = planClaim(claim, ({ uid: podUid }) => present.get(podUid))
  const resource = context.client.resource(resourceClaims, namespace)
  try {
    switch (plan.type) {
      case 'none':
        return
      case 'write': {
        const { status, finalizers } = plan
        const written = status ? await resource.updateStatus({ ...claim, status }) : claim
        if (finalizers) await resource.update({ ...written, metadata: { ...written.metadata, finalizers: [...finalizers] } })
        return
      }
      case 'delete':
        await resource.delete(name, { preconditions: { uid } })
        return
      default:
        unreachable(plan)
    }
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

/** By uid. A user is called gone on the API's word only: the cache may not know it yet. */
async function podsReferred(context: LoopContext, claim: ResourceClaim): Promise<ReadonlyMap<string, Pod>> {
  const { namespace = '' } = claim.metadata
  const found = new Map<string, Pod>()
  const look = async ({ name, uid }: Pick<ResourceClaimConsumerReference, 'name' | 'uid'>, isLive: boolean) => {
    const known = context.informer(pods).get(`${namespace}/${name}`)
    if (known?.metadata.uid === uid) return void found.set(uid, known)
    if (!isLive) return
    try {
      const pod = await context.client.resource(pods, namespace).get(name)
      if (pod.metadata.uid === uid) found.set(uid, pod)
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error
    }
  }
  for (const reference of claim.status?.reservedFor ?? [])
    if (reference.resource === 'pods' && !reference.apiGroup) await look(reference, true)
  const owner = controllerOf(claim)
  if (owner?.kind === 'Pod') await look(owner, false)
  return found
}
