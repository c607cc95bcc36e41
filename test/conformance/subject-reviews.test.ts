import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at } from '../../src/apiserver/test-requests.ts'
import { startAccessCluster } from './access-cluster.ts'

const access = await startAccessCluster()
after(() => access.close())
const { send } = access
const reviews = '/apis/authorization.k8s.io/v1'

test('SubjectReview should support SubjectReview API operations', async () => {
  assert.equal((await send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'e2e' } })).code, 201)
  const as = 'system:serviceaccount:default:e2e'
  const mayList = async () => (await send('GET', '/api/v1/namespaces/default/configmaps', undefined, { as })).code === 200
  const spec = { user: as, resourceAttributes: { namespace: 'default', verb: 'list', resource: 'configmaps', version: 'v1' } }
  const check = async (expected: boolean) => {
    assert.equal(await mayList(), expected)
    const review = await send('POST', `${reviews}/subjectaccessreviews`, { spec })
    assert.equal(review.code, 201)
    assert.equal(at(review.json, 'status.allowed'), expected)
    const local = await send('POST', `${reviews}/namespaces/default/localsubjectaccessreviews`, {
      metadata: { namespace: 'default' },
      spec,
    })
    assert.equal(local.code, 201)
    assert.equal(at(local.json, 'status.allowed'), expected)
  }
  await check(false)
  const role = await send('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    metadata: { name: 'e2e-reads' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:aggregate-to-view' },
    subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace: 'default' }],
  })
  assert.equal(role.code, 201, JSON.stringify(role.json))
  for (let turns = 0; !(await mayList()) && turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
  await check(true)
})

const metadata = { namespace: 'default' }
const attributes = { verb: 'get', resource: 'pods', namespace: 'default' }
const refusals: readonly (readonly [title: string, path: string, body: object, message: RegExp])[] = [
  [
    'a review of nobody',
    'subjectaccessreviews',
    { spec: { resourceAttributes: attributes } },
    /spec.user: .*at least one of user or group must be specified/,
  ],
  [
    'a review of nothing',
    'subjectaccessreviews',
    { spec: { user: 'ann' } },
    /exactly one of nonResourceAttributes or resourceAttributes must be specified/,
  ],
  [
    'a review with a name',
    'subjectaccessreviews',
    { metadata: { name: 'x' }, spec: { user: 'ann', resourceAttributes: attributes } },
    /metadata: .*must be empty/,
  ],
  [
    'a local review of another namespace',
    'namespaces/default/localsubjectaccessreviews',
    { metadata, spec: { user: 'ann', resourceAttributes: { ...attributes, namespace: 'other' } } },
    /spec.resourceAttributes.namespace: .*must match metadata.namespace/,
  ],
  [
    'a local review of a path',
    'namespaces/default/localsubjectaccessreviews',
    { metadata, spec: { user: 'ann', nonResourceAttributes: { verb: 'get', path: '/metrics' } } },
    /disallowed on this kind of request/,
  ],
  [
    'a field selector told twice',
    'selfsubjectaccessreviews',
    {
      spec: {
        resourceAttributes: { ...attributes, fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] } },
      },
    },
    /may not specified at the same time as requirements/,
  ],
]
for (const [title, path, body, message] of refusals)
  test(`${title} is refused`, async () => {
    const { code, json } = await send('POST', `${reviews}/${path}`, body)
    assert.equal(code, 422)
    assert.match(String(json.message), message)
  })

test('a review whose metadata holds zero values only, as protobuf clients send it, is answered', async () => {
  const body = { metadata: { name: '', generation: 0 }, spec: { resourceAttributes: attributes } }
  assert.equal((await send('POST', `${reviews}/selfsubjectaccessreviews`, body)).code, 201)
})

test('a review with a field selector is judged as the narrowed list would be', async () => {
  const ask = async (fieldSelector: object) => {
    const resourceAttributes = { verb: 'list', resource: 'pods', version: 'v1', fieldSelector }
    const spec = { user: 'system:node:node-1', groups: ['system:nodes'], resourceAttributes }
    return at((await send('POST', `${reviews}/subjectaccessreviews`, { spec })).json, 'status.allowed')
  }
  assert.equal(await ask({ rawSelector: 'spec.nodeName=node-1' }), true)
  assert.equal(await ask({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['node-1'] }] }), true)
  assert.equal(await ask({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['node-1', 'node-2'] }] }), false)
})
