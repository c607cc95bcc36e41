/** Custom objects: what the rules of their schemas say. */
import { objectOf, objectsOf, ofSpec, serving, specs, version } from '../custom-objects.ts'
import { type Case, create, patch, titled } from '../upstream-case.ts'

const text = { type: 'string', maxLength: 100 }
const rule = (rule: string, more: object = {}) => ({ rule, ...more })
const ruled = (schema: object, ...rules: object[]) => ({ ...schema, 'x-kubernetes-validations': rules })
const pair = { type: 'object', properties: { a: text, b: text, n: { type: 'integer' }, 'c.d': text } }

const fields = {
  plain: ruled(text, rule('self.startsWith("a")')),
  message: ruled(text, rule('self == "a"', { message: ' must be a ' })),
  expression: ruled(text, rule('self == "a"', { message: 'fallback', messageExpression: '"got " + self' })),
  failingExpression: ruled(text, rule('self == "a"', { messageExpression: '"x".substring(int(self))' })),
  emptyExpression: ruled(text, rule('self == "a"', { message: 'fallback', messageExpression: '""' })),
  linesExpression: ruled(text, rule('self == "a"', { messageExpression: '"a\\nb"' })),
  spacedExpression: ruled(text, rule('self == "a"', { messageExpression: '"  spaced  "' })),
  several: ruled(text, rule('self.size() > 2'), rule('self != "a"'), rule('true')),
  number: ruled({ type: 'integer' }, rule('self > 1')),
  float: ruled({ type: 'number' }, rule('self > 1.5')),
  flag: ruled({ type: 'boolean' }, rule('self')),
  list: ruled({ type: 'array', maxItems: 10, items: text }, rule('self.size() < 3')),
  object: ruled(pair, rule('self.a == self.b')),
  reasons: ruled(
    pair,
    rule('self.n != 1', { reason: 'FieldValueForbidden', fieldPath: '.a', message: 'forbidden' }),
    rule('self.n != 2', { reason: 'FieldValueRequired', fieldPath: '.b', message: 'required' }),
    rule('self.n != 3', { reason: 'FieldValueDuplicate', message: 'duplicate' }),
    rule('self.n != 4', { reason: 'FieldValueInvalid', fieldPath: "['c.d']" }),
  ),
  textReasons: ruled(
    text,
    rule('self != "a"', { reason: 'FieldValueForbidden' }),
    rule('self != "b"', { reason: 'FieldValueRequired' }),
    rule('self != "c"', { reason: 'FieldValueDuplicate' }),
  ),
  fails: ruled(pair, rule('self.n / 0 == 1')),
  failsToo: ruled({ type: 'array', maxItems: 3, items: text }, rule('self[2] == "c"', { message: 'needs three' })),
  absent: ruled(pair, rule('self.a == "a"')),
  items: { type: 'array', maxItems: 10, items: ruled(pair, rule('has(self.a)')) },
  values: { type: 'object', maxProperties: 10, additionalProperties: ruled(text, rule('self != "x"')) },
  keys: ruled({ type: 'object', maxProperties: 10, additionalProperties: text }, rule('self.all(k, k.size() < 3)')),
  nested: {
    type: 'object',
    properties: { 'a.b': ruled(text, rule('self != "x"')), c: { type: 'object', properties: { d: ruled(text, rule('self != "x"')) } } },
  },
  escaped: ruled(
    { type: 'object', properties: { namespace: text, 'a-b': text, 'x.y': text, 'p/q': text, __z: text } },
    rule('self.__namespace__ == self.a__dash__b && self.x__dot__y == self.p__slash__q && self.__underscores__z != "x"'),
  ),
  keywords: ruled(
    { type: 'object', properties: { namespace: text, in: text, if: text } },
    rule('self.namespace == self.__in__ || has(self.if) && self.if == "x"'),
  ),
  either: ruled({ 'x-kubernetes-int-or-string': true }, rule('type(self) == int ? self > 1 : self == "a"')),
  nullable: ruled({ type: 'string', nullable: true, maxLength: 9 }, rule('self == "a"')),
  date: ruled({ type: 'string', format: 'date-time' }, rule('self > timestamp("2026-01-01T00:00:00Z")')),
  duration: ruled({ type: 'string', format: 'duration' }, rule('self > duration("1h")')),
  bytes: ruled({ type: 'string', format: 'byte', maxLength: 20 }, rule('self == b"a"')),
  embedded: ruled(
    { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    rule('self.kind == "Pod" && self.metadata.name == "p"'),
  ),
  set: ruled({ type: 'array', maxItems: 9, items: text, 'x-kubernetes-list-type': 'set' }, rule('self == ["b", "a"]')),
  keyed: ruled(
    {
      type: 'array',
      maxItems: 9,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
      items: { ...pair, required: ['a'] },
    },
    rule('self.exists(e, e.a == "a" && has(e.b))'),
  ),
  costly: ruled(
    { type: 'array', maxItems: 100, items: { type: 'string', maxLength: 20 } },
    rule('self.all(a, self.all(b, a == b || a != b))'),
  ),
  quantity: ruled(text, rule('quantity(self).isLessThan(quantity("1Gi"))')),
  found: ruled(text, rule('self.find("[0-9]+") == "12"')),
  immutable: ruled(text, rule('self == oldSelf', { message: 'may not change' })),
  growing: ruled({ type: 'integer' }, rule('self >= oldSelf')),
  optional: ruled(text, rule('oldSelf.hasValue() || self == "first"', { optionalOldSelf: true })),
  optionalMore: ruled(text, rule('oldSelf.orValue("") != "x"', { optionalOldSelf: true, message: 'was x' })),
  keyedOld: {
    type: 'array',
    maxItems: 9,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['a'],
    items: ruled({ ...pair, required: ['a'] }, rule('!has(oldSelf.b) || self.b == oldSelf.b', { fieldPath: '.b', message: 'fixed' })),
  },
}

const root = ofSpec(fields, {
  'x-kubernetes-validations': [
    rule('self.metadata.name != "bad"', { message: 'a bad name' }),
    rule('self.kind == "Test" && self.apiVersion == "rules.upstream.example.com/v1"'),
    rule('!has(self.status) || self.status.ready', { message: 'not ready' }),
    rule('!has(oldSelf.status) || has(self.status)', { message: 'the status stays' }),
  ],
})
root.properties = {
  ...root.properties,
  ...{ status: { type: 'object', properties: { ready: { type: 'boolean' }, n: ruled({ type: 'integer' }, rule('self > 0')) } } },
}

export const given = serving('rules', [version(root, { subresources: { status: {} } })])

const of = (field: keyof typeof fields, ...values: unknown[]): Case[] =>
  specs('rules', Object.fromEntries(values.map((value) => [`${field}: ${JSON.stringify(value)}`, { [field]: value }])))

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }
const created: Case[] = [
  ...of('plain', 'b', 'ab', ''),
  ...of('message', 'b'),
  ...of('expression', 'b'),
  ...of('failingExpression', 'b'),
  ...of('emptyExpression', 'b'),
  ...of('linesExpression', 'b'),
  ...of('spacedExpression', 'b'),
  ...of('several', 'a', 'abc'),
  ...of('number', 1, 2, 'x'),
  ...of('float', 1, 2, 1.6),
  ...of('flag', false, true),
  ...of('list', ['a', 'b', 'c']),
  ...of('object', { a: 'a', b: 'b' }, { a: 'a' }, {}),
  ...of('reasons', { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, {}),
  ...of('textReasons', 'a', 'b', 'c'),
  ...of('fails', { n: 1 }),
  ...of('failsToo', ['a'], ['a', 'b', 'd']),
  ...of('absent', {}, { a: 'b' }),
  ...of('items', [{ a: 'a' }, { b: 'b' }, {}]),
  ...of('values', { k: 'x' }),
  ...of('keys', { abc: 'x' }),
  ...of('nested', { 'a.b': 'x' }, { c: { d: 'x' } }),
  ...of('escaped', { namespace: 'a', 'a-b': 'a', 'x.y': 'b', 'p/q': 'b', __z: 'y' }, { namespace: 'a', 'a-b': 'b' }),
  ...of('keywords', { namespace: 'a', in: 'a' }, { namespace: 'a', in: 'b' }, { namespace: 'a', in: 'b', if: 'x' }),
  ...of('either', 1, 2, 'a', 'b'),
  ...of('nullable', null, 'b'),
  ...of('date', '2025-01-01T00:00:00Z', '2027-01-01T00:00:00Z', 'never'),
  ...of('duration', '30m', '2h'),
  ...of('bytes', 'YQ==', 'Yg=='),
  ...of('embedded', pod, { ...pod, metadata: { name: 'q' } }),
  ...of('set', ['a', 'b'], ['a', 'c']),
  ...of('keyed', [{ a: 'b' }], [{ a: 'a', b: 'b' }]),
  ...of(
    'costly',
    Array.from({ length: 3 }, (_, i) => `${i}`),
  ),
  ...of('quantity', '2Gi', '1Mi', 'x'),
  ...of('found', 'a12', 'b'),
  ...of('immutable', 'a'),
  ...of('optional', 'first', 'second'),
  ...of('plain', 1, 'x'.repeat(101)),
  ...specs('rules', { 'a rule and a wrong type': { plain: 'b', number: 'x' }, 'a rule and a pattern': { plain: 'b', values: { a: 'x' } } }),
  { name: 'a name that a rule refuses', steps: [create(objectsOf('rules'), objectOf('rules', {}, { metadata: { name: 'bad' } }))] },
]

const path = `${objectsOf('rules')}/o`
const changed = (name: string, before: object, change: object, subresource = ''): Case => ({
  name,
  given: [create(objectsOf('rules'), objectOf('rules', before))],
  steps: [patch('merge', `${path}${subresource}`, subresource ? { status: change } : { spec: change })],
})
const transitions: Case[] = [
  changed('a fixed text', { immutable: 'a' }, { immutable: 'b' }),
  changed('a fixed text that stays', { immutable: 'a' }, { plain: 'a' }),
  changed('a fixed text that comes', {}, { immutable: 'b' }),
  changed('a fixed text that goes', { immutable: 'a' }, { immutable: null }),
  changed('a number that shrinks', { growing: 5 }, { growing: 4 }),
  changed('a number that grows', { growing: 5 }, { growing: 6 }),
  changed('an old value that may be missing', { optional: 'first' }, { optional: 'second' }),
  changed('a value without an old one', {}, { optional: 'second' }),
  changed('an old value that is x', { optionalMore: 'x' }, { optionalMore: 'y' }),
  changed(
    'a part of an item',
    {
      keyedOld: [
        { a: '1', b: '1' },
        { a: '2', b: '2' },
      ],
    },
    {
      keyedOld: [
        { a: '2', b: '3' },
        { a: '1', b: '1' },
      ],
    },
  ),
  changed('an item that comes', { keyedOld: [{ a: '1', b: '1' }] }, { keyedOld: [{ a: '2', b: '2' }] }),
  changed('a status that is ready', {}, { ready: true, n: 1 }, '/status'),
  changed('a status that is not ready', {}, { ready: false }, '/status'),
  changed('a status that breaks its own rule', {}, { ready: true, n: 0 }, '/status'),
  changed('a status of another type', {}, { ready: 'x' }, '/status'),
  {
    name: 'a status that goes',
    given: [create(objectsOf('rules'), objectOf('rules', {})), patch('merge', `${path}/status`, { status: { ready: true } })],
    steps: [patch('merge', `${path}/status`, { status: null }), patch('merge', path, { status: null })],
  },
]

export const cases: readonly Case[] = [...titled('created', created), ...titled('changed', transitions)]
