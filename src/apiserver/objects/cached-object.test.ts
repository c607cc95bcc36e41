import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../machinery/object.ts'
import type { Revision } from '../../store/contract.ts'
import { adoptStored, type CachedObject, decodeStored } from './cached-object.ts'
import { encodeStored } from './codec.ts'
import { Slabs } from './slabs.ts'

const object = (name: string, more: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more } })
const decode = (slabs: Slabs, value: KubeObject, revision: number) => decodeStored(slabs, encodeStored(value), revision as Revision)

test('the version is spliced in right after the opening of the metadata', () => {
  const cached = decode(new Slabs(), object('a'), 42)
  assert.equal(cached.text, '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"42","name":"a"}}')
  assert.equal(cached.object.metadata.resourceVersion, '42')
})

const labelCases: readonly (readonly [title: string, metadata: object])[] = [
  ['none', {}],
  ['none, but annotations that look like labels', { annotations: { labels: '"labels":{"a":"b"}' } }],
  ['some', { labels: { a: 'b', 'c/d': '' } }],
  ['some with braces and quotes', { labels: { a: '}"\\{' }, annotations: { x: 'y' } }],
  ['some after an owner was given first', { ownerReferences: [{ name: 'o' }], labels: { a: 'b' } }],
]
for (const [title, metadata] of labelCases) {
  test(`labels are read without parsing the rest: ${title}`, () => {
    const cached = decode(
      new Slabs(),
      { ...object('a', metadata), spec: { template: { metadata: { labels: { not: 'mine' } } } } } as KubeObject,
      1,
    )
    assert.deepEqual(cached.labels, (metadata as { labels?: object }).labels ?? {})
  })
}

test('equal label sets are one object', () => {
  const slabs = new Slabs()
  assert.equal(decode(slabs, object('a', { labels: { x: '1' } }), 1).labels, decode(slabs, object('b', { labels: { x: '1' } }), 2).labels)
})

test('the first frame asked for is the one beside the bytes; others are copies', () => {
  const cached = decode(new Slabs(), object('a'), 1)
  assert.equal(cached.frame('MODIFIED').toString(), `{"type":"MODIFIED","object":${cached.text}}\n`)
  assert.equal(cached.frame('ADDED').toString(), `{"type":"ADDED","object":${cached.text}}\n`)
  assert.equal(cached.frame('MODIFIED').buffer, cached.frame('MODIFIED').buffer)
  assert.notEqual(cached.frame('ADDED').buffer, cached.frame('MODIFIED').buffer)
})

test('the same state under another version', () => {
  const cached = decode(new Slabs(), object('a', { labels: { x: 'ü' } }), 9)
  assert.equal(cached.at(1000 as Revision).text, cached.text.replace('"9"', '"1000"'))
})

test('slabs that are mostly dead are emptied, and what was handed out stays as it was', () => {
  const slabs = new Slabs()
  const blob = 'x'.repeat(10_000)
  const make = (i: number) => decode(slabs, object(`o${i}`, { annotations: { blob } }), i + 1)
  const live: CachedObject[] = []
  const handedOut: (readonly [Buffer, string])[] = []
  for (let i = 0; i < 2_000; i++) {
    const cached = make(i)
    if (i % 10 === 0) {
      live.push(cached)
      handedOut.push([cached.bytes, cached.text])
    } else cached.retire(slabs)
  }
  for (const [i, cached] of live.entries()) assert.equal(cached.object.metadata.name, `o${i * 10}`)
  for (const [bytes, text] of handedOut) assert.equal(bytes.toString(), text)
  const slabsOfLive = new Set(live.map((cached) => cached.bytes.buffer))
  assert.ok(slabsOfLive.size <= 6, `${slabsOfLive.size} megabytes hold ${(live.length * blob.length) / 1e6} MB of objects`)
})

test('what is kept as it was read is told from what was copied by nothing but its place', () => {
  const values = Array.from({ length: 300 }, (_, i) =>
    encodeStored(object(`o${i}`, { labels: { n: String(i % 3), ü: '}' }, annotations: { blob: 'ü'.repeat(500) } })),
  )
  const memory = new SharedArrayBuffer(values.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  const views = values.map((value) => {
    const view = new Uint8Array(memory, at, value.length)
    view.set(value)
    at += value.length
    return view
  })
  const slabs = new Slabs()
  const adopt = (i: number) => adoptStored(slabs, views[i]!, (i + 7) as Revision)
  for (const read of [
    (cached: CachedObject) => cached.text,
    (cached: CachedObject) => cached.bytes.toString(),
    (cached: CachedObject) => cached.length,
    (cached: CachedObject) => cached.labels,
    (cached: CachedObject) => cached.object,
    (cached: CachedObject) => cached.frame('ADDED').toString(),
    (cached: CachedObject) => cached.at(1_000_000 as Revision).text,
    (cached: CachedObject) => {
      const target = Buffer.alloc(cached.length + 5)
      cached.copyTo(target, 5)
      return target.toString()
    },
  ]) {
    for (const i of [0, 150, 299]) assert.deepEqual(read(adopt(i)), read(decodeStored(slabs, values[i]!, (i + 7) as Revision)))
  }
  const before = Buffer.from(memory).toString()
  const all = views.map((_, i) => adopt(i))
  for (const [i, cached] of all.entries()) if (i % 3 > 0) cached.retire(slabs)
  for (const [i, cached] of all.entries()) {
    assert.equal(cached.text, decodeStored(slabs, values[i]!, (i + 7) as Revision).text)
    assert.equal(cached.bytes.buffer === (memory as ArrayBufferLike), false)
  }
  assert.equal(Buffer.from(memory).toString(), before)
})

const managedFields = [
  { manager: 'a"]}', operation: 'Update', fieldsV1: { 'f:spec': { 'k:{"name":"x]}"}': { '.': {} }, 'v:["\\"]': {} } } },
  { manager: 'b]},', operation: 'Apply', fieldsV1: {} },
]
const leanCases: readonly (readonly [title: string, object: object])[] = [
  ['none', { spec: { a: 1 } }],
  ['some, last of all', { managed: true }],
  ['some, before a specification', { managed: true, spec: { a: 'ü', b: [] } }],
  ['those of a template alone', { spec: { template: { metadata: { name: 'x', managedFields } } } }],
  ['those of a template that a specification follows', { template: { metadata: { name: 'x', managedFields }, spec: { a: 1 } } }],
  ['those of another part, right after the metadata', { a: { managedFields }, spec: { a: 1 } }],
  ['both, and the specification comes late', { managed: true, a: { managedFields }, spec: { a: 1 } }],
  ['both', { managed: true, spec: { template: { metadata: { name: 'x', managedFields } } } }],
]
for (const [title, { managed, ...more }] of leanCases as readonly (readonly [string, { managed?: boolean }])[]) {
  test(`the lean form is the object without its own managed fields: ${title}`, () => {
    const metadata = { labels: { a: '"managedFields":[' }, ...(managed ? { managedFields } : {}) }
    const whole = { ...object('a', metadata), ...more } as KubeObject
    const { managedFields: _, ...rest } = { resourceVersion: '5', ...whole.metadata }
    const parsed = decode(new Slabs(), whole, 5)
    assert.deepEqual(parsed.lean, { ...whole, metadata: rest })
    const read = decode(new Slabs(), whole, 5)
    assert.deepEqual(read.object.metadata.managedFields, managed ? managedFields : undefined)
    assert.deepEqual(read.lean, { ...whole, metadata: rest })
  })
}

test('what is parsed stays the same object while anybody holds it, however much else is read', () => {
  const slabs = new Slabs()
  const cached = decode(slabs, object('held'), 1)
  const held = cached.object
  for (let i = 0; i < 3_000; i++) assert.equal(decode(slabs, object(`o${i}`), i + 2).object.metadata.name, `o${i}`)
  assert.equal(cached.object, held)
  assert.equal(cached.parsed, held)
})

test('encoded values keep their bytes, however many follow them', () => {
  const named = (i: number) => object(`o${i}`, { annotations: { note: 'ü'.repeat(i % 997) } })
  const make = (i: number) => (i % 500 === 499 ? object(`o${i}`, { annotations: { note: '中'.repeat(70_000) } }) : named(i))
  const values = Array.from({ length: 3_000 }, (_, i) => encodeStored(make(i)))
  for (const [i, value] of values.entries()) {
    const { kind, apiVersion, metadata } = make(i)
    assert.equal(value.toString(), JSON.stringify({ kind, apiVersion, metadata }))
  }
})
