import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PolicyRule } from '../../kinds/generated/types/rbac-v1.ts'
import type { Attributes, Decision, UserInfo } from '../contract.ts'
import { bootstrapPolicy } from './bootstrap-policy.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { parseFieldSelector } from '../../machinery/field-selector.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createNodeGraph } from './node-graph.ts'
import { createRbacAuthorizer, createRbacIndex } from './rbac-authorizer.ts'
import { superuserAuthorizer, unionAuthorizer } from './union-authorizer.ts'
import { mendedBinding, mendedRole } from './policy-objects.ts'
import { ruleText, uncovered } from './rule.ts'

/** `verb resource[.group][/subresource] [namespace/]name [field selector]` or `verb /path` → attributes. */
function ask(user: UserInfo, text: string): Attributes {
  const [verb = '', what = '', where = '', fields] = text.split(' ')
  if (what.startsWith('/')) return { type: 'path', user, verb, path: what }
  const [full = '', subresource = ''] = what.split('/')
  const [resource = '', ...group] = full.split('.')
  const slash = where.indexOf('/')
  return {
    type: 'resource',
    user,
    verb,
    group: group.join('.'),
    version: 'v1',
    resource,
    subresource,
    namespace: slash < 0 ? '' : where.slice(0, slash),
    name: where.slice(slash + 1),
    ...(fields ? { fieldSelector: parseFieldSelector(fields) } : {}),
  }
}

function setUp() {
  const index = createRbacIndex()
  const policy = bootstrapPolicy()
  for (const role of [...policy.clusterRoles, ...policy.roles]) index.setRole(role, false)
  for (const binding of [...policy.clusterRoleBindings, ...policy.roleBindings]) index.setBinding(binding, false)
  index.setRole(
    {
      metadata: { name: 'reader', namespace: 'shop' },
      rules: [
        { verbs: ['get'], apiGroups: [''], resources: ['pods', 'pods/log'] },
        { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['one'] },
      ],
    },
    false,
  )
  index.setBinding(
    {
      metadata: { name: 'ann', namespace: 'shop' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [
        { kind: 'User', name: 'ann' },
        { kind: 'ServiceAccount', name: 'robot' },
      ],
    },
    false,
  )
  const authorizer = unionAuthorizer([superuserAuthorizer, createRbacAuthorizer(index)])
  return { index, authorizer }
}

const ann: UserInfo = { name: 'ann', groups: ['system:authenticated'] }
const robot: UserInfo = { name: 'system:serviceaccount:shop:robot', groups: ['system:serviceaccounts', 'system:authenticated'] }
const master: UserInfo = { name: 'root', groups: ['system:masters'] }
const admin: UserInfo = { name: 'kubernetes-admin', groups: ['keelson:cluster-admins', 'system:authenticated'] }
const nobody: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
const joining: UserInfo = { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:keelson:agent'] }

const decisions: readonly (readonly [who: UserInfo, what: string, allowed: boolean])[] = [
  [ann, 'get pods shop/web', true],
  [ann, 'get pods/log shop/web', true],
  [ann, 'get pods/exec shop/web', false],
  [ann, 'list pods shop/', false],
  [ann, 'get pods other/web', false],
  [ann, 'get secrets shop/one', true],
  [ann, 'get secrets shop/two', false],
  [ann, 'list secrets shop/', false],
  [ann, 'create selfsubjectaccessreviews.authorization.k8s.io ', true],
  [ann, 'get /api', true],
  [ann, 'get /apis/apps/v1', true],
  [ann, 'get /metrics', false],
  [robot, 'get pods shop/web', true],
  [robot, 'get /openid/v1/jwks', true],
  [master, 'delete nodes x', true],
  [admin, 'delete nodes x', true],
  [admin, 'get /metrics', true],
  [nobody, 'get /livez', true],
  [nobody, 'get /api', false],
  [nobody, 'get pods shop/web', false],
  [joining, 'create certificatesigningrequests.certificates.k8s.io x', true],
  [joining, 'get secrets kube-system/x', false],
  [{ name: 'kube-apiserver-kubelet-client', groups: ['keelson:kubelet-api'] }, 'create nodes/proxy node-1', true],
  [{ name: 'system:serviceaccount:kube-system:deployment-controller', groups: [] }, 'create replicasets.apps shop/x', true],
  [{ name: 'system:serviceaccount:kube-system:deployment-controller', groups: [] }, 'get secrets shop/x', false],
  [{ name: 'system:kube-scheduler', groups: [] }, 'create pods/binding shop/x', true],
]
for (const [who, what, allowed] of decisions)
  test(`${who.name} ${allowed ? 'may' : 'may not'} ${what}`, () =>
    assert.equal((setUp().authorizer.authorize(ask(who, what)) as Decision).allowed, allowed))

test('an allowed request says by which binding', () => {
  assert.equal(
    (setUp().authorizer.authorize(ask(ann, 'get pods shop/web')) as Decision).reason,
    'RBAC: allowed by RoleBinding "ann/shop" of Role "reader" to User "ann"',
  )
})

test('a binding or role that is gone allows nothing any more', () => {
  const { index, authorizer } = setUp()
  index.setRole({ metadata: { name: 'reader', namespace: 'shop' } }, true)
  assert.equal((authorizer.authorize(ask(ann, 'get pods shop/web')) as Decision).allowed, false)
})

test('every default binding refers to a default role', () => {
  const { index } = setUp()
  const { clusterRoleBindings, roleBindings } = bootstrapPolicy()
  for (const b of clusterRoleBindings) assert(index.rulesOf(b.roleRef, ''), b.metadata.name ?? '')
  for (const b of roleBindings) assert(index.rulesOf(b.roleRef, b.metadata.namespace!), b.metadata.name ?? '')
})

const escalations: readonly { title: string; owned: PolicyRule[]; wanted: PolicyRule[]; missing: string[] }[] = [
  {
    title: 'the same',
    owned: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }],
    wanted: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    missing: [],
  },
  {
    title: 'a verb more',
    owned: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    wanted: [{ verbs: ['get', 'delete'], apiGroups: [''], resources: ['pods'] }],
    missing: ['{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}'],
  },
  {
    title: 'every name by one',
    owned: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] }],
    wanted: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    missing: ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
  },
  {
    title: 'anything by a star',
    owned: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    wanted: [{ verbs: ['*'], apiGroups: ['apps'], resources: ['deployments/scale'] }],
    missing: [],
  },
  {
    title: 'a path below a prefix',
    owned: [{ verbs: ['get'], nonResourceURLs: ['/apis/*'] }],
    wanted: [{ verbs: ['get'], nonResourceURLs: ['/apis/x', '/metrics'] }],
    missing: ['{NonResourceURLs:["/metrics"], Verbs:["get"]}'],
  },
]
for (const { title, owned, wanted, missing } of escalations)
  test(`covering ${title}`, () => assert.deepEqual(uncovered(owned, wanted).map(ruleText), missing))

test('reconciling adds what is missing and keeps what was added', () => {
  const [role] = bootstrapPolicy().clusterRoles.filter((r) => r.metadata.name === 'system:basic-user')
  assert(role)
  assert.equal(mendedRole(role, role), undefined)
  const ofKeelson = { ...role, metadata: { name: 'keelson:x' } }
  const before = { ...ofKeelson, rules: [...(role.rules ?? []), { verbs: ['get'], apiGroups: [''], resources: ['endpoints'] }] }
  assert.deepEqual(mendedRole(ofKeelson, before)?.rules, role.rules)
  const own: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
  const changed = mendedRole(role, { ...role, rules: [own] })
  assert.deepEqual(changed?.rules?.[0], own)
  assert.deepEqual(uncovered(changed?.rules ?? [], role.rules ?? []), [])
  assert.equal(
    mendedRole(role, {
      ...role,
      rules: [],
      metadata: { ...role.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
    }),
    undefined,
  )
  const [binding] = bootstrapPolicy().clusterRoleBindings
  assert(binding)
  assert.equal(mendedBinding(binding, binding), undefined)
  const withSubjects = mendedBinding(binding, { ...binding, subjects: [] })
  assert(withSubjects && withSubjects !== 'anew')
  assert.equal(withSubjects.subjects?.length, 1)
  assert.equal(mendedBinding(binding, { ...binding, roleRef: { ...binding.roleRef, name: 'other' } }), 'anew')
})

const node: UserInfo = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }
const pod: Pod = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    nodeName: 'node-1',
    serviceAccountName: 'robot',
    containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'env' } }] }],
    volumes: [
      { name: 'v', configMap: { name: 'conf' } },
      { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
    ],
  },
  status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'gpu-x7' }] },
}
const nodeDecisions: readonly (readonly [what: string, allowed: boolean])[] = [
  ['get secrets shop/env', true],
  ['watch configmaps shop/conf', true],
  ['get secrets shop/other', false],
  ['list secrets shop/', false],
  ['update secrets shop/env', false],
  ['get secrets store/volume-key', true],
  ['get secrets store/controller-key', false],
  ['get persistentvolumeclaims shop/data', true],
  ['list persistentvolumeclaims shop/data', false],
  ['patch persistentvolumeclaims/status shop/data', true],
  ['patch persistentvolumeclaims shop/data', false],
  ['get persistentvolumes pv-1', true],
  ['get persistentvolumes pv-2', false],
  ['list persistentvolumes ', false],
  ['get resourceclaims.resource.k8s.io shop/gpu-x7', true],
  ['get resourceclaims.resource.k8s.io shop/other', false],
  ['get volumeattachments.storage.k8s.io mine', true],
  ['get volumeattachments.storage.k8s.io theirs', false],
  ['get resourceslices.resource.k8s.io mine', true],
  ['delete resourceslices.resource.k8s.io theirs', false],
  ['list resourceslices.resource.k8s.io ', false],
  ['list resourceslices.resource.k8s.io  spec.nodeName=node-1', true],
  ['create serviceaccounts/token shop/robot', true],
  ['create serviceaccounts/token shop/default', false],
  ['get serviceaccounts shop/robot', true],
  ['list serviceaccounts shop/', false],
  ['patch nodes/status node-1', true],
  ['get nodes node-1', true],
  ['watch nodes node-1', true],
  ['get nodes node-2', false],
  ['list nodes ', false],
  ['delete nodes node-1', false],
  ['get csinodes.storage.k8s.io node-1', true],
  ['get csinodes.storage.k8s.io node-2', false],
  ['update leases.coordination.k8s.io kube-node-lease/node-1', true],
  ['update leases.coordination.k8s.io kube-node-lease/node-2', false],
  ['list leases.coordination.k8s.io kube-node-lease/', false],
  ['create leases.coordination.k8s.io default/x', false],
  ['list pods /', false],
  ['list pods shop/', false],
  ['list pods / spec.nodeName=node-1', true],
  ['watch pods / spec.nodeName=node-1,status.phase!=Failed', true],
  ['watch pods / spec.nodeName=node-2', false],
  ['watch pods / spec.nodeName!=node-1', false],
  ['get pods shop/web', true],
  ['watch pods shop/web', true],
  ['get pods shop/elsewhere', false],
  ['get pods/log shop/web', false],
  ['update pods shop/web', false],
  ['patch pods/status shop/web', true],
  ['create tokenreviews.authentication.k8s.io ', true],
  ['delete deployments.apps shop/x', false],
  ['get /metrics', false],
]

const graphObjects: Readonly<Record<string, object>> = {
  'Pod/shop/web': pod,
  'Pod/shop/elsewhere': { spec: { nodeName: 'node-2' } },
  'PersistentVolumeClaim/shop/data': { spec: { volumeName: 'pv-1' } },
  'PersistentVolume//pv-1': {
    spec: {
      claimRef: { namespace: 'shop', name: 'data' },
      csi: {
        nodePublishSecretRef: { namespace: 'store', name: 'volume-key' },
        controllerPublishSecretRef: { namespace: 'store', name: 'controller-key' },
      },
    },
  },
  'PersistentVolume//pv-2': { spec: { claimRef: { namespace: 'shop', name: 'other' } } },
  'VolumeAttachment//mine': { spec: { nodeName: 'node-1' } },
  'VolumeAttachment//theirs': { spec: { nodeName: 'node-2' } },
  'ResourceSlice//mine': { spec: { nodeName: 'node-1' } },
  'ResourceSlice//theirs': { spec: { nodeName: 'node-2' } },
}
const graphOf = (...pods: readonly Pod[]) =>
  createNodeGraph(
    (node) => pods.filter(({ spec }) => spec?.nodeName === node),
    (kind, namespace, name) => graphObjects[`${kind}/${namespace}/${name}`] as KubeObject | undefined,
  )

for (const [what, allowed] of nodeDecisions)
  test(`a node ${allowed ? 'may' : 'may not'} ${what}`, () => {
    assert.equal((createNodeAuthorizer(graphOf(pod)).authorize(ask(node, what)) as Decision).allowed, allowed)
  })

test('what a pod gave its node access to is lost with the last pod that gives it', () => {
  const pods = [pod, { ...pod, metadata: { ...pod.metadata, name: 'second' } }]
  const graph = createNodeGraph(() => pods)
  const may = () => graph.refers('node-1', 'secrets', 'shop', 'env')
  assert(may())
  pods.pop()
  assert(may())
  // A pod that changes is another object.
  pods[0] = { ...pod, spec: { ...pod.spec!, containers: [] } }
  assert(!may())
})

test('a mirror pod, which a node makes itself, opens nothing to it', () => {
  const graph = graphOf({ ...pod, metadata: { ...pod.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } })
  assert(graph.refers('node-1', 'pods', 'shop', 'web'))
  assert(!graph.refers('node-1', 'secrets', 'shop', 'env'))
})

test('a node is told why, and that its rules cannot be listed', () => {
  const authorizer = unionAuthorizer([superuserAuthorizer, createNodeAuthorizer(graphOf())])
  const reason = (what: string) => (authorizer.authorize(ask(node, what)) as Decision).reason
  assert.equal(reason('get secrets shop/env'), "no relationship found between node 'node-1' and this object")
  assert.equal(reason('list pods /'), 'can only list/watch pods with spec.nodeName field selector')
  assert.equal(reason('get nodes node-2'), "node 'node-1' cannot read 'node-2', only its own Node object")
  assert.equal(authorizer.rulesFor(node, 'shop').evaluationError, 'node authorizer does not support user rule resolution')
  assert.equal(authorizer.rulesFor(ann, 'shop').evaluationError, undefined)
})
