import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { ClusterRole, PolicyRule, Role, RoleBinding } from '../../kinds/generated/types/rbac-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { clusterRoles } from '../../kinds/rbac/cluster-role.ts'
import { roleBindings } from '../../kinds/rbac/role-binding.ts'
import { roles } from '../../kinds/rbac/role.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createRbacAuthorizer, createRbacIndex } from '../authz/rbac-authorizer.ts'
import { superuserAuthorizer, unionAuthorizer } from '../authz/union-authorizer.ts'
import type { UserInfo } from '../contract.ts'
import { createTestApi } from '../test-api.ts'

const apiVersion = 'rbac.authorization.k8s.io/v1'
const group = 'rbac.authorization.k8s.io'
const ann: UserInfo = { name: 'ann', groups: ['system:authenticated'] }
const podsRule: PolicyRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }
const secretsRule: PolicyRule = { verbs: ['delete', 'get'], apiGroups: [''], resources: ['secrets'] }
const writesRbac: PolicyRule = {
  verbs: ['create', 'update', 'get'],
  apiGroups: [group],
  resources: ['roles', 'rolebindings', 'clusterroles'],
}

const role = (rules: PolicyRule[], name = 'r'): Role => ({ apiVersion, kind: 'Role', metadata: { name, namespace: 'default' }, rules })
const binding = (roleName: string, kind = 'Role'): RoleBinding => ({
  apiVersion,
  kind: 'RoleBinding',
  metadata: { name: 'b', namespace: 'default' },
  roleRef: { apiGroup: group, kind, name: roleName },
  subjects: [{ apiGroup: group, kind: 'User', name: 'ann' }],
})

/** An API in which ann may write RBAC objects and whatever `rules` say. */
async function setUp(rules: PolicyRule[]) {
  const index = createRbacIndex()
  index.setRole({ metadata: { name: 'ann' }, rules: [writesRbac, ...rules] }, false)
  index.setBinding(
    {
      metadata: { name: 'ann' },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'ann' },
      subjects: [{ kind: 'User', name: 'ann' }],
    },
    false,
  )
  const { api, client: admin } = await createTestApi({
    clock: virtualClock(),
    random: seededRandom(1),
    authorizer: unionAuthorizer([superuserAuthorizer, createRbacAuthorizer(index)]),
  })
  const client = api.clientFor(ann)
  return {
    api,
    roles: client.resource(roles as KindRef<Role>, 'default'),
    clusterRoles: client.resource(clusterRoles as KindRef<ClusterRole>),
    bindings: client.resource(roleBindings as KindRef<RoleBinding>, 'default'),
    adminRoles: admin.resource(roles as KindRef<Role>, 'default'),
  }
}

type World = Awaited<ReturnType<typeof setUp>>
type Case = {
  readonly title: string
  readonly owns: PolicyRule[]
  readonly act: (world: World) => Promise<unknown>
  readonly refusal?: RegExp
}

const aggregate: ClusterRole = {
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name: 'all' },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  rules: [],
}

const cases: readonly Case[] = [
  { title: 'write a role of what they have', owns: [podsRule], act: ({ roles }) => roles.create(role([podsRule])) },
  {
    title: 'write a role of more than they have',
    owns: [podsRule],
    act: ({ roles }) => roles.create(role([podsRule, secretsRule])),
    refusal:
      /^roles\.rbac\.authorization\.k8s\.io "r" is forbidden: user "ann" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["secrets"\], Verbs:\["delete" "get"\]\}$/,
  },
  {
    title: 'write such a role with the verb escalate',
    owns: [{ verbs: ['escalate'], apiGroups: [group], resources: ['roles'] }],
    act: ({ roles }) => roles.create(role([secretsRule])),
  },
  {
    title: 'widen a role',
    owns: [podsRule],
    act: async ({ roles }) => roles.update({ ...structuredClone(await roles.create(role([podsRule]))), rules: [secretsRule] }),
    refusal: /not currently held/,
  },
  {
    title: 'take finalizers off a role that they could not write',
    owns: [],
    act: async ({ adminRoles, roles }) => {
      const created = await adminRoles.create({
        ...role([secretsRule]),
        metadata: { name: 'r', namespace: 'default', finalizers: ['a.b/c'] },
      })
      await roles.update({ ...structuredClone(created), metadata: { ...created.metadata, finalizers: [] } })
    },
  },
  {
    title: 'make an aggregate, which gathers what others grant',
    owns: [podsRule],
    act: ({ clusterRoles }) => clusterRoles.create(aggregate),
    refusal: /must have cluster-admin privileges to use an aggregationRule/,
  },
  {
    title: 'make an aggregate when they may do everything',
    owns: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
    act: ({ clusterRoles }) => clusterRoles.create(aggregate),
  },
  {
    title: 'bind a role of what they have',
    owns: [podsRule],
    act: async ({ adminRoles, bindings }) => {
      await adminRoles.create(role([podsRule]))
      await bindings.create(binding('r'))
    },
  },
  {
    title: 'bind a role of more than they have',
    owns: [podsRule],
    act: async ({ adminRoles, bindings }) => {
      await adminRoles.create(role([secretsRule]))
      await bindings.create(binding('r'))
    },
    refusal: /^rolebindings\.rbac\.authorization\.k8s\.io "b" is forbidden: user "ann" .* not currently held/,
  },
  {
    title: 'bind it with the verb bind on it',
    owns: [{ verbs: ['bind'], apiGroups: [group], resources: ['roles'], resourceNames: ['r'] }],
    act: async ({ adminRoles, bindings }) => {
      await adminRoles.create(role([secretsRule]))
      await bindings.create(binding('r'))
    },
  },
]

describe('a user', () => {
  for (const { title, owns, act, refusal } of cases) {
    it(`${refusal ? 'may not' : 'may'} ${title}`, async () => {
      const world = await setUp(owns)
      if (!refusal) await act(world)
      else await assert.rejects(act(world), (error) => error instanceof StatusError && error.code === 403 && refusal.test(error.message))
      await world.api.close()
    })
  }

  it('cannot bind a role that does not exist without the verb bind', async () => {
    const { bindings, api } = await setUp([podsRule])
    await assert.rejects(bindings.create(binding('none', 'ClusterRole')), /rolebindings\.rbac\.authorization\.k8s\.io "none" not found/)
    await api.close()
  })
})
