import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attributes } from '../contract.ts'
import { createAbacAuthorizer, parseAbacPolicies } from './abac-authorizer.ts'

const versioned = (spec: object) => JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec })
const authorizerOf = (...lines: string[]) => createAbacAuthorizer(parseAbacPolicies(lines.join('\n'), 'abac.jsonl'))
const user = (name: string, ...groups: string[]) => ({ name, groups: [...groups, 'system:authenticated'] })
const asks = (name: string, verb: string, [namespace, resource, group = '']: readonly [string, string, string?]): Attributes => ({
  ...{ type: 'resource', user: user(name, `${name}s`), verb, group, version: 'v1', resource, subresource: '', namespace, name: '' },
})
const calls = (name: string, verb: string, path: string): Attributes => ({ type: 'path', user: user(name), verb, path })

const authorizer = authorizerOf(
  '# who may what',
  '',
  versioned({ user: 'alice', namespace: '*', resource: '*', apiGroup: '*' }),
  versioned({ user: 'bob', namespace: 'projects', resource: 'pods', readonly: true }),
  versioned({ group: 'carols', namespace: 'projects', resource: 'deployments', apiGroup: 'apps' }),
  versioned({ group: '*', readonly: true, nonResourcePath: '/version*' }),
  versioned({ user: 'dave', nonResourcePath: '*' }),
  versioned({ namespace: '*', resource: '*', apiGroup: '*' }),
  '{"user": "old", "namespace": "projects"}',
  '{"readonly": true, "resource": "events"}',
)

const cases: readonly (readonly [Attributes, boolean])[] = [
  [asks('alice', 'delete', ['any', 'deployments', 'apps']), true],
  [calls('alice', 'get', '/metrics'), false],
  [asks('bob', 'list', ['projects', 'pods']), true],
  [asks('bob', 'create', ['projects', 'pods']), false],
  [asks('bob', 'list', ['other', 'pods']), false],
  [asks('bob', 'list', ['projects', 'pods', 'metrics.k8s.io']), false],
  [asks('carol', 'patch', ['projects', 'deployments', 'apps']), true],
  [asks('carol', 'patch', ['projects', 'deployments', 'extensions']), false],
  [calls('anybody', 'get', '/version/x'), true],
  [calls('anybody', 'post', '/version'), false],
  [calls('anybody', 'get', '/metrics'), false],
  [calls('dave', 'post', '/metrics'), true],
  [asks('dave', 'get', ['projects', 'pods']), false],
  [asks('old', 'delete', ['projects', 'jobs', 'batch']), true],
  [asks('old', 'delete', ['other', 'jobs', 'batch']), false],
  [asks('anybody', 'watch', ['any', 'events']), true],
]
for (const [attributes, allowed] of cases) {
  const what = attributes.type === 'path' ? attributes.path : `${attributes.namespace}/${attributes.resource}.${attributes.group}`
  test(`${attributes.user.name} ${attributes.verb} ${what}: ${allowed}`, async () =>
    assert.deepEqual(await authorizer.authorize(attributes), { allowed, reason: allowed ? '' : 'No policy matched.' }))
}

test('who is nobody has no rights but those of a group that he is in', async () => {
  const anonymous = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  assert.equal((await authorizer.authorize({ type: 'path', user: anonymous, verb: 'get', path: '/version' })).allowed, false)
})

test('the rules of a user in a namespace', () =>
  assert.deepEqual(authorizer.rulesFor(user('bob'), 'projects'), {
    resourceRules: [
      { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'], resourceNames: [] },
      { verbs: ['get', 'list', 'watch'], apiGroups: ['*'], resources: ['events'], resourceNames: [] },
    ],
    nonResourceRules: [],
  }))

for (const [line, message] of [
  ['{', /line 2: \{: /],
  ['[]', /a policy is an object/],
  ['{"kind": "Policy", "apiVersion": "v1"}', /no kind "Policy" is registered for version "v1"/],
  [versioned({ user: 1 }), /user is a text/],
  [versioned({ readonly: 'yes' }), /readonly is true or false/],
] as const)
  test(`refused: ${line}`, () =>
    assert.throws(
      () => parseAbacPolicies(`# first\n${line}\n`, 'abac.jsonl'),
      (error: Error) => error.message.startsWith('error reading policy file abac.jsonl, line 2: ') && message.test(error.message),
    ))
