import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../../machinery/names.ts'
import type { ObjectMeta } from '../../../machinery/object.ts'
import { checkEnum, checkName, checkOptionalName, checkQualifiedName, checkRange, type Errors } from '../../checks.ts'
import type { PodSpec, PodTemplateSpec } from '../../generated/types/core-v1.ts'
import { internalForm } from '../../internal-form.ts'
import { validateAllContainers, validateHostNetworkPorts } from './validate-containers.ts'
import { validateHostProcess, validateHostUsers, validateOs } from './validate-os.ts'
import { validateAffinity, validateNodeLabels, validateTolerations, validateTopologySpread } from './validate-placement.ts'
import { validatePodAnnotations, validateProfileAnnotations } from './validate-pod-annotations.ts'
import { validateDnsConfig, validateHostAliases, validateHostnameOverride } from './validate-pod-network.ts'
import { validatePodLevelResources } from './validate-pod-resources.ts'
import { validateFileKeyVolumes } from './validate-env.ts'
import { validateOverhead } from './validate-resources.ts'
import { validatePodSecurityContext } from './validate-security-context.ts'
import { validateTemplateMeta } from './validate-template-meta.ts'
import { validateVolumes } from './validate-volumes.ts'

const int32Max = 2147483647

/**
 * Everything that holds of a pod spec, in a pod or in a template, in the order of upstream's errors. Defaults have been applied. `pod` is
 * the metadata of a real pod, absent for a template.
 */
export function validatePodSpec(errors: Errors, spec: PodSpec, path: string, pod?: ObjectMeta): void {
  const volumes = validateVolumes(errors, spec.volumes, `${path}.volumes`, pod)
  const claimNames = validateResourceClaims(errors, spec.resourceClaims, `${path}.resourceClaims`, pod)
  const { os, restartPolicy, hostUsers, terminationGracePeriodSeconds: gracePeriodSeconds = 0 } = spec
  const context = { volumes, claimNames, gracePeriodSeconds, os, restartPolicy, hasHostUsers: hostUsers !== false }
  validateAllContainers(errors, spec, context, path)
  if (spec.resources) validatePodLevelResources(errors, spec, `${path}.resources`, claimNames)
  if (spec.hostNetwork) validateHostNetworkPorts(errors, spec.containers ?? [], `${path}.containers`, pod !== undefined)
  checkEnum(errors, `${path}.restartPolicy`, restartPolicy, ['Always', 'OnFailure', 'Never'])
  checkEnum(errors, `${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'])
  validateNodeLabels(errors, spec.nodeSelector, `${path}.nodeSelector`)
  validatePodSecurityContext(errors, spec, `${path}.securityContext`)
  validateAffinity(errors, spec.affinity, `${path}.affinity`)
  validateDnsConfig(errors, spec, `${path}.dnsConfig`)
  validateGates(errors, spec, path)
  validateTopologySpread(errors, spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`)
  validateHostProcess(errors, spec, path)
  validateHostUsers(errors, spec, path)
  validateHostnameOverride(errors, spec, `${path}.hostnameOverride`)
  checkOptionalName(errors, `${path}.serviceAccountName`, spec.serviceAccountName, dns1123Subdomain)
  checkOptionalName(errors, `${path}.nodeName`, spec.nodeName, dns1123Subdomain)
  checkRange(errors, `${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, int32Max)
  checkOptionalName(errors, `${path}.hostname`, spec.hostname, dns1123Label)
  checkOptionalName(errors, `${path}.subdomain`, spec.subdomain, dns1123Label)
  validateTolerations(errors, spec.tolerations, `${path}.tolerations`)
  validateHostAliases(errors, spec.hostAliases, `${path}.hostAliases`)
  checkOptionalName(errors, `${path}.priorityClassName`, spec.priorityClassName, dns1123Subdomain)
  if (spec.runtimeClassName !== undefined) checkName(errors, `${path}.runtimeClassName`, spec.runtimeClassName, dns1123Subdomain)
  if (spec.preemptionPolicy !== undefined)
    checkEnum(errors, `${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  validateOverhead(errors, spec.overhead, `${path}.overhead`)
  validateOs(errors, spec, path)
  validateSchedulingGroup(errors, spec.schedulingGroup, `${path}.schedulingGroup`)
  validateFileKeyVolumes(errors, spec, path)
}

/** A template inside a workload: its labels and annotations, its spec, and what only pods may have. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!template) return [fieldErrors.required(path)]
  const { metadata, spec } = template
  validateTemplateMeta(errors, metadata, path)
  if (!spec) return [...errors, fieldErrors.required(`${path}.spec.containers`)]
  validatePodAnnotations(errors, metadata?.annotations, spec, `${path}.annotations`)
  validatePodSpec(errors, spec, `${path}.spec`)
  validateProfileAnnotations(errors, metadata?.annotations, spec, `${path}.spec`)
  if (spec.ephemeralContainers?.length)
    errors.push(fieldErrors.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  return errors
}

/** Gives the names of the claims. */
function validateResourceClaims(
  errors: Errors,
  claims: PodSpec['resourceClaims'],
  path: string,
  pod: ObjectMeta | undefined,
): readonly string[] {
  if (!claims) return []
  const names = new Set<string>()
  claims.forEach((claim, i) => {
    const at = `${path}[${i}]`
    if (pod?.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
      errors.push(fieldErrors.forbidden('[]', 'static pods do not support resource claims'))
      return
    }
    const { name, resourceClaimName, resourceClaimTemplateName } = claim
    if (!name) errors.push(fieldErrors.required(`${at}.name`))
    else if (names.has(name)) errors.push(fieldErrors.duplicate(`${at}.name`, name))
    else checkName(errors, `${at}.name`, name, dns1123Label)
    if (name) names.add(name)
    const refuse = (detail: string) => errors.push(fieldErrors.invalid(at, internalForm('PodResourceClaim', claim), detail))
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      refuse('at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified')
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      refuse('must specify one of: `resourceClaimName`, `resourceClaimTemplateName`')
    if (resourceClaimName !== undefined) checkName(errors, `${at}.resourceClaimName`, resourceClaimName, dns1123Subdomain)
    if (resourceClaimTemplateName !== undefined)
      checkName(errors, `${at}.resourceClaimTemplateName`, resourceClaimTemplateName, dns1123Subdomain)
  })
  return [...names]
}

function validateGates(errors: Errors, spec: PodSpec, path: string): void {
  spec.readinessGates?.forEach((gate, i) => checkQualifiedName(errors, `${path}.readinessGates[${i}].conditionType`, gate.conditionType))
  const names = new Set<string>()
  const gates: readonly { readonly name?: string }[] = spec.schedulingGates ?? []
  gates.forEach(({ name = '' }, i) => {
    checkQualifiedName(errors, `${path}.schedulingGates[${i}]`, name)
    if (names.has(name)) errors.push(fieldErrors.duplicate(`${path}.schedulingGates[${i}]`, name))
    names.add(name)
  })
}

function validateSchedulingGroup(errors: Errors, group: PodSpec['schedulingGroup'], path: string): void {
  if (!group) return
  if (group.podGroupName === undefined)
    errors.push(fieldErrors.invalid(`${path}.podGroupName`, null, 'must specify one of: `podGroupName`'))
  else checkName(errors, `${path}.podGroupName`, group.podGroupName, dns1123Subdomain)
}
