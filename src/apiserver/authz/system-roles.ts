/** The default roles of the cluster's own parts: nodes, scheduler, controllers, add-ons. */
import type { ClusterRole, PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import { clusterRole, read, recordEvents, rule, write } from './rule-builder.ts'

const delegatedReviews: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
]

export const delegationRoles: readonly ClusterRole[] = [
  clusterRole('system:auth-delegator', delegatedReviews),
  clusterRole('system:kube-aggregator', [rule(read, '', 'endpoints services'), rule(read, 'discovery.k8s.io', 'endpointslices')]),
  clusterRole('system:kubelet-api-admin', [
    rule(`${read} proxy`, '', 'nodes'),
    rule('*', '', 'nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats'),
  ]),
  clusterRole('system:heapster', [rule(read, '', 'events namespaces nodes pods'), rule(read, 'extensions', 'deployments')]),
]

/** What every node may do; the node authorizer narrows most of it down to the node itself. */
export const nodeRules: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
  rule(read, '', 'services'),
  rule(`create ${read} patch update`, '', 'nodes'),
  rule('patch update', '', 'nodes/status'),
  recordEvents,
  rule(`create delete ${read}`, '', 'pods'),
  rule('patch update', '', 'pods/status'),
  rule('create', '', 'pods/eviction'),
  rule(read, '', 'configmaps secrets'),
  rule('get', '', 'persistentvolumeclaims persistentvolumes'),
  rule('get', '', 'endpoints'),
  rule(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  rule('create delete get patch update', 'coordination.k8s.io', 'leases'),
  rule('get', 'storage.k8s.io', 'volumeattachments'),
  rule('create', '', 'serviceaccounts/token'),
  rule('get', '', 'serviceaccounts'),
  rule('get patch update', '', 'persistentvolumeclaims/status'),
  rule(read, 'storage.k8s.io', 'csidrivers'),
  rule('create delete get patch update', 'storage.k8s.io', 'csinodes'),
  rule(read, 'node.k8s.io', 'runtimeclasses'),
  // Its service proxy keeps packets for all of them on the node.
  rule(read, 'networking.k8s.io', 'servicecidrs'),
  rule('get', 'resource.k8s.io', 'resourceclaims'),
  rule(`create delete deletecollection ${read} patch update`, 'resource.k8s.io', 'resourceslices'),
]

const certificateRoles: readonly ClusterRole[] = [
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [
    rule('create', 'certificates.k8s.io', 'certificatesigningrequests/nodeclient'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
    rule('create', 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient'),
  ]),
  ...['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'].map((signer) =>
    clusterRole(`system:certificates.k8s.io:${signer}-approver`, [
      { ...rule('approve', 'certificates.k8s.io', 'signers'), resourceNames: [`kubernetes.io/${signer}`] },
    ]),
  ),
]

export const nodeRoles: readonly ClusterRole[] = [
  clusterRole('system:node', nodeRules),
  // The machine node's pod network, service proxy, DNS and maker of local volumes speak as their node: upstream's add-ons have
  // accounts of their own. Which volumes a node may change, and what of them, admission (NodeRestriction) says; services are every
  // node's to read by the role above.
  clusterRole('keelson:node-addons', [
    rule('list watch', '', 'namespaces nodes'),
    rule('list watch patch', '', 'persistentvolumes'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:node-bootstrapper', [rule(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests')]),
  clusterRole('system:node-problem-detector', [rule('get', '', 'nodes'), rule('patch', '', 'nodes/status'), recordEvents]),
  clusterRole('system:node-proxier', [
    rule('list watch', '', 'endpoints services'),
    rule(read, '', 'nodes'),
    rule('list watch', 'networking.k8s.io', 'servicecidrs'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    recordEvents,
  ]),
  ...certificateRoles,
]

export const schedulerRoles: readonly ClusterRole[] = [
  // For a framework, bound in its namespace: it places pods by offers alone, never by a Binding of its own.
  clusterRole('keelson:framework', [
    rule(`create ${read}`, 'keelson.dev', 'frameworks'),
    rule(`delete ${read}`, 'keelson.dev', 'offers'),
    rule('create', 'keelson.dev', 'offers/accept offers/decline'),
    rule('create get update', 'coordination.k8s.io', 'leases'),
    rule(`create delete ${read}`, '', 'pods'),
  ]),
  clusterRole('system:kube-scheduler', [
    recordEvents,
    rule('create', 'coordination.k8s.io', 'leases'),
    { ...rule(`${read} update`, 'coordination.k8s.io', 'leases'), resourceNames: ['kube-scheduler'] },
    rule(`${write} ${read}`, 'coordination.k8s.io', 'leasecandidates'),
    rule(read, '', 'nodes replicationcontrollers services namespaces persistentvolumeclaims persistentvolumes'),
    rule('delete get list watch', '', 'pods'),
    rule('create', '', 'bindings pods/binding'),
    rule('patch update', '', 'pods/status'),
    rule('update', '', 'pods/finalizers'),
    rule(read, 'apps extensions', 'replicasets'),
    rule(read, 'apps', 'statefulsets'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule(read, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments'),
    rule(read, 'scheduling.k8s.io', 'priorityclasses podgroups'),
    rule('patch update', 'scheduling.k8s.io', 'podgroups/status'),
    rule(read, 'keelson.dev', 'offers'),
    rule(read, 'resource.k8s.io', 'deviceclasses resourceslices'),
    rule(`create delete ${read} patch update`, 'resource.k8s.io', 'resourceclaims'),
    rule(`${read} patch update`, 'resource.k8s.io', 'resourceclaims/status'),
    rule('patch update', 'resource.k8s.io', 'resourceclaims/binding'),
    ...delegatedReviews,
  ]),
  clusterRole('system:volume-scheduler', [
    rule(`${read} patch update`, '', 'persistentvolumes persistentvolumeclaims'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
  ]),
  clusterRole('system:persistent-volume-provisioner', [
    rule('create delete get list watch', '', 'persistentvolumes'),
    rule(`${read} update`, '', 'persistentvolumeclaims'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule('watch', '', 'events'),
    recordEvents,
  ]),
  clusterRole('system:kube-controller-manager', [
    recordEvents,
    rule('create', 'coordination.k8s.io', 'leases'),
    { ...rule('get update', 'coordination.k8s.io', 'leases'), resourceNames: ['kube-controller-manager'] },
    rule('list watch', '*', '*'),
    rule('create', '', 'secrets serviceaccounts serviceaccounts/token'),
    rule('delete', '', 'secrets'),
    rule('get', '', 'configmaps namespaces secrets serviceaccounts'),
    rule('update', '', 'secrets serviceaccounts'),
    ...delegatedReviews,
  ]),
  clusterRole('system:kube-dns', [rule('list watch', '', 'endpoints services')]),
]
