import { toTime } from '../../base/clock.ts'
import { frameworks } from '../../kinds/keelson/framework.ts'
import { isOpenOffer, type Offer, type OfferAcceptance, type OfferDecline } from '../../kinds/keelson/offer.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Status, statusErrors } from '../../machinery/status-error.ts'
import type { Revision, StoreKey } from '../../store/contract.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import type { Core, RequestContext } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { placePods } from '../placement/place-pods.ts'
import { keyOfObject } from '../registry.ts'
import type { VerbRequest } from '../verb-request.ts'
import { mutateObject } from '../verbs/mutate.ts'
import { assignPod } from './binding.ts'
import { offerAcceptanceKind, offerDeclineKind } from './expected-kinds.ts'

/** Pods in one acceptance: they are written in one commit. */
const acceptedPodsMax = 100
const filterSecondsMax = 86_400
/** As Mesos has it. */
const filterSecondsDefault = 5

/**
 * POST `offers/NAME/accept`: binds pods of the framework to the offer's node, all or none, and gives back what they leave of it. 409 where the
 * offer is gone, expired or declined, or the pods ask for more than it has: with one cause for each thing that is missing.
 */
export const acceptOffer: VerbHandler = async (core, context, request) => {
  const { resource, namespace, name, parameters, body } = request
  const acceptance = body.object(offerAcceptanceKind, context, parameters.fieldValidation) as OfferAcceptance
  const errors = validateAcceptance(acceptance)
  if (errors.length > 0) throw statusErrors.invalid(offerAcceptanceKind, name, errors)
  await admit(core, context, request, acceptance)
  const pods = core.registry.find('', 'v1', 'pods')
  if (!pods) throw statusErrors.pathNotFound()
  const { key, offer } = openOffer(core, request)
  const schedulerName = schedulerNameOf(core, offer)
  const uids = new Map(acceptance.pods.map((pod) => [pod.name, pod.uid]))
  const now = toTime(core.clock.now())
  await placePods(core, {
    pods,
    namespace,
    names: [...uids.keys()],
    node: offer.spec.nodeName,
    within: offer.spec.resources,
    assign: (pod) => {
      assignOwn(pod, { schedulerName, uid: uids.get(pod.metadata.name ?? ''), now, node: offer.spec.nodeName })
    },
    instead: () => ({ key, revision: openOffer(core, request).revision }),
    dryRun: parameters.dryRun,
    refuses: { resource: resource.name, name },
  })
  return created()
}

/** POST `offers/NAME/decline`: gives the room back; no offer of the node follows before the filter ends. 409 where it is not open. */
export const declineOffer: VerbHandler = async (core, context, request) => {
  const { resource, namespace, name, parameters, body } = request
  const decline = body.isEmpty ? undefined : (body.object(offerDeclineKind, context, parameters.fieldValidation) as OfferDecline)
  const { filterSeconds = filterSecondsDefault } = decline ?? {}
  if (!Number.isInteger(filterSeconds) || filterSeconds < 0 || filterSeconds > filterSecondsMax) {
    const error = fieldErrors.invalid('filterSeconds', filterSeconds, `must be an integer between 0 and ${filterSecondsMax}, inclusive`)
    throw statusErrors.invalid(offerDeclineKind, name, [error])
  }
  await admit(core, context, request, decline ?? { metadata: {} })
  const filterUntil = toTime(core.clock.now() + filterSeconds * 1_000 + 999)
  await mutateObject<Offer>(core, { resource, namespace, name, dryRun: parameters.dryRun }, (offer) => {
    if (!isOpenOffer(offer)) throw refusal(name, 'it was declined before')
    offer.status = { ...offer.status, phase: 'Declined', reason: 'Declined', filterUntil }
  })
  core.placement.settle(keyOfObject(resource, namespace, name))
  return created()
}

const created = () => {
  const object: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
  return { type: 'plain' as const, code: 201, object }
}

const refusal = (name: string, why: string) => statusErrors.conflict({ group: 'keelson.dev', resource: 'offers' }, name, why)

async function admit(core: Core, context: RequestContext, request: VerbRequest, object: KubeObject): Promise<void> {
  const { resource, subresource, namespace, name, parameters } = request
  const options = writeOptions('CreateOptions', parameters)
  const admission = admissionRequest(context, {
    ...{ operation: 'CREATE', resource, subresource, namespace, name, object, old: undefined, dryRun: parameters.dryRun, options },
  })
  await core.admission.admit(admission)
  await core.admission.validate(admission)
}

function openOffer(
  core: Core,
  { resource, namespace, name }: VerbRequest,
): { readonly key: StoreKey; readonly revision: Revision; readonly offer: Offer } {
  const key = keyOfObject(resource, namespace, name)
  const entry = core.storage.cache.get(key)
  if (!entry) throw statusErrors.notFound(resource.name, name)
  const offer = entry.value.object as Offer
  if (offer.metadata.deletionTimestamp !== undefined) throw refusal(name, 'it is being withdrawn')
  if (!isOpenOffer(offer)) throw refusal(name, 'it was declined before')
  if (Date.parse(offer.spec.expirationTime) <= core.clock.now()) throw refusal(name, `it expired at ${offer.spec.expirationTime}`)
  return { key, revision: entry.revision, offer }
}

function schedulerNameOf(core: Core, { metadata, spec }: Offer): string {
  const reader = createObjectReader(core.registry, core.storage)
  const framework = reader.get(frameworks, metadata.namespace ?? '', spec.frameworkName)
  if (!framework?.spec?.schedulerName) throw refusal(metadata.name ?? '', `its framework ${spec.frameworkName} is gone`)
  return framework.spec.schedulerName
}

/** A framework places its own pods only. */
function assignOwn(
  pod: KubeObject & Pod,
  {
    schedulerName,
    uid,
    now,
    node,
  }: { readonly schedulerName: string; readonly uid: string | undefined; readonly now: string; readonly node: string },
): void {
  if (pod.spec?.schedulerName !== schedulerName) {
    const why = `pod ${pod.metadata.name} is for scheduler ${pod.spec?.schedulerName}, not for ${schedulerName}`
    throw statusErrors.forbidden({ group: '', resource: 'pods' }, pod.metadata.name ?? '', why)
  }
  assignPod(pod, { metadata: { ...(uid ? { uid } : {}) }, target: { kind: 'Node', name: node } }, now)
}

function validateAcceptance({ pods }: Partial<OfferAcceptance>): FieldError[] {
  if (!Array.isArray(pods) || pods.length === 0) return [fieldErrors.required('pods', 'name at least one')]
  if (pods.length > acceptedPodsMax) return [fieldErrors.tooMany('pods', pods.length, acceptedPodsMax)]
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, pod] of pods.entries()) {
    const { name, uid } = (pod ?? {}) as { name?: unknown; uid?: unknown }
    if (typeof name !== 'string' || name === '') errors.push(fieldErrors.required(`pods[${i}].name`))
    else if (seen.has(name)) errors.push(fieldErrors.duplicate(`pods[${i}].name`, name))
    else seen.add(name)
    if (uid !== undefined && typeof uid !== 'string') errors.push(fieldErrors.typeInvalid(`pods[${i}].uid`, uid, 'must be a string'))
  }
  return errors
}
