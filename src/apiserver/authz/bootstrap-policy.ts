/**
 * The roles and bindings that every cluster starts with
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings), Keelson's verbs among them.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../kinds/generated/types/rbac-v1.ts'
import { paths, read, rule, write } from './rule-builder.ts'

export type Policy = {
  readonly clusterRoles: readonly ClusterRole[]
  readonly clusterRoleBindings: readonly ClusterRoleBinding[]
  readonly roles: readonly Role[]
  readonly roleBindings: readonly RoleBinding[]
}

const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
})

const clusterRole = (name: string, rules: readonly PolicyRule[], labels?: Record<string, string>): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: metadata(name, labels),
  rules: [...rules],
})

const aggregateLabel = (into: string) => `rbac.authorization.k8s.io/aggregate-to-${into}`

const aggregated = (name: string, labels?: Record<string, string>): ClusterRole => ({
  ...clusterRole(name, [], labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(name)]: 'true' } }] },
})

const binding = (role: string, subjects: readonly Subject[], name = role): ClusterRoleBinding => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: metadata(name),
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [...subjects],
})

const group = (name: string): Subject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name })
const user = (name: string): Subject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name })
const serviceAccount = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'kube-system', name })

const discoveryPaths = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/openapi',
  '/openapi/*',
  '/healthz',
  '/livez',
  '/readyz',
  '/version',
  '/version/',
]
const infoPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/']

/** What `view` reads; `edit` writes all of it but events, and `admin` too. */
const viewRules: readonly PolicyRule[] = [
  rule(
    read,
    '',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    read,
    '',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status namespaces',
  ),
  rule('get', '', 'pods/explain'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(
    read,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  rule(read, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
]

const runActions = (resource: string) => ['start', 'stop', 'restart', 'pause', 'resume'].map((verb) => `${resource}/${verb}`).join(' ')

const editRules: readonly PolicyRule[] = [
  rule(read, '', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  rule('impersonate', '', 'serviceaccounts'),
  rule(write, '', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule('create', '', 'pods/eviction'),
  rule('create', '', runActions('pods')),
  rule('create', 'apps', runActions('deployments')),
  rule(
    write,
    '',
    'configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  rule('create', '', 'serviceaccounts/token'),
  rule(
    write,
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'batch', 'cronjobs jobs'),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(`${write} ${read}`, 'coordination.k8s.io', 'leases'),
  rule(write, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
  rule('create patch update', '', 'events'),
]

const adminRules: readonly PolicyRule[] = [
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule(`${read} ${write}`, 'rbac.authorization.k8s.io', 'roles rolebindings'),
]

const userFacing: readonly ClusterRole[] = [
  clusterRole('cluster-admin', [rule('*', '*', '*'), paths('*', ['*'])]),
  aggregated('admin'),
  aggregated('edit', { [aggregateLabel('admin')]: 'true' }),
  aggregated('view', { [aggregateLabel('edit')]: 'true' }),
  clusterRole('system:aggregate-to-admin', adminRules, { [aggregateLabel('admin')]: 'true' }),
  clusterRole('system:aggregate-to-edit', editRules, { [aggregateLabel('edit')]: 'true' }),
  clusterRole('system:aggregate-to-view', viewRules, { [aggregateLabel('view')]: 'true' }),
]

const everyone: readonly ClusterRole[] = [
  clusterRole('system:discovery', [paths('get', discoveryPaths)]),
  clusterRole('system:public-info-viewer', [paths('get', infoPaths)]),
  clusterRole('system:basic-user', [
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  clusterRole('system:monitoring', [
    paths('get', ['/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*']),
  ]),
  clusterRole('system:service-account-issuer-discovery', [paths('get', ['/.well-known/openid-configuration', '/openid/v1/jwks'])]),
]

const delegation: readonly ClusterRole[] = [
  clusterRole('system:auth-delegator', [
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  ]),
  clusterRole('system:kube-aggregator', [rule(read, '', 'endpoints services'), rule(read, 'discovery.k8s.io', 'endpointslices')]),
  clusterRole('system:kubelet-api-admin', [
    rule(`${read} proxy`, '', 'nodes'),
    rule('*', '', 'nodes/log nodes/metrics nodes/proxy nodes/stats nodes/configz nodes/healthz nodes/pods'),
  ]),
]

/** The node authorizer decides the rest; these are for tools that look at roles, and bound to nobody. */
const nodeRoles: readonly ClusterRole[] = [
  clusterRole('system:node', [
    rule(read, '', 'services nodes pods configmaps secrets persistentvolumes persistentvolumeclaims'),
    rule('create patch update', '', 'events'),
    rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
  ]),
  clusterRole('system:node-bootstrapper', [rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests')]),
  clusterRole('system:node-problem-detector', [
    rule('get', '', 'nodes'),
    rule('patch', '', 'nodes/status'),
    rule('create patch update', '', 'events'),
  ]),
  clusterRole('system:node-proxier', [
    rule('list watch', '', 'endpoints services'),
    rule(read, '', 'nodes'),
    rule(read, 'discovery.k8s.io', 'endpointslices'),
    rule('create patch update', '', 'events'),
  ]),
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

const schedulerRoles: readonly ClusterRole[] = [
  clusterRole('system:kube-scheduler', [
    rule('create patch update', '', 'events'),
    rule('create patch update', 'events.k8s.io', 'events'),
    rule('create get list update watch', 'coordination.k8s.io', 'leases'),
    rule(read, '', 'nodes replicationcontrollers services namespaces persistentvolumeclaims persistentvolumes'),
    rule('delete get list watch', '', 'pods'),
    rule('create', '', 'bindings pods/binding'),
    rule('patch update', '', 'pods/status'),
    rule(read, 'apps', 'replicasets statefulsets'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule(read, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments'),
    rule(read, 'scheduling.k8s.io', 'priorityclasses'),
    rule(read, 'resource.k8s.io', 'deviceclasses resourceclaims resourceslices'),
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
    rule('create patch update', '', 'events'),
  ]),
  clusterRole('system:kube-controller-manager', [
    rule('create get list patch update watch', 'coordination.k8s.io', 'leases'),
    rule('create patch update', '', 'events'),
    rule(read, '*', '*'),
    rule('create', '', 'serviceaccounts serviceaccounts/token'),
  ]),
  clusterRole('system:kube-dns', [rule('list watch', '', 'endpoints services')]),
]

/** What one control loop may do; `name` as in `system:controller:<name>-controller`. */
export type ControllerRole = { readonly name: string; readonly rules: readonly PolicyRule[] }

export function bootstrapPolicy(controllers: readonly ControllerRole[]): Policy {
  return {
    clusterRoles: [
      ...userFacing,
      ...everyone,
      ...delegation,
      ...nodeRoles,
      ...schedulerRoles,
      ...controllers.map((c) => clusterRole(`system:controller:${c.name}-controller`, c.rules)),
    ],
    clusterRoleBindings: [
      binding('cluster-admin', [group('system:masters')]),
      binding('cluster-admin', [group('keelson:cluster-admins')], 'keelson:cluster-admins'),
      binding('system:discovery', [group('system:authenticated')]),
      binding('system:basic-user', [group('system:authenticated')]),
      binding('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
      binding('system:monitoring', [group('system:monitoring')]),
      binding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
      binding('system:kubelet-api-admin', [group('keelson:kubelet-api')]),
      binding('system:node-bootstrapper', [group('system:bootstrappers:keelson:agent')], 'keelson:node-bootstrappers'),
      binding(
        'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
        [group('system:bootstrappers:keelson:agent')],
        'keelson:node-autoapprove-bootstrap',
      ),
      binding(
        'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
        [group('system:nodes')],
        'keelson:node-autoapprove-renewal',
      ),
      binding('system:kube-scheduler', [user('system:kube-scheduler')]),
      binding('system:volume-scheduler', [user('system:kube-scheduler')]),
      binding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
      binding('system:kube-dns', [serviceAccount('kube-dns')]),
      binding('system:node-proxier', [user('system:kube-proxy')]),
      ...controllers.map((c) => binding(`system:controller:${c.name}-controller`, [serviceAccount(`${c.name}-controller`)])),
    ],
    roles: namespacedRoles,
    roleBindings: namespacedRoles.flatMap((r) => {
      const subjects = namespacedSubjects[`${r.metadata.namespace}/${r.metadata.name}`]
      return subjects ? [roleBinding(r, subjects)] : []
    }),
  }
}

const role = (namespace: string, name: string, rules: readonly PolicyRule[]): Role => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { ...metadata(name), namespace },
  rules: [...rules],
})

const roleBinding = (of: Role, subjects: readonly Subject[]): RoleBinding => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { ...metadata(of.metadata.name!), namespace: of.metadata.namespace! },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: of.metadata.name! },
  subjects: [...subjects],
})

const namespacedRoles: readonly Role[] = [
  role('kube-system', 'extension-apiserver-authentication-reader', [
    { ...rule(read, '', 'configmaps'), resourceNames: ['extension-apiserver-authentication'] },
  ]),
  role('kube-system', 'system:controller:token-cleaner', [
    rule('delete get list watch', '', 'secrets'),
    rule('create patch update', '', 'events'),
  ]),
  role('kube-public', 'system:controller:bootstrap-signer', [
    rule(read, '', 'configmaps'),
    { ...rule('update', '', 'configmaps'), resourceNames: ['cluster-info'] },
  ]),
]

const namespacedSubjects: Readonly<Record<string, readonly Subject[]>> = {
  'kube-system/extension-apiserver-authentication-reader': [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  'kube-system/system:controller:token-cleaner': [serviceAccount('token-cleaner')],
  'kube-public/system:controller:bootstrap-signer': [serviceAccount('bootstrap-signer')],
}
