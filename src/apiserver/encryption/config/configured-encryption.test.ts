import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { StoreKey } from '../../../store/contract.ts'
import { createValueEncryption } from '../encryption.ts'
import type { Provider, ResourceEncryption } from './configuration.ts'
import { configuredEncryption } from './configured-encryption.ts'
import { createProvider } from './providers.ts'

const secretKey = '/registry/core/secrets/shop/db' as StoreKey
const mapKey = '/registry/core/configmaps/shop/a' as StoreKey
const deploymentKey = '/registry/apps/deployments/shop/web' as StoreKey
const text = (value: Uint8Array) => Buffer.from(value).toString()
const bytes = (value: string) => Buffer.from(value)
const builtIn = createValueEncryption([{ id: 'key1', secret: randomBytes(32) }], ['/registry/core/secrets/'])
const create = (provider: Provider) => (provider.type === 'kms' ? assert.fail() : createProvider(provider))
const make = (...rules: ResourceEncryption[]) => configuredEncryption(rules, { builtIn: () => builtIn, create })
const keyed = (type: 'aesgcm' | 'aescbc' | 'secretbox', name: string, secret: Uint8Array = randomBytes(32)): Provider => ({
  type,
  keys: [{ name, secret }],
})
const identity: Provider = { type: 'identity' }
const for_ = (resources: readonly string[], ...providers: Provider[]): ResourceEncryption => ({ resources, providers })

for (const type of ['aesgcm', 'aescbc', 'secretbox'] as const) {
  test(`${type} gives back what it was given, in upstream's form`, () => {
    const encryption = make(for_(['secrets'], keyed(type, 'k1')))
    for (const value of ['', 'p4ssword', 'x'.repeat(70_000)]) {
      const stored = encryption.encrypt(secretKey, bytes(value))
      assert.ok(text(stored).startsWith(`k8s:enc:${type}:v1:k1:`))
      assert.equal(text(encryption.decrypt(secretKey, stored)), value)
      assert.equal(encryption.isStale(secretKey, stored), false)
    }
  })
}

test('keys of 128 and 192 bits are taken too', () => {
  for (const type of ['aesgcm', 'aescbc'] as const)
    for (const length of [16, 24]) {
      const encryption = make(for_(['secrets'], keyed(type, 'k1', randomBytes(length))))
      assert.equal(text(encryption.decrypt(secretKey, encryption.encrypt(secretKey, bytes('v')))), 'v')
    }
})

test('secretbox is that of NaCl: its own test vector opens', () => {
  const hex = (value: string) => Buffer.from(value, 'hex')
  const key = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389')
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
  const box = hex(
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972' +
      '71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3' +
      '7973f622a43d14a6599b1f654cb45a74e355a5',
  )
  const message =
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31' +
    '0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864' +
    '5e0705'
  const stored = Buffer.concat([bytes('k8s:enc:secretbox:v1:k1:'), nonce, box])
  const opened = make(for_(['secrets'], keyed('secretbox', 'k1', key))).decrypt(secretKey, stored)
  assert.equal(Buffer.from(opened).toString('hex'), message)
})

test('the first provider writes and every one reads; what another wrote is stale', () => {
  const [old, fresh] = [keyed('aescbc', 'old'), keyed('aesgcm', 'fresh')]
  const before = make(for_(['secrets'], old, identity))
  const stored = before.encrypt(secretKey, bytes('v'))
  const after = make(for_(['secrets'], fresh, old, identity))
  assert.equal(text(after.decrypt(secretKey, stored)), 'v')
  assert.equal(text(after.decrypt(secretKey, bytes('{"plain":1}'))), '{"plain":1}')
  assert.ok(after.isStale(secretKey, stored))
  assert.ok(after.isStale(secretKey, bytes('{"plain":1}')))
  const off = make(for_(['secrets'], identity, old))
  assert.ok(off.isStale(secretKey, stored))
  assert.equal(text(off.encrypt(secretKey, bytes('{}'))), '{}')
  assert.equal(text(off.decrypt(secretKey, stored)), 'v')
})

test('within a provider the first key writes and the others read', () => {
  const [one, two] = [
    { name: 'one', secret: randomBytes(32) },
    { name: 'two', secret: randomBytes(32) },
  ]
  const stored = make(for_(['secrets'], { type: 'aesgcm', keys: [one] })).encrypt(secretKey, bytes('v'))
  const rotated = make(for_(['secrets'], { type: 'aesgcm', keys: [two, one] }))
  assert.equal(text(rotated.decrypt(secretKey, stored)), 'v')
  assert.ok(rotated.isStale(secretKey, stored))
  const dropped = make(for_(['secrets'], { type: 'aesgcm', keys: [two] }))
  assert.throws(() => dropped.decrypt(secretKey, stored), /no matching key was found for the provided AES transformer/)
})

test('the rule that names a resource goes before that of its group, and that before the one for all', () => {
  const encryption = make(
    for_(['secrets'], keyed('aesgcm', 'named')),
    for_(['*.'], keyed('aesgcm', 'group')),
    for_(['*.*'], keyed('aesgcm', 'all')),
  )
  const nameOf = (key: StoreKey) => text(encryption.encrypt(key, bytes('v'))).split(':')[4]
  assert.deepEqual([secretKey, mapKey, deploymentKey].map(nameOf), ['named', 'group', 'all'])
  assert.ok(encryption.covers('/registry/stable.example.com/crontabs/a' as StoreKey))
  for (const key of ['/keelson/encryption-keys', '/registry/ranges']) assert.equal(encryption.covers(key as StoreKey), false)
})

test("what the server's own keys wrote is read and stale where a rule is, and they go on elsewhere", () => {
  const stored = builtIn.encrypt(secretKey, bytes('v'))
  const encryption = make(for_(['secrets'], keyed('aesgcm', 'k1')))
  assert.equal(text(encryption.decrypt(secretKey, stored)), 'v')
  assert.ok(encryption.isStale(secretKey, stored))
  const elsewhere = make(for_(['configmaps'], keyed('aesgcm', 'k1')))
  assert.equal(elsewhere.isStale(secretKey, stored), false)
  assert.match(text(elsewhere.encrypt(secretKey, bytes('v'))), /^keelson:enc:/)
})

test('a value that nobody can read is refused, never taken for what it hides', () => {
  const stored = make(for_(['secrets'], keyed('aesgcm', 'k1'))).encrypt(secretKey, bytes('v'))
  assert.throws(() => make(for_(['secrets'], keyed('aescbc', 'k1'))).decrypt(secretKey, stored), /no matching prefix found/)
  assert.throws(() => make(for_(['secrets'], identity)).decrypt(secretKey, stored), /no matching prefix found/)
  assert.throws(() => make(for_(['configmaps'], identity)).decrypt(secretKey, stored), /no provider is configured/)
  assert.throws(() => make(for_(['secrets'], keyed('aesgcm', 'k1'))).decrypt(secretKey, bytes('{"plain":1}')), /no matching prefix found/)
  const other = make(for_(['secrets'], keyed('aesgcm', 'k1')))
  assert.throws(() => other.decrypt(secretKey, stored), /is not what was written/)
})
