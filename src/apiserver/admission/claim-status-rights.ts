import type {
  AllocatedDeviceStatus,
  AllocationResult,
  ResourceClaim,
  ResourceClaimStatus,
} from '../../kinds/generated/types/resource-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { AdmissionRequest, Attributes, Authorizer, UserInfo } from '../contract.ts'
import { refusal } from '../authn/identity.ts'
import type { WriteJudge } from '../objects/write-judges.ts'
import { isClaimStatus } from './device-admin-access.ts'

/**
 * A right to `resourceclaims/status` is not enough: who gives a claim its devices or reserves it needs one to `resourceclaims/binding`
 * everywhere, and who tells of a driver's devices one to `resourceclaims/driver` under the driver's name: for any node
 * (`arbitrary-node:VERB`) or, for a service account on the claim's node, for its own (`associated-node:VERB`).
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export function claimStatusRights({ authorizer }: { readonly authorizer: Authorizer }): WriteJudge {
  return {
    handles: isClaimStatus,
    judge: async (request) => {
      const [next = {}, old = {}] = [statusOf(request.object), statusOf(request.old)]
      const errors: FieldError[] = []
      if (!deepEqual(next.allocation, old.allocation) || !deepEqual(next.reservedFor ?? [], old.reservedFor ?? []))
        errors.push(...(await bindingErrors(authorizer, request)))
      // Without an allocation there are no devices to tell of.
      if (next.allocation) errors.push(...(await deviceErrors(authorizer, request, { next, old })))
      return errors
    },
  }
}

const statusOf = (claim: AdmissionRequest['object']): ResourceClaimStatus | undefined => (claim as ResourceClaim | undefined)?.status

type Right = { readonly verb: string; readonly subresource: string; readonly namespace: string; readonly name: string }

async function bindingErrors(authorizer: Authorizer, request: AdmissionRequest): Promise<FieldError[]> {
  const { verb } = request
  const why = await lacking(authorizer, request, { verb, subresource: 'binding', namespace: '', name: '' })
  if (why === undefined) return []
  const what = 'changing status.allocation or status.reservedFor requires resource="resourceclaims/binding"'
  return [fieldErrors.forbidden('status.allocation', `${what}, verb="${verb}" permission: ${why}`)]
}

async function deviceErrors(
  authorizer: Authorizer,
  request: AdmissionRequest,
  { next, old }: { readonly next: ResourceClaimStatus; readonly old: ResourceClaimStatus },
): Promise<FieldError[]> {
  const { verb, user, namespace = '' } = request
  const isOnNode = isAccountOn(user, nodeOf(next.allocation))
  const verbs = [...(isOnNode ? [`associated-node:${verb}`] : []), `arbitrary-node:${verb}`]
  const errors: FieldError[] = []
  for (const driver of changedDrivers(next.devices ?? [], old.devices ?? [])) {
    const why = await lackingAll(authorizer, request, verbs, { subresource: 'driver', namespace, name: driver })
    if (why === undefined) continue
    const what = 'changing status.devices requires resource="resourceclaims/driver"'
    errors.push(fieldErrors.forbidden('status.devices', `${what}, verb="[${verbs.join(' ')}]" permission: ${why}`))
  }
  return errors
}

/** One of the verbs is enough; where none is had, what is said of the first. */
async function lackingAll(
  authorizer: Authorizer,
  request: AdmissionRequest,
  verbs: readonly string[],
  right: Omit<Right, 'verb'>,
): Promise<string | undefined> {
  const refusals: string[] = []
  for (const verb of verbs) {
    const why = await lacking(authorizer, request, { ...right, verb })
    if (why === undefined) return undefined
    refusals.push(why)
  }
  return refusals[0]
}

async function lacking(authorizer: Authorizer, request: AdmissionRequest, right: Right): Promise<string | undefined> {
  const { user, kind } = request
  const attributes: Attributes = { type: 'resource', user, group: kind.group, version: kind.version, resource: kind.plural, ...right }
  const decision = await authorizer.authorize(attributes, request)
  return decision.allowed ? undefined : refusal(attributes, decision).message
}

/** Drivers of whose devices something else is told than before, by name. */
function changedDrivers(next: readonly AllocatedDeviceStatus[], old: readonly AllocatedDeviceStatus[]): string[] {
  const keyOf = ({ driver, pool, device, shareID }: AllocatedDeviceStatus) => JSON.stringify([driver, pool, device, shareID ?? ''])
  const left = new Map(old.map((device) => [keyOf(device), device]))
  const changed = new Set<string>()
  for (const device of next) {
    const key = keyOf(device)
    if (!deepEqual(left.get(key), device)) changed.add(device.driver ?? '')
    left.delete(key)
  }
  for (const { driver = '' } of left.values()) changed.add(driver)
  return [...changed].sort()
}

/** The one node whose name an allocation asks for; empty where it asks otherwise. */
function nodeOf(allocation: AllocationResult | undefined): string {
  const terms = allocation?.nodeSelector?.nodeSelectorTerms ?? []
  const [term] = terms
  const [field] = term?.matchFields ?? []
  const isByName = terms.length === 1 && !term?.matchExpressions?.length && term?.matchFields?.length === 1
  return isByName && field?.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1 ? field.values[0]! : ''
}

const nodeNameKey = 'authentication.kubernetes.io/node-name'

function isAccountOn({ name, extra }: UserInfo, node: string): boolean {
  const nodes = extra?.[nodeNameKey] ?? []
  return node !== '' && /^system:serviceaccount:[^:]+:[^:]+$/.test(name) && nodes.length === 1 && nodes[0] === node
}
