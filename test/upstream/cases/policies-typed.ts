import { ofSpec, serving, version } from '../custom-objects.ts'
import { type Case, clusterWide, create, patch, read } from '../upstream-case.ts'

/** What the status of a validating policy tells of its expressions, as upstream's controller finds it. */
export const checksPolicyTypes = true

const group = 'admissionregistration.k8s.io/v1'
const policies = clusterWide(group, 'validatingadmissionpolicies')

const rule = (resources: readonly string[], apiGroups: readonly string[] = ['apps'], apiVersions: readonly string[] = ['v1']) => ({
  operations: ['CREATE'],
  apiGroups,
  apiVersions,
  resources,
})
const deployments = rule(['deployments'])
const configMaps = rule(['configmaps'], [''])
const customs = rule(['tests'], ['typed.upstream.example.com'])

const policyName = 'typed-upstream'
const policyOf = (rules: readonly object[], validations: readonly object[], more: object = {}) => ({
  metadata: { name: policyName },
  spec: { matchConstraints: { resourceRules: rules }, validations, ...more },
})

const checked = (name: string, policy: object): Case => ({
  name,
  given: [create(policies, policy)],
  steps: [{ ...read(`${policies}/${policyName}/status`), until: '"typeChecking"' }],
})

const expressions = (title: string, rules: readonly object[], all: readonly string[], more: object = {}): Case =>
  checked(
    title,
    policyOf(
      rules,
      all.map((expression) => ({ expression })),
      more,
    ),
  )

const spec = {
  size: { type: 'integer' },
  share: { type: 'number' },
  on: { type: 'boolean' },
  port: { 'x-kubernetes-int-or-string': true },
  when: { type: 'string', format: 'date-time' },
  day: { type: 'string', format: 'date' },
  span: { type: 'string', format: 'duration' },
  raw: { type: 'string', format: 'byte' },
  tags: { type: 'array', items: { type: 'string' } },
  pairs: { type: 'object', additionalProperties: { type: 'integer' } },
  open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  opened: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'string' } } },
  inside: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  anything: { 'x-kubernetes-preserve-unknown-fields': true },
  'with-dash': { type: 'string' },
  namespace: { type: 'string' },
}

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export const given = [...serving('typed', [version(ofSpec(spec))]), ...serving('typed-open', [version(open)])]

export const cases: readonly Case[] = [
  expressions(
    'expressions that fit',
    [deployments],
    [
      'object.spec.replicas > 1',
      'has(object.metadata.labels) && object.metadata.labels.all(k, k != "")',
      'oldObject == null || object.spec.template.spec.containers.all(c, c.image.startsWith("x"))',
      'request.userInfo.username == "a" && namespaceObject.metadata.name == "b"',
      'authorizer.group("").resource("pods").check("get").allowed()',
      'object.metadata.creationTimestamp < timestamp("2020-01-01T00:00:00Z")',
      'object.spec.strategy.rollingUpdate.maxSurge == "25%" || object.spec.strategy.rollingUpdate.maxSurge == 1',
    ],
  ),
  expressions(
    'fields that are not there',
    [deployments],
    [
      'object.spec.replica > 1',
      'has(object.spec.template.spec.nodename)',
      'object.spec.template.spec.containers.all(c, c.tag == "x" && c.registry == "y")',
      'oldObject.status.replicaz == 1',

      'object.metadata.labels.app.name == "x"',
    ],
  ),
  expressions(
    'comparisons of what does not compare',
    [deployments],
    [
      'object.spec.replicas > "1"',
      'object.spec == 1',
      'object.spec.template.spec.containers == "x"',
      'object.spec.template == object.spec',
      'object.metadata.labels == ["x"]',
      'object.spec.paused > 1 || object.spec.replicas.startsWith("x")',
      'object.spec.template.spec.containers[0].resources.limits["cpu"] > 1',
      'object.metadata.creationTimestamp > "2020"',
      '"x" in object.spec',
      'object.spec.replicas + object.metadata.name == 1',
      'object.spec.replicas.startsWith("x")',
      'object in [1]',
    ],
  ),
  expressions(
    'bytes, quantities, maps and unions of built-in types',
    [rule(['secrets', 'configmaps'], [''])],
    [
      'object.data.all(k, object.data[k] == "x")',
      'object.binaryData["x"] == b"x"',
      'object.immutable == 1',
      'object.kind == "Secret" && object.apiVersion == 1',
    ],
  ),
  checked(
    'messages',
    policyOf(
      [deployments],
      [
        { expression: 'object.spec.replicas > 1', messageExpression: '"n " + object.spec.replicas' },
        { expression: 'object.spec.nope > 1', messageExpression: 'string(object.spec.replicas)' },
        { expression: 'true', messageExpression: 'string(object.spec.nope)' },
      ],
    ),
  ),
  checked(
    'variables, also those of a wrong type',
    policyOf(
      [deployments],
      [{ expression: 'variables.size > 1' }, { expression: 'variables.name > 1' }, { expression: 'variables.wrong > 1' }],
      {
        variables: [
          { name: 'size', expression: 'object.spec.replicas' },
          { name: 'name', expression: 'object.metadata.name' },
          { name: 'wrong', expression: 'object.spec.nope' },
        ],
      },
    ),
  ),
  expressions(
    'several kinds in order',
    [rule(['deployments', 'replicasets'], ['apps', 'batch'], ['v1', 'v2']), configMaps, rule(['jobs'], ['batch'])],
    ['object.spec.replicas > 1', 'object.data.x == "1"'],
  ),
  expressions(
    'more kinds than ten',
    [
      rule(
        [
          'pods',
          'services',
          'configmaps',
          'secrets',
          'nodes',
          'namespaces',
          'events',
          'endpoints',
          'limitranges',
          'resourcequotas',
          'serviceaccounts',
        ],
        [''],
      ),
      deployments,
    ],
    ['object.nope == 1'],
  ),
  expressions(
    'no kind by a star or a subresource',
    [rule(['*'], ['apps']), rule(['deployments'], ['*']), rule(['deployments'], ['apps'], ['*']), rule(['deployments/scale'])],
    ['object.nope == 1'],
  ),
  expressions(
    'a kind beside a subresource and one that nobody serves',
    [rule(['pods/exec', 'pods', 'nothings'], [''])],
    ['object.nope == 1'],
  ),
  expressions(
    'a custom kind',
    [customs],
    [
      'object.spec.size > "1"',
      'object.spec.share > 1.5 && object.spec.share == "x"',
      'object.spec.on == 1',
      'object.spec.port == "x" || object.spec.port == 1',
      'object.spec.when == "x"',
      'object.spec.day == "x"',
      'object.spec.span == "x"',
      'object.spec.raw == "x"',
      'object.spec.tags == "x"',
      'object.spec.pairs == "x"',
      'object.spec.open == "x"',
      'object.spec.open.field == "x"',
      'object.spec.opened.known == 1',
      'object.spec.opened.field == 1',
      'object.spec.inside.kind == 1',
      'object.spec.inside.spec == 1',
      'object.spec.inside.metadata.name == 1',
      'object.spec.inside.metadata.labels.x == 1',
      'object.spec.anything == 1',
      'object.spec.with__dash__dash == 1',
      'object.spec.__namespace__ == 1',
      'object.spec.namespace == 1',
      'object.metadata.labels.x == 1',
      'object.metadata.nope == 1',
      'object.status.x == 1',
    ],
  ),
  expressions(
    'a custom kind that keeps all fields',
    [rule(['tests'], ['typed-open.upstream.example.com'])],
    ['object.kind == 1', 'object.metadata.name == 1', 'object.metadata.labels.x == 1', 'object.spec == 1'],
  ),
  expressions(
    'resources in other letters, in the singular, and of any group',
    [rule(['Deployments', 'test'], ['apps', 'typed.upstream.example.com']), rule(['replicasets'], [''])],
    ['object.nope == 1'],
  ),
  expressions(
    'definitions within definitions',
    [rule(['customresourcedefinitions'], ['apiextensions.k8s.io'])],
    [
      'object.spec.versions[0].schema.openAPIV3Schema.type == 1',
      'object.spec.versions[0].schema.openAPIV3Schema.not.type == 1',
      'object.spec.versions[0].schema.openAPIV3Schema.properties["x"].type == 1',
      'object.spec.versions[0].schema.openAPIV3Schema.default == 1',
      'object.spec.versions[0].schema.openAPIV3Schema.items == 1',
      'object.spec.versions[0].schema.openAPIV3Schema.x__dash__kubernetes__dash__list__dash__type == 1',
      'object.spec.names == 1',
    ],
  ),
  expressions(
    'raw objects, field sets and quantities',
    [rule(['controllerrevisions'])],
    [
      'object.data == 1',
      'object.data.x == 1',
      'object.metadata.managedFields[0].fieldsV1 == 1',
      'object.metadata.managedFields[0].fieldsV1.x == 1',
      'object.metadata.managedFields[0].time == 1',
      'object.metadata.namespace == 1',
    ],
  ),
  expressions(
    'the type of parameters',
    [configMaps],
    ['params.data.x == 1', 'params.nope == 1', 'params.spec.size == "x"', 'params.metadata.name == 1'],
    {
      paramKind: { apiVersion: 'v1', kind: 'Secret' },
    },
  ),
  expressions(
    'the type of custom parameters',
    [configMaps],
    ['params.data.x == 1', 'params.spec.size == "x"', 'params.metadata.name == 1'],
    {
      paramKind: { apiVersion: 'typed.upstream.example.com/v1', kind: 'Test' },
    },
  ),
  expressions('parameters that nobody serves', [configMaps], ['params.data.x == 1', 'params.nope == object.nope'], {
    paramKind: { apiVersion: 'nobody.example.com/v1', kind: 'None' },
  }),
  expressions('conditions are not judged', [deployments], ['true'], {
    matchConditions: [{ name: 'x', expression: 'object.spec.nope == 1' }],
  }),
  checked(
    'audit annotations are not judged',
    policyOf([deployments], [], { auditAnnotations: [{ key: 'x', valueExpression: 'string(object.spec.nope)' }] }),
  ),
  expressions(
    'expressions on several lines',
    [deployments],
    ['object.spec.replicas > 1 &&\n  object.spec.nope == 1 &&\n\n object.spec.no == "ä" && object.x == 1'],
  ),
  {
    name: 'anew when the policy changes, by its controller',
    given: [
      create(policies, policyOf([deployments], [{ expression: 'object.spec.nope == 1' }])),
      { ...read(`${policies}/${policyName}`), until: '"typeChecking"' },
    ],
    steps: [
      patch('merge', `${policies}/${policyName}`, { metadata: { labels: { a: 'b' } } }),
      patch('merge', `${policies}/${policyName}`, { spec: { validations: [{ expression: 'object.spec.replicas == "x"' }] } }),
      { ...read(`${policies}/${policyName}`), until: '"observedGeneration":2' },
    ],
    withManagedFields: true,
  },
]
