import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { realisticPod } from './pod-fixture.ts'
import { seededRandom } from '../base/random.ts'
import type { Log } from '../base/log.ts'
import { silentLog } from '../base/log.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { sender } from './test-requests.ts'

/** Whatever comes in: an answer under 500, and nothing logged as unexpected. */
const unexpected: unknown[] = []
const log: Log = { ...silentLog, error: (fields) => void unexpected.push(fields), child: () => log }
const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(1), log })
after(() => api.close())
const send = sender(api)

const seed = 20_260_101
const namespace = '/api/v1/namespaces/default'
const collections = [
  `${namespace}/pods`,
  `${namespace}/configmaps`,
  `${namespace}/services`,
  `${namespace}/secrets`,
  `${namespace}/events`,
  '/api/v1/nodes',
  '/api/v1/namespaces',
  '/apis/apps/v1/namespaces/default/deployments',
  '/apis/batch/v1/namespaces/default/jobs',
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
] as const
const fieldNames = [
  'metadata',
  'name',
  'generateName',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
  'spec',
  'status',
  'containers',
  'image',
  'ports',
  'template',
  'selector',
  'replicas',
  'data',
  'type',
  'rules',
  'endpoints',
  'kind',
  'apiVersion',
  '__proto__',
  'constructor',
] as const
const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, fc.constant(null), fc.boolean(), fc.integer(), fc.double(), fc.string(), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(fc.constantFrom(...fieldNames), tie('value'), { maxKeys: 6 }),
}))

async function check(method: string, url: string, body: string, type: string): Promise<void> {
  const answer = await send(method, url, { body, type })
  assert.ok(answer.code < 500, `${method} ${url} ${body}: ${answer.text}`)
}

test('random objects', () =>
  fc.assert(
    fc.asyncProperty(fc.constantFrom(...collections), json.object, async (url, object) => {
      const shaped = { ...object, metadata: { name: 'x', ...(object as { metadata?: object }).metadata } }
      await check('POST', url, JSON.stringify(object), 'application/json')
      await check('POST', url, JSON.stringify(shaped), 'application/json')
      await check('PUT', `${url}/x`, JSON.stringify(shaped), 'application/json')
    }),
    { numRuns: 300, seed },
  ))

/** One place of a valid pod replaced by anything. */
function mutated(path: readonly number[], value: unknown): unknown {
  const pod = structuredClone(realisticPod('m')) as unknown
  let target = pod as Record<string, unknown>
  for (const [i, step] of path.entries()) {
    const keys = Object.keys(target)
    if (keys.length === 0) return pod
    const key = keys[step % keys.length]!
    const below = target[key]
    if (i === path.length - 1 || typeof below !== 'object' || below === null) {
      target[key] = value
      return pod
    }
    target = below as Record<string, unknown>
  }
  return pod
}

test('a valid pod with one place broken', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(9), { minLength: 1, maxLength: 7 }), json.value, async (path, value) => {
      const body = JSON.stringify(mutated(path, value))
      await check('POST', `${namespace}/pods?dryRun=All`, body, 'application/json')
      const template = JSON.parse(body) as unknown
      const deployment = { metadata: { name: 'x' }, spec: { selector: { matchLabels: { app: 'web' } }, template } }
      await check('POST', '/apis/apps/v1/namespaces/default/deployments?dryRun=All', JSON.stringify(deployment), 'application/json')
    }),
    { numRuns: 400, seed },
  ))

test('random patches of every type', async () => {
  await send('POST', `${namespace}/pods`, { body: realisticPod('patched') })
  const types = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
    'application/apply-patch+yaml',
  ]
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
    path: fc.constantFrom('/spec', '/metadata', '/metadata/labels', '/spec/containers/0', '/spec/containers/-', '', '/', 'x'),
    from: fc.constantFrom('/spec', '/x'),
    value: json.value,
  })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...types), fc.oneof(json.value, fc.array(operation, { maxLength: 3 })), async (type, body) => {
      await check('PATCH', `${namespace}/pods/patched?fieldManager=f&dryRun=All`, JSON.stringify(body), type)
      await check('PATCH', `${namespace}/pods/patched/status?fieldManager=f&dryRun=All`, JSON.stringify(body), type)
    }),
    { numRuns: 300, seed },
  )
})

test('random subresource bodies', async () => {
  await send('POST', `${namespace}/pods`, { body: realisticPod('sub') })
  const subresources = ['binding', 'eviction', 'start', 'stop', 'restart', 'pause', 'resume'] as const
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...subresources), json.value, (name, body) =>
      check('POST', `${namespace}/pods/sub/${name}?dryRun=All`, JSON.stringify(body), 'application/json'),
    ),
    { numRuns: 200, seed },
  )
})

test('random bytes and paths', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'BREW'),
      fc.string(),
      fc.string(),
      async (method, path, body) => {
        const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/json-patch+json']
        for (const type of types) {
          await check(method, `/${path}`, body, type)
          await check(method, `${namespace}/configmaps/${encodeURIComponent(path)}`, body, type)
          await check(method, `/api/v1/namespaces/${path}/pods?${path}`, body, type)
          await check(
            method === 'GET' ? 'GET' : 'DELETE',
            `${namespace}/configmaps?labelSelector=${encodeURIComponent(path)}&fieldSelector=${encodeURIComponent(body)}&limit=${path}&continue=${body}`,
            '',
            type,
          )
        }
      },
    ),
    { numRuns: 100, seed },
  ))

test('nothing was unexpected', () => assert.deepEqual(unexpected, []))
