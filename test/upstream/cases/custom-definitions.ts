/** CustomResourceDefinitions: what is a definition, and what its schema may say. */
import { type Case, clusterWide, create, creations, merged, namespaced, patch, read, titled, updates } from '../upstream-case.ts'

const definitions = clusterWide('apiextensions.k8s.io/v1', 'customresourcedefinitions')
const group = 'definitions.upstream.example.com'
const schema = { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } } }
const version = (more: object = {}, openAPIV3Schema: object = schema) => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema },
  ...more,
})
const base = {
  metadata: { name: `tests.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'tests', singular: 'test', kind: 'Test', listKind: 'TestList' },
    versions: [version()],
  },
}
const spec = (value: object) => ({ spec: value })
const versions = (...all: object[]) => spec({ versions: all })
const ofSchema = (openAPIV3Schema: object, more: object = {}) => versions(version(more, openAPIV3Schema))
/** The type of `spec.a`. */
const field = (a: object) => ofSchema({ type: 'object', properties: { spec: { type: 'object', properties: { a } } } })
const rules = (a: object, ...all: object[]) => field({ ...a, 'x-kubernetes-validations': all })
const text = { type: 'string', maxLength: 10 }

const definitionCases = creations(definitions, base, {
  'no spec': { spec: null },
  'no group': { ...spec({ group: null }), metadata: { name: 'tests.' } },
  'a group that is none': { ...spec({ group: 'A_b' }), metadata: { name: 'tests.A_b' } },
  'a group without dots': { ...spec({ group: 'upstream' }), metadata: { name: 'tests.upstream' } },
  'another name': { metadata: { name: `others.${group}` } },
  'a scope that is none': spec({ scope: 'Galaxy' }),
  'no scope': spec({ scope: null }),
  'no names': spec({ names: null }),
  'names that are none': spec({
    names: { plural: 'tests', singular: 'A_b', kind: 'a b', listKind: '-', shortNames: ['X', 'ok'], categories: ['A b'] },
  }),
  'a plural that is none': { ...spec({ names: { plural: 'Tests' } }), metadata: { name: `Tests.${group}` } },
  'one kind for all': spec({ names: { listKind: 'Test' } }),
  'no versions': versions(),
  'nothing stored': versions(version({ storage: false })),
  'two stored': versions(version(), version({ name: 'v2' })),
  'two of one name': versions(version(), version({ storage: false })),
  'a version whose name is none': versions(version({ name: 'V_1' })),
  'a version without a schema': versions({ name: 'v1', served: true, storage: true }),
  'a version that warns while it is current': versions(version({ deprecationWarning: 'x' })),
  'a warning that is too long': versions(version({ deprecated: true, deprecationWarning: 'x'.repeat(300) })),
  'a warning with signs': versions(version({ deprecated: true, deprecationWarning: 'a\nb' })),
  'a warning of nothing': versions(version({ deprecated: true, deprecationWarning: '' })),
  'unknown fields kept by all': spec({ preserveUnknownFields: true }),
  'an unknown conversion': spec({ conversion: { strategy: 'Magic' } }),
  'a conversion by webhook without one': spec({ conversion: { strategy: 'Webhook' } }),
  'a conversion without a webhook with one': spec({
    conversion: { strategy: 'None', webhook: { clientConfig: { url: 'https://a.b' }, conversionReviewVersions: ['v1'] } },
  }),
  'a webhook without anything': spec({ conversion: { strategy: 'Webhook', webhook: { clientConfig: {}, conversionReviewVersions: [] } } }),
  'a webhook that is none': spec({
    conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: 'http://a.b?c#d' }, conversionReviewVersions: ['v9', 'V_', 'v9'] } },
  }),
  'a webhook by two ways': spec({
    conversion: {
      strategy: 'Webhook',
      webhook: {
        clientConfig: { url: 'https://a.b', service: { name: 's', namespace: 'n', port: 0, path: 'x' } },
        conversionReviewVersions: ['v1'],
      },
    },
  }),
  'a status without a status': ofSchema(schema, { subresources: { status: {} } }),
  'scale without paths': ofSchema(schema, { subresources: { scale: {} } }),
  'scale with paths that are none': ofSchema(schema, {
    subresources: { scale: { specReplicasPath: '.status.a', statusReplicasPath: '.spec.a[0]', labelSelectorPath: 'x' } },
  }),
  'columns that are none': ofSchema(schema, {
    additionalPrinterColumns: [
      {},
      { name: 'a', type: 'thing', jsonPath: '.spec.a', format: 'x' },
      { name: 'b', type: 'string', jsonPath: 'spec[' },
    ],
  }),
  'selectable fields that are none': ofSchema(schema, {
    selectableFields: [
      { jsonPath: '.spec.b' },
      { jsonPath: '.spec' },
      { jsonPath: 'spec.a' },
      { jsonPath: '.metadata.name' },
      { jsonPath: '.spec.a' },
      { jsonPath: '.spec.a' },
    ],
  }),
  'too many selectable fields': ofSchema(schema, { selectableFields: Array.from({ length: 9 }, () => ({ jsonPath: '.spec.a' })) }),
  'a protected group': { metadata: { name: 'tests.upstream.k8s.io' }, spec: { group: 'upstream.k8s.io' } },
  'a protected group with a word': {
    metadata: { name: 'tests.upstream.k8s.io', annotations: { 'api-approved.kubernetes.io': 'yes' } },
    spec: { group: 'upstream.k8s.io' },
  },
})

const schemaCases = creations(definitions, base, {
  'no type at the root': ofSchema({ properties: {} }),
  'a root of text': ofSchema({ type: 'string' }),
  'a root that is nullable': ofSchema({ type: 'object', nullable: true }),
  'a field without a type': field({}),
  'a type that is none': field({ type: 'thing' }),
  'a list without items': field({ type: 'array' }),
  'a list of several items': field({ type: 'array', items: [{ type: 'string' }] }),
  'items that are unique': field({ type: 'array', uniqueItems: true, items: text }),
  'properties and more': field({ type: 'object', properties: { b: text }, additionalProperties: text }),
  'no additional properties': field({ type: 'object', additionalProperties: false }),
  'all additional properties': field({ type: 'object', additionalProperties: true }),
  'a reference': field({ $ref: '#/definitions/x' }),
  'fields that are not supported': field({
    type: 'object',
    definitions: { x: text },
    dependencies: { a: ['b'] },
    patternProperties: { a: text },
    additionalItems: true,
    deprecated: true,
    id: 'x',
  }),
  'a default of another type': field({ type: 'string', default: 3 }),
  'a default that is too long': field({ ...text, default: 'x'.repeat(11) }),
  'a default of unknown fields': field({ type: 'object', properties: { b: text }, default: { c: 1 } }),
  'a default that is null': field({ type: 'string', default: null }),
  'a pattern that is none': field({ type: 'string', pattern: '(' }),
  'an enumeration twice': field({ type: 'string', enum: ['a', 'a'] }),
  'bounds that are none': field({ type: 'string', minLength: -1, maxLength: -2 }),
  'junctors with types': field({ type: 'string', anyOf: [{ type: 'string' }, { description: 'x', default: 'a', nullable: true }] }),
  'junctors with fields that are not known': field({
    type: 'object',
    properties: { b: text },
    oneOf: [{ properties: { c: { minLength: 1 } }, required: ['c'] }],
    not: { additionalProperties: { minLength: 1 } },
  }),
  'a number or text': field({ 'x-kubernetes-int-or-string': true }),
  'a number or text with a type': field({ type: 'string', 'x-kubernetes-int-or-string': true }),
  'a number or text by junctors': field({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }),
  'an embedded object': field({ type: 'object', 'x-kubernetes-embedded-resource': true }),
  'an embedded text': field({ type: 'string', 'x-kubernetes-embedded-resource': true }),
  'unknown fields dropped on purpose': field({ type: 'object', 'x-kubernetes-preserve-unknown-fields': false }),
  'unknown fields kept in a text': field({ type: 'string', 'x-kubernetes-preserve-unknown-fields': true }),
  'a list type that is none': field({ type: 'array', items: text, 'x-kubernetes-list-type': 'heap' }),
  'a list type of a text': field({ type: 'string', 'x-kubernetes-list-type': 'set' }),
  'a set of objects': field({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' }),
  'a map without keys': field({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' }),
  'a map with keys that are none': field({
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['b', 'c', 'd', 'd', 'e'],
    items: { type: 'object', required: ['c'], properties: { c: { type: 'object' }, d: text, e: { type: 'string', nullable: true } } },
  }),
  'keys without a map': field({ type: 'array', items: text, 'x-kubernetes-list-map-keys': ['a'] }),
  'a map type that is none': field({ type: 'object', 'x-kubernetes-map-type': 'wide' }),
  'a map type of a text': field({ type: 'string', 'x-kubernetes-map-type': 'atomic' }),
  'metadata that is described': ofSchema({
    type: 'object',
    properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
  }),
  'metadata that is bounded': ofSchema({
    type: 'object',
    properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } } } },
  }),
  'metadata of another type': ofSchema({ type: 'object', properties: { metadata: { type: 'string' } } }),
  'a kind of another type': ofSchema({ type: 'object', properties: { kind: { type: 'integer' }, apiVersion: { type: 'object' } } }),
  'formats that are not known': field({ type: 'string', format: 'postcode' }),
  'a root with junctors and a status': ofSchema({ type: 'object', anyOf: [{ required: ['spec'] }] }, { subresources: { status: {} } }),
  'several things wrong': field({ type: 'array', uniqueItems: true, nullable: true, 'x-kubernetes-list-type': 'x', default: 3 }),
})

const ruleCases = creations(definitions, base, {
  'a rule without anything': rules(text, {}),
  'a rule of spaces': rules(text, { rule: '  ' }),
  'a rule that does not parse': rules(text, { rule: 'self ==' }),
  'a rule with an unknown word': rules(text, { rule: 'other == self' }),
  'a rule that is no question': rules(text, { rule: 'self + "a"' }),
  'a rule that mixes types': rules(text, { rule: 'self == 3' }),
  'a rule with a message of several lines': rules(text, { rule: 'true', message: 'a\nb' }),
  'a rule with a message of spaces': rules(text, { rule: 'true', message: ' ' }),
  'a rule that needs a message': rules(text, { rule: 'self == "a" ||\n self == "b"' }),
  'a rule with an unknown reason': rules(text, { rule: 'true', reason: 'Because' }),
  'a rule with a path that is none': rules(
    { type: 'object', properties: { b: text } },
    { rule: 'true', fieldPath: '.c' },
    { rule: 'true', fieldPath: 'b' },
  ),
  'a rule with a message that is none': rules(
    text,
    { rule: 'true', messageExpression: '3' },
    { rule: 'true', messageExpression: 'self +' },
  ),
  'a rule over what has no bounds': rules({ type: 'array', items: { type: 'string' } }, { rule: 'self.all(a, self.all(b, a != b))' }),
  'a rule that costs far too much': field({
    type: 'array',
    items: {
      type: 'array',
      items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.matches("a+")' }] },
    },
  }),
  'a rule on what changes in a list': field({
    type: 'array',
    items: { ...text, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
  }),
  'a rule on what may be new': rules(text, { rule: 'oldSelf.hasValue() ? self == oldSelf.value() : true', optionalOldSelf: true }),
  'a rule on old values without them': rules(text, { rule: 'true', optionalOldSelf: true }),
  'rules on unknown fields': rules({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, { rule: 'self.b == 1' }),
  'a rule on metadata': ofSchema({
    type: 'object',
    'x-kubernetes-validations': [{ rule: 'self.metadata.name == "a" && self.metadata.labels.size() > 0' }],
  }),
})

const oldVersion = merged(base, versions(version({ storage: false }), version({ name: 'v2' }))) as typeof base
const updateCases = [
  ...updates(definitions, base, {
    'another group': spec({ group: 'x.example.com' }),
    'another plural': spec({ names: { plural: 'others' } }),
    'a stored version that goes': versions(version({ name: 'v2' })),
    'another schema that is none': field({ type: 'thing' }),
  }),
]

const convertedBy = (caBundle: string) => ({
  strategy: 'Webhook',
  webhook: { clientConfig: { url: 'https://127.0.0.1:1', caBundle }, conversionReviewVersions: ['v1'] },
})

const servedCases = [
  ...updates(definitions, oldVersion, { 'two versions, one gone': versions(version({ name: 'v2' })) }),
  ...updates(definitions, base, {
    'another scope once it is served': spec({ scope: 'Cluster' }),
    'another kind once it is served': spec({ names: { kind: 'Other', listKind: 'OtherList' } }),
    'a webhook whose authority is none once it is served': spec({ conversion: convertedBy('YQ==') }),
    'another singular and short name': spec({ names: { singular: 'single', shortNames: ['t'], categories: ['all'] } }),
  }),
].map((one) => ({ ...one, given: [...one.given!, { ...read(namespaced(`${group}/v1`, 'tests')), until: 200 }] }))

const status = `${definitions}/tests.${group}/status`
const lifeCases: Case[] = [
  {
    name: 'what is said of it once it is served',
    given: [create(definitions, base), { ...read(namespaced(`${group}/v1`, 'tests')), until: 200 }],
    steps: [read(`${definitions}/tests.${group}`)],
  },
  {
    name: 'a status by its door',
    given: [create(definitions, base), { ...read(namespaced(`${group}/v1`, 'tests')), until: 200 }],
    steps: [
      patch('merge', status, { status: { acceptedNames: { plural: 'A_b', kind: 'a b' } } }),
      patch('merge', status, { status: { storedVersions: ['v1', 'v0'] } }),
    ],
  },
]

export const cases: readonly Case[] = [
  ...titled('definition', definitionCases),
  ...titled('schema', schemaCases),
  ...titled('rule', ruleCases),
  ...titled('changed', [...updateCases, ...servedCases]),
  ...titled('life', lifeCases),
]
