import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkLegacyAddress, familyOf } from '../addresses.ts'
import { checkName, checkOptionalName, checkRequired, type Errors } from '../checks.ts'
import type { Container, Pod, PodSpec, PodStatus } from '../generated/types/core-v1.ts'
import { internalForm } from '../internal-form.ts'
import { validateContainerStatuses, validateNoRevival } from './container-status-update.ts'
import { validateAnnotationChanges } from './pod-update.ts'

/** What a write of the status may not say, and what it may not take back. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: Errors = validateAnnotationChanges(pod, old)
  const status = pod.status ?? {}
  const before = old.status ?? {}
  const spec: PodSpec = pod.spec ?? { containers: [] }
  validateConditions(errors, status.conditions)
  validateNominatedNode(errors, status, old)
  checkGeneration(errors, 'status.observedGeneration', status.observedGeneration)
  errors.push(...immutableField(status.qosClass ?? '', before.qosClass ?? '', 'status.qosClass'))
  validateNoRevival(errors, pod, old)
  validateClaimStatuses(errors, status.resourceClaimStatuses, spec)
  validateExtendedClaims(errors, status.extendedResourceClaimStatus, spec)
  validateAllocatableClaims(errors, status, spec)
  validateAddresses(errors, status.podIPs ?? [], before.podIPs ?? [], { path: 'status.podIPs', type: 'PodIP' })
  const hostIPs = status.hostIPs ?? []
  if (hostIPs.length > 0) {
    if ((status.hostIP ?? '') !== hostIPs[0]!.ip)
      errors.push(fieldErrors.invalid('status.hostIPs[0].ip', hostIPs[0]!.ip, 'must be equal to `hostIP`'))
    validateAddresses(errors, hostIPs, before.hostIPs ?? [], { path: 'status.hostIPs', type: 'HostIP' })
  }
  validateContainerStatuses(errors, status, spec)
  return errors
}

const systemConditions: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized'])

function validateConditions(errors: Errors, conditions: PodStatus['conditions']): void {
  conditions?.forEach(({ type, observedGeneration }, i) => {
    checkGeneration(errors, `status.conditions[${i}].observedGeneration`, observedGeneration)
    // The name is upstream's.
    if (!systemConditions.has(type)) checkName(errors, `status.conditions[${i}].Type`, type, qualifiedName)
  })
}

function checkGeneration(errors: Errors, field: string, generation: number | undefined): void {
  if (generation !== undefined && generation < 0) errors.push(fieldErrors.invalid(field, generation, 'must be a non-negative integer'))
}

function validateNominatedNode(errors: Errors, { nominatedNodeName }: PodStatus, old: Pod): void {
  if (!nominatedNodeName || nominatedNodeName === old.status?.nominatedNodeName) return
  checkOptionalName(errors, 'status.nominatedNodeName', nominatedNodeName, dns1123Subdomain)
  if (old.spec?.nodeName)
    errors.push(fieldErrors.forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'))
}

type AddressPlace = { readonly path: string; readonly type: 'PodIP' | 'HostIP' }

/** One of each family; what stood there already is let pass. */
function validateAddresses(
  errors: Errors,
  addresses: readonly { readonly ip?: string }[],
  old: readonly { readonly ip?: string }[],
  { path, type }: AddressPlace,
): void {
  const known = old.map(({ ip = '' }) => ip)
  addresses.forEach(({ ip = '' }, i) => checkLegacyAddress(errors, `${path}[${i}]`, ip, known))
  if (addresses.length < 2) return
  const families = new Set(addresses.map(({ ip = '' }) => familyOf(ip)))
  if (families.size < 2 || addresses.length > 2)
    errors.push(
      fieldErrors.invalid(
        path,
        addresses.map((address) => internalForm(type, address)),
        'may specify no more than one IP for each IP family',
      ),
    )
}

function validateClaimStatuses(errors: Errors, statuses: PodStatus['resourceClaimStatuses'], spec: PodSpec): void {
  const names = new Set<string>()
  statuses?.forEach(({ name, resourceClaimName }, i) => {
    const at = `status.resourceClaimStatuses[${i}]`
    if (!spec.resourceClaims?.some((claim) => claim.name === name))
      errors.push(fieldErrors.invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`'))
    if (names.has(name)) errors.push(fieldErrors.duplicate(`${at}.name`, name))
    names.add(name)
    if (resourceClaimName !== undefined) checkName(errors, `${at}.resourceClaimName`, resourceClaimName, dns1123Subdomain)
  })
}

function validateExtendedClaims(errors: Errors, status: PodStatus['extendedResourceClaimStatus'], spec: PodSpec): void {
  if (!status) return
  const path = 'status.extendedResourceClaimStatus'
  const containers = new Map<string, Container>()
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) containers.set(container.name, container)
  const mappings = status.requestMappings ?? []
  if (mappings.length === 0) errors.push(fieldErrors.required(`${path}.requestMappings`, 'at least one request mapping is required'))
  const seen = new Set<string>()
  mappings.forEach(({ containerName, resourceName, requestName }, i) => {
    const at = `${path}.requestMappings[${i}]`
    const container = containers.get(containerName)
    const ofSpec = 'an entry in spec.initContainers.resources.requests or spec.containers.resources.requests'
    if (!container)
      errors.push(
        fieldErrors.invalid(
          `${at}.containerName`,
          containerName,
          'must match the name of an entry in spec.initContainers.name or spec.containers.name',
        ),
      )
    else if (container.resources?.requests?.[resourceName] === undefined)
      errors.push(fieldErrors.invalid(`${at}.resourceName`, resourceName, `must match the extended resource name of ${ofSpec}`))
    checkName(errors, `${path}.requestName`, requestName, dns1123Label)
    const key = JSON.stringify([containerName, resourceName, requestName])
    if (seen.has(key))
      for (const [field, value] of Object.entries({ containerName, resourceName, requestName }))
        errors.push(fieldErrors.duplicate(`${at}.${field}`, value))
    seen.add(key)
  })
  if (checkRequired(errors, `${path}.resourceClaimName`, status.resourceClaimName))
    checkName(errors, `${path}.resourceClaimName`, status.resourceClaimName, dns1123Subdomain)
}

/** Claims that stand for cpu, memory and the like of the node itself. */
function validateAllocatableClaims(errors: Errors, status: PodStatus, spec: PodSpec): void {
  status.nodeAllocatableResourceClaimStatuses?.forEach(({ resourceClaimName, containers, resources }, i) => {
    const at = `status.nodeAllocatableResourceClaimStatuses[${i}]`
    checkRequired(errors, `${at}.resourceClaimName`, resourceClaimName, 'must not be empty')
    const isKnown =
      spec.resourceClaims?.some((claim) => claim.resourceClaimName === resourceClaimName) ||
      status.resourceClaimStatuses?.some((claim) => claim.resourceClaimName === resourceClaimName)
    if (!isKnown) errors.push(fieldErrors.invalid(`${at}.resourceClaimName`, resourceClaimName ?? '', 'no mapping found in pod reference'))
    if (!containers?.length) errors.push(fieldErrors.required(`${at}.containers`, 'must not be empty'))
    if (Object.keys(resources ?? {}).length === 0) errors.push(fieldErrors.required(`${at}.resources`, 'must not be empty'))
  })
}
