/** What `kubectl get` shows of storage, devices, roles, policies and the API's own kinds. */
import { clusterWide, namespaced } from '../upstream-case.ts'
import { shown } from '../table-cases.ts'

const name = 'upstream-table'
const wide = (
  title: string,
  groupVersion: string,
  resource: string,
  body: object,
  { status, metadata }: { status?: object; metadata?: object } = {},
) => shown(title, clusterWide(groupVersion, resource), { metadata: { name, ...metadata }, ...body }, status)
const local = (title: string, groupVersion: string, resource: string, body: object, status?: object) =>
  shown(title, namespaced(groupVersion, resource), { metadata: { name: 'one' }, ...body }, status)
const storage = 'storage.k8s.io/v1'
const devices = 'resource.k8s.io/v1'
const rbac = 'rbac.authorization.k8s.io/v1'
const admission = 'admissionregistration.k8s.io/v1'
const request = { exactly: { deviceClassName: 'c' } }
const subjects = [
  { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'u' },
  { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'g' },
  { kind: 'ServiceAccount', namespace: 'n', name: 's' },
  { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'v' },
]
const role = (kind: string) => ({ kind, apiGroup: 'rbac.authorization.k8s.io', name: 'r' })
const hook = (name: string) => ({
  name,
  clientConfig: { url: 'https://example.com' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  failurePolicy: 'Ignore',
  rules: [{ operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'] }],
})
const matchConstraints = {
  resourceRules: [{ operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'] }],
}
const csr =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIVE1Ic0NBUUF3R1RFWE1CVUdBMVVFQXd3T2RYQnpkSEpsWVcwdGRHRmliR1V3V1RBVEJnY3Foa2pPUFFJQgpCZ2dxaGtqT1BRTUJCd05DQUFTWW12WVNIWFpOVm1tdEsvODJwOUM0Z1dnMmduNUpSZkgvaVN3L1gxN2psOHlnCm5PNEhmSXk5ZGZRWGJmUFM0MzNFKzRXNkVRSFpaU25RMnhIc21ORVlvQUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXcKUlFJaEFLSkVFN040ZXhUVGlGK29XeGQ4bjQrL1MzeituRmtQTm5QZ0ZQTmpxNFRzQWlBQ0UwaHFncWQ4MzVjYgo2ek40OWYxNUdRT2dXcWtIdytRYmN5VUFaNE5lMVE9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K'

export const cases = [
  wide('classes: plain', storage, 'storageclasses', { provisioner: 'p' }),
  wide(
    'classes: the default',
    storage,
    'storageclasses',
    { provisioner: 'p', reclaimPolicy: 'Retain', volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true },
    { metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } },
  ),
  wide('attributes', storage, 'volumeattributesclasses', { driverName: 'd', parameters: { a: 'b' } }),
  wide('drivers: plain', storage, 'csidrivers', { spec: {} }),
  wide('drivers: much', storage, 'csidrivers', {
    spec: {
      attachRequired: false,
      podInfoOnMount: true,
      storageCapacity: true,
      volumeLifecycleModes: ['Persistent', 'Ephemeral'],
      tokenRequests: [{ audience: 'a' }, { audience: 'b' }],
      requiresRepublish: true,
      fsGroupPolicy: 'File',
      seLinuxMount: true,
    },
  }),
  wide('driver nodes', storage, 'csinodes', { spec: { drivers: [{ name: 'd', nodeID: 'n' }] } }),
  local('capacities', storage, 'csistoragecapacities', { storageClassName: 'c', capacity: '1Gi', maximumVolumeSize: '1Mi' }),
  local('capacities: unknown', storage, 'csistoragecapacities', { storageClassName: 'c' }),
  wide(
    'attachments',
    storage,
    'volumeattachments',
    { spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
    { status: { attached: true } },
  ),
  wide('device classes', devices, 'deviceclasses', { spec: {} }),
  local('device claims', devices, 'resourceclaims', { spec: { devices: { requests: [{ name: 'r', ...request }] } } }),
  local(
    'device claims: allocated',
    devices,
    'resourceclaims',
    { spec: { devices: { requests: [{ name: 'r', ...request }] } } },
    {
      allocation: { devices: { results: [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'd' }] } },
      reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }],
    },
  ),
  local('device templates', devices, 'resourceclaimtemplates', { spec: { spec: { devices: { requests: [{ name: 'r', ...request }] } } } }),
  wide('device slices', devices, 'resourceslices', {
    spec: { driver: 'd.example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
  }),
  wide('device slices: of all nodes', devices, 'resourceslices', {
    spec: { driver: 'd.example.com', allNodes: true, pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
  }),
  local('roles', rbac, 'roles', { rules: [] }),
  wide('cluster roles', rbac, 'clusterroles', { rules: [] }),
  local('bindings', rbac, 'rolebindings', { roleRef: role('Role'), subjects }),
  local('bindings: of a cluster role', rbac, 'rolebindings', { roleRef: role('ClusterRole') }),
  wide('cluster bindings', rbac, 'clusterrolebindings', { roleRef: role('ClusterRole'), subjects }),
  wide('runtime classes', 'node.k8s.io/v1', 'runtimeclasses', { handler: 'h' }),
  wide('priorities', 'scheduling.k8s.io/v1', 'priorityclasses', { value: 5, preemptionPolicy: 'Never', description: 'd' }),
  local('leases', 'coordination.k8s.io/v1', 'leases', { spec: { holderIdentity: 'h' } }),
  local('leases: of nobody', 'coordination.k8s.io/v1', 'leases', { spec: {} }),
  wide(
    'flows',
    'flowcontrol.apiserver.k8s.io/v1',
    'flowschemas',
    { spec: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 777, distinguisherMethod: { type: 'ByUser' } } },
    { status: { conditions: [{ type: 'Dangling', status: 'False' }] } },
  ),
  wide(
    'flows: of a level that is not there',
    'flowcontrol.apiserver.k8s.io/v1',
    'flowschemas',
    { spec: { priorityLevelConfiguration: { name: 'none' }, matchingPrecedence: 777 } },
    { status: { conditions: [{ type: 'Dangling', status: 'True' }] } },
  ),
  wide('levels', 'flowcontrol.apiserver.k8s.io/v1', 'prioritylevelconfigurations', {
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 2, queueLengthLimit: 9 } } },
    },
  }),
  wide('levels: without queues', 'flowcontrol.apiserver.k8s.io/v1', 'prioritylevelconfigurations', {
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
  }),
  wide('hooks that judge', admission, 'validatingwebhookconfigurations', { webhooks: [hook('a.example.com'), hook('b.example.com')] }),
  wide('hooks that change', admission, 'mutatingwebhookconfigurations', { webhooks: [hook('a.example.com')] }),
  wide('policies', admission, 'validatingadmissionpolicies', {
    spec: {
      matchConstraints,
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [{ expression: 'true' }, { expression: '1 == 1' }],
    },
  }),
  wide('policies: without parameters', admission, 'validatingadmissionpolicies', {
    spec: { matchConstraints, validations: [{ expression: 'true' }] },
  }),
  wide('policy bindings', admission, 'validatingadmissionpolicybindings', {
    spec: { policyName: 'p', validationActions: ['Deny'], paramRef: { name: 'x', namespace: 'n', parameterNotFoundAction: 'Deny' } },
  }),
  wide('policy bindings: of all parameters', admission, 'validatingadmissionpolicybindings', {
    spec: { policyName: 'p', validationActions: ['Warn'], paramRef: { selector: {}, parameterNotFoundAction: 'Deny' } },
  }),
  wide('policy bindings: without parameters', admission, 'validatingadmissionpolicybindings', {
    spec: { policyName: 'p', validationActions: ['Audit'] },
  }),
  wide('changing policies', admission, 'mutatingadmissionpolicies', {
    spec: {
      matchConstraints,
      reinvocationPolicy: 'Never',
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
    },
  }),
  wide('bindings of changing policies', admission, 'mutatingadmissionpolicybindings', {
    spec: { policyName: 'p', paramRef: { name: 'x', parameterNotFoundAction: 'Deny' } },
  }),
  wide('requests for certificates', 'certificates.k8s.io/v1', 'certificatesigningrequests', {
    spec: { request: csr, signerName: 'example.com/s', usages: ['client auth'], expirationSeconds: 3600 },
  }),
  wide(
    'definitions',
    'apiextensions.k8s.io/v1',
    'customresourcedefinitions',
    {
      spec: {
        group: 'upstream.example.com',
        scope: 'Cluster',
        names: { plural: 'tables', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    },
    { metadata: { name: 'tables.upstream.example.com' } },
  ),
  wide(
    'services of the API: local',
    'apiregistration.k8s.io/v1',
    'apiservices',
    { spec: { group: 'upstream.example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 } },
    { metadata: { name: 'v1.upstream.example.com' } },
  ),
  wide(
    'services of the API: remote',
    'apiregistration.k8s.io/v1',
    'apiservices',
    {
      spec: {
        group: 'remote.example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 10,
        insecureSkipTLSVerify: true,
        service: { name: 's', namespace: 'n' },
      },
    },
    {
      metadata: { name: 'v1.remote.example.com' },
      status: {
        conditions: [{ type: 'Available', status: 'False', reason: 'ServiceNotFound', lastTransitionTime: '2020-01-01T00:00:00Z' }],
      },
    },
  ),
]
