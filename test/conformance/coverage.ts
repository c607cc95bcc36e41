/**
 * The conformance tests of release 1.36 (facts: their codenames) that need nothing but the API, each with the file that does what
 * its text says. A file of one table a line; those that other features bring with them stand beside these.
 */
export const coverage: readonly (readonly [file: string, codename: string])[] = [
  [
    'runtime-class.test.ts',
    '[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance] [Conformance]',
  ],
  [
    'runtime-class.test.ts',
    '[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance] [Conformance]',
  ],
  ['runtime-class.test.ts', '[sig-node] RuntimeClass should support RuntimeClasses API operations [Conformance]'],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update mutating webhook configurations with match conditions [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update validating webhook configurations with match conditions [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate everything except 'skip-me' configmaps [Conformance]",
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject mutating webhook configurations with invalid match conditions [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject validating webhook configurations with invalid match conditions [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables. [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations [Conformance]',
  ],
  [
    'admission-policies.test.ts',
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing mutating webhooks should work [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing validating webhooks should work [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a mutating webhook should work [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a validating webhook should work [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny custom resource creation, update and deletion [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny pod and configmap creation [Conformance]',
  ],
  ['admission-webhooks.test.ts', '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should deny crd creation [Conformance]'],
  ['admission-webhooks.test.ts', '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should honor timeout [Conformance]'],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents [Conformance]',
  ],
  ['admission-webhooks.test.ts', '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate configmap [Conformance]'],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with different stored version [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with pruning [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate pod and apply defaults after mutation [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should not be able to mutate or prevent deletion of webhook configuration objects [Conformance]',
  ],
  [
    'admission-webhooks.test.ts',
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject operations on fail closed webhook [Conformance]',
  ],
  [
    'aggregator.test.ts',
    '[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [LinuxOnly] [Conformance]',
  ],
  ['devices.test.ts', '[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass [Conformance]'],
  ['devices.test.ts', '[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim [Conformance]'],
  ['devices.test.ts', '[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate [Conformance]'],
  ['devices.test.ts', '[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice [Conformance]'],
  ['discovery.test.ts', '[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface [Conformance]'],
  ['discovery.test.ts', '[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs [Conformance]'],
  [
    'discovery.test.ts',
    '[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers [Conformance]',
  ],
  ['discovery.test.ts', '[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs [Conformance]'],
  ['discovery.test.ts', '[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup [Conformance]'],
  ['discovery.test.ts', '[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup [Conformance]'],
  ['discovery.test.ts', '[sig-api-machinery] server version should find the server version [Conformance]'],
  ['events.test.ts', '[sig-instrumentation] Events API should delete a collection of events [Conformance]'],
  [
    'events.test.ts',
    '[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed [Conformance]',
  ],
  ['events.test.ts', '[sig-instrumentation] Events should delete a collection of events [Conformance]'],
  ['events.test.ts', '[sig-instrumentation] Events should manage the lifecycle of an event [Conformance]'],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions [Conformance]'],
  [
    'kubectl.test.ts',
    '[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info [Conformance]',
  ],
  [
    'kubectl.test.ts',
    '[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments [Conformance]',
  ],
  [
    'kubectl.test.ts',
    '[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods [Conformance]',
  ],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Kubectl label should update the label on a resource [Conformance]'],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc [Conformance]'],
  ['kubectl.test.ts', "[sig-cli] Kubectl client Kubectl replace should update a single-container pod's image [Conformance]"],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never [Conformance]'],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods [Conformance]'],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Kubectl version should check is all data is printed [Conformance]'],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Proxy server should support --unix-socket=/path [Conformance]'],
  ['kubectl.test.ts', '[sig-cli] Kubectl client Proxy server should support proxy with --port 0 [Conformance]'],
  ['services.test.ts', '[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server [Conformance]'],
  ['services.test.ts', '[sig-network] API Server should provide secure master service [Conformance]'],
  [
    'lists.test.ts',
    '[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls [Conformance]',
  ],
  [
    'lists.test.ts',
    '[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow] [Conformance]',
  ],
  [
    'lists.test.ts',
    '[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata [Conformance]',
  ],
  ['namespaces.test.ts', '[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace [Conformance]'],
  ['namespaces.test.ts', '[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace [Conformance]'],
  ['namespaces.test.ts', '[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status [Conformance]'],
  ['namespaces.test.ts', '[sig-api-machinery] Namespaces [Serial] should patch a Namespace [Conformance]'],
  ['flow-control.test.ts', '[sig-api-machinery] API priority and fairness should support FlowSchema API operations [Conformance]'],
  [
    'flow-control.test.ts',
    '[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations [Conformance]',
  ],
  ['networking-operations.test.ts', '[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] Ingress API should support creating Ingress API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] IngressClass API should support creating IngressClass API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]'],
  ['networking-operations.test.ts', '[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should get a host IP [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should be submitted and removed [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should be updated [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance] [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should delete a collection of pods [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]'],
  ['pods.test.ts', '[sig-node] Pods should patch a pod status [Conformance]'],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34] [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34] [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance] [Conformance]',
  ],
  [
    'pods.test.ts',
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance] [Conformance]',
  ],
  ['scheduling.test.ts', '[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]'],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP [Conformance]',
  ],
  ['scheduling.test.ts', '[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works [Conformance]'],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path [Conformance]',
  ],
  [
    'scheduling.test.ts',
    '[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods [Conformance]',
  ],
  ['scheduling.test.ts', '[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive] [Conformance]'],
  [
    'scheduling.test.ts',
    '[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive] [Conformance]',
  ],
  ['objects.test.ts', '[sig-node] ConfigMap should fail to create ConfigMap with empty key [Conformance]'],
  ['objects.test.ts', '[sig-node] ConfigMap should run through a ConfigMap lifecycle [Conformance]'],
  ['objects.test.ts', '[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance] [Conformance]'],
  ['objects.test.ts', '[sig-node] Lease lease API should be available [Conformance]'],
  ['objects.test.ts', '[sig-node] Node Lifecycle should run through the lifecycle of a node [Conformance]'],
  ['objects.test.ts', '[sig-node] PodTemplates should delete a collection of pod templates [Conformance]'],
  ['objects.test.ts', '[sig-node] PodTemplates should replace a pod template [Conformance]'],
  ['objects.test.ts', '[sig-node] PodTemplates should run the lifecycle of PodTemplates [Conformance]'],
  ['objects.test.ts', '[sig-node] Secrets should fail to create secret due to empty secret key [Conformance]'],
  ['objects.test.ts', '[sig-node] Secrets should patch a secret [Conformance]'],
  ['objects.test.ts', '[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [Conformance]'],
  ['objects.test.ts', '[sig-storage] ConfigMap should be immutable if `immutable` field is set [Conformance]'],
  ['objects.test.ts', '[sig-storage] Secrets should be immutable if `immutable` field is set [Conformance]'],
  ['services.test.ts', '[sig-network] Endpoints should test the lifecycle of an Endpoint [Conformance]'],
  ['services.test.ts', '[sig-network] Services should complete a service status lifecycle [Conformance]'],
  ['services.test.ts', '[sig-network] Services should delete a collection of services [Conformance]'],
  ['services.test.ts', '[sig-network] Services should find a service from listing all namespaces [Conformance]'],
  ['storage.test.ts', '[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver [Conformance]'],
  ['storage.test.ts', '[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API [Conformance]'],
  ['storage.test.ts', '[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode [Conformance]'],
  ['storage.test.ts', '[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations [Conformance]'],
  ['volumes.test.ts', '[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status [Conformance]'],
  ['volumes.test.ts', '[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC [Conformance]'],
  ['storage.test.ts', '[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass [Conformance]'],
  ['storage.test.ts', '[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status [Conformance]'],
  ['storage.test.ts', '[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment [Conformance]'],
  [
    'storage.test.ts',
    '[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass [Conformance]',
  ],
  [
    'watchers.test.ts',
    '[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch [Conformance]',
  ],
  ['watchers.test.ts', '[sig-api-machinery] Watchers should be able to start watching from a specific resource version [Conformance]'],
  [
    'watchers.test.ts',
    '[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps [Conformance]',
  ],
  [
    'watchers.test.ts',
    '[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector [Conformance]',
  ],
  ['watchers.test.ts', '[sig-api-machinery] Watchers should receive events on concurrent watches in same order [Conformance]'],
  ['certificates.test.ts', '[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations [Conformance]'],
  ['service-accounts.test.ts', '[sig-auth] ServiceAccounts should allow opting out of API token automount [Conformance]'],
  [
    'service-accounts.test.ts',
    '[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview [Conformance]',
  ],
  ['service-accounts.test.ts', '[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount [Conformance]'],
  ['service-accounts.test.ts', '[sig-auth] ServiceAccounts should update a ServiceAccount [Conformance]'],
  ['subject-reviews.test.ts', '[sig-auth] SubjectReview should support SubjectReview API operations [Conformance]'],
]
