import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkLegacyAddress, familyOf } from '../addresses.ts'
import type { Errors } from '../checks.ts'
import type { Service, ServiceSpec } from '../generated/types/core-v1.ts'

/**
 * How many addresses of which family a Service has: `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` against each other. Source:
 * https://kubernetes.io/docs/concepts/services-networking/dual-stack/
 */

const families = ['IPv4', 'IPv6']
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const path = { addresses: 'spec.clusterIPs', families: 'spec.ipFamilies', policy: 'spec.ipFamilyPolicy' } as const

export const isHeadless = ({ clusterIPs }: ServiceSpec): boolean => clusterIPs?.length === 1 && clusterIPs[0] === 'None'

/** What is wrong with the three fields; of an update, addresses that stood there before are fine. Nothing for an external name. */
export function validateClusterAddresses(errors: Errors, spec: ServiceSpec, old: ServiceSpec | undefined): void {
  if (spec.type === 'ExternalName') return
  const { clusterIP, clusterIPs: addresses = [], ipFamilies: wanted = [], ipFamilyPolicy } = spec
  if (!clusterIP && addresses.length > 0)
    errors.push(fieldErrors.invalid(path.addresses, addresses, 'must be empty when `clusterIP` is not specified'))
  if (clusterIP && addresses.length === 0) errors.push(fieldErrors.required(path.addresses))
  if (clusterIP && addresses.length > 0 && addresses[0] !== clusterIP)
    errors.push(fieldErrors.invalid(path.addresses, addresses, 'first value must match `clusterIP`'))
  wanted.forEach((family, i) => {
    if (!families.includes(family)) errors.push(fieldErrors.notSupported(`${path.families}[${i}]`, family, families))
    if (wanted.indexOf(family) < i) errors.push(fieldErrors.duplicate(`${path.families}[${i}]`, family))
  })
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy))
    errors.push(fieldErrors.notSupported(path.policy, ipFamilyPolicy, policies))
  let areAllFine = true
  addresses.forEach((address, i) => {
    const isFine =
      i === 0 && address === 'None'
        ? checkNoneAlone(errors, addresses)
        : checkLegacyAddress(errors, `${path.addresses}[${i}]`, address, old?.clusterIPs)
    areAllFine &&= isFine
  })
  if (addresses.length > 2) errors.push(fieldErrors.invalid(path.addresses, addresses, 'may only hold up to 2 values'))
  // What is no address would only give misleading errors about families.
  if (areAllFine) checkFamiliesOfAddresses(errors, spec)
}

function checkNoneAlone(errors: Errors, addresses: readonly string[]): boolean {
  if (addresses.length === 1) return true
  errors.push(fieldErrors.invalid(path.addresses, addresses, "'None' must be the first and only value"))
  return false
}

function checkFamiliesOfAddresses(errors: Errors, spec: ServiceSpec): void {
  const { clusterIPs: addresses = [], ipFamilies: wanted = [] } = spec
  if (addresses.length > 1 && new Set(addresses.map(familyOf)).size < 2)
    errors.push(fieldErrors.invalid(path.addresses, addresses, 'may specify no more than one IP for each IP family'))
  if (isHeadless(spec)) return
  addresses.slice(0, wanted.length).forEach((address, i) => {
    if (familyOf(address) !== wanted[i] && families.includes(wanted[i]!))
      errors.push(
        fieldErrors.invalid(`${path.addresses}[${i}]`, address, `expected an ${wanted[i]} value as indicated by \`ipFamilies[${i}]\``),
      )
  })
}

/**
 * Fills policy and families in before addresses are given, on a cluster whose services have addresses of `configured`, the default first.
 * Mutates `spec`; what is wrong with it is returned.
 */
export function settleFamilies(spec: ServiceSpec, old: ServiceSpec | undefined, configured: readonly Family[]): FieldError[] {
  if (spec.type === 'ExternalName' || (old && isSettled(spec, old))) return []
  const isOpen = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isOpen ? 'RequireDualStack' : 'SingleStack')
  const errors: FieldError[] = []
  validateClusterAddresses(errors, spec, old)
  if (errors.length > 0) return errors
  if (old) settleReduction(errors, spec, old)
  checkSingleStack(errors, spec)
  inferFamilies(errors, spec, configured)
  if (errors.length > 0) return errors
  const wanted = (spec.ipFamilies ??= [])
  if (isOpen) {
    // Whoever writes its endpoints may use any family.
    if (wanted.length === 0) wanted.push(configured[0]!)
    if (wanted.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') wanted.push(otherThan(wanted[0]!))
    return []
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2)
    errors.push(fieldErrors.invalid(path.policy, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  wanted.forEach((family, i) => {
    if (!configured.some((one) => one === family))
      errors.push(fieldErrors.invalid(`${path.families}[${i}]`, family, 'not configured on this cluster'))
  })
  if (errors.length > 0) return errors
  if (wanted.length === 0) wanted.push(configured[0]!)
  if (wanted.length === 1 && configured.length === 2 && spec.ipFamilyPolicy !== 'SingleStack') wanted.push(otherThan(wanted[0]!))
  return []
}

type Family = 'IPv4' | 'IPv6'
const otherThan = (family: string): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4')

/** A service that prefers two families keeps what it has, whatever the cluster has become, until it asks for a change. */
function isSettled(spec: ServiceSpec, old: ServiceSpec): boolean {
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    old.type === spec.type &&
    sameList(spec.clusterIPs, old.clusterIPs) &&
    sameList(spec.ipFamilies, old.ipFamilies)
  )
}

/** `SingleStack` gives the second address and family up; fewer of them without it is a mistake. */
function settleReduction(errors: Errors, spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameList(spec.clusterIPs, old.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = spec.clusterIPs!.slice(0, 1)
    if (sameList(spec.ipFamilies, old.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = spec.ipFamilies!.slice(0, 1)
    return
  }
  const isReduced = (after: readonly string[] = [], before: readonly string[] = []) => after.length > 0 && after.length < before.length
  const complain = (what: string) =>
    errors.push(fieldErrors.invalid(path.policy, spec.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`))
  if (isReduced(spec.clusterIPs, old.clusterIPs)) complain('cluster IP')
  if (isReduced(spec.ipFamilies, old.ipFamilies)) complain('IP family')
}

function checkSingleStack(errors: Errors, spec: ServiceSpec): void {
  if (spec.ipFamilyPolicy !== 'SingleStack') return
  const complain = (what: string) =>
    errors.push(
      fieldErrors.invalid(
        path.policy,
        spec.ipFamilyPolicy,
        `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
      ),
    )
  if (spec.clusterIPs?.length === 2) complain('cluster IPs')
  if (spec.ipFamilies?.length === 2) complain('IP families')
}

function inferFamilies(errors: Errors, spec: ServiceSpec, configured: readonly Family[]): void {
  if (isHeadless(spec)) return
  spec.clusterIPs?.forEach((address, i) => {
    if (i < (spec.ipFamilies?.length ?? 0)) return
    const family = familyOf(address)!
    if (configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else errors.push(fieldErrors.invalid(`${path.addresses}[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`))
  })
}

/** First addresses and families stay for the life of a service, unless its type goes to or comes from ExternalName. */
export function validateFamilyChange(errors: Errors, { spec = {} }: Service, { spec: old = {} }: Service): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return
  const [isOpen, wasOpen] = [isHeadless(spec), isHeadless(old)]
  if (isOpen && wasOpen) return
  checkPrimary(errors, spec, { after: spec.clusterIPs ?? [], before: old.clusterIPs ?? [], field: path.addresses, what: 'clusterIP' })
  if (isOpen !== wasOpen) return
  checkPrimary(errors, spec, { after: spec.ipFamilies ?? [], before: old.ipFamilies ?? [], field: path.families, what: 'ipFamily' })
}

type Primary = { readonly after: readonly string[]; readonly before: readonly string[]; readonly field: string; readonly what: string }

function checkPrimary(errors: Errors, spec: ServiceSpec, { after, before, field, what }: Primary): void {
  const isAddress = field === path.addresses
  if (after.length === before.length) {
    before.forEach((one, i) => {
      if (one !== after[i]) errors.push(fieldErrors.invalid(`${field}[${isAddress ? i : 0}]`, after, 'may not change once set'))
    })
    return
  }
  if (after.length < before.length && (spec.clusterIPs ?? []).length === 0)
    errors.push(fieldErrors.invalid(`${field}[0]`, isAddress ? null : after, `primary ${what} can not be unset`))
  if (before.length > 0 && after.length > 0 && before[0] !== after[0])
    errors.push(fieldErrors.invalid(`${field}[0]`, spec.clusterIPs, 'may not change once set'))
  if (after.length === 1 && before.length > 1 && spec.ipFamilyPolicy !== 'SingleStack')
    errors.push(fieldErrors.invalid(path.policy, spec.ipFamilyPolicy, `must be set to 'SingleStack' when releasing the secondary ${what}`))
}

export function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const [left, right] = [a ?? [], b ?? []]
  return left.length === right.length && left.every((value, i) => value === right[i])
}
