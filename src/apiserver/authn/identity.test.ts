import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Attributes, Authorizer } from '../contract.ts'
import { allowAll, createTestApi } from '../test-api.ts'
import { at, sender } from '../test-requests.ts'

/** A policy by a predicate; everything it was asked is kept. */
const asked: Attributes[] = []
let allows: (attributes: Attributes) => boolean = () => true
const authorizer: Authorizer = {
  ...allowAll,
  authorize: (attributes) => {
    asked.push(attributes)
    return { allowed: allows(attributes), reason: '' }
  },
}
const { api, client } = await createTestApi({
  clock: virtualClock(),
  random: seededRandom(8),
  authorizer,
  authenticator: { authenticate: () => ({ name: 'jane', groups: ['system:authenticated'] }) },
})
after(() => api.close())
const send = sender(api)

function check(title: string, [method, url]: readonly [string, string], expected: { verb: string; message: string }): void {
  test(`forbidden: ${title}`, async () => {
    allows = () => false
    asked.length = 0
    const { code, json } = await send(method, url, method === 'GET' || method === 'DELETE' ? {} : { body: {} })
    allows = () => true
    assert.equal(code, 403)
    assert.equal(json.reason, 'Forbidden')
    assert.equal(json.message, expected.message)
    assert.equal(asked[0]!.verb, expected.verb)
  })
}

const pods = '/api/v1/namespaces/default/pods'
check('get', ['GET', `${pods}/p`], {
  verb: 'get',
  message: 'pods "p" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "default"',
})
check('list of a named group at the cluster scope', ['GET', '/apis/apps/v1/deployments'], {
  verb: 'list',
  message: 'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" at the cluster scope',
})
check('watch', ['GET', `${pods}?watch=true`], {
  verb: 'watch',
  message: 'pods is forbidden: User "jane" cannot watch resource "pods" in API group "" in the namespace "default"',
})
check('watch by the old path', ['GET', '/api/v1/watch/namespaces/default/pods'], {
  verb: 'watch',
  message: 'pods is forbidden: User "jane" cannot watch resource "pods" in API group "" in the namespace "default"',
})
check('a list of one name', ['GET', `${pods}?fieldSelector=metadata.name%3Dp`], {
  verb: 'list',
  message: 'pods "p" is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
})
check('deletecollection', ['DELETE', pods], {
  verb: 'deletecollection',
  message: 'pods is forbidden: User "jane" cannot deletecollection resource "pods" in API group "" in the namespace "default"',
})
check('a subresource', ['POST', `${pods}/p/stop`], {
  verb: 'create',
  message: 'pods "p" is forbidden: User "jane" cannot create resource "pods/stop" in API group "" in the namespace "default"',
})
check('a path', ['GET', '/metrics'], { verb: 'get', message: 'forbidden: User "jane" cannot get path "/metrics"' })

test('an unknown resource is forbidden before it is unknown', async () => {
  allows = () => false
  assert.equal((await send('GET', '/api/v1/nothings')).code, 403)
  allows = () => true
})

const whoAmI = (headers: Record<string, string | string[]>) =>
  send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, headers })

test('an extra key that is not well escaped is taken as it stands', async () => {
  const { json } = await whoAmI({ 'impersonate-user': 'bob', 'impersonate-extra-%zz': 'x', 'impersonate-extra-a%2fb': 'y' })
  assert.deepEqual(at(json, 'status.userInfo.extra'), { '%zz': ['x'], 'a/b': ['y'] })
})

test('impersonation asks for every part and then speaks as the other', async () => {
  asked.length = 0
  const { json } = await whoAmI({ 'impersonate-user': 'bob', 'impersonate-group': ['a', 'b'], 'impersonate-extra-team': 'x' })
  assert.deepEqual(at(json, 'status.userInfo'), { username: 'bob', groups: ['a', 'b', 'system:authenticated'], extra: { team: ['x'] } })
  const demands = asked
    .filter((a) => a.verb === 'impersonate')
    .map((a) => a.type === 'resource' && `${a.resource}/${a.subresource} ${a.name}`)
  assert.deepEqual(demands, ['users/ bob', 'groups/ a', 'groups/ b', 'userextras/team x'])
})
test('a group with a comma in its name is one group', async () => {
  const { json } = await whoAmI({ 'impersonate-user': 'bob', 'impersonate-group': 'ou=a,dc=b' })
  assert.deepEqual(at(json, 'status.userInfo.groups'), ['ou=a,dc=b', 'system:authenticated'])
})
test('a service account brings its groups', async () => {
  const { json } = await whoAmI({ 'impersonate-user': 'system:serviceaccount:ns:sa' })
  assert.deepEqual(at(json, 'status.userInfo.groups'), ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'])
})
test('impersonation is refused without the right, and without a user', async () => {
  allows = (a) => !a.verb.startsWith('impersonate')
  const refused = await whoAmI({ 'impersonate-user': 'bob' })
  assert.equal(refused.code, 403)
  const what = 'resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope'
  assert.equal(
    refused.json.message,
    `selfsubjectreviews.authentication.k8s.io is forbidden: User "jane" cannot impersonate-on:user-info:create ${what}`,
  )
  allows = () => true
  const nameless = await whoAmI({ 'impersonate-group': 'a', 'impersonate-extra-team': 'x' })
  assert.equal(nameless.code, 400)
  assert.equal(
    nameless.json.message,
    'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string{"team":[]string{"x"}}} without impersonating a user name',
  )
})

/** The verbs that are allowed, and who then asks. */
function checkMode(
  title: string,
  headers: Record<string, string | string[]>,
  verbs: readonly string[],
  groups: readonly string[] | undefined,
) {
  test(`constrained impersonation: ${title}`, async () => {
    allows = (a) => verbs.includes(a.verb) || a.verb === 'create'
    const { code, json } = await whoAmI(headers)
    allows = () => true
    assert.equal(code, groups ? 201 : 403)
    if (groups) assert.deepEqual(at(json, 'status.userInfo.groups'), groups)
  })
}
const node = { 'impersonate-user': 'system:node:n1' }
const account = { 'impersonate-user': 'system:serviceaccount:ns:sa' }
const nodeVerbs = ['impersonate:arbitrary-node', 'impersonate-on:arbitrary-node:create']
checkMode('a node brings its group', node, nodeVerbs, ['system:nodes', 'system:authenticated'])
checkMode('a node with groups is no business of its mode', { ...node, 'impersonate-group': 'x' }, nodeVerbs, undefined)
checkMode(
  'an account',
  account,
  ['impersonate:serviceaccount', 'impersonate-on:serviceaccount:create'],
  ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
)
checkMode('who may be impersonated, but not for this', account, ['impersonate:serviceaccount'], undefined)
checkMode('the verb, but not as whom', { 'impersonate-user': 'bob' }, ['impersonate-on:user-info:create'], undefined)
const userVerbs = ['impersonate:user-info', 'impersonate-on:user-info:create']
checkMode('somebody', { 'impersonate-user': 'bob' }, userVerbs, ['system:authenticated'])
checkMode('an account is nobody of the mode for users', account, userVerbs, undefined)
checkMode('never system:masters', { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' }, userVerbs, undefined)
checkMode(
  'the old verb does for all of it',
  { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' },
  ['impersonate'],
  ['system:masters', 'system:authenticated'],
)

test('the in-process client passes the same policy', async () => {
  allows = () => false
  await assert.rejects(
    client.resource({ group: '', version: 'v1', kind: 'Pod', plural: 'pods', scope: 'Namespaced' }, 'default').get('p'),
    { code: 403 },
  )
  allows = () => true
})
