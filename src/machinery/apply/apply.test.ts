import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import definitions from '../../kinds/generated/schemas.json' with { type: 'json' }
import zeroValues from '../../kinds/generated/zero-values.json' with { type: 'json' }
import type { KubeObject } from '../object.ts'
import type { Schema } from '../schema/schema-node.ts'
import { loadSchemas } from '../schema/schema-set.ts'
import { StatusError } from '../status-error.ts'
import { type ApplyOperation, applyServerSide } from './apply-server-side.ts'
import { fieldSet, readFieldsV1 } from './field-set.ts'
import { changedOwners, ownedChanges, updateManagedFields } from './update-managed-fields.ts'

const schemas = loadSchemas(definitions as unknown as Record<string, Schema>, zeroValues)
const deployment = schemas.lookup('io.k8s.api.apps.v1.Deployment')
const early = '2024-01-01T00:00:00Z'
const late = '2024-01-01T00:01:00Z'

type Loose = { [field: string]: unknown }

function operation(manager: string, over: Partial<ApplyOperation> = {}): ApplyOperation {
  return { schema: deployment, apiVersion: 'apps/v1', manager, subresource: '', now: early, force: false, ...over }
}

function object(spec: Loose, metadata: Loose = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', ...metadata }, spec } as KubeObject
}

function pod(...containers: Loose[]): Loose {
  return { template: { spec: { containers } } }
}

function stored(live: KubeObject): KubeObject {
  return { ...live, metadata: { ...live.metadata, uid: 'u', creationTimestamp: early } }
}

/** An object as it is after an update by a manager. */
function updated(live: KubeObject | undefined, next: KubeObject, manager: string, over: Partial<ApplyOperation> = {}): KubeObject {
  const managedFields = updateManagedFields(live, next, operation(manager, over))
  const { managedFields: _, ...metadata } = next.metadata
  return { ...next, metadata: managedFields ? { ...metadata, managedFields } : metadata }
}

const fieldsOfManager = (o: KubeObject, manager: string) => o.metadata.managedFields?.find((e) => e.manager === manager)?.fieldsV1
const spec = (o: KubeObject) => (o as unknown as { spec: Loose }).spec

test('a created object is owned by who applied it, leaf by leaf', () => {
  const config = object(
    { replicas: 1, selector: { matchLabels: { a: 'b' } }, ...pod({ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }) },
    { labels: { a: 'b' } },
  )
  const created = applyServerSide(undefined, config, operation('me'))
  assert.deepEqual(created.metadata.managedFields, [
    {
      manager: 'me',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: early,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:a': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"c"}': {
                  '.': {},
                  'f:name': {},
                  'f:image': {},
                  'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                },
              },
            },
          },
        },
      },
    },
  ])
})

test('an updater owns what it adds and changes, containers included', () => {
  const created = updated(
    undefined,
    object({ replicas: 1, strategy: { rollingUpdate: { maxSurge: 1 } } }, { labels: { a: 'b' } }),
    'creator',
  )
  assert.deepEqual(fieldsOfManager(created, 'creator'), {
    'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    'f:spec': { 'f:replicas': {}, 'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} } } },
  })
  const scaled = updated(
    stored(created),
    object({ replicas: 2, strategy: { rollingUpdate: { maxSurge: 1 } } }, { labels: { a: 'b' } }),
    'scaler',
    { now: late },
  )
  assert.deepEqual(fieldsOfManager(scaled, 'scaler'), { 'f:spec': { 'f:replicas': {} } })
  assert.deepEqual(fieldsOfManager(scaled, 'creator'), {
    'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    'f:spec': { 'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} } } },
  })
  assert.deepEqual(
    scaled.metadata.managedFields?.map((e) => e.time),
    [early, late],
  )
})

test('an update that changes nothing gives the very same list', () => {
  const live = stored(updated(undefined, object({ replicas: 1 }), 'a'))
  assert.equal(updateManagedFields(live, { ...live }, operation('b', { now: late })), live.metadata.managedFields)
  assert.equal(updateManagedFields(live, structuredClone(live), operation('b', { now: late })), live.metadata.managedFields)
})

test('an update may hand in a list of its own, reset it, but not through a subresource', () => {
  const live = stored(updated(undefined, object({ replicas: 1 }), 'a'))
  const next = (managedFields: unknown) => ({ ...live, metadata: { ...live.metadata, managedFields } }) as KubeObject
  assert.deepEqual(updateManagedFields(live, next([]), operation('b')), undefined)
  assert.deepEqual(updateManagedFields(live, next([]), operation('b', { subresource: 'status' })), live.metadata.managedFields)
  const other = [
    { manager: 'z', operation: 'Update', apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
  ]
  assert.equal(updateManagedFields(live, next(other), operation('b'))?.[0]?.manager, 'z')
  assert.deepEqual(updateManagedFields(live, next([{ manager: 'broken' }]), operation('b')), live.metadata.managedFields)
})

test('status is owned through its subresource, apart from the rest', () => {
  const live = stored(updated(undefined, object({ replicas: 1 }), 'a'))
  const next = { ...live, status: { replicas: 1 } } as KubeObject
  const after = updated(live, next, 'a', { subresource: 'status', ignored: fieldSet('spec', 'metadata') })
  assert.deepEqual(
    after.metadata.managedFields?.map((e) => [e.manager, e.subresource, e.fieldsV1]),
    [
      ['a', undefined, { 'f:spec': { 'f:replicas': {} } }],
      ['a', 'status', { 'f:status': { 'f:replicas': {} } }],
    ],
  )
  const ignoring = applyServerSide(
    undefined,
    { ...object({ replicas: 1 }), status: { replicas: 3 } } as KubeObject,
    operation('b', { ignored: fieldSet('status') }),
  )
  assert.deepEqual(fieldsOfManager(ignoring, 'b'), { 'f:spec': { 'f:replicas': {} } })
})

test('what a request cannot set is not looked at', () => {
  const hidden = (field: string, rest: KubeObject): KubeObject =>
    Object.defineProperty({ ...rest }, field, { enumerable: true, get: () => assert.fail(`${field} is read`) })
  const live = updated(undefined, object({ replicas: 1 }), 'a')
  const next = { ...live, spec: { replicas: 2 } } as KubeObject
  const owners = (...ignored: string[]) =>
    updateManagedFields(hidden('status', live), hidden('status', next), operation('b', { ignored: fieldSet(...ignored) }))?.map(
      ({ manager, fieldsV1 }) => [manager, fieldsV1],
    )
  assert.deepEqual(owners('status'), [['b', { 'f:spec': { 'f:replicas': {} } }]])
  assert.deepEqual(owners('status', 'metadata'), [['b', { 'f:spec': { 'f:replicas': {} } }]])
  // Of a field that is ignored in part, the rest counts.
  const status = { ...live, status: { replicas: 1, readyReplicas: 1 } } as KubeObject
  const known = updateManagedFields(live, status, operation('b', { subresource: 'status', ignored: fieldSet('spec', 'status.replicas') }))
  assert.deepEqual(known?.at(-1)?.fieldsV1, { 'f:status': { 'f:readyReplicas': {} } })
})

test('never more than ten updaters are kept apart', () => {
  let live = stored(updated(undefined, object({}, { labels: { l0: '0' } }), 'm0'))
  for (let i = 1; i < 14; i++) {
    const labels = { ...live.metadata.labels, [`l${i}`]: 'x' }
    live = updated(live, { ...live, metadata: { ...live.metadata, labels } }, `m${i}`, { now: `2024-01-01T00:00:${10 + i}Z` })
  }
  const names = live.metadata.managedFields?.map((e) => e.manager)
  assert.equal(names?.length, 10)
  assert.ok(names?.includes('ancient-changes'))
  const owned = JSON.stringify(live.metadata.managedFields)
  for (let i = 0; i < 14; i++) assert.ok(owned.includes(`f:l${i}"`), `l${i} has an owner`)
})

test('another manager’s value is a conflict, worded as upstream words it', () => {
  const live = stored(updated(undefined, object({ replicas: 1, paused: true }), 'kubectl-client-side-apply'))
  const check = (config: KubeObject, message: string, fields: string[], base = live) =>
    assert.throws(
      () => applyServerSide(base, config, operation('me')),
      (e) => {
        assert.ok(e instanceof StatusError)
        assert.equal(e.code, 409)
        assert.equal(e.message, message)
        assert.deepEqual(
          e.status.details?.causes?.map((c) => [c.reason, c.field]),
          fields.map((f) => ['FieldManagerConflict', f]),
        )
        return true
      },
    )
  check(object({ replicas: 2 }), 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas', [
    '.spec.replicas',
  ])
  check(
    object({ replicas: 2, paused: false }),
    'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n- .spec.paused\n- .spec.replicas',
    ['.spec.paused', '.spec.replicas'],
  )
  const applied = applyServerSide(undefined, object(pod({ name: 'c', image: '1' })), operation('other'))
  check(
    object(pod({ name: 'c', image: '2' })),
    'Apply failed with 1 conflict: conflict with "other": .spec.template.spec.containers[name="c"].image',
    ['.spec.template.spec.containers[name="c"].image'],
    applied,
  )
})

test('force takes the field over; equal values are owned together', () => {
  const first = applyServerSide(undefined, object({ replicas: 1, paused: true }), operation('a'))
  const forced = applyServerSide(first, object({ replicas: 2 }), operation('b', { force: true }))
  assert.equal(spec(forced)['replicas'], 2)
  assert.deepEqual(fieldsOfManager(forced, 'a'), { 'f:spec': { 'f:paused': {} } })
  const shared = applyServerSide(forced, object({ replicas: 2, paused: true }), operation('a', { now: late }))
  assert.deepEqual(
    fieldsOfManager(shared, 'a'),
    fieldsOfManager(applyServerSide(undefined, object({ replicas: 2, paused: true }), operation('a')), 'a'),
  )
  assert.deepEqual(fieldsOfManager(shared, 'b'), { 'f:spec': { 'f:replicas': {} } })
})

test('what is applied no longer goes, unless somebody else owns it', () => {
  const first = applyServerSide(
    undefined,
    object({ replicas: 1, paused: true, ...pod({ name: 'c', image: '1' }, { name: 'd', image: '1' }) }),
    operation('a'),
  )
  const second = applyServerSide(first, object({ paused: true, ...pod({ name: 'x', image: '1' }) }), operation('b'))
  const third = applyServerSide(second, object(pod({ name: 'c', image: '1' })), operation('a', { now: late }))
  assert.deepEqual(spec(third), { paused: true, ...pod({ name: 'c', image: '1' }, { name: 'x', image: '1' }) })
  assert.equal(third.metadata.name, 'a')
})

test('what nobody owns stays, be it beside what goes', () => {
  const first = applyServerSide(undefined, object({ replicas: 1 }, { labels: { a: '1', b: '2' } }), operation('a'))
  const defaulted = { ...first, metadata: { ...first.metadata, uid: 'u' }, spec: { replicas: 1, revisionHistoryLimit: 10 } } as KubeObject
  const second = applyServerSide(defaulted, object({}, { labels: { a: '1' } }), operation('a'))
  assert.deepEqual(spec(second), { revisionHistoryLimit: 10 })
  assert.deepEqual(second.metadata.labels, { a: '1' })
  assert.equal(second.metadata.uid, 'u')
})

test('sets and atomic values', () => {
  const first = applyServerSide(
    undefined,
    object({ selector: { matchLabels: { a: '1' } } }, { finalizers: ['x/a', 'x/b'] }),
    operation('a'),
  )
  assert.deepEqual(fieldsOfManager(first, 'a'), {
    'f:metadata': { 'f:finalizers': { 'v:"x/a"': {}, 'v:"x/b"': {} } },
    'f:spec': { 'f:selector': {} },
  })
  const second = applyServerSide(first, object({}, { finalizers: ['x/c'] }), operation('b'))
  assert.deepEqual(second.metadata.finalizers, ['x/a', 'x/b', 'x/c'])
  const third = applyServerSide(second, object({ selector: { matchLabels: { b: '2' } } }, { finalizers: ['x/b'] }), operation('a'))
  assert.deepEqual(third.metadata.finalizers, ['x/b', 'x/c'])
  assert.deepEqual(spec(third), { selector: { matchLabels: { b: '2' } } })
})

test('who owns what is in a map loses it where the map becomes something else', () => {
  const untyped = { schema: undefined }
  const thing = (free: unknown) => object({ free })
  const live = stored(applyServerSide(undefined, thing({ a: { b: [1] }, c: 1 }), operation('mine', untyped)))
  const changed = updated(live, { ...live, spec: { free: { a: true, c: { d: 'x' } } } } as KubeObject, 'other', untyped)
  assert.deepEqual(fieldsOfManager(changed, 'mine'), { 'f:spec': { '.': {}, 'f:free': {} } })
  assert.deepEqual(fieldsOfManager(changed, 'other'), { 'f:spec': { 'f:free': { 'f:a': {}, 'f:c': { '.': {}, 'f:d': {} } } } })
  const forced = applyServerSide(live, thing({ a: [] }), operation('other', { ...untyped, force: true }))
  assert.deepEqual(fieldsOfManager(forced, 'mine'), { 'f:spec': { '.': {}, 'f:free': { '.': {}, 'f:c': {} } } })
})

test('conflicts stand by their names, those of one level before what lies below', () => {
  const live = stored(
    applyServerSide(
      undefined,
      object({
        replicas: 1,
        paused: true,
        ...pod({ name: 'z', image: '1' }, { name: 'c', image: '1', ports: [{ containerPort: 9 }, { containerPort: 80 }] }),
      }),
      operation('other'),
    ),
  )
  const ports = [80, 9].map((containerPort) => ({ containerPort, name: `p${containerPort}` }))
  const named = updated(live, object({ ...spec(live), ...pod({ name: 'z', image: '1' }, { name: 'c', image: '1', ports }) }), 'other')
  const config = object({
    replicas: 2,
    paused: false,
    ...pod({ name: 'z', image: '2' }, { name: 'c', image: '2', ports: ports.map((port) => ({ ...port, name: 'q' })) }),
  })
  assert.throws(
    () => applyServerSide(stored(named), config, operation('me')),
    (error: StatusError) => {
      const containers = '.spec.template.spec.containers'
      assert.deepEqual(
        error.status.details?.causes?.filter((cause) => cause.message?.endsWith('"other"')).map((cause) => cause.field),
        ['.spec.paused', '.spec.replicas', `${containers}[name="c"].image`, `${containers}[name="z"].image`],
      )
      assert.deepEqual(
        error.status.details?.causes?.filter((cause) => !cause.message?.endsWith('"other"')).map((cause) => cause.field),
        [9, 80].map((port) => `${containers}[name="c"].ports[containerPort=${port},protocol="TCP"].name`),
      )
      return true
    },
  )
})

test('keyed lists take the order of the configuration', () => {
  const names = (o: KubeObject) => (spec(o)['template'] as { spec: { containers: { name: string }[] } }).spec.containers.map((c) => c.name)
  const live = stored(updated(undefined, object(pod({ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' })), 'u'))
  const check = (config: string[], expected: string[]) =>
    assert.deepEqual(names(applyServerSide(live, object(pod(...config.map((name) => ({ name })))), operation('me'))), expected)
  check(['c', 'a'], ['b', 'c', 'd', 'a'])
  check(['a', 'x', 'b'], ['a', 'x', 'b', 'c', 'd'])
  check(['x', 'd'], ['a', 'b', 'c', 'x', 'd'])
})

test('an object that nobody tracked is owned by what was before', () => {
  const live = stored(object({ replicas: 1 }))
  assert.throws(
    () => applyServerSide(live, object({ replicas: 2 }), operation('me')),
    /conflict with "before-first-apply" using apps\/v1: \.spec\.replicas/,
  )
})

test('kubectl takes over what it applied on the client, and keeps its record', () => {
  const key = 'kubectl.kubernetes.io/last-applied-configuration'
  const record = JSON.stringify(object({ replicas: 1 }))
  const live = stored(
    updated(undefined, object({ replicas: 1, paused: true }, { annotations: { [key]: record } }), 'kubectl-client-side-apply'),
  )
  assert.throws(() => applyServerSide(live, object({ replicas: 2 }), operation('me')), StatusError)
  assert.throws(() => applyServerSide(live, object({ paused: false }), operation('kubectl')), StatusError)
  const applied = applyServerSide(live, object({ replicas: 2 }), operation('kubectl'))
  assert.equal(spec(applied)['replicas'], 2)
  assert.equal(
    applied.metadata.annotations?.[key],
    '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":2}}\n',
  )
})

test('field sets are read as they are; what nobody knows is dropped, what is none is refused', () => {
  const known = { 'f:a': { '.': {}, 'k:{"n":1}': {} } }
  assert.equal(readFieldsV1(known), known)
  assert.deepEqual(readFieldsV1({ 'f:a': { 'x:y': {}, 'v:1': {} } }), { 'f:a': { 'v:1': {} } })
  for (const bad of [null, [], 'x', { 'f:a': 1 }, { 'f:a': { 'f:b': null } }]) assert.equal(readFieldsV1(bad), undefined)
})

test('refuses what cannot be applied', () => {
  const check = (config: KubeObject, message: RegExp) =>
    assert.throws(
      () => applyServerSide(undefined, config, operation('me')),
      (e) => e instanceof StatusError && e.code === 400 && message.test(e.message),
    )
  check(object({}, { managedFields: [] }), /metadata.managedFields must be nil/)
  check(
    object(pod({ name: 'a' }, { name: 'a' })),
    /\(\/.*; apps\/v1, Kind=Deployment\): \.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]/,
  )
  check({ ...object({}), odd: 1 } as KubeObject, /\.odd: field not declared in schema$/)
  check(
    object({ replicas: 'x', paused: 1 }),
    /errors:\n {2}\.spec\.replicas: expected numeric \(int or float\), got string\n {2}\.spec\.paused/,
  )
  check(object(pod('a' as unknown as Loose)), /\.containers: element 0: associative list with keys may not have non-map elements$/)
})

const container = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    image: fc.constantFrom('1', '2'),
    env: fc.uniqueArray(fc.record({ name: fc.constantFrom('E', 'F'), value: fc.constantFrom('1', '2') }), {
      selector: (e) => e.name,
      maxLength: 2,
    }),
  },
  { requiredKeys: ['name'] },
)
const anyConfig = fc
  .record({
    replicas: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
    labels: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2')),
    containers: fc.uniqueArray(container, { selector: (c) => c.name, maxLength: 3 }),
  })
  .map(({ replicas, labels, containers }) => object({ ...(replicas === undefined ? {} : { replicas }), ...pod(...containers) }, { labels }))

/** As it is stored: what is empty goes. */
const decoded = (made: KubeObject) => schemas.prune('io.k8s.api.apps.v1.Deployment', structuredClone(made))
const hasPart = (config: KubeObject, part: string) => JSON.stringify(config).includes(part)
/** Entries are stored in the order of their times, which is no part of it. */
const timeless = ({ metadata, ...rest }: KubeObject) => {
  const entries = metadata.managedFields?.map(({ time: _, ...entry }) => entry)
  return { ...rest, metadata: { ...metadata, managedFields: entries?.sort((a, b) => (String(a.manager) < String(b.manager) ? -1 : 1)) } }
}

function unlessConflict<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof StatusError && error.code === 409) return undefined
    throw error
  }
}

test('any sequence of applies: idempotent, each configuration holds, nothing but conflicts is thrown', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.boolean(), anyConfig), { minLength: 1, maxLength: 6 }), (steps) => {
      let live: KubeObject | undefined
      for (const [manager, force, config] of steps) {
        try {
          const next = decoded(applyServerSide(live, config, operation(manager, { force })))
          const repeat = (object: KubeObject) => applyServerSide(object, config, operation(manager, { now: late }))
          if (hasPart(config, '[]') || hasPart(config, '{}')) {
            // What is empty is stored as absent: as upstream, applying it once more is a change, which another owner of it may refuse.
            const settled = unlessConflict(() => decoded(repeat(next)))
            const third = settled && unlessConflict(() => decoded(repeat(settled)))
            if (settled && third) assert.deepEqual(timeless(third), timeless(settled))
            if (settled && !hasPart(config, '[]')) assert.deepEqual(timeless(settled), timeless(next))
          } else assert.equal(repeat(next), next)
          for (const [key, value] of Object.entries(config.metadata.labels ?? {})) assert.equal(next.metadata.labels?.[key], value)
          live = next
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          assert.ok(error instanceof StatusError && error.code === 409 && !force, String(error))
        }
      }
    }),
    { numRuns: 200 },
  )
})

/** One field or item more, less or other than before. */
const edits: Readonly<Record<string, (o: Loose & { metadata: Loose; spec: Loose; status?: Loose }, n: number) => void>> = {
  replicas: ({ spec }, n) => void (spec.replicas = n),
  paused: ({ spec }, n) => void (n % 2 ? (spec.paused = true) : delete spec.paused),
  labels: ({ metadata }, n) => void (metadata.labels = n % 3 ? { [`l${n % 3}`]: `v${n}` } : undefined),
  annotations: ({ metadata }, n) => void (metadata.annotations = { ...(metadata.annotations as Loose), [`a${n % 2}`]: `v${n}` }),
  containers: ({ spec }, n) =>
    void Object.assign(spec, pod(...['a', 'b', 'c'].slice(0, 1 + (n % 3)).map((name) => ({ name, image: `i${n % 2}` })))),
  status: (o, n) => void (o.status = { ...o.status, replicas: n % 3 }),
  conditions: (o, n) => {
    const conditions = ['A', 'B']
      .slice(0, 1 + (n % 2))
      .map((type) => ({ type, status: n % 3 ? 'True' : 'False', lastTransitionTime: early }))
    o.status = { ...o.status, conditions }
  },
  nothing: () => {},
}

test('changes that take nothing from anybody are recorded as the long way records them, byte for byte', () => {
  const step = fc.record({
    edits: fc.array(fc.tuple(fc.constantFrom(...Object.keys(edits)), fc.nat(6)), { minLength: 1, maxLength: 3 }),
    manager: fc.constantFrom('a', 'b', 'c', ''),
    minute: fc.nat(3),
    sends: fc.constantFrom('the list', 'none', 'a copy'),
    applies: fc.integer({ min: 0, max: 5 }),
  })
  let quick = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 14 }), (steps) => {
      let live: KubeObject | undefined
      for (const { edits: made, manager, minute, sends, applies } of steps) {
        const now = `2024-01-01T00:0${minute}:00Z`
        const next = structuredClone(live ?? object({ replicas: 0 })) as KubeObject & { metadata: Loose; spec: Loose; status?: Loose }
        for (const [name, n] of made) edits[name]!(next, n)
        if (applies === 0) {
          live = stored(applyServerSide(live, object({ replicas: minute }), operation(manager || 'x', { now, force: true })))
          continue
        }
        const { managedFields } = live?.metadata ?? {}
        next.metadata.managedFields = sends === 'none' ? undefined : sends === 'a copy' ? structuredClone(managedFields) : managedFields
        const isStatus = made[0]![0] === 'status'
        const how = operation(manager, {
          now,
          ...(isStatus ? { subresource: 'status', ignored: fieldSet('spec') } : { ignored: fieldSet('status') }),
        })
        const long = changedOwners(live, next, ownedChanges(live, next, how), how)
        const recorded = updateManagedFields(live, next, how)
        assert.equal(JSON.stringify(recorded), JSON.stringify(long))
        if (managedFields && recorded !== managedFields && recorded?.slice(0, -1).every((entry) => managedFields.includes(entry))) quick++
        live = { ...next, metadata: { ...next.metadata, ...(recorded ? { managedFields: recorded } : {}) } }
      }
    }),
    { numRuns: 1_500, seed: 11 },
  )
  assert.ok(quick > 500, `${quick} of them were taken the short way`)
})
