import { mutatingAdmissionPolicyBindings } from './admissionregistration/mutating-admission-policy-binding.ts'
import { mutatingAdmissionPolicies } from './admissionregistration/mutating-admission-policy.ts'
import { mutatingWebhookConfigurations } from './admissionregistration/mutating-webhook-configuration.ts'
import { validatingAdmissionPolicyBindings } from './admissionregistration/validating-admission-policy-binding.ts'
import { validatingAdmissionPolicies } from './admissionregistration/validating-admission-policy.ts'
import { validatingWebhookConfigurations } from './admissionregistration/validating-webhook-configuration.ts'
import { customResourceDefinitions } from './apiextensions/custom-resource-definition.ts'
import { apiServices } from './apiregistration/api-service.ts'
import { controllerRevisions } from './apps/controller-revision.ts'
import { daemonSets } from './apps/daemon-set.ts'
import { deployments } from './apps/deployment.ts'
import { replicaSets } from './apps/replica-set.ts'
import { statefulSets } from './apps/stateful-set.ts'
import { selfSubjectReviews } from './authentication/self-subject-review.ts'
import { tokenReviews } from './authentication/token-review.ts'
import { localSubjectAccessReviews } from './authorization/local-subject-access-review.ts'
import { selfSubjectAccessReviews } from './authorization/self-subject-access-review.ts'
import { selfSubjectRulesReviews } from './authorization/self-subject-rules-review.ts'
import { subjectAccessReviews } from './authorization/subject-access-review.ts'
import { horizontalPodAutoscalersV1 } from './autoscaling/horizontal-pod-autoscaler-v1.ts'
import { horizontalPodAutoscalers } from './autoscaling/horizontal-pod-autoscaler.ts'
import { cronJobs } from './batch/cron-job.ts'
import { jobs } from './batch/job.ts'
import { certificateSigningRequests } from './certificates/certificate-signing-request.ts'
import { leases } from './coordination/lease.ts'
import { bindings } from './core/binding.ts'
import { componentStatuses } from './core/component-status.ts'
import { configMaps } from './core/config-map.ts'
import { endpoints } from './core/endpoints.ts'
import { events } from './core/event.ts'
import { limitRanges } from './core/limit-range.ts'
import { namespaces } from './core/namespace.ts'
import { nodes } from './core/node.ts'
import { persistentVolumeClaims } from './core/persistent-volume-claim.ts'
import { persistentVolumes } from './core/persistent-volume.ts'
import { podTemplates } from './core/pod-template.ts'
import { pods } from './core/pod.ts'
import { replicationControllers } from './core/replication-controller.ts'
import { resourceQuotas } from './core/resource-quota.ts'
import { secrets } from './core/secret.ts'
import { serviceAccounts } from './core/service-account.ts'
import { services } from './core/service.ts'
import { endpointSlices } from './discovery/endpoint-slice.ts'
import { events as eventsOfEventsGroup } from './events/event.ts'
import { flowSchemas } from './flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from './flowcontrol/priority-level-configuration.ts'
import { frameworks } from './keelson/framework.ts'
import { offers } from './keelson/offer.ts'
import { runActions } from './keelson/run-action.ts'
import { nodeMetrics } from './metrics/node-metrics.ts'
import { podMetrics } from './metrics/pod-metrics.ts'
import { ingressClasses } from './networking/ingress-class.ts'
import { ingresses } from './networking/ingress.ts'
import { ipAddresses } from './networking/ip-address.ts'
import { networkPolicies } from './networking/network-policy.ts'
import { serviceCidrs } from './networking/service-cidr.ts'
import { runtimeClasses } from './node/runtime-class.ts'
import { podDisruptionBudgets } from './policy/pod-disruption-budget.ts'
import { clusterRoleBindings } from './rbac/cluster-role-binding.ts'
import { clusterRoles } from './rbac/cluster-role.ts'
import { roleBindings } from './rbac/role-binding.ts'
import { roles } from './rbac/role.ts'
import { deviceClasses } from './resource/device-class.ts'
import { resourceClaimTemplates } from './resource/resource-claim-template.ts'
import { resourceClaims } from './resource/resource-claim.ts'
import { resourceSlices } from './resource/resource-slice.ts'
import { podGroups } from './scheduling/pod-group.ts'
import { priorityClasses } from './scheduling/priority-class.ts'
import { workloads } from './scheduling/workload.ts'
import { csiDrivers } from './storage/csi-driver.ts'
import { csiNodes } from './storage/csi-node.ts'
import { csiStorageCapacities } from './storage/csi-storage-capacity.ts'
import { storageClasses } from './storage/storage-class.ts'
import { volumeAttachments } from './storage/volume-attachment.ts'
import { volumeAttributesClasses } from './storage/volume-attributes-class.ts'
import { storageVersionMigrations } from './storagemigration/storage-version-migration.ts'
import type { KindDefinition } from './kind.ts'

/**
 * Every kind that the platform serves. Adding one is one file and one line here.
 * The cast forgets each kind's object type: callers of the list hand a kind only objects of its own, which they decoded by it.
 */
export const allKinds = [
  mutatingAdmissionPolicyBindings,
  mutatingAdmissionPolicies,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicyBindings,
  validatingAdmissionPolicies,
  validatingWebhookConfigurations,
  customResourceDefinitions,
  apiServices,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  horizontalPodAutoscalersV1,
  horizontalPodAutoscalers,
  cronJobs,
  jobs,
  certificateSigningRequests,
  leases,
  bindings,
  componentStatuses,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podTemplates,
  pods,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  endpointSlices,
  eventsOfEventsGroup,
  flowSchemas,
  priorityLevelConfigurations,
  runActions,
  frameworks,
  offers,
  nodeMetrics,
  podMetrics,
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCidrs,
  runtimeClasses,
  podDisruptionBudgets,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  deviceClasses,
  resourceClaimTemplates,
  resourceClaims,
  resourceSlices,
  podGroups,
  priorityClasses,
  workloads,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
  storageVersionMigrations,
] as readonly unknown[] as readonly KindDefinition[]
