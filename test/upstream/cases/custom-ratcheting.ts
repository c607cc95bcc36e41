/** Custom objects: what an update leaves as it was is not judged again when the schema has become stricter. */
import { definitions, objectOf, objectsOf, ofSpec, version } from '../custom-objects.ts'
import { type Case, create, patch, read, type Request } from '../upstream-case.ts'

const group = 'ratcheting.upstream.example.com'
const definition = `${definitions}/tests.${group}`
const names = { plural: 'tests', singular: 'test', kind: 'Test', listKind: 'TestList' }
const text = { type: 'string' }
const keyed = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] }
const kept = { 'x-kubernetes-preserve-unknown-fields': true }

/** Takes everything that the cases store. */
const loose = ofSpec({
  a: text,
  b: text,
  object: { type: 'object', properties: { x: text, y: text } },
  list: { type: 'array', items: text },
  set: { type: 'array', items: text },
  keyed: { ...keyed, items: { type: 'object', required: ['k'], properties: { k: text, v: { type: 'integer' } } } },
  map: { type: 'object', additionalProperties: text },
  open: kept,
})

const rules = (...all: object[]) => ({ 'x-kubernetes-validations': all })
const strict = ofSpec(
  {
    a: { ...text, maxLength: 3, ...rules({ rule: 'self.startsWith("a")' }) },
    b: { ...text, enum: ['b'] },
    object: {
      type: 'object',
      required: ['x', 'y'],
      properties: { x: { ...text, maxLength: 3 }, y: { ...text, maxLength: 3 } },
      ...rules({ rule: '!has(self.x) || self.x != "old"', message: 'x is old' }),
    },
    list: { type: 'array', maxItems: 2, items: { ...text, maxLength: 3, ...rules({ rule: 'self != "old"' }) } },
    set: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    keyed: {
      ...keyed,
      maxItems: 9,
      items: {
        type: 'object',
        required: ['k'],
        properties: { k: text, v: { type: 'integer', maximum: 5, ...rules({ rule: 'self != 3' }) } },
      },
    },
    map: { type: 'object', maxProperties: 9, additionalProperties: { ...text, maxLength: 3, ...rules({ rule: 'self != "old"' }) } },
    open: { type: 'object', ...kept },
  },
  rules({ rule: '!has(self.spec.b) || self.spec.b != "never"', message: 'never b' }),
)

const withSchema = (schema: object): Request => patch('merge', definition, { spec: { versions: [version(schema)] } })
/** A label that only the stricter schema lets change tells when it is served: its probe is refused. */
const probe = objectOf('ratcheting', { a: 'far too long' }, { metadata: { name: 'probe' } })
const dry = `${objectsOf('ratcheting')}?dryRun=All`

export const given = [
  {
    ...create(definitions, {
      metadata: { name: `tests.${group}` },
      spec: { group, scope: 'Namespaced', names, versions: [version(loose)] },
    }),
    until: 201,
  },
  { ...read(objectsOf('ratcheting')), until: 200 },
]

const path = `${objectsOf('ratcheting')}/o`
const changed = (name: string, before: object, change: object, more: object = {}): Case => ({
  name,
  given: [
    withSchema(loose),
    { ...create(dry, probe), until: 201 },
    create(objectsOf('ratcheting'), objectOf('ratcheting', before)),
    withSchema(strict),
    { ...create(dry, probe), until: 422 },
  ],
  steps: [patch('merge', path, { spec: change, ...more })],
})

const label = { metadata: { labels: { changed: 'true' } } }

export const cases: readonly Case[] = [
  changed('a text that is too long stays', { a: 'along' }, { open: { x: 1 } }),
  changed('a text that is too long changes', { a: 'along' }, { a: 'alonger' }),
  changed('a text that breaks a rule stays', { a: 'b' }, {}, label),
  changed('a text that breaks a rule changes', { a: 'b' }, { a: 'c' }),
  changed('a value that is not chosen stays', { b: 'x' }, { a: 'a' }),
  changed('a value that is not chosen changes', { b: 'x' }, { b: 'y' }),
  changed('fields that are missing stay away', { object: { x: 'x' } }, { a: 'a' }),
  changed('fields that are missing, and another changes', { object: { x: 'x' } }, { object: { x: 'z' } }),
  changed('a field beside one that is too long changes', { object: { x: 'longer', y: 'y' } }, { object: { y: 'z' } }),
  changed('an object that breaks a rule changes elsewhere', { object: { x: 'old', y: 'y' } }, { object: { y: 'z' } }),
  changed('an object that breaks a rule stays', { object: { x: 'old', y: 'y' } }, { a: 'a' }),
  changed('a list that is too long stays', { list: ['a', 'b', 'c'] }, { a: 'a' }),
  changed('a list that is too long changes', { list: ['a', 'b', 'c'] }, { list: ['a', 'b', 'd'] }),
  changed('an item that is too long stays in a list that changes', { list: ['long'] }, { list: ['long', 'b'] }),
  changed('an item that breaks a rule stays in a list that changes', { list: ['old'] }, { list: ['old', 'b'] }),
  changed('an item that breaks a rule stays in a list that stays', { list: ['old'] }, { a: 'a' }),
  changed('a set with an item twice stays', { set: ['a', 'a'] }, { a: 'a' }),
  changed('a set with an item twice changes', { set: ['a', 'a'] }, { set: ['b', 'b'] }),
  changed('a set that gets an item twice', { set: ['a'] }, { set: ['b', 'b'] }),
  changed(
    'an item by its key stays, another changes',
    {
      keyed: [
        { k: 'a', v: 9 },
        { k: 'b', v: 1 },
      ],
    },
    {
      keyed: [
        { k: 'b', v: 2 },
        { k: 'a', v: 9 },
      ],
    },
  ),
  changed('an item by its key changes', { keyed: [{ k: 'a', v: 9 }] }, { keyed: [{ k: 'a', v: 8 }] }),
  changed('an item by its key breaks a rule and stays', { keyed: [{ k: 'a', v: 3 }] }, { keyed: [{ k: 'a', v: 3 }, { k: 'b' }] }),
  changed('a value of a map stays, another changes', { map: { a: 'long', b: 'b' } }, { map: { b: 'c' } }),
  changed('a value of a map that breaks a rule stays', { map: { a: 'old' } }, { map: { b: 'c' } }),
  changed('a value of another type stays', { open: 'x' }, { a: 'a' }),
  changed('a rule at the root that is broken', { b: 'never' }, { a: 'a' }),
  changed('nothing changes', { a: 'along', b: 'never' }, {}),
]
