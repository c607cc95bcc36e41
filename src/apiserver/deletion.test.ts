import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { createTestApi, testUser } from './test-api.ts'
import { at, sender } from './test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(5) })
after(() => api.close())
const send = sender(api)
const pods = '/api/v1/namespaces/default/pods'
const configMaps = '/api/v1/namespaces/default/configmaps'

async function makePod(
  name: string,
  more: { node?: string; grace?: number; finalizers?: string[]; labels?: object } = {},
): Promise<string> {
  const { node, grace, finalizers, labels } = more
  const body = {
    metadata: { name, ...(finalizers ? { finalizers } : {}), ...(labels ? { labels } : {}) },
    spec: { containers: [{ name: 'c', image: 'i' }], ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }) },
  }
  const made = await send('POST', pods, { body })
  assert.equal(made.code, 201, made.text)
  const binding = { metadata: { name }, target: { kind: 'Node', name: node } }
  if (node) assert.equal((await send('POST', `${pods}/${name}/binding`, { body: binding })).code, 201)
  return `${pods}/${name}`
}

type Expected = {
  /** How the delete is answered: gone at once with a Status or the object, or marked. */
  readonly answer: 'Status' | 'object'
  readonly isGone: boolean
  readonly graceSeconds?: number
  readonly finalizers?: readonly string[]
}

function check(title: string, setup: () => Promise<string>, request: { query?: string; body?: unknown }, expected: Expected): void {
  test(title, async () => {
    const url = await setup()
    const { code, json, text } = await send('DELETE', url + (request.query ?? ''), { body: request.body })
    assert.equal(code, 200, text)
    assert.equal(json.kind === 'Status', expected.answer === 'Status', text)
    const left = await send('GET', url)
    assert.equal(left.code, expected.isGone ? 404 : 200)
    if (expected.isGone) return
    assert.ok(at(left.json, 'metadata.deletionTimestamp'))
    assert.equal(at(left.json, 'metadata.deletionGracePeriodSeconds'), expected.graceSeconds)
    assert.deepEqual(at(left.json, 'metadata.finalizers'), expected.finalizers)
  })
}

test('who deletes from within the process is told of a pod that is gone what everybody is told', async () => {
  const names = ['one', 'other'] as const
  for (const name of names) await makePod(name)
  const within = await api.clientFor(testUser).resource(kindRefs.coreV1.pods, 'default').delete(names[0])
  const { json } = await send('DELETE', `${pods}/${names[1]}`)
  const withoutIdentity = (object: Readonly<Record<string, unknown>>, name: string): unknown =>
    JSON.parse(
      JSON.stringify(object)
        .replaceAll(name, '')
        .replaceAll(at(object, 'metadata.uid') as string, '')
        .replace(/"resourceVersion":"\d+"/, '"resourceVersion":""'),
    )
  assert.deepEqual(withoutIdentity({ ...within }, names[0]), withoutIdentity(json, names[1]))
  assert.equal(at({ ...within }, 'metadata.deletionGracePeriodSeconds'), 0)
})

const makeConfigMap = async (name: string, finalizers?: string[]) => {
  await send('POST', configMaps, { body: { metadata: { name, ...(finalizers ? { finalizers } : {}) } } })
  return `${configMaps}/${name}`
}

check('a kind without grace goes at once', () => makeConfigMap('c1'), {}, { answer: 'Status', isGone: true })
check('a pod without a node goes at once', () => makePod('p1'), {}, { answer: 'object', isGone: true })
check(
  'a running pod gets its grace',
  () => makePod('p2', { node: 'n', grace: 7 }),
  {},
  { answer: 'object', isGone: false, graceSeconds: 7 },
)
check(
  'the request may shorten it',
  () => makePod('p3', { node: 'n' }),
  { body: { gracePeriodSeconds: 2 } },
  { answer: 'object', isGone: false, graceSeconds: 2 },
)
check('no grace is no wait', () => makePod('p4', { node: 'n' }), { query: '?gracePeriodSeconds=0' }, { answer: 'object', isGone: true })
check(
  'a finalizer keeps the object',
  () => makeConfigMap('c2', ['example.com/hold']),
  {},
  {
    answer: 'object',
    isGone: false,
    graceSeconds: 0,
    finalizers: ['example.com/hold'],
  },
)
check(
  'foreground waits for dependents',
  () => makeConfigMap('c3'),
  { body: { propagationPolicy: 'Foreground' } },
  {
    answer: 'object',
    isGone: false,
    graceSeconds: 0,
    finalizers: ['foregroundDeletion'],
  },
)
check(
  'orphan lets them live',
  () => makeConfigMap('c4'),
  { query: '?propagationPolicy=Orphan' },
  { answer: 'object', isGone: false, graceSeconds: 0, finalizers: ['orphan'] },
)
check(
  'the old parameter says the same',
  () => makeConfigMap('c5'),
  { body: { orphanDependents: true } },
  { answer: 'object', isGone: false, graceSeconds: 0, finalizers: ['orphan'] },
)

test('the last finalizer to go takes the object with it', async () => {
  const url = await makeConfigMap('c6', ['example.com/hold'])
  await send('DELETE', url)
  const released = await send('PATCH', url, { body: { metadata: { finalizers: null } }, type: 'application/merge-patch+json' })
  assert.equal(released.code, 200, released.text)
  assert.equal((await send('GET', url)).code, 404)
})

test('a second delete may shorten the grace and never lengthens it', async () => {
  const url = await makePod('p5', { node: 'n', grace: 30 })
  await send('DELETE', url)
  await send('DELETE', `${url}?gracePeriodSeconds=60`)
  assert.equal(at((await send('GET', url)).json, 'metadata.deletionGracePeriodSeconds'), 30)
  await send('DELETE', `${url}?gracePeriodSeconds=5`)
  assert.equal(at((await send('GET', url)).json, 'metadata.deletionGracePeriodSeconds'), 5)
  await send('DELETE', `${url}?gracePeriodSeconds=0`)
  assert.equal((await send('GET', url)).code, 404)
})

test('a second delete ends the grace of what a finalizer holds, too; then the finalizer is all that holds it', async () => {
  const url = await makePod('p6', { node: 'n', grace: 30, finalizers: ['example.com/hold'] })
  await send('DELETE', url)
  const ended = await send('DELETE', `${url}?gracePeriodSeconds=0`)
  assert.equal(at(ended.json, 'metadata.deletionGracePeriodSeconds'), 0)
  assert.equal(at((await send('GET', url)).json, 'metadata.deletionGracePeriodSeconds'), 0)
  await send('PATCH', url, { body: { metadata: { finalizers: null } }, type: 'application/merge-patch+json' })
  assert.equal((await send('GET', url)).code, 404)
})

test('preconditions', async () => {
  const url = await makeConfigMap('c7')
  const wrong = await send('DELETE', url, { body: { preconditions: { uid: 'other' } } })
  assert.equal(wrong.code, 409)
  assert.match(
    String(wrong.json.message),
    /^Operation cannot be fulfilled on ConfigMap "c7": the UID in the precondition \(other\) does not match the UID in record /,
  )
  const stale = await send('DELETE', url, { body: { preconditions: { resourceVersion: '1' } } })
  assert.equal(stale.code, 409)
  const { json } = await send('GET', url)
  const right = await send('DELETE', url, {
    body: { preconditions: { uid: at(json, 'metadata.uid'), resourceVersion: at(json, 'metadata.resourceVersion') } },
  })
  assert.equal(right.code, 200)
})

test('a dry run deletes nothing', async () => {
  const url = await makeConfigMap('c8')
  assert.equal((await send('DELETE', `${url}?dryRun=All`)).code, 200)
  assert.equal((await send('DELETE', url, { body: { dryRun: ['All'] } })).code, 200)
  assert.equal((await send('GET', url)).code, 200)
})

const refused: readonly (readonly [title: string, body: unknown, code: number])[] = [
  ['a policy that is none', { propagationPolicy: 'Sideways' }, 422],
  ['both forms of the policy', { propagationPolicy: 'Orphan', orphanDependents: true }, 422],
  ['a grace of a wrong type', { gracePeriodSeconds: 'soon' }, 400],
  ['options that are no object', [1], 400],
]
for (const [title, body, code] of refused) {
  test(`options are refused: ${title}`, async () => {
    const url = await makeConfigMap(`r${title.length}`)
    const answer = await send('DELETE', url, { body })
    assert.equal(answer.code, code, answer.text)
  })
}

test('a collection goes by selector, each object by its own rules', async () => {
  await makePod('s1', { labels: { group: 'x' } })
  await makePod('s2', { labels: { group: 'x' }, node: 'n', grace: 9 })
  await makePod('s3', { labels: { group: 'y' } })
  const answer = await send('DELETE', `${pods}?labelSelector=group%3Dx`)
  assert.equal(answer.code, 200, answer.text)
  assert.equal(at(answer.json, 'items.length'), 2)
  assert.equal((await send('GET', `${pods}/s1`)).code, 404)
  assert.equal(at((await send('GET', `${pods}/s2`)).json, 'metadata.deletionGracePeriodSeconds'), 9)
  assert.equal((await send('GET', `${pods}/s3`)).code, 200)
})

test('a namespace terminates: nothing new enters, and finalize lets it go', async () => {
  assert.equal((await send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'doomed' } } })).code, 201)
  const url = '/api/v1/namespaces/doomed'
  assert.deepEqual(at((await send('GET', url)).json, 'spec.finalizers'), ['kubernetes'])
  const deleted = await send('DELETE', url)
  assert.equal(at(deleted.json, 'status.phase'), 'Terminating')
  const refusedCreate = await send('POST', `${url}/configmaps`, { body: { metadata: { name: 'late' } } })
  assert.equal(refusedCreate.code, 403)
  assert.equal(
    refusedCreate.json.message,
    'configmaps "late" is forbidden: unable to create new content in namespace doomed because it is being terminated',
  )
  assert.equal(at(refusedCreate.json, 'details.causes.0.reason'), 'NamespaceTerminating')
  const { json } = await send('GET', url)
  const finalized = await send('PUT', `${url}/finalize`, { body: { ...json, spec: { finalizers: [] } } })
  assert.equal(finalized.code, 200, finalized.text)
  assert.equal((await send('GET', url)).code, 404)
})

test('what the server keeps for all its life comes back', async () => {
  const service = '/api/v1/namespaces/default/services/kubernetes'
  const before = at((await send('GET', service)).json, 'metadata.uid')
  const watched = await send('GET', '/api/v1/namespaces/default/services?limit=1')
  assert.equal((await send('DELETE', service)).code, 200)
  const from = at(watched.json, 'metadata.resourceVersion')
  const seen = await api.handle({
    method: 'GET',
    url: `/api/v1/namespaces/default/services?watch=true&fieldSelector=metadata.name%3Dkubernetes&resourceVersion=${String(from)}`,
    headers: {},
    body: undefined,
    credentials: { clientCertificate: undefined, bearerToken: undefined },
    remoteAddress: '127.0.0.1',
    signal: AbortSignal.timeout(60_000),
  })
  const types: string[] = []
  assert(!(seen.body instanceof Uint8Array))
  for await (const block of seen.body) {
    for (const line of Buffer.from(block).toString().trim().split('\n')) types.push((JSON.parse(line) as { type: string }).type)
    if (types.length >= 2) break
  }
  assert.deepEqual(types, ['DELETED', 'ADDED'])
  assert.notEqual(at((await send('GET', service)).json, 'metadata.uid'), before)
})
