/** Admission policies and their bindings: what they must say, and what is filled in. */
import { clusterWide, type Case, creations, titled, updates } from '../upstream-case.ts'

const group = 'admissionregistration.k8s.io/v1'
const policies = clusterWide(group, 'validatingadmissionpolicies')
const bindings = clusterWide(group, 'validatingadmissionpolicybindings')
const mutating = clusterWide(group, 'mutatingadmissionpolicies')
const rule = { operations: ['CREATE'], apiGroups: ['none.upstream.example.com'], apiVersions: ['v1'], resources: ['things'] }
const spec = (more: object) => ({ spec: more })
const policy = {
  metadata: { name: 'upstream-policy' },
  spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'object.metadata.name != "x"' }] },
}
const judged = (...validations: object[]) => spec({ validations })
const matching = (matchConstraints: object) => spec({ matchConstraints })

const policyCases = creations(policies, policy, {
  'the least': {},
  'no spec': { spec: null },
  'nothing to match': spec({ matchConstraints: null }),
  'no rules': matching({ resourceRules: [] }),
  'a rule of nothing': matching({ resourceRules: [{}] }),
  'names that are none': matching({ resourceRules: [{ ...rule, resourceNames: ['a', 'a', 'A/b'] }] }),
  excluded: matching({ excludeResourceRules: [rule], matchPolicy: 'Exact' }),
  'a match policy that is none': matching({ matchPolicy: 'Near' }),
  'a failure policy that is none': spec({ failurePolicy: 'Maybe' }),
  parameters: spec({ paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }),
  'parameters that are none': spec({ paramKind: { apiVersion: 'a/b/c', kind: '' } }),
  'no validations': judged(),
  'an empty expression': judged({ expression: ' ' }),
  'an expression that does not parse': judged({ expression: 'object ==' }),
  'an expression that is no question': judged({ expression: '1' }),
  'an unknown word': judged({ expression: 'subject.name == "a"' }),
  'params without a kind': judged({ expression: 'params.a == "b"' }),
  'a message of several lines': judged({ expression: 'true', message: 'a\nb' }),
  'an expression of several lines': judged({ expression: 'true ||\nfalse' }),
  'an empty message': judged({ expression: 'true', message: ' ' }),
  'a reason that is none': judged({ expression: 'true', reason: 'Because' }),
  'a reason': judged({ expression: 'true', reason: 'Forbidden' }),
  'a message that is none': judged({ expression: 'true', messageExpression: '1' }, { expression: 'true', messageExpression: 'object +' }),
  'an annotation': spec({ auditAnnotations: [{ key: 'a', valueExpression: '"b"' }] }),
  'annotations that are none': spec({
    auditAnnotations: [
      { key: '', valueExpression: '' },
      { key: 'a b', valueExpression: '1' },
      { key: 'c', valueExpression: 'x' },
      { key: 'c', valueExpression: 'null' },
    ],
  }),
  variables: {
    spec: { variables: [{ name: 'a', expression: 'object.metadata.name' }], validations: [{ expression: 'variables.a == "b"' }] },
  },
  'variables that are none': spec({
    variables: [
      { name: '', expression: '' },
      { name: '1a', expression: 'true' },
      { name: 'b', expression: 'variables.c' },
      { name: 'b', expression: 'true' },
      { name: 'd', expression: 'x' },
    ],
  }),
  'a variable of another type': {
    spec: {
      variables: [{ name: 'a', expression: '1' }],
      validations: [{ expression: 'variables.a == "b"' }, { expression: 'variables.none' }],
    },
  },
  'conditions that are none': spec({
    matchConditions: [
      { name: '', expression: '' },
      { name: 'a b', expression: '1' },
      { name: 'b', expression: 'object.x ==' },
      { name: 'b', expression: 'true' },
    ],
  }),
  'the authorizer': judged({ expression: 'authorizer.group("apps").resource("deployments").check("create").allowed()' }),
  'the namespace': judged({ expression: 'namespaceObject.metadata.name == "a" && request.userInfo.username != "x"' }),
  'a cost that is too much': judged({ expression: 'object.list.all(a, object.list.all(b, object.list.all(c, a.matches(b + c))))' }),
  'an unknown field of the request': judged({ expression: 'request.none == "a"' }),
})

const binding = {
  metadata: { name: 'upstream-binding' },
  spec: { policyName: 'upstream-none', validationActions: ['Deny'] },
}
const bindingCases = creations(bindings, binding, {
  'the least': {},
  'no spec': { spec: null },
  'no policy': spec({ policyName: '' }),
  'a policy that is none': spec({ policyName: 'A_b' }),
  'no actions': spec({ validationActions: [] }),
  'actions that are none': spec({ validationActions: ['Deny', 'Deny', 'Shout', 'Warn'] }),
  'warn and deny': spec({ validationActions: ['Warn', 'Deny'] }),
  'parameters by nothing': spec({ paramRef: {} }),
  'parameters by name': spec({ paramRef: { name: 'p', parameterNotFoundAction: 'Deny' } }),
  'parameters by name and selector': spec({ paramRef: { name: 'p', selector: {}, parameterNotFoundAction: 'Deny' } }),
  'parameters by a name that is none': spec({ paramRef: { name: 'A/b', namespace: 'A_b', parameterNotFoundAction: 'Maybe' } }),
  'parameters without an action': spec({ paramRef: { name: 'p' } }),
  resources: spec({ matchResources: { resourceRules: [rule] } }),
  'resources that are none': spec({ matchResources: { resourceRules: [{}], matchPolicy: 'x' } }),
})

const mutation = {
  metadata: { name: 'upstream-mutation' },
  spec: {
    matchConstraints: { resourceRules: [rule] },
    reinvocationPolicy: 'Never',
    mutations: [
      { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}' } },
    ],
  },
}
const mutations = (...all: object[]) => spec({ mutations: all })
const mutationCases = creations(mutating, mutation, {
  'the least': {},
  'no mutations': mutations(),
  'no reinvocation': spec({ reinvocationPolicy: null }),
  'a reinvocation that is none': spec({ reinvocationPolicy: 'Always' }),
  'a type that is none': mutations({ patchType: 'Replace' }),
  'no expression': mutations({ patchType: 'ApplyConfiguration' }, { patchType: 'JSONPatch' }),
  'the expression of the other': mutations({ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }),
  'an expression of another type': mutations({ patchType: 'ApplyConfiguration', applyConfiguration: { expression: '"a"' } }),
  'a patch': mutations({ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/a", value: "b"}]' } }),
  'a patch of another type': mutations({ patchType: 'JSONPatch', jsonPatch: { expression: '["a"]' } }),
  'an expression that does not parse': mutations({ patchType: 'JSONPatch', jsonPatch: { expression: '[' } }),
})

export const cases: readonly Case[] = [
  ...titled('policy', policyCases),
  ...titled('binding', bindingCases),
  ...titled('mutation', mutationCases),
  ...titled(
    'changed',
    updates(policies, policy, { 'another expression': judged({ expression: 'false' }), 'a wrong expression': judged({ expression: 'x' }) }),
  ),
]
