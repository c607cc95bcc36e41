/** Custom objects: which fields stay, what is filled in, and resources inside resources. */
import { objectOf, objectsOf, ofSpec, serving, specs, version } from '../custom-objects.ts'
import { type Case, create, patch, read, replace, titled } from '../upstream-case.ts'

const text = { type: 'string' }
const kept = { 'x-kubernetes-preserve-unknown-fields': true }
const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true }

const fields = {
  closed: { type: 'object', properties: { a: text, list: { type: 'array', items: { type: 'object', properties: { b: text } } } } },
  open: { type: 'object', ...kept, properties: { inner: { type: 'object', properties: { a: text } } } },
  openList: { type: 'array', ...kept, items: { type: 'object', properties: { a: text } } },
  anything: kept,
  map: { type: 'object', additionalProperties: { type: 'object', properties: { a: text } } },
  bare: { type: 'object' },
  embedded: { ...embedded, properties: { spec: { type: 'object', properties: { a: text } } } },
  embeddedOpen: { ...embedded, ...kept },
  embeddedList: { type: 'array', items: { ...embedded, ...kept } },
}

const defaults = {
  plain: { type: 'string', default: 'x' },
  number: { type: 'integer', default: 5 },
  deep: { type: 'object', default: {}, properties: { a: { type: 'string', default: 'deep' } } },
  whole: { type: 'object', default: { a: 'given' }, properties: { a: text, b: { type: 'integer', default: 1 } } },
  shallow: { type: 'object', properties: { a: { type: 'string', default: 'x' } } },
  list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', default: 'item' } } } },
  listOfDefaults: { type: 'array', items: { type: 'string', default: 'i' } },
  map: { type: 'object', additionalProperties: { type: 'object', properties: { a: { type: 'string', default: 'value' } } } },
  mapOfDefaults: { type: 'object', additionalProperties: { type: 'string', default: 'm' } },
  nullable: { type: 'string', nullable: true, default: 'n' },
  nullDefault: { type: 'string', nullable: true, default: null },
  noDefault: { type: 'string' },
  noDefaultNullable: { type: 'string', nullable: true },
  noDefaultObject: { type: 'object', properties: { a: text } },
  noDefaultList: { type: 'array', items: text },
  nullableItems: { type: 'array', items: { type: 'string', nullable: true } },
  closedItems: { type: 'array', items: text },
}

export const given = [
  ...serving('pruning', [version(ofSpec(fields))]),
  ...serving('defaults', [version(ofSpec(defaults))]),
  ...serving('open', [version({ type: 'object', ...kept })]),
  ...serving('root', [
    version({ type: 'object', properties: { spec: { type: 'object', default: { a: 'x' }, properties: { a: text } }, other: text } }),
  ]),
]

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { a: 'b' } }, spec: { a: 'a' } }

const pruning = specs('pruning', {
  'unknown fields': { closed: { a: 'a', b: 'b', list: [{ b: 'b', c: 'c' }] }, more: 1 },
  'unknown fields with dots': { closed: { 'a.b': 1, 'c d': 2 } },
  'unknown fields of an open object': { open: { x: { y: null }, inner: { a: 'a', b: 'b' } } },
  'unknown fields in an open list': { openList: [{ a: 'a', b: 'b', c: [{ d: 1 }] }] },
  'anything of any type': { anything: { x: [1, { y: null }], z: null } },
  'a list of anything': { anything: [1, 'a', null, { b: null }] },
  'unknown fields in a map': { map: { one: { a: 'a', b: 'b' }, two: {} } },
  'an object without fields': { bare: { a: 1, b: { c: 2 } } },
})

const embeddedCases = specs('pruning', {
  'a resource': { embedded: pod },
  'unknown fields of a resource': { embedded: { ...pod, status: {}, spec: { a: 'a', b: 'b' } } },
  'unknown metadata of a resource': { embedded: { ...pod, metadata: { name: 'p', x: 1 } } },
  'metadata of other types': { embedded: { ...pod, metadata: { name: 1 } } },
  'labels of other types': { embedded: { ...pod, metadata: { labels: { a: 1 } } } },
  'metadata that are a text': { embedded: { ...pod, metadata: 'x' } },
  'metadata that are null': { embedded: { ...pod, metadata: null } },
  'a resource without metadata': { embedded: { apiVersion: 'v1', kind: 'Pod' } },
  'a resource without a kind': { embedded: { apiVersion: 'v1' } },
  'a resource without anything': { embedded: {} },
  'an empty type': { embedded: { apiVersion: '', kind: 'Pod' } },
  'an empty kind': { embedded: { apiVersion: 'v1', kind: '' } },
  'a version that is none': { embedded: { apiVersion: 'a/b/c', kind: 'Pod' } },
  'a kind that is none': { embedded: { apiVersion: 'v1', kind: 'A_b' } },
  'a kind of another type': { embedded: { apiVersion: 'v1', kind: 1 } },
  'a name that is none': { embedded: { ...pod, metadata: { name: 'a/b' } } },
  'labels that are none': { embedded: { ...pod, metadata: { labels: { 'a b': 'c' } } } },
  'a time of creation': { embedded: { ...pod, metadata: { creationTimestamp: null, name: 'p' } } },
  'an open resource': { embeddedOpen: { ...pod, status: { any: [1] } } },
  'a list of resources': { embeddedList: [pod, { apiVersion: 'v1' }] },
  'another type for a resource': { embedded: 'x' },
})

const defaulting = specs('defaults', {
  'nothing given': {},
  'everything null': Object.fromEntries(Object.keys(defaults).map((name) => [name, null])),
  'objects without fields': { deep: {}, whole: {}, shallow: {}, list: [{}], map: { k: {} } },
  'other values': { plain: 'y', number: 0, deep: { a: '' }, list: [{ a: 'b' }, {}] },
  'null values below': { deep: { a: null }, list: [{ a: null }], map: { k: { a: null }, n: null }, mapOfDefaults: { k: null } },
  'null items': { listOfDefaults: [null, 'a'], nullableItems: [null] },
  'null items that may not be': { closedItems: [null, 'a'] },
  'a null item where objects are wanted': { list: [null] },
  'another type where a default is': { deep: 'x' },
})

const roots: Case[] = [
  { name: 'no schema', steps: [create(objectsOf('open'), { ...objectOf('open', 1), other: { a: null }, list: [1] })], withNulls: true },
  { name: 'unknown fields at the root', steps: [create(objectsOf('root'), { ...objectOf('root', { a: 'a' }), more: 1, other: 'x' })] },
  { name: 'no spec with a default', steps: [create(objectsOf('root'), objectOf('root', undefined))] },
  {
    name: 'unknown metadata',
    steps: [create(objectsOf('root'), objectOf('root', {}, { metadata: { name: 'o', x: 1, labels: { a: 'b' } } }))],
  },
  {
    name: 'metadata of other types',
    steps: [create(objectsOf('root'), objectOf('root', {}, { metadata: { name: 'o', labels: { a: 1 } } }))],
  },
  { name: 'a name of another type', steps: [create(objectsOf('root'), objectOf('root', {}, { metadata: { name: 1 } }))] },
  { name: 'metadata that are null', steps: [create(objectsOf('root'), objectOf('root', {}, { metadata: null }))] },
  { name: 'metadata that are a text', steps: [create(objectsOf('root'), objectOf('root', {}, { metadata: 'x' }))] },
]

const strict = (mode: string) => `${objectsOf('pruning')}?fieldValidation=${mode}`
const unknown = objectOf(
  'pruning',
  { closed: { b: 1, list: [{ c: 1 }] }, embedded: { ...pod, metadata: { name: 'p', x: 1 } } },
  { more: {} },
)
const doubled = `{"apiVersion":"pruning.upstream.example.com/v1","kind":"Test","metadata":{"name":"o"},"spec":{"closed":{"a":"a","a":"b"},"more":1,"more":2}}`
const path = `${objectsOf('pruning')}/o`
const validated: Case[] = [
  ...['Strict', 'Warn', 'Ignore', 'Loud'].flatMap((mode): Case[] => [
    { name: `unknown fields: ${mode}`, steps: [create(strict(mode), unknown)] },
    { name: `fields twice: ${mode}`, steps: [create(strict(mode), doubled)] },
  ]),
  {
    name: 'unknown fields of an update',
    given: [create(objectsOf('pruning'), objectOf('pruning', {}))],
    steps: [
      read(path),
      replace(`${path}?fieldValidation=Strict`, { ...unknown, metadata: { name: 'o', resourceVersion: '{{0.metadata.resourceVersion}}' } }),
    ],
  },
  ...(['merge', 'json', 'apply'] as const).map((type): Case => {
    const change = { spec: { closed: { z: 1 } } }
    const body = { merge: change, json: [{ op: 'add', path: '/spec/z', value: 1 }], apply: { ...objectOf('pruning', change.spec) } }[type]
    const query = type === 'apply' ? '?fieldManager=m&fieldValidation=Strict' : '?fieldValidation=Strict'
    return {
      name: `unknown fields of a patch: ${type}`,
      given: [create(objectsOf('pruning'), objectOf('pruning', {}))],
      steps: [patch(type, `${path}${query}`, body)],
      ...(type === 'apply' ? { differs: 'a fault of the client is no error of the server' } : {}),
    }
  }),
]

export const cases: readonly Case[] = [
  ...titled('fields', pruning),
  ...titled('embedded', embeddedCases),
  ...titled('defaults', defaulting),
  ...titled('root', roots),
  ...titled('strict', validated),
]
