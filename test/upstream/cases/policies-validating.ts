/** Validating admission policies in force: what is refused, in which words, and what an evaluation that fails makes of a request. */
import { judgedCase, validatingInForce, validatingPolicy } from '../policy-cases.ts'
import { type Case, create, namespaced, type Request } from '../upstream-case.ts'

const say = (validation: object) => ({ validations: [{ expression: 'false', ...validation }] })
const check = (expression: string, more: object = {}) => ({ ...more, validations: [{ expression }] })
const when = (...expressions: string[]) => expressions.map((expression, i) => ({ name: `condition-${i}`, expression }))
const shows = (messageExpression: string, more: object = {}) => ({ ...more, ...say({ messageExpression }) })
/** A text that is doubled so often costs about as many units as it is long in the end, divided by five. */
const doubled = (times: number) => `["0123456789"]${'.map(a, a + a)'.repeat(times)}[0] != "a"`
/** More than one expression may cost. */
const dear = doubled(20)
/** Half of what one may cost. */
const costly = doubled(18)

/** One policy each; its ConfigMap is created. */
const specs: Readonly<Record<string, object>> = {
  plain: check('  object.metadata.name != "judged"  '),
  passes: check('object.metadata.name == "judged"'),
  message: say({ message: '  not like that ' }),
  'message-expression': say({ message: 'not like that', messageExpression: '"name is " + object.metadata.name' }),
  'message-expression-fails': say({ message: 'not like that', messageExpression: '"data is " + object.data.none' }),
  'message-expression-empty': say({ message: 'not like that', messageExpression: '"  "' }),
  'message-expression-lines': say({ message: 'not like that', messageExpression: '"a\\nb"' }),
  'message-expression-long': say({
    messageExpression:
      '["0123456789"].map(a, a + a + a + a).map(a, a + a + a + a).map(a, a + a + a + a).map(a, a + a + a + a).map(a, a + a + a + a)[0]',
  }),
  'message-expression-dyn': say({ message: 'not like that', messageExpression: 'string(object.metadata.labels["judged-by"])' }),
  'message-expression-number': say({ message: 'not like that', messageExpression: 'dyn(1) == 1 ? "one" : "two"' }),
  forbidden: say({ reason: 'Forbidden' }),
  invalid: say({ reason: 'Invalid' }),
  'too-large': say({ reason: 'RequestEntityTooLarge', message: 'that is much' }),
  several: {
    validations: [
      { expression: 'true' },
      { expression: 'false', message: 'second', reason: 'Forbidden' },
      { expression: 'false', message: 'third' },
    ],
  },
  'no-such-key': check('object.data.none == "a"'),
  'no-such-key-ignored': check('object.data.none == "a"', { failurePolicy: 'Ignore' }),
  'no-such-field': check('object.none.field == "a"'),
  'denied-although-ignored': check('false', { failurePolicy: 'Ignore' }),
  'error-after-denial': {
    validations: [{ expression: 'false', message: 'first', reason: 'Forbidden' }, { expression: 'object.none == 1' }],
  },
  'error-before-denial': { validations: [{ expression: 'object.none == 1' }, { expression: 'false', message: 'second' }] },
  'error-ignored-then-denial': {
    failurePolicy: 'Ignore',
    validations: [{ expression: 'object.none == 1' }, { expression: 'false', message: 'second' }],
  },
  'not-a-bool': check('dyn(object.data.text) == true'),
  'division-by-zero': check('1 / (object.metadata.name.size() - 6) == 1'),
  'index-out-of-bounds': check('[1, 2][object.metadata.name.size()] == 1'),
  'no-overload': check('object.data.text + 1 == 2'),
  'no-number': check('int(object.data.text) == 1'),
  'no-quantity': check('quantity(object.data.text).isGreaterThan(quantity("1"))'),
  'no-pattern': check('object.data.text.matches(object.data.pattern)'),
  'duplicate-key': check('{string("a"): 1, string(object.data.key): 2}.size() == 2'),
  'list-of-map': check('object.data.exists_one(k, k == "text") && object.data.all(k, object.data[k] == "x")'),
  'cost-of-one': check(dear),
  'cost-of-all': { validations: Array.from({ length: 20 }, (_, i) => ({ expression: `${costly} && ${i} >= 0` })) },
  'cost-of-message': { validations: [{ expression: 'false', message: 'plain', messageExpression: `${dear} ? "a" : "b"` }] },
  'cost-of-variable': { variables: [{ name: 'much', expression: dear }], validations: [{ expression: 'variables.much' }] },
  'condition-true': { ...say({ message: 'matched' }), matchConditions: when('object.metadata.name == "judged"') },
  'condition-false': { ...say({ message: 'matched' }), matchConditions: when('true', 'object.metadata.name != "judged"') },
  'condition-fails': { ...say({ message: 'matched' }), matchConditions: when('object.none == 1') },
  'conditions-fail': { ...say({ message: 'matched' }), matchConditions: when('object.none == 1', 'true', 'object.data.none == 2') },
  'condition-fails-and-false': { ...say({ message: 'matched' }), matchConditions: when('object.none == 1', 'false') },
  'condition-fails-ignored': { ...say({ message: 'matched' }), failurePolicy: 'Ignore', matchConditions: when('object.none == 1') },
  'condition-cost': { ...say({ message: 'matched' }), matchConditions: when(dear) },
  variables: {
    variables: [
      { name: 'name', expression: 'object.metadata.name' },
      { name: 'shout', expression: 'variables.name + "!"' },
      { name: 'unused', expression: 'object.none.field' },
    ],
    ...say({ expression: 'variables.shout != "judged!"', messageExpression: '"it is " + variables.shout' }),
  },
  'variable-fails': { variables: [{ name: 'a', expression: 'object.none' }], ...check('variables.a == 1') },
  'variable-fails-below': {
    variables: [
      { name: 'a', expression: 'object.none' },
      { name: 'b', expression: 'variables.a + 1' },
    ],
    ...check('variables.b == 1'),
  },
  'variable-twice': {
    variables: [
      { name: 'a', expression: '"first"' },
      { name: 'a', expression: '"second"' },
    ],
    ...say({ messageExpression: 'variables.a' }),
  },
  'variable-in-condition': {
    variables: [{ name: 'a', expression: '1' }],
    matchConditions: when('object.metadata.name == "judged"'),
    ...check('variables.a == 2'),
  },
  annotation: { auditAnnotations: [{ key: 'key', valueExpression: '"value"' }] },
  'annotation-fails': { auditAnnotations: [{ key: 'key', valueExpression: 'string(object.none)' }] },
  'annotation-fails-after-denial': {
    ...say({ message: 'first', reason: 'Forbidden' }),
    auditAnnotations: [{ key: 'key', valueExpression: 'string(object.none)' }],
  },
  'annotation-fails-ignored': { failurePolicy: 'Ignore', auditAnnotations: [{ key: 'key', valueExpression: 'string(object.none)' }] },
  'annotation-null': { auditAnnotations: [{ key: 'key', valueExpression: 'null' }] },
  request: shows(
    '[request.operation, request.name, request.namespace, request.kind.kind, request.kind.version, request.resource.resource, request.requestKind.kind, request.requestResource.resource, request.userInfo.username, request.userInfo.groups.join("+"), string(request.dryRun)].join("|")',
  ),
  'request-absent': shows(
    '[has(request.subResource), has(request.requestSubResource), has(request.userInfo.uid), has(request.userInfo.extra), has(request.dryRun), has(request.options), has(request.kind.group), has(request.resource.group)].map(b, b ? "+" : "-").join("")',
  ),
  'request-subresource': shows('request.subResource'),
  options: shows(
    'string(request.options.kind) + string(request.options.apiVersion) + (has(request.options.fieldManager) ? string(request.options.fieldManager) : "-") + (has(request.options.fieldValidation) ? string(request.options.fieldValidation) : "-")',
  ),
  'old-object': shows('oldObject == null ? "none" : "some"'),
  'object-fields': shows(
    '[string(object.apiVersion), string(object.kind), string(object.metadata.namespace), string(has(object.metadata.uid)), string(has(object.metadata.creationTimestamp)), string(has(object.data))].join("|")',
  ),
  namespace: shows(
    '[namespaceObject.metadata.name, namespaceObject.metadata.labels["kubernetes.io/metadata.name"], namespaceObject.status.phase, namespaceObject.spec.finalizers.join("+")].join("|")',
  ),
  'namespace-annotation': check('namespaceObject.metadata.annotations["none"] == "a"'),
  'namespace-generation': shows(
    'string(has(namespaceObject.metadata.generation)) + string(has(namespaceObject.metadata.annotations)) + string(has(namespaceObject.metadata.deletionTimestamp))',
  ),
  'authorizer-in-validation': check('!authorizer.group("").resource("configmaps").check("create").allowed()'),
  'authorizer-path': check('!authorizer.path("/healthz").check("get").allowed()'),
  'authorizer-account': check('authorizer.serviceAccount("default", "default").group("").resource("secrets").check("list").allowed()'),
  'authorizer-request': check('!authorizer.requestResource.check("delete").allowed()'),
  'authorizer-reason': check('authorizer.group("").resource("pods").check("get").reason() == "a"'),
  'authorizer-errored': check('authorizer.group("").resource("pods").check("get").errored()'),
  'authorizer-wrong-account': check('authorizer.serviceAccount("Not A", "name").group("").resource("pods").check("get").allowed()'),
  'authorizer-no-path': check('authorizer.path("").check("get").allowed()'),
  'authorizer-selector': check('!authorizer.group("").resource("pods").labelSelector("a=b").fieldSelector("x").check("list").allowed()'),
}

const bound: readonly Request[] = [
  ...validatingPolicy('warns', say({ message: 'be careful' }), { warns: { validationActions: ['Warn'] } }),
  ...validatingPolicy('warns-of-error', check('object.none == 1'), { 'warns-of-error': { validationActions: ['Warn', 'Audit'] } }),
  ...validatingPolicy('audits', say({ message: 'be careful' }), { audits: { validationActions: ['Audit'] } }),
  ...validatingPolicy('bound-twice', say({ message: 'be careful' }), {
    'bound-twice-a': { validationActions: ['Warn'] },
    'bound-twice-b': { validationActions: ['Deny', 'Audit'] },
  }),
  ...validatingPolicy('unbound', say({}), {}),
  ...validatingPolicy(
    'warns-of-several',
    { validations: [{ expression: 'false', message: 'a' }, { expression: 'true' }, { expression: 'false', message: 'b "quoted" \\' }] },
    {
      'warns-of-several': { validationActions: ['Warn'] },
    },
  ),
  ...validatingPolicy(
    'fails-while-warning',
    { auditAnnotations: [{ key: 'key', valueExpression: 'string(object.none)' }] },
    {
      'fails-while-warning': { validationActions: ['Warn'] },
    },
  ),
]

export const given: readonly Request[] = [
  ...Object.entries(specs).flatMap(([name, spec]) => validatingPolicy(name, spec)),
  ...bound,
  ...validatingInForce,
]

const data = { data: { text: 'x', pattern: '(', key: 'a' } }
const others = ['warns', 'warns-of-error', 'audits', 'bound-twice', 'unbound', 'warns-of-several', 'fails-while-warning']
const configMaps = namespaced('v1', 'configmaps')

export const cases: readonly Case[] = [
  ...[...Object.keys(specs), ...others].map((name) => judgedCase(name, name, data)),
  { name: 'another user', steps: [{ ...judgedRequest('request'), as: 'jane' }] },
  { name: 'a dry run', steps: [create(`${configMaps}?dryRun=All&fieldManager=me`, judgedBody('request'))] },
  { name: 'options of a create', steps: [create(`${configMaps}?fieldManager=me&fieldValidation=Strict`, judgedBody('options'))] },
  {
    name: 'a name to be made',
    steps: [create(configMaps, { metadata: { generateName: 'generated-', labels: { 'judged-by': 'request' } } })],
  },
]

function judgedBody(name: string): object {
  return { metadata: { name: 'judged', labels: { 'judged-by': name } } }
}

function judgedRequest(name: string): Request {
  return create(configMaps, judgedBody(name))
}
