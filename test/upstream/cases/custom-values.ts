/** Custom objects: which values their schema takes, and what is said of the others. */
import { ofSpec, serving, specs, version } from '../custom-objects.ts'
import type { Case } from '../upstream-case.ts'

const text = { type: 'string' }
const junctors = {
  any: { type: 'object', properties: { a: text, b: text }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
  one: { type: 'object', properties: { a: text, b: text }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
  all: { ...text, allOf: [{ minLength: 3 }, { pattern: '^a' }] },
  not: { ...text, not: { pattern: '^a' } },
  either: { ...text, anyOf: [{ enum: ['auto'] }, { pattern: '^[0-9]+$' }, { minLength: 20 }] },
  nested: { type: 'object', properties: { a: { ...text, oneOf: [{ pattern: '^x' }, { pattern: 'y$' }] } } },
}
const fields = {
  string: text,
  short: { type: 'string', minLength: 2, maxLength: 4 },
  matched: { type: 'string', pattern: '^[a-z]+$' },
  escaped: { type: 'string', pattern: '^\\d{2}"\\.$' },
  bounded: { type: 'string', minLength: 3, pattern: '^a', enum: ['abc', 'abd'] },
  chosen: { type: 'string', enum: ['a', 'b', ''] },
  number: { type: 'number' },
  numbered: { type: 'number', minimum: 0.5, maximum: 10, multipleOf: 0.5 },
  float: { type: 'number', format: 'float' },
  integer: { type: 'integer' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  counted: { type: 'integer', minimum: 1, maximum: 5 },
  between: { type: 'integer', minimum: 1, exclusiveMinimum: true, maximum: 5, exclusiveMaximum: true },
  dozens: { type: 'integer', multipleOf: 12 },
  chosenNumber: { type: 'integer', enum: [1, 2] },
  flag: { type: 'boolean' },
  object: {
    type: 'object',
    required: ['a', 'b'],
    properties: { a: text, b: { type: 'object', required: ['c'], properties: { c: text } } },
  },
  map: { type: 'object', additionalProperties: { type: 'integer', minimum: 1 }, minProperties: 1, maxProperties: 2 },
  any: { type: 'object', additionalProperties: true, minProperties: 1 },
  list: { type: 'array', items: { type: 'string', minLength: 2 }, minItems: 1, maxItems: 2 },
  lists: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
  set: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
  numbers: { type: 'array', items: { type: 'integer' }, 'x-kubernetes-list-type': 'set' },
  keyed: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name', 'port'],
    items: { type: 'object', required: ['name'], properties: { name: text, port: { type: 'integer', default: 80 } } },
  },
  either: { 'x-kubernetes-int-or-string': true },
  eitherBounded: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^[0-9]+%$', maximum: 9 },
  free: { 'x-kubernetes-preserve-unknown-fields': true },
  nullable: { type: 'string', nullable: true, minLength: 2 },
  nullableChosen: { type: 'string', nullable: true, enum: ['a'] },
  nullableObject: { type: 'object', nullable: true, properties: { a: text }, required: ['a'] },
  junctors: { type: 'object', properties: junctors },
}

export const given = serving('values', [version(ofSpec(fields))])

const of = (field: keyof typeof fields, all: Readonly<Record<string, unknown>>): Case[] =>
  specs('values', Object.fromEntries(Object.entries(all).map(([title, value]) => [`${field}: ${title}`, { [field]: value }])))
const ofJunctor = (field: keyof typeof junctors, all: Readonly<Record<string, unknown>>): Case[] =>
  specs(
    'values',
    Object.fromEntries(Object.entries(all).map(([title, value]) => [`junctors, ${field}: ${title}`, { junctors: { [field]: value } }])),
  )

const wrong = { 'a text': 'x', 'a number': 1, 'a fraction': 1.5, 'a truth': true, 'a list': ['x'], 'an object': { x: 1 }, null: null }
const { 'a text': _text, ...noTexts } = wrong
const { 'a number': _number, ...noNumbers } = wrong
const { 'a truth': _truth, ...noTruths } = wrong
const { 'a list': _list, ...noLists } = wrong
const { 'an object': _object, ...noObjects } = wrong

const scalars = [
  ...of('string', noTexts),
  ...of('number', { ...noNumbers, 'a whole one': 3, 'with an exponent': 1e3 }),
  ...of('integer', { ...noNumbers, 'one written as a fraction': 2.0, large: 9007199254740991, negative: -1 }),
  ...of('flag', noTruths),
  ...of('short', { 'too short': 'a', 'too long': 'abcde', 'of other signs': 'äöüß', 'of large signs': '😀😀😀😀😀' }),
  ...of('matched', { 'does not match': 'A1', empty: '' }),
  ...of('escaped', { 'does not match': '1', matches: '12".' }),
  ...of('bounded', { 'several things wrong': 'x', 'two things wrong': 'xyz', 'not chosen': 'abe' }),
  ...of('chosen', { none: 'c', 'an empty one': '', 'a number': 1, null: null }),
  ...of('numbered', { 'too small': 0, 'too large': 10.5, 'between steps': 1.2, fits: 1.5 }),
  ...of('float', { 'too large': 1e39, fits: 1.5 }),
  ...of('int32', { 'too large': 2147483648, 'too small': -2147483649, fits: 2147483647 }),
  ...of('int64', { fits: 1 }),
  ...of('counted', { 'too small': 0, 'too large': 6, fits: 5 }),
  ...of('between', { 'at the lower bound': 1, 'at the upper bound': 5, fits: 2 }),
  ...of('dozens', { 'between steps': 13, fits: 24 }),
  ...of('chosenNumber', { none: 3, 'a text': '1', fits: 2 }),
]

const composites = [
  ...of('object', {
    ...noObjects,
    empty: {},
    'one field missing': { b: { c: 'c' } },
    'a field below missing': { a: 'a', b: {} },
    'a required one that is null': { a: null, b: { c: 'c' } },
    'a field of another type': { a: 1, b: { c: 'c' } },
  }),
  ...of('map', {
    ...noObjects,
    empty: {},
    'too many': { a: 1, b: 2, c: 3 },
    'a value too small': { a: 0 },
    'a value of another type': { a: 'a' },
  }),
  ...of('any', { empty: {}, fits: { a: 1, b: [{ c: null }] } }),
  ...of('list', {
    ...noLists,
    empty: [],
    'too many': ['aa', 'bb', 'cc'],
    'an item too short': ['aa', 'b'],
    'an item of another type': ['aa', 1],
  }),
  ...of('lists', { 'an item of another type': [[1], ['a', 2]], 'no list in it': [1] }),
  ...of('set', { twice: ['a', 'b', 'a'], 'three times': ['a', 'a', 'a'] }),
  ...of('numbers', { twice: [1, 2, 1] }),
  ...of('keyed', {
    twice: [{ name: 'a' }, { name: 'a', port: 80 }],
    'by one key': [
      { name: 'a', port: 1 },
      { name: 'a', port: 2 },
    ],
    'without its key': [{ port: 1 }],
    'null for a key': [{ name: 'a', port: null }],
  }),
  ...of('either', { 'a text': 'x', 'a number': 1, 'a fraction': 1.5, 'a truth': true, null: null }),
  ...of('eitherBounded', { 'a text': 'x', 'a share': '50%', 'a number': 10, fits: 9, 'a truth': true }),
  ...of('free', { 'a text': 'x', 'an object': { a: { b: null } }, null: null, 'a list': [1, 'a'] }),
  ...of('nullable', { null: null, 'too short': 'a' }),
  ...of('nullableChosen', { null: null }),
  ...of('nullableObject', { null: null, empty: {} }),
]

const ofJunctors = [
  ...ofJunctor('any', { none: {}, one: { b: 'b' }, both: { a: 'a', b: 'b' } }),
  ...ofJunctor('one', { none: {}, one: { b: 'b' }, both: { a: 'a', b: 'b' } }),
  ...ofJunctor('all', { none: 'b', one: 'bbb', other: 'a', both: 'aaa' }),
  ...ofJunctor('not', { it: 'a', other: 'b' }),
  ...ofJunctor('either', { none: 'x', first: 'auto', second: '12' }),
  ...ofJunctor('nested', { none: { a: 'a' }, both: { a: 'xy' }, one: { a: 'x' }, 'another type': { a: 1 } }),
]

const roots = specs('values', {
  'no spec': undefined,
  'a spec that is null': null,
  'a spec that is a text': 'x',
  'a spec that is a list': [],
})

export const cases: readonly Case[] = [...scalars, ...composites, ...ofJunctors, ...roots]
