/** What validating policies look at: rules, names, operations, subresources, selectors, versions; and the objects of parameters that they get. */
import { configMapRule, judged, judgedCase, validatingInForce, validatingPolicy } from '../policy-cases.ts'
import { type Case, create, merged, namespaced, patch, remove, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const pods = namespaced('v1', 'pods')
const scalers = (version: string) => namespaced(`autoscaling/${version}`, 'horizontalpodautoscalers')
const denies = (messageExpression: string, more: object = {}) => ({ ...more, validations: [{ expression: 'false', messageExpression }] })
const matching = (matchConstraints: object, more: object = {}) => ({ matchConstraints, ...more })
const rules = (...resourceRules: object[]) => ({ resourceRules: resourceRules.map((rule) => merged(configMapRule, rule)) })
const shown =
  '[request.operation, request.kind.group, request.kind.version, request.kind.kind, request.resource.resource, request.requestKind.kind, request.requestKind.version, request.requestResource.version, request.namespace].join("|")'
const told = denies(shown)
const scalerRule = { apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }
const parameters = (paramRef: object) => ({ paramRef: { parameterNotFoundAction: 'Deny', ...paramRef } })
const ofConfigMap = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }
const limit = denies('"limit is " + params.data.limit', ofConfigMap)
const group = 'upstream-params.example.com'

const policies: readonly Request[] = [
  ...validatingPolicy('names', { ...told, ...matching(rules({ resourceNames: ['judged', 'other'] })) }),
  ...validatingPolicy('other-names', { ...told, ...matching(rules({ resourceNames: ['other'] })) }),
  ...validatingPolicy('excluded', {
    ...told,
    ...matching({ excludeResourceRules: [merged(configMapRule, { resourceNames: ['judged'] })] }),
  }),
  ...validatingPolicy('updates', { ...denies('oldObject.data.a + object.data.a'), ...matching(rules({ operations: ['UPDATE'] })) }),
  ...validatingPolicy('deletions', {
    ...denies(
      '[string(object == null), string(oldObject.metadata.name), string(request.options.kind), string(has(request.options.gracePeriodSeconds))].join("|")',
    ),
    ...matching(rules({ operations: ['DELETE'] })),
  }),
  ...validatingPolicy('everything', {
    ...told,
    ...matching(rules({ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] })),
  }),
  ...validatingPolicy('everything-below', {
    ...denies(shown + ' + request.subResource'),
    ...matching(rules({ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] })),
  }),
  ...validatingPolicy('statuses', {
    ...denies('request.subResource + " of " + string(object.status.phase)'),
    ...matching(rules({ resources: ['pods/status'] })),
  }),
  ...validatingPolicy('execs', {
    ...denies(
      '[string(object.kind), string(object.container), string(object.command.size()), request.subResource, request.name].join("|")',
    ),
    ...matching({ ...rules({ operations: ['CONNECT'], resources: ['pods/exec'] }), objectSelector: { matchLabels: null } }),
  }),
  ...validatingPolicy('of-the-cluster', { ...told, ...matching(rules({ scope: 'Cluster' })) }),
  ...validatingPolicy('of-namespaces', { ...told, ...matching(rules({ scope: 'Namespaced' })) }),
  ...validatingPolicy('elsewhere', {
    ...told,
    ...matching({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'none' } } }),
  }),
  ...validatingPolicy('expressions', {
    ...told,
    ...matching({
      namespaceSelector: { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] },
      objectSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
    }),
  }),
  ...validatingPolicy('equivalent', { ...told, ...matching(rules(scalerRule)) }),
  ...validatingPolicy('exact', { ...told, ...matching({ ...rules(scalerRule), matchPolicy: 'Exact' }) }),
  ...validatingPolicy('equivalent-object', {
    ...denies('string(object.apiVersion) + string(has(object.spec.targetCPUUtilizationPercentage)) + string(has(object.spec.metrics))'),
    ...matching(rules(scalerRule)),
  }),
  ...validatingPolicy('bound-elsewhere', told, { 'bound-elsewhere': { matchResources: { objectSelector: { matchLabels: { a: 'c' } } } } }),
  ...validatingPolicy('bound-by-name', told, { 'bound-by-name': { matchResources: rules({ resourceNames: ['judged'] }) } }),
  ...validatingPolicy('namespace-objects', {
    ...denies('request.name + "|" + request.namespace + "|" + string(namespaceObject == null)'),
    ...matching({ ...rules({ resources: ['namespaces'] }), namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': null } } }),
  }),
  ...validatingPolicy('param', limit, { param: parameters({ name: 'param-a', namespace: '$ns' }) }),
  ...validatingPolicy('param-here', limit, { 'param-here': parameters({ name: 'param-a' }) }),
  ...validatingPolicy('param-selected', limit, { 'param-selected': parameters({ selector: { matchLabels: { param: 'b' } } }) }),
  ...validatingPolicy('param-none', limit, { 'param-none': parameters({ name: 'none' }) }),
  ...validatingPolicy('param-none-allowed', limit, {
    'param-none-allowed': parameters({ name: 'none', parameterNotFoundAction: 'Allow' }),
  }),
  ...validatingPolicy('param-none-selected', limit, { 'param-none-selected': parameters({ selector: { matchLabels: { param: 'z' } } }) }),
  ...validatingPolicy('param-none-ignored', { ...limit, failurePolicy: 'Ignore' }, { 'param-none-ignored': parameters({ name: 'none' }) }),
  ...validatingPolicy(
    'param-unbound',
    { ...ofConfigMap, validations: [{ expression: 'params != null', message: 'no params' }] },
    { 'param-unbound': {} },
  ),
  ...validatingPolicy(
    'param-kind',
    denies('[string(params.kind), string(params.apiVersion), string(params.metadata.name)].join("|")', ofConfigMap),
    { 'param-kind': parameters({ name: 'param-a' }) },
  ),
  ...validatingPolicy(
    'param-in-condition',
    { ...limit, matchConditions: [{ name: 'limited', expression: 'params.data.limit == "2"' }] },
    {
      'param-in-condition-a': parameters({ name: 'param-a' }),
      'param-in-condition-b': parameters({ name: 'param-b' }),
    },
  ),
  ...validatingPolicy(
    'param-unknown-kind',
    { ...limit, paramKind: { apiVersion: 'none.example.com/v1', kind: 'None' } },
    { 'param-unknown-kind': parameters({ name: 'a' }) },
  ),
  ...validatingPolicy(
    'param-of-the-cluster',
    denies('string(params.metadata.name)', { paramKind: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' } }),
    {
      'param-of-the-cluster': parameters({ name: 'system-node-critical' }),
    },
  ),
  ...validatingPolicy(
    'param-of-the-cluster-in-namespace',
    denies('string(params.metadata.name)', { paramKind: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' } }),
    {
      'param-of-the-cluster-in-namespace': parameters({ name: 'system-node-critical', namespace: 'default' }),
    },
  ),
  ...validatingPolicy(
    'param-nowhere',
    {
      ...limit,
      ...matching({ ...rules({ resources: ['namespaces'] }), namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': null } } }),
    },
    { 'param-nowhere': parameters({ name: 'param-a' }) },
  ),
  ...validatingPolicy(
    'param-custom',
    denies('"limit is " + string(params.spec.limit)', { paramKind: { apiVersion: `${group}/v1`, kind: 'Limit' } }),
    {
      'param-custom': parameters({ name: 'limit' }),
    },
  ),
]

const definition = {
  metadata: { name: `limits.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'limits', singular: 'limit', kind: 'Limit', listKind: 'LimitList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { limit: { type: 'integer' } } } } },
        },
      },
    ],
  },
}

export const given: readonly Request[] = [
  create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition),
  create(configMaps, { metadata: { name: 'param-a', labels: { param: 'a' } }, data: { limit: '1' } }),
  create(configMaps, { metadata: { name: 'param-b', labels: { param: 'b' } }, data: { limit: '2' } }),
  {
    ...create(namespaced(`${group}/v1`, 'limits'), {
      apiVersion: `${group}/v1`,
      kind: 'Limit',
      metadata: { name: 'limit' },
      spec: { limit: 5 },
    }),
    until: 201,
  },
  ...policies,
  ...validatingInForce,
]

const pod = (policy: string) => judged(policy, { spec: { containers: [{ name: 'c', image: 'i' }] } })
const withData = { data: { a: '1' } }
const scaler = (policy: string, spec: object) =>
  judged(policy, { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 2, ...spec } })
const change = patch('merge', `${configMaps}/judged`, { data: { a: '2' } })
const unlabeled = patch('merge', `${configMaps}/judged`, { metadata: { labels: { 'judged-by': null } } })
const createScaler = (version: string, policy: string, spec: object = {}) => create(scalers(version), scaler(policy, spec))
const after = (name: string, first: Request, ...steps: Request[]): Case => ({ name, given: [first], steps })

export const cases: readonly Case[] = [
  ...[
    'names',
    'other-names',
    'excluded',
    'everything',
    'everything-below',
    'of-the-cluster',
    'of-namespaces',
    'elsewhere',
    'bound-elsewhere',
    'bound-by-name',
  ].map((name) => judgedCase(name, name)),
  ...[
    'param',
    'param-here',
    'param-selected',
    'param-none',
    'param-none-allowed',
    'param-none-selected',
    'param-none-ignored',
    'param-unbound',
    'param-kind',
  ].map((name) => judgedCase(name, name)),
  ...['param-in-condition', 'param-unknown-kind', 'param-of-the-cluster', 'param-of-the-cluster-in-namespace', 'param-custom'].map((name) =>
    judgedCase(name, name),
  ),
  judgedCase('labels of an expression', 'none', { metadata: { labels: { a: 'b' } } }),
  judgedCase('labels of no expression', 'none', { metadata: { labels: { a: 'c' } } }),
  after('an update', create(configMaps, judged('updates', withData)), change),
  after('an update that takes the label away', create(configMaps, judged('updates', withData)), unlabeled),
  after('an update that changes nothing', create(configMaps, judged('updates', withData)), patch('merge', `${configMaps}/judged`, {})),
  after('a deletion', create(configMaps, judged('deletions')), remove(`${configMaps}/judged`)),
  after('a deletion with options', create(configMaps, judged('deletions')), remove(`${configMaps}/judged`, { gracePeriodSeconds: 0 })),
  after('a deletion of all', create(configMaps, judged('deletions')), remove(`${configMaps}?labelSelector=judged-by%3Ddeletions`)),
  after('a status', create(pods, pod('statuses')), patch('merge', `${pods}/judged/status`, { status: { phase: 'Failed' } })),
  after(
    'a status of everything below',
    create(pods, pod('statuses')),
    patch('merge', `${pods}/judged/status`, { metadata: { labels: { 'judged-by': 'everything-below' } } }),
  ),
  after('an exec', create(pods, pod('none')), create(`${pods}/judged/exec?command=a&command=b&container=c&stdout=true`, '')),
  { name: 'another version than the rule', steps: [createScaler('v2', 'equivalent')] },
  { name: 'the version of the rule', steps: [createScaler('v1', 'equivalent')] },
  { name: 'exactly another version', steps: [createScaler('v2', 'exact')] },
  { name: 'exactly the version', steps: [createScaler('v1', 'exact')] },
  {
    name: 'the object in the version of the rule',
    steps: [
      createScaler('v2', 'equivalent-object', {
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      }),
    ],
  },
  {
    name: 'a namespace',
    steps: [create('/api/v1/namespaces', { metadata: { name: 'upstream-judged', labels: { 'judged-by': 'namespace-objects' } } })],
  },
  {
    name: 'parameters of no namespace',
    steps: [create('/api/v1/namespaces', { metadata: { name: 'upstream-judged', labels: { 'judged-by': 'param-nowhere' } } })],
  },
]
