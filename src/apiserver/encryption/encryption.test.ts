import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { describeStore, key, put } from '../../store/conformance.ts'
import type { StoreKey } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createValueEncryption, encryptedStore, type EncryptionKey, fixedSource, reencrypt } from './encryption.ts'

const newKey = (id: string): EncryptionKey => ({ id, secret: randomBytes(32) })
const [one, two] = [newKey('key1'), newKey('key2')]
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value)
const prefixes = ['/registry/core/secrets/']
const secret = '/registry/core/secrets/shop/db' as StoreKey

describe('value encryption', () => {
  it('gives back what it was given, and never the same bytes twice', () => {
    const encryption = createValueEncryption([one], prefixes)
    for (const value of ['', 'p4ssword', 'x'.repeat(100_000)]) {
      const [a, b] = [encryption.encrypt(secret, bytes(value)), encryption.encrypt(secret, bytes(value))]
      assert.equal(text(encryption.decrypt(secret, a)), value)
      assert.notDeepEqual(a, b)
      assert.ok(value === '' || !text(a).includes(value))
    }
  })

  it('reads with every key and writes with the first', () => {
    const old = createValueEncryption([one], prefixes).encrypt(secret, bytes('v'))
    const rotated = createValueEncryption([two, one], prefixes)
    assert.equal(text(rotated.decrypt(secret, old)), 'v')
    assert.ok(rotated.isStale(secret, old))
    assert.ok(!rotated.isStale(secret, rotated.encrypt(secret, bytes('v'))))
    assert.throws(() => createValueEncryption([two], prefixes).decrypt(secret, old), /encrypted with key "key1", which is not known/)
  })

  it('reads a value that was written before encryption was on', () => {
    const encryption = createValueEncryption([one], prefixes)
    assert.equal(text(encryption.decrypt(secret, bytes('{"kind":"Secret"}'))), '{"kind":"Secret"}')
    assert.ok(encryption.isStale(secret, bytes('{"kind":"Secret"}')))
  })

  const damages: readonly (readonly [title: string, damage: (stored: Uint8Array) => Uint8Array])[] = [
    ['a changed byte of the value', (stored) => stored.with(40, stored[40]! ^ 1)],
    ['a changed tag', (stored) => stored.with(-1, stored.at(-1)! ^ 1)],
    ['a lost end', (stored) => stored.subarray(0, -1)],
    ['nothing after the key', (stored) => stored.subarray(0, 'keelson:enc:aesgcm:v1:key1:'.length)],
    ['a key id that never ends', (stored) => stored.subarray(0, 'keelson:enc:aesgcm:v1:key1'.length)],
  ]
  for (const [title, damage] of damages) {
    it(`refuses ${title}`, () => {
      const encryption = createValueEncryption([one], prefixes)
      assert.throws(() => encryption.decrypt(secret, damage(new Uint8Array(encryption.encrypt(secret, bytes('p4ssword'))))))
    })
  }

  it('refuses the value of another key in the store', () => {
    const encryption = createValueEncryption([one], prefixes)
    assert.throws(
      () => encryption.decrypt('/registry/core/secrets/shop/other' as StoreKey, encryption.encrypt(secret, bytes('v'))),
      /not what was written/,
    )
  })

  it('refuses keys that cannot be used', () => {
    assert.throws(() => createValueEncryption([], prefixes), /at least one key/)
    assert.throws(() => createValueEncryption([one, one], prefixes), /the same id/)
    assert.throws(() => createValueEncryption([{ id: 'a:b', secret: one.secret }], prefixes), /not an id with 32 bytes/)
    assert.throws(() => createValueEncryption([{ id: 'a', secret: new Uint8Array(16) }], prefixes), /not an id with 32 bytes/)
  })
})

describe('encrypted store', () => {
  it('hides the values under its prefixes only', async () => {
    const inner = createMemoryStore()
    const store = encryptedStore(inner, fixedSource(createValueEncryption([one], prefixes)))
    const open = '/registry/core/configmaps/shop/a' as StoreKey
    await store.commit([
      { type: 'put', key: secret, value: bytes('p4ssword'), expected: 'absent' },
      { type: 'put', key: open, value: bytes('public'), expected: 'absent' },
    ])
    assert.match(text((await inner.get(secret))?.value), /^keelson:enc:aesgcm:v1:key1:/)
    assert.equal(text((await inner.get(open))?.value), 'public')
    assert.equal(text((await store.get(secret))?.value), 'p4ssword')
    const conflict = await store.commit([{ type: 'put', key: secret, value: bytes('x'), expected: 'absent' }])
    assert.equal(conflict.type === 'conflict' && text(conflict.current?.value), 'p4ssword')
  })

  it('writes stale values anew and leaves the rest alone', async () => {
    const inner = createMemoryStore()
    const old = encryptedStore(inner, fixedSource(createValueEncryption([one], prefixes)))
    const secrets = Array.from({ length: 5 }, (_, i) => `/registry/core/secrets/shop/s${i}` as StoreKey)
    for (const key of secrets.slice(1)) await old.commit([{ type: 'put', key, value: bytes(key), expected: 'absent' }])
    await inner.commit([{ type: 'put', key: secrets[0]!, value: bytes(secrets[0]!), expected: 'absent' }])
    const rotated = createValueEncryption([two, one], prefixes)
    assert.equal(await reencrypt(inner, fixedSource(rotated)), 5)
    assert.equal(await reencrypt(inner, fixedSource(rotated)), 0)
    const alone = encryptedStore(inner, fixedSource(createValueEncryption([two], prefixes)))
    for (const key of secrets) assert.equal(text((await alone.get(key))?.value), key)
  })
})

describeStore(
  'encrypted memory',
  async () => {
    const store = encryptedStore(createMemoryStore(), fixedSource(createValueEncryption([one], [key('a'), key('k')])))
    assert.equal((await store.list('')).entries.length, 0)
    assert.equal(put('a', '1').type, 'put')
    return { store, dispose: () => store.close() }
  },
  { runs: 50, isDurable: false },
)
