import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dns1123Subdomain } from './names.ts'
import type { ObjectMeta } from './object.ts'
import { validateFieldManager, validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts'

const rules = { path: 'metadata', namespaced: true, validateName: dns1123Subdomain }
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u' }

test('what is wrong with the metadata of a new object', () => {
  const check = (meta: ObjectMeta, expected: string[], over: Partial<typeof rules> = {}) =>
    assert.deepEqual(
      validateObjectMeta(meta, { ...rules, ...over }).map((e) => `${e.field}: ${e.message}`.slice(0, 90)),
      expected.map((e) => e.slice(0, 90)),
    )
  const good = { name: 'a', namespace: 'b' }
  check(good, [])
  check({ ...good, generateName: 'a-' }, [])
  check({}, ['metadata.name: Required value: name or generateName is required', 'metadata.namespace: Required value'])
  check({ ...good, name: 'A' }, [
    'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
  ])
  check(good, ['metadata.namespace: Forbidden: not allowed on this type'], { namespaced: false })
  check({ ...good, labels: { 'a b': 'c' } }, [
    "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and",
  ])
  check({ ...good, annotations: { a: 'x'.repeat(256 * 1024) } }, ['metadata.annotations: Too long: may not be more than 262144 bytes'])
  check({ ...good, annotations: { 'Example.com/A': 'any text ☃' } }, [])
  check({ ...good, finalizers: ['orphan', 'foregroundDeletion'] }, [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ])
  check({ ...good, ownerReferences: [{ ...owner, uid: '' }] }, ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'])
  check({ ...good, ownerReferences: [{ ...owner, apiVersion: '' }] }, [
    'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
  ])
  check({ ...good, managedFields: [{ operation: 'Patch' }] }, [
    'metadata.managedFields[0].operation: Unsupported value: "Patch": supported values: "Apply", "Update"',
  ])
})

test('at most one owner is the controller', () => {
  const owners = [
    { ...owner, controller: true },
    { ...owner, name: 'b', uid: 'v', controller: true },
  ]
  const [error] = validateObjectMeta({ name: 'a', namespace: 'b', ownerReferences: owners }, rules)
  assert.ok(
    error?.message.endsWith(
      'Only one reference can have Controller set to true. Found "true" in references for ReplicaSet/a and ReplicaSet/b',
    ),
  )
})

test('what an update may not change', () => {
  const old: ObjectMeta = {
    name: 'a',
    namespace: 'b',
    uid: 'u',
    creationTimestamp: '2024-01-01T00:00:00Z',
    resourceVersion: '1',
    generation: 2,
  }
  const check = (change: ObjectMeta, expected: string[], base = old) =>
    assert.deepEqual(
      validateObjectMetaUpdate({ ...base, ...change }, base, { path: 'metadata' }).map((e) => `${e.field}: ${e.message}`),
      expected,
    )
  check({}, [])
  check({ name: 'c' }, ['metadata.name: Invalid value: "c": field is immutable'])
  check({ uid: 'v' }, ['metadata.uid: Invalid value: "v": field is immutable'])
  check({ deletionTimestamp: '2024-01-01T00:00:00Z' }, [
    'metadata.deletionTimestamp: Invalid value: "2024-01-01T00:00:00Z": field is immutable',
  ])
  check({ resourceVersion: '' }, ['metadata.resourceVersion: Invalid value: "": must be specified for an update'])
  check({ generation: 1 }, ['metadata.generation: Invalid value: 1: must not be decremented'])
  check(
    { finalizers: ['x/y'] },
    ['metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x/y"}'],
    {
      ...old,
      deletionTimestamp: '2024-01-01T00:00:00Z',
    },
  )
})

test('field managers are short and printable', () => {
  assert.deepEqual(validateFieldManager('kubectl-client-side-apply', 'fieldManager'), [])
  assert.equal(validateFieldManager('a'.repeat(129), 'fieldManager')[0]?.reason, 'FieldValueTooLong')
  assert.equal(validateFieldManager('a\nb', 'fieldManager')[0]?.message, 'Invalid value: "a\\nb": invalid character U+000A (at position 1)')
})
