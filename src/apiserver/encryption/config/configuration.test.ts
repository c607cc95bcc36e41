import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupResourceOf, parseEncryptionConfiguration } from './configuration.ts'

const secret = Buffer.alloc(32, 7).toString('base64')
const head = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' }
const file = (...resources: object[]) => JSON.stringify({ ...head, resources })
const identity = { identity: {} }
const aesgcm = (key: object) => ({ aesgcm: { keys: [key] } })
const rule = (resources: readonly string[], ...providers: object[]) => ({ resources, providers })

const refused = (text: string, message: string) => assert.throws(() => parseEncryptionConfiguration(text), { message })

test('a configuration is read in the order of the file', () => {
  const text = `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets, configmaps]
  providers:
  - aescbc: {keys: [{name: key1, secret: ${secret}}]}
  - identity: {}
- resources: ['*.apps']
  providers:
  - kms: {apiVersion: v2, name: vault, endpoint: unix:///run/kms.sock, timeout: 1.5s}
`
  const key = { name: 'key1', secret: Buffer.alloc(32, 7) }
  assert.deepEqual(parseEncryptionConfiguration(text), [
    { resources: ['secrets', 'configmaps'], providers: [{ type: 'aescbc', keys: [key] }, { type: 'identity' }] },
    { resources: ['*.apps'], providers: [{ type: 'kms', name: 'vault', endpoint: 'unix:///run/kms.sock', timeoutMs: 1500 }] },
  ])
})

test('what follows the first dot of a resource is its group', () => {
  assert.deepEqual(groupResourceOf('secrets'), { group: '', resource: 'secrets' })
  assert.deepEqual(groupResourceOf('*.'), { group: '', resource: '*' })
  assert.deepEqual(groupResourceOf('crontabs.stable.example.com'), { group: 'stable.example.com', resource: 'crontabs' })
})

test('what is no configuration is refused', () => {
  refused('', 'the encryption provider configuration file is empty')
  refused('kind: Secret', 'the encryption provider configuration is no EncryptionConfiguration of apiserver.config.k8s.io/v1')
  refused(JSON.stringify(head), 'resources: Required value: at least one resources is required')
  refused(
    file({}),
    '[resources[0].resources: Required value: at least one resources[0].resources is required, ' +
      'resources[0].providers: Required value: at least one resources[0].providers is required]',
  )
})

const names: readonly (readonly [resources: readonly string[], message: string])[] = [
  [['Secrets'], 'resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters'],
  [
    ['*'],
    'resources[0].resources[0]: Invalid value: "*": use \'*.\' to encrypt all the resources from core API group or *.* to encrypt all resources',
  ],
  [
    ['serviceipallocations'],
    'resources[0].resources[0]: Invalid value: "serviceipallocations": resources which do not have REST API/s cannot be encrypted',
  ],
  [
    ['*.events.k8s.io'],
    "resources[0].resources[0]: Invalid value: \"*.events.k8s.io\": '*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file",
  ],
  [
    ['*.extensions'],
    'resources[0].resources[0]: Invalid value: "*.extensions": \'extensions\' group has been removed and cannot be used for encryption',
  ],
  [['secrets.*'], 'resources[0].resources[0]: Invalid value: "secrets.*": encrypting the same resource across groups is not supported'],
  [
    ['secrets', 'secrets'],
    'resources[0].resources: Invalid value: ["secrets","secrets"]: the same resource cannot be specified multiple times',
  ],
  [
    ['secrets', '*.'],
    'resources[0].resources: Invalid value: ["secrets","*."]: using overlapping resources such as \'secrets\' and \'*.\' in the same resource list is not allowed as they will be masked',
  ],
]
for (const [resources, message] of names)
  test(`resources ${resources.join(' ')} are refused`, () => refused(file(rule(resources, identity)), message))

test('a rule that an earlier one hides is refused', () => {
  refused(file(rule(['*.'], identity), rule(['secrets'], identity)), 'resource "secrets" is masked by earlier rule "*."')
  refused(
    file(rule(['*.*'], identity), rule(['deployments.apps'], identity)),
    'resource "deployments.apps" is masked by earlier rule "*.*"',
  )
  assert.equal(parseEncryptionConfiguration(file(rule(['secrets'], identity), rule(['*.'], identity))).length, 2)
})

const keys: readonly (readonly [title: string, provider: object, message: string])[] = [
  ['no keys', { aesgcm: { keys: [] } }, 'aesgcm.keys: Required value: at least one keys is required'],
  ['no name', aesgcm({ secret }), 'aesgcm.keys[0].name: Required value: name is a mandatory field for a key'],
  ['no secret', aesgcm({ name: 'k' }), 'aesgcm.keys[0].secret: Required value: secret is a mandatory field for a key'],
  ['no base64', aesgcm({ name: 'k', secret: 'p4ss!' }), 'aesgcm.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded'],
  [
    'a short key',
    aesgcm({ name: 'k', secret: 'AAAA' }),
    'aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 3, expected one of [16 24 32]',
  ],
  [
    'a short box key',
    { secretbox: { keys: [{ name: 'k', secret: Buffer.alloc(16).toString('base64') }] } },
    'secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 16, expected one of [32]',
  ],
  ['no endpoint', { kms: { apiVersion: 'v2', name: 'a' } }, 'kms.endpoint: Invalid value: "": endpoint is a mandatory field for a kms'],
  [
    'an endpoint that is no socket',
    { kms: { apiVersion: 'v2', name: 'a', endpoint: 'tcp://host' } },
    'kms.endpoint: Invalid value: "tcp://host": unsupported scheme "tcp" for KMS provider, only unix is supported',
  ],
  [
    'a name with a colon',
    { kms: { apiVersion: 'v2', name: 'a:b', endpoint: 'unix:///s' } },
    'kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain \':\'',
  ],
  [
    'no time',
    { kms: { apiVersion: 'v2', name: 'a', endpoint: 'unix:///s', timeout: '0s' } },
    'kms.timeout: Invalid value: "0s": timeout should be a positive value',
  ],
]
for (const [title, provider, message] of keys)
  test(`a provider with ${title} is refused`, () => refused(file(rule(['secrets'], provider)), `resources[0].providers[0].${message}`))

test('a provider is exactly one, and what it holds is never told', () => {
  const place = 'resources[0].providers[0]: Invalid value: '
  refused(
    file(rule(['secrets'], { rot13: { secret } })),
    `${place}["rot13"]: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`,
  )
  refused(
    file(rule(['secrets'], { ...identity, ...aesgcm({ name: 'k', secret }) })),
    `${place}["identity","aesgcm"]: more than one provider specified in a single element, should split into different list elements`,
  )
})
