import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonSchema } from './json-schema.ts'
import { validateRules } from './rule-validation.ts'
import { compileRuleValidator, type Rule } from './rules.ts'

const object = (properties: Record<string, JsonSchema>, ...rules: Rule[]): JsonSchema => ({
  type: 'object',
  properties,
  ...(rules.length > 0 ? { 'x-kubernetes-validations': rules } : {}),
})
const ruled = (schema: JsonSchema, ...rules: Rule[]): JsonSchema => ({ ...schema, 'x-kubernetes-validations': rules })
const int: JsonSchema = { type: 'integer' }
const text: JsonSchema = { type: 'string', maxLength: 20 }

function check(schema: JsonSchema, [value, old]: readonly [unknown, unknown?], expected: readonly string[]): void {
  const { errors } = compileRuleValidator(object({ spec: schema }))!({ spec: value }, old === undefined ? undefined : { spec: old })
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message}`),
    expected,
  )
}

const positive = ruled(int, { rule: 'self > 0', message: 'must be positive' })

test('a rule judges the value of its schema', () => {
  check(positive, [1], [])
  check(positive, [0], ['spec: Invalid value: 0: must be positive'])
  check(ruled(int, { rule: 'self > 0' }), [0], ['spec: Invalid value: 0: failed rule: self > 0'])
  check(object({ a: int, b: int }, { rule: 'self.a < self.b' }), [{ a: 1, b: 1 }], ['spec: Invalid value: failed rule: self.a < self.b'])
  check(
    object({ a: int }, { rule: 'self.a / 0 == 1' }),
    [{ a: 1 }],
    ['spec: Invalid value: "object": division by zero evaluating rule: self.a / 0 == 1'],
  )
  check({ 'x-kubernetes-int-or-string': true, 'x-kubernetes-validations': [{ rule: 'type(self) == string || self > 0' }] }, ['x'], [])
  check(object({ 'a.b-c': int }, { rule: 'self.a__dot__b__dash__c == 1' }), [{ 'a.b-c': 1 }], [])
})

test('a field that is null is absent to a rule; keys of maps and items of lists that are null are there', () => {
  const maybe: JsonSchema = { ...int, nullable: true }
  const holder = (...rules: Rule[]) =>
    object({ a: maybe, map: { type: 'object', additionalProperties: maybe }, list: { type: 'array', items: maybe } }, ...rules)
  const value = { a: null, map: { k: null }, list: [null] }
  const truths = ['!has(self.a)', '!self.?a.hasValue()', "'k' in self.map", 'self.map.size() == 1', 'self.list.size() == 1']
  for (const rule of truths) check(holder({ rule }), [value], [])
  check(holder({ rule: 'self.a > 0' }), [value], ['spec: Invalid value: "object": no such key: a evaluating rule: self.a > 0'])
})

test('reasons, paths and messages of a rule are its own', () => {
  const rule: Rule = { rule: 'false', reason: 'FieldValueDuplicate', fieldPath: '.a', messageExpression: '"got " + string(self.a)' }
  check(object({ a: int }, rule), [{ a: 7 }], ['spec.a: Duplicate value'])
  check(object({ a: int }, { rule: 'false', message: 'no', messageExpression: '"a\\nb"' }), [{ a: 7 }], ['spec: Invalid value: no'])
})

test('a rule about oldSelf is run where the old value is known', () => {
  const fixed = ruled(int, { rule: 'self == oldSelf', message: 'fixed' })
  check(fixed, [1], [])
  check(fixed, [1, 2], ['spec: Invalid value: 1: fixed'])
  check(
    ruled(int, { rule: 'oldSelf.hasValue() || self == 1', optionalOldSelf: true }),
    [2],
    ['spec: Invalid value: 2: failed rule: oldSelf.hasValue() || self == 1'],
  )
  const list: JsonSchema = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: object({ k: text, v: fixed }),
  }
  check(
    list,
    [
      [
        { k: 'b', v: 2 },
        { k: 'a', v: 3 },
      ],
      [
        { k: 'a', v: 1 },
        { k: 'b', v: 2 },
      ],
    ],
    ['spec[1].v: Invalid value: 3: fixed'],
  )
  check({ type: 'object', additionalProperties: fixed }, [{ x: 1, y: 2 }, { x: 2 }], ['spec[x]: Invalid value: 1: fixed'])
})

test('everything that the JSON holds counts when objects are compared, also what no schema declares', () => {
  const fixed = { rule: 'self == oldSelf', message: 'fixed' }
  const open: JsonSchema = { 'x-kubernetes-preserve-unknown-fields': true }
  const changes = (schema: JsonSchema, value: unknown, old: unknown) =>
    assert.deepEqual(
      compileRuleValidator(object({ spec: ruled(schema, fixed) }))!({ spec: value }, { spec: old }).errors.map(({ message }) => message),
      ['Invalid value: fixed'],
    )
  const keeper = { ...object({ a: { ...text, nullable: true }, v: open }), ...open }
  check(
    ruled(keeper, fixed),
    [
      { a: 'x', u: { q: [1] }, v: 1 },
      { u: { q: [1] }, v: 1, a: 'x' },
    ],
    [],
  )
  changes(keeper, { a: 'x', u: 2 }, { a: 'x', u: 1 })
  changes(keeper, { a: 'x', u: 2 }, { a: 'x' })
  changes(keeper, { a: 'x' }, { a: 'x', u: null })
  changes(keeper, { a: 'x', v: 2 }, { a: 'x', v: 1 })
  changes(keeper, { a: null, v: 1 }, { v: 1 })
  const resource: JsonSchema = { type: 'object', 'x-kubernetes-embedded-resource': true, ...open }
  const labelled = (value: string) => ({ apiVersion: 'v1', kind: 'K', metadata: { name: 'a', labels: { x: value } } })
  check(ruled(resource, fixed), [labelled('y'), labelled('y')], [])
  changes(resource, labelled('y'), labelled('z'))
  const items: JsonSchema = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: object({ k: text, v: open }),
  }
  check(
    ruled(items, fixed),
    [
      [{ k: 'b' }, { k: 'a', v: 1 }],
      [{ k: 'a', v: 1 }, { k: 'b' }],
    ],
    [],
  )
  changes(items, [{ k: 'a', v: 2 }], [{ k: 'a', v: 1 }])
})

test('what an update leaves as it was is not judged again', () => {
  const schema = object({ a: positive, list: { type: 'array', items: positive } })
  check(
    schema,
    [
      { a: 0, list: [0] },
      { a: 0, list: [0] },
    ],
    [],
  )
  check(
    schema,
    [
      { a: 0, list: [0, 1] },
      { a: 0, list: [0] },
    ],
    ['spec.list[0]: Invalid value: 0: must be positive'],
  )
})

test('a value that is not of its type any more, and is kept, stops nobody', () => {
  check(ruled({ type: 'string' }, { rule: 'self.size() > 3' }), [7, 7], [])
  check(ruled({ type: 'string', format: 'duration' }, { rule: "self > duration('1h')" }), ['3 days'], [])
})

test('nothing runs behind an exhausted budget', () => {
  const slow: Rule = { rule: 'self.all(a, self.all(b, self.all(c, a + b + c > 0)))' }
  const schema: JsonSchema = { type: 'array', items: int, 'x-kubernetes-validations': [slow, { rule: 'false' }] }
  const start = performance.now()
  check(
    schema,
    [Array.from({ length: 1_000 }, () => 1)],
    [
      `spec: Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${slow.rule}`,
    ],
  )
  assert.ok(performance.now() - start < 10_000)
})

function refuses(schema: JsonSchema, expected: readonly RegExp[], options: { readonly isKnown?: boolean } = {}): void {
  const errors = validateRules(schema, 'schema', options).map(({ field, message }) => `${field}: ${message}`)
  assert.equal(errors.length, expected.length, errors.join('\n'))
  for (const [i, pattern] of expected.entries()) assert.match(errors[i]!, pattern)
}

test('refuses rules that are none, or cannot be run, or may cost too much', () => {
  const root = (schema: JsonSchema, ...rules: Rule[]) => object({ f: ruled(schema, ...rules) })
  const at = 'schema\\.properties\\[f\\]\\.x-kubernetes-validations\\[0\\]'
  refuses(root(int, { rule: 'self > 0' }), [])
  refuses(root(int, { rule: ' ' }), [new RegExp(`${at}\\.rule: Required value: rule is not specified`)])
  refuses(root(int, { rule: 'self' }), [/cel expression must evaluate to a bool/])
  refuses(root(int, { rule: 'self.x' }), [/compilation failed: ERROR: <input>:1:5: type 'int' does not support field selection/])
  refuses(root(int, { rule: 'true', messageExpression: '1' }), [/messageExpression: .*messageExpression must evaluate to a string/])
  refuses(root(int, { rule: 'true', message: 'a\nb' }), [/message: Invalid value: .*must not contain line breaks/])
  refuses(root(int, { rule: 'true\n', message: '' }), [])
  refuses(root(int, { rule: 'true ||\ntrue' }), [/message: Required value: message must be specified if rule contains line breaks/])
  refuses(root(object({ a: int }), { rule: 'true', fieldPath: '.b' }), [/fieldPath: Invalid value: ".b": must be a valid path/])
  refuses(root(int, { rule: 'true', optionalOldSelf: true }), [/optionalOldSelf: .*may not be set if oldSelf is not used in rule/])
  refuses(root({ type: 'array', maxItems: 3, items: ruled(int, { rule: 'self == oldSelf' }) }), [
    /items.*rule: .*oldSelf cannot be used on the uncorrelatable portion of the schema within schema\.properties\[f\]/,
  ])
  const unboundedList: JsonSchema = { type: 'array', items: { type: 'string' } }
  refuses(root(unboundedList, { rule: 'self.all(a, self.all(b, a != b))' }), [
    /rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x \(try simplifying the rule, or adding maxItems/,
    /contributed to estimated rule cost total exceeding cost limit/,
    /^schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget/,
  ])
  const dear = root({ type: 'array', maxItems: 1000, items: { ...text, maxLength: 50 } }, { rule: 'self.all(a, self.all(b, a != b))' })
  refuses(dear, [/rule: Forbidden: estimated rule cost exceeds budget by factor of/])
  refuses(dear, [], { isKnown: true })
  refuses(root({ type: 'array', maxItems: 10, items: text }, { rule: 'self.all(a, self.all(b, a != b))' }), [])
})

test('refuses rules where values have no declared type', () => {
  const rule = { rule: 'true' }
  const open: JsonSchema = { 'x-kubernetes-preserve-unknown-fields': true }
  const problem = [
    /^schema\.properties\[a\]\.x-kubernetes-validations: Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations$/,
  ]
  for (const schema of [open, { type: 'array', items: open }, { type: 'object', additionalProperties: open }] as const)
    refuses(object({ a: ruled(schema, rule) }), problem)
  refuses(object({ a: ruled({ type: 'object', properties: { b: open } }, rule) }), [])
  refuses(object({ a: ruled({ type: 'object', ...open }, rule) }), [])
})

test('estimates what comparisons cost as upstream does', () => {
  const estimated = (items: JsonSchema, rule: string) => {
    const list: JsonSchema = { type: 'array', maxItems: 50_000_000, items }
    const [first] = validateRules(object({ a: ruled(list, { rule }) }), 'schema')
    return /factor of (\S+)x/.exec(first!.message)?.[1]
  }
  for (const [items, rule, factor] of [
    [int, 'self.all(x, x > 1)', '25.0'],
    [int, 'self.all(x, x == 1)', '20.0'],
    [int, 'self.all(x, x != 1)', '20.0'],
    [int, 'self.all(x, x == 1 || x == 2)', '25.0'],
    [int, 'self.exists(x, x > 1)', '30.0'],
    [int, 'self.exists(x, x == self[0])', '35.0'],
    [{ type: 'boolean' }, 'self.all(x, x == true)', '20.0'],
    [{ type: 'number' }, 'self.all(x, x == 1.0)', '20.0'],
    [{ type: 'string', maxLength: 5 }, "self.all(x, x == 'a')", '25.0'],
    [{ 'x-kubernetes-int-or-string': true }, 'self.all(x, x == 1)', '25.0'],
    [{ type: 'string', maxLength: 9 }, 'self.all(x, isURL(x))', '25.0'],
  ] as const)
    assert.equal(estimated(items, rule), factor, rule)
})

test('takes the rules of well-known definitions, whose objects and keys have no bound', () => {
  const selector = object({ matchLabels: { type: 'object', additionalProperties: text } })
  const immutable = { rule: 'self == oldSelf', message: '.spec.selector is immutable' }
  refuses(object({ selector: ruled(selector, immutable) }), [])
  const rule = 'self.all(key, key.matches(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9]$"))'
  const annotations: JsonSchema = { type: 'object', maxProperties: 8, additionalProperties: text }
  refuses(object({ annotations: ruled(annotations, { rule }, { rule: 'self.all(key, key.split("/")[0].size() < 253)' }) }), [])
})

test('refuses defaults that break the rules, where they appear and where they stand', () => {
  const withDefault = (value: unknown, ...rules: Rule[]) => object({ f: { ...ruled(int, ...rules), default: value } })
  refuses(withDefault(3, { rule: 'self > 2' }), [])
  refuses(withDefault(1, { rule: 'self > 2', message: 'too small' }), [/^schema\.properties\[f\]\.default: Invalid value: 1: too small$/])
  refuses(withDefault(1, { rule: 'oldSelf.hasValue()', optionalOldSelf: true }), [
    /default: Invalid value: 1: failed rule: oldSelf\.hasValue\(\)/,
  ])
  refuses(withDefault(1, { rule: 'self != oldSelf' }), [/default: Invalid value: 1: failed rule: self != oldSelf/])
})
