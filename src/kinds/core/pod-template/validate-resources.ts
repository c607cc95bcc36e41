import { fieldErrors } from '../../../machinery/field-error.ts'
import { qualifiedName } from '../../../machinery/names.ts'
import { compareQuantity, quantityMilli, quantityValue } from '../../../machinery/quantity.ts'
import { checkNonNegativeQuantity, type Errors } from '../../checks.ts'
import type { ResourceRequirements } from '../../generated/types/core-v1.ts'

type List = Readonly<Record<string, string | number>>

/** Requests and limits of one container. `claimNames` are the pod's resource claims. */
export function validateResources(
  errors: Errors,
  resources: ResourceRequirements | undefined,
  path: string,
  claimNames: readonly string[] = [],
): void {
  if (!resources) return
  const { limits, requests, claims } = resources
  if (limits) for (const name in limits) validateEntry(errors, name, limits[name]!, `${path}.limits`)
  if (requests) {
    for (const name in requests) {
      if (validateEntry(errors, name, requests[name]!, `${path}.requests`)) compareWithLimit(errors, name, requests[name]!, limits, path)
    }
  }
  if (hasHugePagesAlone(limits, requests)) errors.push(fieldErrors.forbidden(path, 'HugePages require cpu or memory'))
  if (claims) validateClaims(errors, claims, `${path}.claims`, claimNames)
}

/** Pod-level requests and limits: cpu, memory and huge pages only, and no claims. */
export function validatePodLevelResources(errors: Errors, resources: ResourceRequirements | undefined, path: string): void {
  if (!resources) return
  for (const field of ['limits', 'requests'] as const) {
    const list = resources[field]
    if (!list) continue
    for (const name in list) {
      if (name !== 'cpu' && name !== 'memory' && !name.startsWith('hugepages-'))
        errors.push(fieldErrors.notSupported(`${path}.${field}[${name}]`, name, ['cpu', 'hugepages-', 'memory']))
      else if (validateEntry(errors, name, list[name]!, `${path}.${field}`) && field === 'requests')
        compareWithLimit(errors, name, list[name]!, resources.limits, path)
    }
  }
  if (resources.claims?.length) errors.push(fieldErrors.forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level'))
}

/** A resource that containers may ask for. */
export function validateContainerResourceName(errors: Errors, name: string, path: string): void {
  if (isStandardContainerResource(name)) return
  const messages = qualifiedName(name)
  for (const message of messages) errors.push(fieldErrors.invalid(path, name, message))
  if (messages.length > 0) return
  if (!name.includes('/')) {
    if (!isStandardResource(name)) errors.push(fieldErrors.invalid(path, name, 'must be a standard resource type or fully qualified'))
    errors.push(fieldErrors.invalid(path, name, 'must be a standard resource for containers'))
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(fieldErrors.invalid(path, name, "doesn't follow extended resource name standard"))
  }
}

/** A name of the platform's own: without a domain, or in kubernetes.io. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/')
}

/** A device or other thing that a node advertises under its own domain. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0
}

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-')
}

export function isStandardContainerResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || isHugePages(name)
}

const standardResources = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'storage',
  'requests.storage',
  'services.nodeports',
  'services.loadbalancers',
])

export function isStandardResource(name: string): boolean {
  return standardResources.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-')
}

const integerResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
])

export function isIntegerResource(name: string): boolean {
  return integerResources.has(name) || isExtendedResource(name)
}

/** A non-negative quantity, whole where the resource only comes in whole pieces. */
export function validateResourceValue(errors: Errors, name: string, value: string | number, path: string): boolean {
  if (!checkNonNegativeQuantity(errors, path, value)) return false
  if (isIntegerResource(name) && quantityMilli(value) % 1000 !== 0)
    errors.push(fieldErrors.invalid(path, String(value), 'must be an integer'))
  return true
}

function validateEntry(errors: Errors, name: string, value: string | number, listPath: string): boolean {
  const path = `${listPath}[${name}]`
  validateContainerResourceName(errors, name, path)
  if (!isStandardContainerResource(name)) return validateResourceValue(errors, name, value, path)
  if (!checkNonNegativeQuantity(errors, path, value)) return false
  if (isHugePages(name)) checkHugePagesValue(errors, name, value, path)
  return true
}

function checkHugePagesValue(errors: Errors, name: string, value: string | number, path: string): void {
  const pageSize = hugePageBytes(name)
  if (pageSize > 0 && quantityValue(value) % pageSize !== 0)
    errors.push(fieldErrors.invalid(path, String(value), `${value} is not positive integer multiple of ${name}`))
}

function hugePageBytes(name: string): number {
  const match = /^hugepages-(\d+)(Ki|Mi|Gi)$/.exec(name)
  return match ? Number(match[1]) * { Ki: 1024, Mi: 1048576, Gi: 1073741824 }[match[2] as 'Ki' | 'Mi' | 'Gi'] : 0
}

function compareWithLimit(errors: Errors, name: string, request: string | number, limits: List | undefined, path: string): void {
  const limit = limits?.[name]
  const isOvercommittable = isNativeResource(name) && !isHugePages(name)
  if (limit === undefined) {
    if (!isOvercommittable) errors.push(fieldErrors.required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  if (request === limit) return
  let order: number
  try {
    order = compareQuantity(request, limit)
  } catch {
    return // The limit is no quantity, which its own check has said.
  }
  if (order !== 0 && !isOvercommittable)
    errors.push(fieldErrors.invalid(`${path}.requests`, String(request), `must be equal to ${name} limit of ${limit}`))
  else if (order > 0)
    errors.push(fieldErrors.invalid(`${path}.requests`, String(request), `must be less than or equal to ${name} limit of ${limit}`))
}

function hasHugePagesAlone(limits: List | undefined, requests: List | undefined): boolean {
  let hasHugePages = false
  for (const list of [limits, requests]) {
    for (const name in list) {
      if (name === 'cpu' || name === 'memory') return false
      if (isHugePages(name)) hasHugePages = true
    }
  }
  return hasHugePages
}

function validateClaims(
  errors: Errors,
  claims: NonNullable<ResourceRequirements['claims']>,
  path: string,
  claimNames: readonly string[],
): void {
  const seen = new Set<string>()
  claims.forEach((claim, i) => {
    if (!claim.name) errors.push(fieldErrors.required(`${path}[${i}]`))
    else {
      const key = claim.request ? `${claim.name}/${claim.request}` : claim.name
      if (seen.has(key)) errors.push(fieldErrors.duplicate(`${path}[${i}]`, claim.name))
      else seen.add(key)
      if (!claimNames.includes(claim.name)) errors.push(fieldErrors.notFound(`${path}[${i}]`, claim.name))
    }
  })
}

/** What a pod's runtime adds (`spec.overhead`). */
export function validateOverhead(errors: Errors, overhead: List | undefined, path: string): void {
  if (overhead) for (const name in overhead) validateEntry(errors, name, overhead[name]!, path)
}
