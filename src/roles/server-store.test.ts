import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import type { StoreKey } from '../store/contract.ts'
import { openServerStore } from './server-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-server-store-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const newAuthorityKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const authorityKey = newAuthorityKey()
const privateKey = newAuthorityKey()
const serviceAccountKeys = { privateKey, publicKey: '' }
const secretKey = '/registry/core/secrets/shop/db' as StoreKey
const mapKey = '/registry/core/configmaps/shop/a' as StoreKey
const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString()
const open = (name: string, more: { encryption?: { path: string; reloads: boolean }; authorityKey?: string } = {}) =>
  openServerStore({
    location: undefined,
    network: {},
    dataDir: join(directory, name),
    keys: { authorityKey: more.authorityKey ?? authorityKey, serviceAccountKeys },
    encryption: more.encryption,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })

function writeConfig(
  path: string,
  resources: readonly string[],
  keys: readonly string[],
  more: readonly object[] = [{ identity: {} }],
): void {
  const named = keys.map((name) => ({ name, secret: Buffer.alloc(32, name).toString('base64') }))
  const providers = [...(named.length > 0 ? [{ aescbc: { keys: named } }] : []), ...more]
  const config = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources: [{ resources, providers }] }
  writeFileSync(`${path}.new`, JSON.stringify(config))
  renameSync(`${path}.new`, path)
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`${what} did not come`)
}

test('keys that lay in a file come into the store, and what they wrote is read', async () => {
  const pki = join(directory, 'old', 'pki')
  mkdirSync(pki, { recursive: true })
  writeFileSync(join(pki, 'encryption.json'), JSON.stringify({ keys: [{ id: 'key3', secret: Buffer.alloc(32, 3).toString('base64') }] }))
  const first = await open('old')
  assert.deepEqual(first.ring.ids, ['key3'])
  assert.equal(existsSync(join(pki, 'encryption.json')), false)
  await first.store.commit([{ type: 'put', key: secretKey, value: Buffer.from('{}'), expected: 'absent' }])
  await first.close()
  const again = await open('old')
  assert.equal(text((await again.store.get(secretKey))?.value), '{}')
  await again.close()
  await assert.rejects(open('old', { authorityKey: newAuthorityKey() }), /pki\/ca\.key is not the one that they need/)
})

test('a configuration is brought in, changed and reloaded, and taken out, while every value stays readable', async () => {
  const path = join(directory, 'encryption.yaml')
  const plain = await open('configured')
  for (const key of [secretKey, mapKey])
    await plain.store.commit([{ type: 'put', key, value: Buffer.from(`{"key":"${key}"}`), expected: 'absent' }])
  await plain.close()

  writeConfig(path, ['secrets', 'configmaps'], ['one'])
  const server = await open('configured', { encryption: { path, reloads: true } })
  const areUnder = async (mark: string) => {
    for (const key of [secretKey, mapKey]) {
      assert.equal(text((await server.store.get(key))?.value), `{"key":"${key}"}`)
      if (!text((await server.inner.get(key))?.value).startsWith(mark)) return false
    }
    return true
  }
  await until('the first key', () => areUnder('k8s:enc:aescbc:v1:one:'))
  writeConfig(path, ['secrets', 'configmaps'], ['two', 'one'])
  await until('the second key', () => areUnder('k8s:enc:aescbc:v1:two:'))
  writeFileSync(path, 'kind: Nothing')
  writeConfig(path, ['secrets', 'configmaps'], ['two'])
  await server.close()

  await assert.rejects(async () => {
    const without = await open('configured')
    try {
      await without.store.list('/registry/')
    } finally {
      await without.close()
    }
  }, /is encrypted, and no provider is configured for it/)

  // Upstream's way out: identity first, until everything is plain.
  writeFileSync(path, '')
  const out = [{ identity: {} }, { aescbc: { keys: [{ name: 'two', secret: Buffer.alloc(32, 'two').toString('base64') }] } }]
  writeConfig(path, ['secrets', 'configmaps'], [], out)
  const leaving = await open('configured', { encryption: { path, reloads: false } })
  await until('plain values', async () => text((await leaving.inner.get(mapKey))?.value).startsWith('{'))
  await until('plain secrets', async () => text((await leaving.inner.get(secretKey))?.value).startsWith('{'))
  await leaving.close()
  const back = await open('configured')
  assert.equal(text((await back.store.get(secretKey))?.value), `{"key":"${secretKey}"}`)
  await back.close()
})

test('a configuration that cannot be used ends the start in one sentence', async () => {
  const path = join(directory, 'broken.yaml')
  writeConfig(path, ['Secrets'], ['one'])
  await assert.rejects(open('broken', { encryption: { path, reloads: false } }), {
    name: 'CliError',
    message: /cannot use --encryption-provider-config: resources\[0\]\.resources\[0\]: .*should not contain capital letters/,
  })
  await assert.rejects(open('missing', { encryption: { path: join(directory, 'nowhere.yaml'), reloads: false } }), /ENOENT/)
})
