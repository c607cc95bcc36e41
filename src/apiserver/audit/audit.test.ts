import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { seededRandom } from '../../base/random.ts'
import { openRotatingFile } from '../../platform/rotating-file.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { parseRequest } from '../http/request-info.ts'
import { allowAll, createTestApi } from '../test-api.ts'
import { at, rawRequest, sender, type TestJson } from '../test-requests.ts'
import { lazyBinaryCodec } from '../objects/binary-codec.ts'
import { createAuditLog } from './audit-log.ts'
import { auditVerdict, parseAuditPolicy } from './policy.ts'

const policyOf = (rules: string) => parseAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\n${rules}`)
const policy = policyOf(`
omitStages: [RequestReceived]
rules:
- level: None
  users: [quiet]
- level: None
  nonResourceURLs: [/healthz*, /version]
- level: Metadata
  resources:
  - {group: "", resources: [secrets, configmaps/status, "pods/*"]}
  omitStages: [ResponseStarted]
- level: Request
  verbs: [create]
  namespaces: [shop]
- level: RequestResponse
  resources:
  - {group: apps, resources: [deployments], resourceNames: [web]}
- level: Metadata
  userGroups: [ops]
`)
const levels: readonly (readonly [user: string, method: string, url: string, level: string])[] = [
  ['quiet', 'GET', '/api/v1/namespaces/shop/secrets/x', 'None'],
  ['ann', 'GET', '/healthz/ping', 'None'],
  ['ann', 'GET', '/api/v1/namespaces/shop/secrets/x', 'Metadata'],
  ['ann', 'PUT', '/api/v1/namespaces/shop/configmaps/x/status', 'Metadata'],
  ['ann', 'GET', '/api/v1/namespaces/shop/pods/x/log', 'Metadata'],
  ['ann', 'GET', '/api/v1/namespaces/shop/pods/x', 'Metadata'],
  ['ann', 'GET', '/api/v1/namespaces/shop/services/x', 'None'],
  ['ann', 'POST', '/api/v1/namespaces/shop/configmaps', 'Request'],
  ['ann', 'POST', '/api/v1/namespaces/other/configmaps', 'None'],
  ['ann', 'GET', '/apis/apps/v1/namespaces/other/deployments/web', 'RequestResponse'],
  ['ann', 'GET', '/apis/apps/v1/namespaces/other/deployments/api', 'None'],
  ['olga', 'GET', '/metrics', 'Metadata'],
]
for (const [name, method, url, level] of levels)
  test(`${name}'s ${method} ${url} is recorded at ${level}`, () => {
    const user = { name, groups: name === 'olga' ? ['ops'] : [] }
    assert.equal(auditVerdict(policy, user, parseRequest(method, url)).level, level)
  })

const badPolicies: readonly (readonly [text: string, message: RegExp])[] = [
  ['rules: []', /no rules/],
  ['rules: [{level: Loud}]', /rules\[0\]\.level/],
  ['rules: [{level: None, user: [x]}]', /rules\[0\]\.user /],
  ['rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]', /both regular resources and non-resource URLs/],
  ['rules: [{level: None, nonResourceURLs: [/a*b]}]', /with a '\*' at its end only/],
  ['rules: [{level: None, resources: [{resourceNames: [x]}]}]', /requires at least one resource/],
  ['omitStages: [Never]\nrules: [{level: None}]', /omitStages/],
]
for (const [text, message] of badPolicies)
  test(`a policy is refused: ${text.replace(/\n/g, ' ')}`, () => assert.throws(() => policyOf(text), message))

const lines: TestJson[] = []
const clock = virtualClock()
const audit = createAuditLog({
  policy: policyOf(`
rules:
- {level: Metadata, resources: [{group: "", resources: [secrets]}]}
- {level: RequestResponse, omitManagedFields: true}
`),
  backends: [
    {
      sink: {
        write: (event) => {
          lines.push(JSON.parse(JSON.stringify(event)) as TestJson)
          return undefined
        },
        full: () => undefined,
        close: async () => {},
      },
    },
  ],
  clock,
  random: seededRandom(2),
})
let isAllowed = true
const { api } = await createTestApi({
  clock,
  random: seededRandom(1),
  audit,
  authorizer: {
    ...allowAll,
    authorize: () => (isAllowed ? { allowed: true, reason: 'RBAC: allowed by a test' } : { allowed: false, reason: 'not today' }),
  },
})
after(() => api.close())
const send = sender(api)
const recorded = async (act: () => Promise<unknown>) => {
  lines.length = 0
  await act()
  return [...lines]
}

test('a request is recorded as received and as complete, under one id that the answer carries', async () => {
  let id: unknown
  const events = await recorded(async () => {
    const body = { metadata: { name: 'a', namespace: 'default' }, data: { k: 'v' } }
    const { headers } = await send('POST', '/api/v1/namespaces/default/configmaps', { body, headers: { 'impersonate-user': 'bob' } })
    id = headers['audit-id']
  })
  assert.deepEqual(
    events.map((e) => [e.stage, e.auditID]),
    [
      ['RequestReceived', id],
      ['ResponseComplete', id],
    ],
  )
  const [, complete] = events
  assert.equal(at(complete!, 'user.username'), 'test')
  assert.equal(at(complete!, 'impersonatedUser.username'), 'bob')
  assert.equal(complete!.verb, 'create')
  assert.deepEqual(complete!.objectRef, { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' })
  assert.equal(at(complete!, 'responseStatus.code'), 201)
  assert.equal(at(complete!, 'requestObject.data.k'), 'v')
  assert.equal(at(complete!, 'responseObject.metadata.name'), 'a')
  assert.equal(at(complete!, 'responseObject.metadata.managedFields'), undefined)
  assert.deepEqual(complete!.annotations, {
    'authorization.k8s.io/decision': 'allow',
    'authorization.k8s.io/reason': 'RBAC: allowed by a test',
  })
})

test('bodies in protobuf are recorded as JSON, and none at the reception', async () => {
  const codec = await lazyBinaryCodec()()
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'binary', namespace: 'default' }, data: { k: 'v' } }
  const type = 'application/vnd.kubernetes.protobuf'
  const [received, complete] = await recorded(() =>
    rawRequest(api, 'POST', '/api/v1/namespaces/default/configmaps', {
      body: codec.encode(object)!,
      headers: { 'content-type': type, accept: type },
    }),
  )
  assert.equal(received!.requestObject, undefined)
  assert.equal(at(complete!, 'requestObject.data.k'), 'v')
  assert.equal(at(complete!, 'responseObject.metadata.name'), 'binary')
  assert.equal(at(complete!, 'responseObject.metadata.managedFields'), undefined)
})

test("a secret's content is nowhere in an event of level Metadata", async () => {
  const body = { metadata: { name: 's' }, stringData: { password: 'hunter2' } }
  const events = await recorded(() => send('POST', '/api/v1/namespaces/default/secrets', { body }))
  assert.equal(events.length, 2)
  assert.doesNotMatch(JSON.stringify(events), /hunter2|aHVudGVyMg/)
})

test('a refusal is recorded with its reason, and a client may name the id', async () => {
  isAllowed = false
  const events = await recorded(() => send('GET', '/api/v1/namespaces/default/secrets/s', { headers: { 'audit-id': 'my-id' } }))
  isAllowed = true
  const last = events.at(-1)!
  assert.equal(last.auditID, 'my-id')
  assert.equal(at(last, 'responseStatus.code'), 403)
  assert.equal(at(last, 'responseStatus.reason'), 'Forbidden')
  assert.deepEqual(last.annotations, { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': 'not today' })
})

test('a watch is recorded as started, and as complete at its end', async () => {
  const events = await recorded(async () => {
    const stop = new AbortController()
    const { body } = await rawRequest(api, 'GET', '/api/v1/namespaces/default/configmaps?watch=true', { signal: stop.signal })
    assert(!(body instanceof Uint8Array))
    for await (const _block of body) stop.abort()
  })
  assert.deepEqual(
    events.map((e) => e.stage),
    ['RequestReceived', 'ResponseStarted', 'ResponseComplete'],
  )
})

test('a log that has grown is put aside, and only so many old ones are kept', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-audit-'))
  const path = join(dir, 'audit.log')
  const log = openRotatingFile({ path, bytesMax: 100, backupsMax: 2, ageMaxMs: 0, clock, onError: assert.ifError })
  for (let i = 0; i < 10; i++) {
    log.write(`${i}${'x'.repeat(60)}`)
    await clock.advance(1000)
  }
  await log.close()
  const names = readdirSync(dir).sort()
  assert.equal(names.length, 3, names.join())
  assert.match(names[0]!, /^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/)
  assert.equal(readFileSync(path, 'utf8'), `9${'x'.repeat(60)}\n`)
  rmSync(dir, { recursive: true })
})

test('what is put aside may be compressed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-audit-'))
  const path = join(dir, 'audit.log')
  const log = openRotatingFile({ path, bytesMax: 100, backupsMax: 2, ageMaxMs: 0, isCompressed: true, clock, onError: assert.ifError })
  log.write('a'.repeat(90))
  log.write('b'.repeat(90))
  await log.close()
  const compressed = () => readdirSync(dir).filter((name) => name.endsWith('.log.gz'))
  while (compressed().length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(gunzipSync(readFileSync(join(dir, compressed()[0]!))).toString(), `${'a'.repeat(90)}\n`)
  rmSync(dir, { recursive: true })
})
