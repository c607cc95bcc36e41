/** Roles and bindings: rules, subjects, and what nobody may give who does not have it. */
import { type Case, clusterWide, create, creations, namespaced, replace, updates } from '../upstream-case.ts'

const group = 'rbac.authorization.k8s.io/v1'
const roles = namespaced(group, 'roles')
const clusterRoles = clusterWide(group, 'clusterroles')
const bindings = namespaced(group, 'rolebindings')
const clusterBindings = clusterWide(group, 'clusterrolebindings')
const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
const role = { metadata: { name: 'r' }, rules: [rule] }
const clusterRole = { metadata: { name: 'core-role' }, rules: [rule] }
const rules = (...list: object[]) => ({ rules: list })

const ofRoles: Case[] = [
  ...creations(roles, role, {
    'a role': {},
    'no rules': { rules: null },
    'a name that is no path': { metadata: { name: 'a/b' } },
    'a name with a percent sign': { metadata: { name: 'a%b' } },
    'a name of dots': { metadata: { name: '..' } },
    'a name with colons and capitals': { metadata: { name: 'system:A b' } },
    'no verbs': rules({ apiGroups: [''], resources: ['pods'] }),
    'no groups': rules({ verbs: ['get'], resources: ['pods'] }),
    'no resources': rules({ verbs: ['get'], apiGroups: [''] }),
    'nothing at all': rules({}),
    'paths of a role': rules({ verbs: ['get'], nonResourceURLs: ['/a'] }),
    names: rules({ ...rule, resourceNames: ['a'] }),
    'two rules, both wrong': rules(
      { verbs: [] },
      { verbs: ['get'], nonResourceURLs: ['/a'], apiGroups: ['a'], resources: ['b'], resourceNames: ['c'] },
    ),
  }),
  ...creations(clusterRoles, clusterRole, {
    'a role of the cluster': {},
    paths: rules({ verbs: ['get'], nonResourceURLs: ['/a', '/b/*'] }),
    'paths and resources': rules({ ...rule, nonResourceURLs: ['/a'] }),
    'paths and names': rules({ verbs: ['get'], nonResourceURLs: ['/a'], resourceNames: ['x'] }),
    'an aggregate': { rules: null, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
    'an aggregate of nothing': { aggregationRule: {} },
    'an aggregate of a bad selector': {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'a b': 'c' } }, { matchExpressions: [{ key: 'a', operator: 'X' }] }] },
    },
  }),
  ...updates(roles, role, { 'other rules': rules({ ...rule, verbs: ['list'] }), 'bad rules later': rules({ verbs: [] }) }),
  ...updates(clusterRoles, clusterRole, {
    'an aggregate later': { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
  }),
]

const user = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'u' }
const binding = { metadata: { name: 'b' }, subjects: [user], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' } }
const clusterBinding = {
  metadata: { name: 'core-binding' },
  subjects: [user],
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
}
const subjects = (...list: object[]) => ({ subjects: list })

const ofBindings: Case[] = [
  ...creations(bindings, binding, {
    'a binding': {},
    'no subjects': { subjects: null },
    'no role': { roleRef: null },
    'a role without group': { roleRef: { apiGroup: null } },
    'an unknown group of a role': { roleRef: { apiGroup: 'apps' } },
    'an unknown kind of a role': { roleRef: { kind: 'Deployment' } },
    'no name of a role': { roleRef: { name: '' } },
    'a bad name of a role': { roleRef: { name: 'a/b' } },
    'a role of the cluster in a namespace': { roleRef: { kind: 'ClusterRole', name: 'view' } },
    'subjects of all kinds': subjects(
      user,
      { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'g' },
      { kind: 'ServiceAccount', name: 'default', namespace: '$ns' },
    ),
    'subjects by default': subjects({ kind: 'User', name: 'u' }, { kind: 'Group', name: 'g' }, { kind: 'ServiceAccount', name: 'sa' }),
    'subjects without names': subjects({ kind: 'User' }, { kind: 'ServiceAccount', namespace: 'a' }),
    'an unknown subject': subjects({ kind: 'Robot', name: 'r' }),
    'subjects of wrong groups': subjects(
      { kind: 'User', apiGroup: 'a', name: 'u' },
      { kind: 'Group', apiGroup: 'a', name: 'u' },
      { kind: 'ServiceAccount', apiGroup: 'a', name: 'u', namespace: 'b' },
    ),
    'an account with a bad name': subjects({ kind: 'ServiceAccount', name: 'A_b', namespace: 'a' }),
    'many things wrong': { roleRef: { apiGroup: 'x', kind: 'y', name: '' }, subjects: [{ kind: 'z' }, { kind: 'User' }] },
  }),
  ...creations(clusterBindings, clusterBinding, {
    'a binding of the cluster': {},
    'a role of a namespace for the cluster': { roleRef: { kind: 'Role' } },
    'an account without a namespace': subjects({ kind: 'ServiceAccount', name: 'sa' }),
  }),
  ...updates(bindings, binding, {
    'other subjects': subjects({ ...user, name: 'v' }),
    'another role': { roleRef: { name: 'q' } },
    'another kind of role': { roleRef: { kind: 'ClusterRole' } },
    'a bad subject later': subjects({ kind: 'X' }),
  }),
  ...updates(clusterBindings, clusterBinding, { 'another role of the cluster': { roleRef: { name: 'edit' } } }),
]

/** Whom the cases let act: may write roles and bindings, and read pods in the namespace. */
const writer = [
  create(roles, {
    metadata: { name: 'writer' },
    rules: [
      { verbs: ['*'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'] },
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] },
    ],
  }),
  create(bindings, {
    metadata: { name: 'writer' },
    subjects: [{ ...user, name: 'core-writer' }],
    roleRef: { ...binding.roleRef, name: 'writer' },
  }),
]
const bare = [
  create(roles, {
    metadata: { name: 'bare' },
    rules: [
      { verbs: ['create', 'update', 'patch', 'get'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'] },
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] },
    ],
  }),
  create(bindings, {
    metadata: { name: 'bare' },
    subjects: [{ ...user, name: 'core-bare' }],
    roleRef: { ...binding.roleRef, name: 'bare' },
  }),
]
const as = 'core-bare'

const escalation: Case[] = [
  { name: 'what the giver has', given: bare, steps: [{ ...create(roles, role), as }] },
  { name: 'one verb more', given: bare, steps: [{ ...create(roles, { ...role, rules: [{ ...rule, verbs: ['get', 'delete'] }] }), as }] },
  {
    name: 'other resources and groups',
    given: bare,
    steps: [
      {
        ...create(roles, {
          ...role,
          rules: [
            { verbs: ['get', 'create'], apiGroups: ['', 'apps'], resources: ['pods', 'secrets'] },
            { verbs: ['*'], apiGroups: ['batch'], resources: ['jobs'], resourceNames: ['a'] },
          ],
        }),
        as,
      },
    ],
  },
  {
    name: 'everything',
    given: bare,
    steps: [{ ...create(roles, { ...role, rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] }), as }],
  },
  {
    name: 'more by an update',
    given: [...bare, create(roles, role)],
    steps: [
      { ...replace(`${roles}/r`, { ...role, rules: [{ ...rule, verbs: ['delete'] }] }), as },
      { ...replace(`${roles}/r`, { ...role, metadata: { name: 'r', labels: { a: 'b' } } }), as },
    ],
  },
  {
    name: 'who may escalate',
    given: writer,
    steps: [{ ...create(roles, { ...role, rules: [{ ...rule, verbs: ['delete'] }] }), as: 'core-writer' }],
  },
  { name: 'a role bound that the giver has', given: [...bare, create(roles, role)], steps: [{ ...create(bindings, binding), as }] },
  {
    name: 'a role bound that the giver has not',
    given: [...bare, create(roles, { ...role, rules: [{ ...rule, verbs: ['delete'] }] })],
    steps: [{ ...create(bindings, binding), as }],
  },
  {
    name: 'a role bound that is not there',
    given: bare,
    steps: [{ ...create(bindings, { ...binding, roleRef: { ...binding.roleRef, name: 'nothing' } }), as }],
  },
  {
    name: 'a role of the cluster bound',
    given: bare,
    steps: [{ ...create(bindings, { ...binding, roleRef: { ...binding.roleRef, kind: 'ClusterRole', name: 'core-nothing' } }), as }],
  },
  {
    name: 'who may bind',
    given: [...writer, create(roles, { ...role, rules: [{ ...rule, verbs: ['delete'] }] })],
    steps: [{ ...create(bindings, binding), as: 'core-writer' }],
  },
  {
    name: 'who may do nothing',
    steps: [
      { ...create(roles, role), as: 'core-nobody' },
      { ...create(clusterRoles, clusterRole), as: 'core-nobody' },
      { method: 'GET', path: '/metrics', as: 'core-nobody' },
    ],
  },
]

export const withNulls = true
export const cases: readonly Case[] = [...ofRoles, ...ofBindings, ...escalation]
