import type { AdmissionPlugin, Authorizer } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { certificateApproval } from './certificate-approval.ts'
import { certificateSigning } from './certificate-signing.ts'
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds, type TolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { ownerReferencesPermissionEnforcement } from './owner-references-permission-enforcement.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { offByDefault } from './plugin-names.ts'
import type { PodSecurityConfiguration } from './pod-security/configuration.ts'
import type { PodSecurityMetrics } from './pod-security/pod-security-metrics.ts'
import { podSecurity } from './pod-security/pod-security.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { priorityAdmission } from './priority.ts'
import { privilegeEscalation } from './privilege-escalation.ts'
import { runtimeClassAdmission } from './runtime-class.ts'
import { serviceAccountAdmission } from './service-account.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

export type PluginParts = {
  readonly reader: ObjectReader
  readonly authorizer: Authorizer
  /** The resource of a kind, whichever server answers it. */
  readonly pluralOf: (apiVersion: string, kind: string) => string | undefined
  readonly tolerationSeconds?: TolerationSeconds | undefined
  readonly podSecurity?: PodSecurityConfiguration | undefined
  readonly podSecurityMetrics?: PodSecurityMetrics | undefined
}

export type PluginChoice = {
  /** Names of plugins to run that are off by default. */
  readonly enabled?: readonly string[]
  /** Names of plugins to leave out. */
  readonly disabled?: readonly string[]
}

/**
 * The built-in plugins in upstream's order (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/).
 * ResourceQuota comes last and is a write hook, because what it takes must be given back when a write fails.
 * PrivilegeEscalation is no plugin upstream but part of its storage of roles.
 */
export function builtInPlugins(parts: PluginParts, { enabled = [], disabled = [] }: PluginChoice): readonly AdmissionPlugin[] {
  const { reader, authorizer } = parts
  const all: readonly AdmissionPlugin[] = [
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccountAdmission({ reader }),
    nodeRestriction({ reader, authorizer }),
    taintNodesByCondition,
    podSecurity({ reader, configuration: parts.podSecurity, metrics: parts.podSecurityMetrics }),
    priorityAdmission(reader),
    defaultTolerationSeconds(parts.tolerationSeconds),
    defaultStorageClass(reader),
    storageObjectInUseProtection,
    ownerReferencesPermissionEnforcement(parts),
    persistentVolumeClaimResize(reader),
    runtimeClassAdmission(reader),
    certificateApproval({ authorizer }),
    certificateSigning({ authorizer }),
    certificateSubjectRestriction,
    defaultIngressClass(reader),
    podTopologyLabels(reader),
    privilegeEscalation({ authorizer, reader }),
  ]
  return all.filter(({ name }) => !disabled.includes(name) && (!offByDefault.has(name) || enabled.includes(name)))
}
