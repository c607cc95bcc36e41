import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import omittedZeros from '../../kinds/generated/omitted-zeros.json' with { type: 'json' }
import facts from '../../kinds/generated/protobuf.json' with { type: 'json' }
import { parseYaml } from '../yaml.ts'
import { formatYaml } from '../yaml-writer.ts'
import { formatGoDuration, parseGoDuration } from './go-duration.ts'
import { createProtobufCodec, type ProtobufFacts } from './protobuf.ts'
import { ProtobufError } from './protobuf-buffer.ts'

const codec = createProtobufCodec(facts as unknown as ProtobufFacts, omittedZeros)
/** A folder with upstream's whole set of fixtures may be named; a handful is in the repository. */
const fixtures = process.env['API_FIXTURES'] ?? 'test/fixtures/api'

test('upstream’s fixtures decode to their JSON and encode to their bytes', () => {
  const names = readdirSync(fixtures).filter((f) => f.endsWith('.pb') && !f.includes('after_roundtrip'))
  assert.ok(names.length > 5)
  for (const name of names) {
    const bytes = readFileSync(join(fixtures, name))
    const json = JSON.parse(readFileSync(join(fixtures, name.replace(/pb$/, 'json')), 'utf8')) as Record<string, unknown>
    // A watch event says no type: see below.
    if (json['kind'] === undefined) continue
    const decoded = codec.decode(bytes)
    assert.deepEqual(decoded, json, name)
    assert.deepEqual(codec.encode(json), bytes, name)
    assert.deepEqual(codec.encode(decoded), bytes, name)
  }
})

/** Of every kind of the release: its name, a hash of its JSON with sorted keys, its protobuf bytes. */
const allKinds = gunzipSync(readFileSync('test/fixtures/api/all-kinds.jsonl.gz'))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as [name: string, jsonHash: string, bytes: string])

test('every kind decodes to its JSON, goes through YAML unchanged, and encodes to its bytes', () => {
  assert.equal(allKinds.length, 190)
  for (const [name, jsonHash, latin1] of allKinds) {
    const bytes = Buffer.from(latin1, 'latin1')
    // The one type of which objects do not say what they are.
    const isUntyped = name === 'core.v1.WatchEvent'
    const decoded = codec.decode(bytes, isUntyped ? { apiVersion: 'v1', kind: 'WatchEvent' } : undefined)
    const { kind: _, apiVersion: __, ...untyped } = decoded
    const text = JSON.stringify(sortedKeys(isUntyped ? untyped : decoded))
    assert.equal(createHash('sha256').update(text).digest('hex').slice(0, 16), jsonHash, name)
    assert.deepEqual(isUntyped ? untypedEnvelope(codec.encodeBare(decoded)!) : codec.encode(decoded), bytes, name)
    assert.deepEqual(parseYaml(formatYaml(decoded)), decoded, name)
  }
})

/** `k8s\0`, an empty type, the message, no encoding and no content type. */
function untypedEnvelope(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from('k8s\0\n\x04\n\0\x12\0\x12'), Buffer.from([message.length]), message, Buffer.from([0x1a, 0, 0x22, 0])])
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, child]) => [key, sortedKeys(child)]))
}

test('objects survive the round trip', () => {
  const check = (object: Record<string, unknown>) => {
    const encoded = codec.encode(object)
    assert.ok(encoded)
    assert.deepEqual(codec.decode(encoded), object)
  }
  check({
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    metadata: { name: 'a' },
    spec: { renewTime: '2024-01-02T03:04:05.000607Z' },
  })
  check({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 404, details: { causes: [{ reason: 'x' }] } })
  check({
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: 'ü—☃' },
    spec: {
      ports: [
        { port: 1, targetPort: 'http' },
        { port: 2, targetPort: -5 },
      ],
    },
  })
  check({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { b: '1', a: 'x'.repeat(20_000) } })
  check({
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'c' }], activeDeadlineSeconds: -9007199254740991 },
  })
  check({
    kind: 'CustomResourceDefinition',
    apiVersion: 'apiextensions.k8s.io/v1',
    metadata: { name: 'a' },
    spec: {
      versions: [
        {
          name: 'v1',
          schema: {
            openAPIV3Schema: {
              type: 'object',
              default: { a: [1, null] },
              'x-kubernetes-preserve-unknown-fields': true,
              additionalProperties: { type: 'string' },
              properties: { l: { type: 'array', items: { $ref: 'x' } }, b: { additionalProperties: false } },
            },
          },
        },
      ],
    },
  })
})

test('kinds without a protobuf form are told apart', () => {
  assert.equal(codec.supports('apps/v1', 'Deployment'), true)
  assert.equal(codec.supports('example.com/v1', 'Thing'), false)
  assert.equal(codec.encode({ kind: 'Thing', apiVersion: 'example.com/v1' }), undefined)
})

test('broken bytes are refused with a ProtobufError and nothing else', () => {
  const pod = readFileSync('test/fixtures/api/core.v1.Pod.pb')
  fc.assert(
    fc.property(fc.nat({ max: pod.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: pod.length }), (at, byte, length) => {
      const broken = Buffer.from(pod.subarray(0, length))
      if (at < length) broken[at] = byte
      try {
        codec.decode(broken)
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error))
      }
    }),
    { numRuns: 300 },
  )
})

test('durations are Go’s', () => {
  const check = (text: string, nanos: number) => {
    assert.equal(parseGoDuration(text), nanos)
    assert.equal(formatGoDuration(nanos), text)
  }
  check('0s', 0)
  check('1m30s', 90e9)
  check('1h0m0.5s', 3600.5e9)
  check('-1.5ms', -1.5e6)
  check('10ns', 10)
  assert.equal(parseGoDuration('+0'), 0)
  assert.equal(parseGoDuration('21.9247µs'), 21_924)
  for (const bad of ['', '1', 's', '2562048h', '1x', '-', '1s2']) assert.equal(parseGoDuration(bad), undefined, bad)
})

/** As Go writes objects in which nothing is set, and some whose pointers point at nothing. */
test('zeros that JSON leaves out go with the bytes, and those that mean something stay', () => {
  const check = (sent: object, decoded: object) => assert.deepEqual(codec.decode(codec.encode(sent as Record<string, unknown>)!), decoded)
  const claim = { kind: 'PersistentVolumeClaim', apiVersion: 'v1' }
  check(
    {
      ...claim,
      metadata: { name: '', namespace: '', generation: 0 },
      spec: { storageClassName: '', volumeName: '', dataSource: { apiGroup: '', kind: 'PersistentVolumeClaim', name: 'a' } },
      status: { phase: '' },
    },
    {
      ...claim,
      metadata: {},
      spec: { storageClassName: '', dataSource: { apiGroup: '', kind: 'PersistentVolumeClaim', name: 'a' } },
      status: {},
    },
  )
  const container = { name: '', image: '', stdin: false, tty: false }
  const pod = { kind: 'Pod', apiVersion: 'v1' }
  check(
    { ...pod, spec: { containers: [container], runtimeClassName: '', hostNetwork: false, automountServiceAccountToken: false } },
    { ...pod, spec: { containers: [{ name: '' }], runtimeClassName: '', automountServiceAccountToken: false } },
  )
})
