import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Server, ServerCredentials, status, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'
import protobuf from 'protobufjs/light.js'
import { silentLog } from '../../../base/log.ts'
import { systemClock } from '../../../platform/system-clock.ts'
import { systemRandom } from '../../../platform/system-random.ts'
import { virtualClock } from '../../../platform/virtual-clock.ts'
import { type StoreKey, StoreUnavailable } from '../../../store/contract.ts'
import { createMemoryStore } from '../../../store/memory.ts'
import { createValueEncryption, encryptedStore, fixedSource, openAesGcm, sealAesGcm, UnknownEncryptionKey } from '../encryption.ts'
import { openConfiguredSource } from './configured-source.ts'
import { openKmsProvider } from './kms-provider.ts'
import descriptor from './kms-v2.json' with { type: 'json' }

const directory = mkdtempSync(join(tmpdir(), 'keelson-kms-'))
const closing: (() => void)[] = []
after(() => {
  for (const close of closing) close()
  rmSync(directory, { recursive: true, force: true })
})
const secretKey = '/registry/core/secrets/shop/db' as StoreKey
const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString()
let made = 0

/** A key service on a socket of its own: it keeps every key it has had, and counts what it is asked. */
async function startService() {
  const endpoint = `unix://${join(directory, `kms-${++made}.sock`)}`
  const keys = new Map([['k1', randomBytes(32)]])
  const state = { keyId: 'k1', healthz: 'ok', version: 'v2', isRefusing: false }
  const calls = { Status: 0, Encrypt: 0, Decrypt: 0 }
  const root = protobuf.Root.fromJSON(descriptor)
  const answers: Record<string, (request: Record<string, unknown>) => object> = {
    Status: () => ({ version: state.version, healthz: state.healthz, key_id: state.keyId }),
    Encrypt: ({ plaintext }) => ({
      ciphertext: sealAesGcm(keys.get(state.keyId)!, plaintext as Uint8Array, state.keyId),
      key_id: state.keyId,
      annotations: { 'kms.example.com/made-by': Buffer.from('test') },
    }),
    Decrypt: ({ ciphertext, key_id, annotations }) => {
      if (state.isRefusing) throw new Error('the vault is sealed')
      assert.deepEqual(Object.keys(annotations as object), ['kms.example.com/made-by'])
      return { plaintext: openAesGcm(keys.get(key_id as string)!, ciphertext as Uint8Array, key_id as string) }
    },
  }
  const definition: Record<string, unknown> = {}
  const implementation: UntypedServiceImplementation = {}
  for (const [name, answer] of Object.entries(answers)) {
    const [request, response] = [root.lookupType(`v2.${name}Request`), root.lookupType(`v2.${name}Response`)]
    definition[name] = {
      path: `/v2.KeyManagementService/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: object) => Buffer.from(request.encode(value).finish()),
      requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes), { defaults: true, objects: true }),
      responseSerialize: (value: object) => Buffer.from(response.encode(response.fromObject(value)).finish()),
      responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    }
    implementation[name] = (call: { request: Record<string, unknown> }, reply: (error: object | null, value?: object) => void) => {
      calls[name as keyof typeof calls]++
      try {
        reply(null, answer(call.request))
      } catch (error) {
        reply({ code: status.UNAVAILABLE, details: (error as Error).message })
      }
    }
  }
  const server = new Server()
  server.addService(definition as ServiceDefinition, implementation)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(endpoint, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()))
  })
  closing.push(() => server.forceShutdown())
  return { endpoint, keys, state, calls }
}

const optionsOf = (endpoint: string) => ({ type: 'kms', name: 'vault', endpoint, timeoutMs: 3000 }) as const
const parts = { clock: systemClock, random: systemRandom, log: silentLog }

test('values are encrypted here, and the service sees one seed', async () => {
  const { endpoint, calls } = await startService()
  const provider = await openKmsProvider(optionsOf(endpoint), parts)
  closing.push(() => provider.close())
  for (let i = 0; i < 100; i++) {
    const stored = provider.encrypt(secretKey, Buffer.from(`value ${i}`))
    assert.ok(text(stored).startsWith('k8s:enc:kms:v2:vault:'))
    assert.equal(text(provider.decrypt(secretKey, stored)), `value ${i}`)
    assert.equal(provider.isStale(stored), false)
    assert.throws(() => provider.decrypt('/registry/core/secrets/shop/other' as StoreKey, stored))
  }
  assert.deepEqual(calls, { Status: 1, Encrypt: 1, Decrypt: 0 })
})

test('another server asks the service once for each seed that it meets', async () => {
  const { endpoint, calls } = await startService()
  const provider = await openKmsProvider(optionsOf(endpoint), parts)
  closing.push(() => provider.close())
  const stored = provider.encrypt(secretKey, Buffer.from('p4ssword'))
  const other = await openKmsProvider(optionsOf(endpoint), parts)
  closing.push(() => other.close())
  assert.throws(() => other.decrypt(secretKey, stored), UnknownEncryptionKey)
  await other.learn(stored)
  await other.learn(stored)
  assert.equal(text(other.decrypt(secretKey, stored)), 'p4ssword')
  assert.equal(calls.Decrypt, 1)
})

test('a new key of the service is found within a minute, and what has the old one is stale', async () => {
  const { endpoint, keys, state } = await startService()
  const clock = virtualClock()
  const provider = await openKmsProvider(optionsOf(endpoint), { ...parts, clock })
  const stored = provider.encrypt(secretKey, Buffer.from('old'))
  keys.set('k2', randomBytes(32))
  state.keyId = 'k2'
  await clock.advance(60_000)
  for (let i = 0; i < 500 && !provider.isStale(stored); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(provider.isStale(stored), true)
  assert.equal(provider.isStale(provider.encrypt(secretKey, Buffer.from('new'))), false)
  assert.equal(text(provider.decrypt(secretKey, stored)), 'old')
  state.healthz = 'sealed'
  for (let i = 0; i < 500 && provider.isHealthy; i++) {
    await clock.advance(60_000)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(provider.isHealthy, false)
  provider.close()
})

test('a service that is not there, not well or of another version is told at the start', async () => {
  const { endpoint, state } = await startService()
  await assert.rejects(
    openKmsProvider({ ...optionsOf(`unix://${directory}/nobody.sock`), timeoutMs: 300 }, parts),
    /the key service vault at unix:.*nobody\.sock cannot be used/,
  )
  state.healthz = 'sealed'
  await assert.rejects(openKmsProvider(optionsOf(endpoint), parts), /got unexpected healthz status: sealed/)
  Object.assign(state, { healthz: 'ok', version: 'v1' })
  await assert.rejects(openKmsProvider(optionsOf(endpoint), parts), /expected KMSv2 API version v2, got v1/)
})

test('a store reads through the service what another server wrote, and fails in words when the service refuses', async () => {
  const { endpoint, state } = await startService()
  const config = JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'vault', endpoint } }] }],
  })
  const inner = createMemoryStore()
  const builtIn = fixedSource(createValueEncryption([{ id: 'key1', secret: randomBytes(32) }], ['/registry/core/secrets/']))
  const open = async () => {
    const source = await openConfiguredSource(config, builtIn, parts)
    closing.push(() => source.close())
    return encryptedStore(inner, source)
  }
  await (await open()).commit([{ type: 'put', key: secretKey, value: Buffer.from('p4ssword'), expected: 'absent' }])
  assert.equal(text((await (await open()).get(secretKey))?.value), 'p4ssword')
  state.isRefusing = true
  const refused = await open()
  await assert.rejects(refused.get(secretKey), (error) => error instanceof StoreUnavailable && /the vault is sealed/.test(error.message))
})
