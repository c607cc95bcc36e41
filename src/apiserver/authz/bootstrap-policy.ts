/**
 * The roles and bindings that every cluster starts with
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings), Keelson's verbs among them.
 */
import { ownPaths } from '../../base/own-paths.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../kinds/generated/types/rbac-v1.ts'
import { serverJoinersGroup } from '../authn/server-tokens.ts'
import { aggregated, aggregateLabel, binding, clusterRole, metadata, paths, read, recordEvents, rule, write } from './rule-builder.ts'
import { controllerRoles } from './controller-roles.ts'
import loopRules from './loop-rules.json' with { type: 'json' }
import { delegationRoles, nodeRoles, schedulerRoles } from './system-roles.ts'

export type Policy = {
  readonly clusterRoles: readonly ClusterRole[]
  readonly clusterRoleBindings: readonly ClusterRoleBinding[]
  readonly roles: readonly Role[]
  readonly roleBindings: readonly RoleBinding[]
}

const group = (name: string): Subject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name })
const user = (name: string): Subject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name })
const serviceAccount = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'kube-system', name })

const discoveryPaths = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
]
const infoPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/']

/** What `view` reads; `edit` writes all of it, and `admin` too. */
const viewRules: readonly PolicyRule[] = [
  rule(
    read,
    '',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    read,
    '',
    'bindings limitranges namespaces namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(read, ' events.k8s.io', 'events'),
  rule('get', '', 'pods/explain'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(
    read,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  // No longer served, granted still: whoever may grant what he has is asked for these, too.
  rule(
    read,
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
  ),
  rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  rule(read, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
  rule(read, 'metrics.k8s.io', 'nodes pods'),
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
  rule(write, ' events.k8s.io', 'events'),
  rule(
    write,
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'batch', 'cronjobs jobs'),
  rule(
    write,
    'extensions',
    'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
  ),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(`${write} ${read}`, 'coordination.k8s.io', 'leases'),
  rule(write, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
]

const adminRules: readonly PolicyRule[] = [
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule(`${read} ${write}`, 'rbac.authorization.k8s.io', 'roles rolebindings'),
]

const userFacing: readonly ClusterRole[] = [
  clusterRole('cluster-admin', [rule('*', '*', '*'), paths('*', ['*'])]),
  aggregated('admin', [...editRules, ...viewRules, ...adminRules]),
  aggregated('edit', [...editRules, ...viewRules], { [aggregateLabel('admin')]: 'true' }),
  aggregated('view', viewRules, { [aggregateLabel('edit')]: 'true' }),
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
    paths('get', [
      '/flagz',
      '/healthz',
      '/healthz/*',
      '/livez',
      '/livez/*',
      '/metrics',
      '/metrics/slis',
      '/readyz',
      '/readyz/*',
      '/statusz',
    ]),
    rule('get', '', 'nodes/metrics'),
  ]),
  clusterRole('system:service-account-issuer-discovery', [
    paths('get', ['/.well-known/openid-configuration', '/.well-known/openid-configuration/', '/openid/v1/jwks', '/openid/v1/jwks/']),
  ]),
]

/** Upstream's roles, and what the loops here need beyond them (`npm run generate:roles` writes it down). */
function rulesByAccount(): Map<string, readonly PolicyRule[]> {
  const byAccount = new Map(Object.entries(controllerRoles))
  for (const [account, rules] of Object.entries(loopRules)) byAccount.set(account, [...(byAccount.get(account) ?? []), ...rules])
  return byAccount
}

export function bootstrapPolicy(): Policy {
  const accounts = rulesByAccount()
  return {
    clusterRoles: [
      ...userFacing,
      ...everyone,
      ...delegationRoles,
      ...nodeRoles,
      ...schedulerRoles,
      clusterRole('keelson:server-joiner', [paths('get', [ownPaths.serverBundle])]),
      ...[...accounts].map(([account, rules]) => clusterRole(`system:controller:${account}`, rules)),
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
      binding('keelson:server-joiner', [group(serverJoinersGroup)]),
      // Bound to nobody: the node authorizer decides for nodes. Here for tools that look for it.
      binding('system:node', []),
      binding('keelson:node-addons', [group('system:nodes')]),
      binding('system:kube-scheduler', [user('system:kube-scheduler')]),
      binding('system:volume-scheduler', [user('system:kube-scheduler')]),
      binding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
      binding('system:kube-dns', [serviceAccount('kube-dns')]),
      binding('system:node-proxier', [user('system:kube-proxy')]),
      ...[...accounts.keys()].map((account) => binding(`system:controller:${account}`, [serviceAccount(account)])),
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
  // Upstream's name for this one binding alone is not its role's.
  metadata: { ...metadata(of.metadata.name!.replace(/^(?=extension-apiserver)/, 'system::')), namespace: of.metadata.namespace! },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: of.metadata.name! },
  subjects: [...subjects],
})

const leaderLocking = [
  rule('create get list update watch', 'coordination.k8s.io', 'leases'),
  rule('create get list update watch', 'coordination.k8s.io', 'leasecandidates'),
]

const namespacedRoles: readonly Role[] = [
  role('kube-system', 'extension-apiserver-authentication-reader', [
    { ...rule(read, '', 'configmaps'), resourceNames: ['extension-apiserver-authentication'] },
  ]),
  role('kube-system', 'system:controller:bootstrap-signer', [rule(read, '', 'secrets')]),
  role('kube-system', 'system:controller:cloud-provider', [rule(`create ${read}`, '', 'configmaps')]),
  role('kube-system', 'system:controller:token-cleaner', [rule(`delete ${read}`, '', 'secrets'), recordEvents]),
  role('kube-system', 'system::leader-locking-kube-controller-manager', leaderLocking),
  role('kube-system', 'system::leader-locking-kube-scheduler', leaderLocking),
  role('kube-system', 'keelson:cluster-network', [{ ...rule('get', '', 'configmaps'), resourceNames: ['cluster-network'] }]),
  role('kube-public', 'keelson:cluster-info', [{ ...rule('get', '', 'configmaps'), resourceNames: ['cluster-info'] }]),
  role('kube-public', 'system:controller:bootstrap-signer', [
    rule(read, '', 'configmaps'),
    { ...rule('update', '', 'configmaps'), resourceNames: ['cluster-info'] },
    recordEvents,
  ]),
]

const namespacedSubjects: Readonly<Record<string, readonly Subject[]>> = {
  'kube-system/extension-apiserver-authentication-reader': [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  // Who has nothing but a token reads where the cluster is, and checks it by the token's signature.
  'kube-public/keelson:cluster-info': [user('system:anonymous')],
  'kube-system/keelson:cluster-network': [group('system:nodes')],
  'kube-system/system:controller:token-cleaner': [serviceAccount('token-cleaner')],
  'kube-system/system:controller:bootstrap-signer': [serviceAccount('bootstrap-signer')],
  'kube-public/system:controller:bootstrap-signer': [serviceAccount('bootstrap-signer')],
  'kube-system/system:controller:cloud-provider': [serviceAccount('cloud-provider')],
  'kube-system/system::leader-locking-kube-controller-manager': [
    user('system:kube-controller-manager'),
    serviceAccount('kube-controller-manager'),
    serviceAccount('leader-election-controller'),
  ],
  'kube-system/system::leader-locking-kube-scheduler': [user('system:kube-scheduler'), serviceAccount('kube-scheduler')],
}
