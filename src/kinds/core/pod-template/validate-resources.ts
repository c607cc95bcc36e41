import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, qualifiedName } from '../../../machinery/names.ts'
import { compareQuantity, isQuantity, quantityMilli, quantityValue } from '../../../machinery/quantity.ts'
import { checkName, checkNonNegativeQuantity, type Errors } from '../../checks.ts'
import type { ResourceRequirements } from '../../generated/types/core-v1.ts'

type List = Readonly<Record<string, string | number>>

/** Requests and limits of one container. `claimNames` are the pod's resource claims. */
export function validateResources(
  errors: Errors,
  resources: ResourceRequirements | undefined,
  path: string,
  claimNames: readonly string[] = [],
): void {
  if (resources) validateRequirements(errors, resources, path, { claimNames, checkName: validateContainerResourceName })
}

type RequirementRules = {
  readonly claimNames: readonly string[]
  readonly checkName: (errors: Errors, name: string, path: string) => void
}

export function validateRequirements(
  errors: Errors,
  { limits, requests, claims }: ResourceRequirements,
  path: string,
  { claimNames, checkName }: RequirementRules,
): void {
  if (limits) for (const name in limits) validateEntry(errors, name, limits[name]!, { path: `${path}.limits[${name}]`, checkName })
  if (requests) {
    for (const name in requests) {
      const value = requests[name]!
      const at = `${path}.requests[${name}]`
      if (!isPlainAmount(name, value)) {
        checkName(errors, name, at)
        validateResourceValue(errors, name, value, at)
      }
      compareWithLimit(errors, name, value, limits, path)
      if (isHugePages(name)) checkHugePagesValue(errors, name, value, at)
    }
  }
  if (hasHugePagesAlone(limits, requests)) errors.push(fieldErrors.forbidden(path, 'HugePages require cpu or memory'))
  if (claims) validateClaims(errors, claims, `${path}.claims`, claimNames)
}

/** Some cpu or memory: the usual amount, and nothing can be wrong with it. */
function isPlainAmount(name: string, value: string | number): boolean {
  return (name === 'cpu' || name === 'memory') && quantityMilli(value) >= 0
}

/** A resource that containers may ask for. */
export function validateContainerResourceName(errors: Errors, name: string, path: string): void {
  if (isStandardContainerResource(name)) return
  const messages = qualifiedName(name)
  for (const message of messages) errors.push(fieldErrors.invalid(path, name, message))
  if (!name.includes('/')) {
    if (messages.length === 0 && !isStandardResource(name))
      errors.push(fieldErrors.invalid(path, name, 'must be a standard resource type or fully qualified'))
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

type Entry = { readonly path: string; readonly checkName: RequirementRules['checkName'] }

function validateEntry(errors: Errors, name: string, value: string | number, { path, checkName }: Entry): void {
  if (isPlainAmount(name, value)) return
  checkName(errors, name, path)
  validateResourceValue(errors, name, value, path)
  if (isHugePages(name)) checkHugePagesValue(errors, name, value, path)
}

function checkHugePagesValue(errors: Errors, name: string, value: string | number, path: string): void {
  const size = name.slice('hugepages-'.length)
  const bytes = isQuantity(size) ? quantityMilli(size) / 1000 : 0
  if (bytes <= 0 || !Number.isInteger(bytes) || quantityValue(value) % bytes !== 0)
    errors.push(fieldErrors.invalid(path, String(value), `${value} is not positive integer multiple of ${name}`))
}

function compareWithLimit(errors: Errors, name: string, request: string | number, limits: List | undefined, path: string): void {
  const limit = limits?.[name]
  const isOvercommittable = isNativeResource(name) && !isHugePages(name)
  if (limit === undefined) {
    if (!isOvercommittable) errors.push(fieldErrors.required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  if (request === limit) return
  const order = compareQuantity(request, limit)
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
  claims.forEach(({ name, request }, i) => {
    const at = `${path}[${i}]`
    if (!name) {
      errors.push(fieldErrors.required(at))
      return
    }
    const duplicate = (shown: string) => errors.push(fieldErrors.duplicate(at, shown))
    if (seen.has(name)) duplicate(name)
    else {
      if (request) checkName(errors, `${at}.request`, request, dns1123Label)
      const key = request ? `${name}/${request}` : name
      if (seen.has(key)) duplicate(key)
      // A whole claim holds its requests too.
      else if (!request) for (const other of seen) if (other.startsWith(`${name}/`)) duplicate(name)
      seen.add(key)
    }
    if (claimNames.includes(name)) return
    const known = claimNames.length === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`
    const { field, reason, message } = fieldErrors.notFound(at, name)
    errors.push({ field, reason, message: `${message}: must be one of the names in pod.spec.resourceClaims${known}` })
  })
}

/** What a pod's runtime adds (`spec.overhead`); upstream judges it as if it were limits. */
export function validateOverhead(errors: Errors, overhead: Record<string, string | number> | undefined, path: string): void {
  if (overhead) validateResources(errors, { limits: overhead }, path)
}
