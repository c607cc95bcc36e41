import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldError } from '../field-error.ts'
import { defaulted, withoutNulls } from './defaults.ts'
import { parseJsonPath } from './json-path.ts'
import type { JsonSchema } from './json-schema.ts'
import { pruned } from './prune.ts'
import { validateStructuralSchema } from './structural-rules.ts'
import { embeddedResourceErrors } from './embedded-resources.ts'
import { listTypeErrors } from './list-types.ts'
import { compileValidator } from './validate-value.ts'

const shown = (errors: readonly FieldError[]) => errors.map((e) => `${e.field}: ${e.message}`)
const object = (properties: Record<string, JsonSchema>, more: JsonSchema = {}): JsonSchema => ({ type: 'object', properties, ...more })
const text: JsonSchema = { type: 'string' }
const whole: JsonSchema = { type: 'integer' }

test('values are judged in the words of upstream', () => {
  const check = (schema: JsonSchema, value: unknown, ...expected: string[]) => {
    const root = object({ spec: object({ f: schema }) })
    const wrapped = { spec: { f: value } }
    assert.deepEqual(
      shown([...compileValidator(root)(wrapped), ...embeddedResourceErrors(root, wrapped), ...listTypeErrors(root, wrapped)]),
      expected,
      JSON.stringify(value),
    )
  }
  check(whole, 3)
  check(whole, 'string', 'spec.f: Invalid value: "string": spec.f in body must be of type integer: "string"')
  check(
    whole,
    1.5,
    'spec.f: Invalid value: "number": spec.f in body must be of type integer: "number"',
    '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.f',
  )
  check({ type: 'number' }, 1)
  check(text, null, 'spec.f: Invalid value: "null": spec.f in body must be of type string: "null"')
  check({ ...text, nullable: true }, null)
  check({ type: 'array', items: text }, {}, 'spec.f: Invalid value: "object": spec.f in body must be of type array: "object"')
  const either: JsonSchema = { 'x-kubernetes-int-or-string': true }
  check(either, '10%')
  check(either, 10)
  check(either, true, 'spec.f: Invalid value: "boolean": spec.f in body must be of type integer,string: "boolean"')
  check(
    { type: 'number', maximum: 1, allOf: [{ maximum: 1 }, { minimum: 2 }] },
    3,
    'spec.f: Invalid value: 3: spec.f in body should be less than or equal to 1',
    '<nil>: Invalid value: "": "spec.f" must validate all the schemas (allOf)',
  )
  check({ type: 'object', additionalProperties: false }, { a: 1 }, 'spec.f: Invalid value: "a": spec.f.a in body is a forbidden property')
  check({ type: 'object', additionalProperties: false }, {})
  check({ type: 'number', enum: [1, 2.5] }, 1.5)
  check({ type: 'number', enum: [1, 2.5] }, 3.5, 'spec.f: Unsupported value: 3.5: supported values: "1", "2.5"')
  check({ ...text, maxLength: 1 }, 'ab', 'spec.f: Too long: may not be more than 1 byte')
  check({ type: 'array', maxItems: 1, items: text }, ['a', 'b'], 'spec.f: Too many: 2: must have at most 1 item')
  check({ ...text, enum: ['a', 'b'] }, 'c', 'spec.f: Unsupported value: "c": supported values: "a", "b"')
  check({ ...text, pattern: '^[a-z]+$' }, 'A', `spec.f: Invalid value: "A": spec.f in body should match '^[a-z]+$'`)
  check({ ...text, pattern: '(?i)^[a-z]+$' }, 'A')
  check({ ...text, minLength: 2 }, 'a', 'spec.f: Invalid value: "a": spec.f in body should be at least 2 chars long')
  check({ ...text, maxLength: 2 }, '😀😀')
  check({ ...text, maxLength: 2 }, 'abc', 'spec.f: Too long: may not be more than 2 bytes')
  check({ ...whole, maximum: 10 }, 11, 'spec.f: Invalid value: 11: spec.f in body should be less than or equal to 10')
  check({ ...whole, minimum: 1, exclusiveMinimum: true }, 1, 'spec.f: Invalid value: 1: spec.f in body should be greater than 1')
  check({ type: 'number', multipleOf: 0.1 }, 0.3)
  check({ ...whole, multipleOf: 5 }, 7, 'spec.f: Invalid value: 7: spec.f in body should be a multiple of 5')
  const list: JsonSchema = { type: 'array', items: text }
  check({ ...list, minItems: 1 }, [], 'spec.f: Invalid value: 0: spec.f in body should have at least 1 items')
  check({ ...list, maxItems: 1 }, ['a', 'b'], 'spec.f: Too many: 2: must have at most 1 item')
  check(list, ['a', 1], 'spec.f[1]: Invalid value: "integer": spec.f[1] in body must be of type string: "integer"')
  check({ ...list, 'x-kubernetes-list-type': 'set' }, ['a', 'b', 'a'], 'spec.f[2]: Duplicate value: "a"')
  const keyed: JsonSchema = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: object({ name: text, v: whole }),
  }
  check(keyed, [{ name: 'a' }, { name: 'b' }, { name: 'a', v: 2 }], 'spec.f[2]: Duplicate value: {"name":"a"}')
  check(object({ a: text }, { required: ['a', 'b'] }), { a: 'x' }, 'spec.f.b: Required value')
  check(
    { type: 'object', additionalProperties: whole },
    { k: 'v' },
    'spec.f.k: Invalid value: "string": spec.f.k in body must be of type integer: "string"',
  )
  check({ type: 'object', maxProperties: 1 }, { a: 1, b: 2 }, 'spec.f: Too many: 2: must have at most 1 item')
  const a = { required: ['a'] }
  const b = { required: ['b'] }
  check({ type: 'object', oneOf: [a, b] }, { a: 1 })
  check(
    { type: 'object', oneOf: [a, b] },
    { a: 1, b: 1 },
    '<nil>: Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  )
  check(
    { type: 'object', anyOf: [a, b] },
    {},
    '<nil>: Invalid value: "": "spec.f" must validate at least one schema (anyOf)',
    'spec.f.a: Required value',
  )
  check({ type: 'object', not: a }, { a: 1 }, '<nil>: Invalid value: "": "spec.f" must not validate the schema (not)')
  check(
    { type: 'object', allOf: [a, b] },
    { a: 1 },
    'spec.f.b: Required value',
    '<nil>: Invalid value: "": "spec.f" must validate all the schemas (allOf)',
  )
  const embedded: JsonSchema = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }
  check(embedded, { apiVersion: 'v1', kind: 'Pod' })
  check(embedded, { kind: 'Pod' }, 'spec.f.apiVersion: Required value')
})

test('formats promise what they say', () => {
  const check = (format: string, good: readonly string[], bad: readonly string[]) => {
    const validate = compileValidator(object({ f: { ...text, format } }))
    for (const f of good) assert.deepEqual(shown(validate({ f })), [], `${format} ${f}`)
    for (const f of bad)
      assert.deepEqual(shown(validate({ f })), [
        `f: Invalid value: ${JSON.stringify(f)}: f in body must be of type ${format}: ${JSON.stringify(f)}`,
      ])
  }
  check('date-time', ['2026-01-31T10:00:00Z', '2026-01-31T10:00:00.5+02:00'], ['2026-02-31T10:00:00Z', 'now', '2026-01-31'])
  check('date', ['2026-01-31'], ['2026-13-01', '20260131'])
  check('ipv4', ['10.0.0.1'], ['10.0.0.256', '::1'])
  check('ipv6', ['::1'], ['10.0.0.1'])
  check('cidr', ['10.0.0.0/8', 'fd00::/64'], ['10.0.0.0', '10.0.0.0/33'])
  check('uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567'])
  check('byte', ['YQ=='], ['', 'Y', '***='])
  check('email', ['a@b.example'], ['a.example', 'a b@c'])
  check('hostname', ['a.example'], ['-a', 'a..b'])
  check('duration', ['1h30m', '5 minutes'], ['soon'])
  check('uri', ['https://a.example/b', '/path'], ['nothing', 'a b'])
  check('mac', ['00:00:5e:00:53:01'], ['00:00:5e'])
  check('k8s-short-name', ['a-b'], ['A', 'a.b'])
  check('unheard-of', ['anything'], [])
})

test('what an update leaves as it was is not judged again', () => {
  const schema = object({
    a: { ...text, maxLength: 1 },
    list: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: object({ k: text, v: { ...whole, maximum: 1 } }),
    },
    plain: { type: 'array', items: { ...text, maxLength: 1 } },
  })
  const check = (old: object, value: object, ...expected: string[]) =>
    assert.deepEqual(
      compileValidator(schema)(value, old).map((e) => e.field),
      expected,
    )
  check({ a: 'long' }, { a: 'long', plain: ['x'] })
  check({ a: 'long' }, { a: 'longer' }, 'a')
  check(
    { list: [{ k: 'x', v: 5 }] },
    {
      list: [
        { k: 'y', v: 1 },
        { k: 'x', v: 5 },
      ],
    },
  )
  check({ list: [{ k: 'x', v: 5 }] }, { list: [{ k: 'y', v: 5 }] }, 'list[0].v')
  check({ plain: ['long'] }, { plain: ['long', 'b'] }, 'plain[0]')
})

test('unknown fields are dropped, and shared structure is kept', () => {
  const schema = object({
    spec: object({
      known: text,
      open: { type: 'object', properties: { inner: object({ a: text }) }, 'x-kubernetes-preserve-unknown-fields': true },
    }),
    map: { type: 'object', additionalProperties: object({ a: text }) },
    list: { type: 'array', items: object({ a: text }) },
    closed: { type: 'object', additionalProperties: false },
  })
  const check = (value: object, expected: object, ...notes: string[]) => {
    const noted: string[] = []
    const result = pruned(schema, value, { isResource: true, note: (path) => noted.push(path) })
    assert.deepEqual(result, expected)
    assert.deepEqual(noted, notes)
    if (notes.length === 0) assert.equal(result, value)
  }
  check(
    { apiVersion: 'v', kind: 'K', metadata: { x: 1 }, spec: { known: 'a' } },
    { apiVersion: 'v', kind: 'K', metadata: { x: 1 }, spec: { known: 'a' } },
  )
  check({ spec: { known: 'a', other: 1 }, more: 1 }, { spec: { known: 'a' } }, 'spec.other', 'more')
  check(
    { spec: { open: { any: { b: 1 }, inner: { a: '', b: 1 } } } },
    { spec: { open: { any: { b: 1 }, inner: { a: '' } } } },
    'spec.open.inner.b',
  )
  check({ closed: { k: { a: '' } } }, { closed: { k: {} } }, 'closed.k.a')
  check(
    { map: { k: { a: '', b: 1 } }, list: [{ a: '' }, { b: 1 }] },
    { map: { k: { a: '' } }, list: [{ a: '' }, {}] },
    'map.k.b',
    'list[1].b',
  )
})

test('defaults fill what is absent, and nulls that may not be', () => {
  const schema = object({
    a: { ...text, default: 'x' },
    b: { ...text, nullable: true, default: 'x' },
    c: text,
    d: object({ e: { ...whole, default: 1 } }, { default: {} }),
    list: { type: 'array', items: object({ a: { ...text, default: 'i' } }) },
  })
  const check = (value: object, expected: object) => assert.deepEqual(withoutNulls(schema, defaulted(schema, value)), expected)
  const rest = { a: 'x', b: 'x', d: { e: 1 } }
  check({}, rest)
  check({ a: null, b: null, c: null }, { ...rest, b: null })
  check({ a: 'y', d: { e: 2 }, list: [{}, { a: 'z' }] }, { ...rest, a: 'y', d: { e: 2 }, list: [{ a: 'i' }, { a: 'z' }] })
  const complete = { ...rest }
  assert.equal(defaulted(schema, complete), complete)
})

test('a schema that is not structural is refused with its place', () => {
  const check = (schema: JsonSchema, ...expected: string[]) => assert.deepEqual(shown(validateStructuralSchema(schema, 'p')), expected)
  check(object({ a: text }))
  check({}, 'p.type: Required value: must not be empty at the root')
  check(text, 'p.type: Invalid value: "string": must be object at the root')
  check(object({ a: {} }), 'p.properties[a].type: Required value: must not be empty for specified object fields')
  check(
    object({ a: { type: 'array', items: {} } }),
    'p.properties[a].items.type: Required value: must not be empty for specified array items',
  )
  check(
    object({ a: object({}) }, { anyOf: [{ properties: { a: { properties: { b: {} } } } }] }),
    'p.properties[a].properties[b]: Required value: because it is defined in p.anyOf[0].properties[a].properties[b]',
  )
  // Upstream asks this of the root alone.
  check(object({ a: { type: 'object', anyOf: [{ properties: { b: {} } }] } }))
  check(object({ a: { ...text, anyOf: [{ type: 'string' }] } }), 'p.properties[a].anyOf[0].type: Forbidden: must be empty to be structural')
  check(object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } }))
  check(
    object({ a: { type: 'array', items: text, uniqueItems: true } }),
    'p.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
  )
  check(
    object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: object({ k: text }) } }),
    'p.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
  )
  check(
    object({ a: { ...text, default: 1 } }),
    'p.properties[a].default: Invalid value: "integer":  in body must be of type string: "integer"',
  )
  check(
    object({ a: object({ b: text }, { default: { c: 1 } }) }),
    'p.properties[a].default: Invalid value: {"c":1}: must not have unknown fields',
  )
  check(object({ a: { type: 'object', additionalProperties: object({ b: { ...text, default: 1 } }) } }))
  check(object({ a: { type: 'array', items: text, 'x-kubernetes-list-type': 'set', default: ['x', 'x'] } }))
  const resource: JsonSchema = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }
  check(
    object({ a: { ...resource, default: { kind: 'K' } }, b: object({ c: resource }, { default: { c: { apiVersion: 'v1' } } }) }),
    'p.properties[a].default.apiVersion: Required value',
    'p.properties[b].default.c.kind: Required value',
  )
  check(
    object({ metadata: object({ labels: { type: 'object', additionalProperties: text } }) }),
    'p.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
  )
  check(object({ a: { $ref: '#/x', type: 'object' } }), 'p.properties[a].$ref: Forbidden: $ref is not supported')
  check(object({ a: { $schema: 's', ...text } }), `p: Invalid value: "": OpenAPIV3Schema 'schema' is not supported`)
  check(object({ a: { $schema: 's', id: 'i', ...text } }), 'p.properties[a].id: Forbidden: id is not supported')
  check(
    object({ a: { ...text, pattern: '(' } }),
    'p.properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ): `(`',
  )
})

test('JSON paths find what printer columns ask for', () => {
  const value = {
    metadata: { annotations: { 'a.b/c': 'dotted' } },
    spec: {
      list: [
        { name: 'x', n: 1 },
        { name: 'y', n: 2 },
      ],
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Old', status: 'False' },
      ],
    },
  }
  const check = (path: string, ...expected: unknown[]) => assert.deepEqual(parseJsonPath(path).find(value), expected, path)
  check('.spec.list[0].name', 'x')
  check('.spec.list[-1].name', 'y')
  check('.spec.list[*].n', 1, 2)
  check('.spec.list[-1:].n', 2)
  check('.status.conditions[?(@.type=="Ready")].status', 'True')
  check(".status.conditions[?(@.type=='None')].status")
  check('.spec.list[?(@.n>1)].name', 'y')
  check('.metadata.annotations.a\\.b/c', 'dotted')
  check(".metadata.annotations['a.b/c']", 'dotted')
  check('..n', 1, 2)
  check('.spec.nothing.here')
  assert.deepEqual(parseJsonPath('.spec.list').fields, ['spec', 'list'])
  assert.equal(parseJsonPath('.spec.list[0]').fields, undefined)
  for (const bad of ['.a[', '.a b', '.a[x]', '.a[?(b==1)]']) assert.throws(() => parseJsonPath(bad), SyntaxError, bad)
})
