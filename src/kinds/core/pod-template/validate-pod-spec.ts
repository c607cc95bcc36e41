import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain, ipAddress } from '../../../machinery/names.ts'
import { checkEnum, checkOptionalEnum, checkOptionalName, checkQualifiedName, checkRange, type Errors } from '../../checks.ts'
import type { PodSpec, PodTemplateSpec } from '../../generated/types/core-v1.ts'
import { validateTemplateMeta } from './validate-template-meta.ts'
import { validateAllContainers, validateHostNetworkPorts } from './validate-containers.ts'
import { validateAffinity, validateNodeLabels, validateTolerations, validateTopologySpread } from './validate-placement.ts'
import { validateOverhead, validatePodLevelResources } from './validate-resources.ts'
import { validatePodSecurityContext } from './validate-security-context.ts'
import { validateVolumes } from './validate-volumes.ts'

const int32Max = 2147483647

/** Everything that holds of a pod spec, in a pod or in a template. Defaults have been applied. */
export function validatePodSpec(errors: Errors, spec: PodSpec, path: string): void {
  const volumes = validateVolumes(errors, spec.volumes, `${path}.volumes`)
  const claimNames = validateResourceClaims(errors, spec, path)
  const gracePeriodSeconds = spec.terminationGracePeriodSeconds ?? 0
  validateAllContainers(errors, spec, { volumes, claimNames, gracePeriodSeconds, hasHostUsers: spec.hostUsers !== false }, path)
  if (spec.resources) validatePodLevelResources(errors, spec.resources, `${path}.resources`)
  if (spec.hostNetwork) {
    validateHostNetworkPorts(errors, spec.containers, `${path}.containers`)
    validateHostNetworkPorts(errors, spec.initContainers, `${path}.initContainers`)
  }
  checkEnum(errors, `${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never'])
  checkEnum(errors, `${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'])
  validateNodeLabels(errors, spec.nodeSelector, `${path}.nodeSelector`)
  validatePodSecurityContext(errors, spec, path)
  validateAffinity(errors, spec.affinity, `${path}.affinity`)
  validateDnsConfig(errors, spec, path)
  validateGates(errors, spec, path)
  validateTopologySpread(errors, spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`)
  validateHostUsers(errors, spec, path)
  validateNames(errors, spec, path)
  checkRange(errors, `${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, int32Max)
  validateTolerations(errors, spec.tolerations, `${path}.tolerations`)
  validateHostAliases(errors, spec, path)
  checkOptionalEnum(errors, `${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  if (spec.overhead) validateOverhead(errors, spec.overhead, `${path}.overhead`)
  if (spec.os) checkEnum(errors, `${path}.os.name`, spec.os.name, ['linux', 'windows'])
}

/** A template inside a workload: its labels and annotations, its spec, and what only pods may have. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!template) return [fieldErrors.required(path)]
  validateTemplateMeta(errors, template.metadata, `${path}`)
  if (!template.spec) return [...errors, fieldErrors.required(`${path}.spec.containers`)]
  validatePodSpec(errors, template.spec, `${path}.spec`)
  if (template.spec.ephemeralContainers?.length)
    errors.push(fieldErrors.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  return errors
}

function validateNames(errors: Errors, spec: PodSpec, path: string): void {
  checkOptionalName(errors, `${path}.serviceAccountName`, spec.serviceAccountName, dns1123Subdomain)
  checkOptionalName(errors, `${path}.nodeName`, spec.nodeName, dns1123Subdomain)
  checkOptionalName(errors, `${path}.hostname`, spec.hostname, dns1123Label)
  checkOptionalName(errors, `${path}.subdomain`, spec.subdomain, dns1123Label)
  checkOptionalName(errors, `${path}.priorityClassName`, spec.priorityClassName, dns1123Subdomain)
  checkOptionalName(errors, `${path}.runtimeClassName`, spec.runtimeClassName, dns1123Subdomain)
  if (spec.hostnameOverride !== undefined) {
    if (spec.hostNetwork)
      errors.push(fieldErrors.forbidden(`${path}.hostnameOverride`, 'hostnameOverride may not be set when hostNetwork is true'))
    if (spec.setHostnameAsFQDN)
      errors.push(fieldErrors.forbidden(`${path}.hostnameOverride`, 'hostnameOverride may not be set when setHostnameAsFQDN is true'))
    checkOptionalName(errors, `${path}.hostnameOverride`, spec.hostnameOverride, dns1123Subdomain)
  }
}

function validateResourceClaims(errors: Errors, spec: PodSpec, path: string): readonly string[] {
  const claims = spec.resourceClaims
  if (!claims) return []
  const names: string[] = []
  claims.forEach((claim, i) => {
    const at = `${path}.resourceClaims[${i}]`
    if (!claim.name) errors.push(fieldErrors.required(`${at}.name`))
    else if (names.includes(claim.name)) errors.push(fieldErrors.duplicate(`${at}.name`, claim.name))
    else {
      checkOptionalName(errors, `${at}.name`, claim.name, dns1123Label)
      names.push(claim.name)
    }
    const { resourceClaimName, resourceClaimTemplateName } = claim
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      errors.push(fieldErrors.invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'))
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      errors.push(fieldErrors.invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
    checkOptionalName(errors, `${at}.resourceClaimName`, resourceClaimName, dns1123Subdomain)
    checkOptionalName(errors, `${at}.resourceClaimTemplateName`, resourceClaimTemplateName, dns1123Subdomain)
  })
  return names
}

const nameserversMax = 3
const searchPathsMax = 32
const searchListLengthMax = 2048

function validateDnsConfig(errors: Errors, spec: PodSpec, path: string): void {
  const config = spec.dnsConfig
  const at = `${path}.dnsConfig`
  if (spec.dnsPolicy === 'None') {
    if (!config) {
      errors.push(fieldErrors.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'))
      return
    }
    if (!config.nameservers?.length)
      errors.push(fieldErrors.required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
  }
  if (!config) return
  const { nameservers = [], searches = [], options = [] } = config
  if (nameservers.length > nameserversMax)
    errors.push(fieldErrors.invalid(`${at}.nameservers`, nameservers, `must not have more than ${nameserversMax} nameservers`))
  nameservers.forEach((address, i) => checkAddress(errors, `${at}.nameservers[${i}]`, address))
  if (searches.length > searchPathsMax)
    errors.push(fieldErrors.invalid(`${at}.searches`, searches, `must not have more than ${searchPathsMax} search paths`))
  if (searches.join(' ').length > searchListLengthMax)
    errors.push(
      fieldErrors.invalid(
        `${at}.searches`,
        searches,
        `must not have more than ${searchListLengthMax} characters (including spaces) in the search list`,
      ),
    )
  searches.forEach((search, i) => {
    if (search !== '.') checkOptionalName(errors, `${at}.searches[${i}]`, search.replace(/\.$/, ''), dns1123Subdomain)
  })
  options.forEach((option, i) => {
    if (!option.name) errors.push(fieldErrors.required(`${at}.options[${i}]`, 'must not be empty'))
  })
}

function validateGates(errors: Errors, spec: PodSpec, path: string): void {
  spec.readinessGates?.forEach((gate, i) => checkQualifiedName(errors, `${path}.readinessGates[${i}].conditionType`, gate.conditionType))
  const names = new Set<string>()
  spec.schedulingGates?.forEach(({ name }, i) => {
    checkQualifiedName(errors, `${path}.schedulingGates[${i}]`, name)
    if (names.has(name)) errors.push(fieldErrors.duplicate(`${path}.schedulingGates[${i}]`, name))
    names.add(name)
  })
}

/** A user namespace of its own excludes the host's other namespaces. */
function validateHostUsers(errors: Errors, spec: PodSpec, path: string): void {
  if (spec.hostUsers !== false) return
  const at = `${path}.hostUsers`
  if (spec.hostNetwork) errors.push(fieldErrors.forbidden(at, 'when `hostNetwork` is true'))
  if (spec.hostPID) errors.push(fieldErrors.forbidden(at, 'when `hostPID` is true'))
  if (spec.hostIPC) errors.push(fieldErrors.forbidden(at, 'when `hostIPC` is true'))
  const hasDevices = spec.containers?.some((c) => c.volumeDevices?.length)
  if (hasDevices) errors.push(fieldErrors.forbidden(at, 'when using `volumeDevices`'))
}

function validateHostAliases(errors: Errors, spec: PodSpec, path: string): void {
  spec.hostAliases?.forEach((alias, i) => {
    checkAddress(errors, `${path}.hostAliases[${i}].ip`, alias.ip)
    for (const name of alias.hostnames ?? []) checkOptionalName(errors, `${path}.hostAliases[${i}].hostnames`, name, dns1123Subdomain)
  })
}

export function checkAddress(errors: Errors, field: string, address: string | undefined): void {
  for (const message of ipAddress(address ?? '')) errors.push(fieldErrors.invalid(field, address ?? '', message))
}
