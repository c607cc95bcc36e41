import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlowSchema } from '../../kinds/generated/types/flowcontrol-v1.ts'
import type { UserInfo } from '../contract.ts'
import { parseRequest } from '../http/request-info.ts'
import { compileClassifier } from './classifier.ts'
import { startingSchemas } from './flow-objects.ts'
import { seatsOf } from './seats.ts'

const classify = compileClassifier(startingSchemas.map(({ object }) => object))
const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
const account = (namespace: string, name: string) =>
  user(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)
const node = user('system:node:n1', 'system:nodes')
const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

const cases: readonly (readonly [string, UserInfo, string, string, string, string])[] = [
  ['masters are exempt', user('root', 'system:masters'), 'GET', '/api/v1/pods', 'exempt', ''],
  ['probes are exempt', anonymous, 'GET', '/readyz', 'probes', ''],
  ['what is below a probe is not', anonymous, 'GET', '/readyz/ping', 'global-default', 'system:anonymous'],
  ['nodes tell of themselves', node, 'PATCH', '/api/v1/nodes/n1/status', 'system-node-high', 'system:node:n1'],
  [
    'nodes renew their leases',
    node,
    'PUT',
    '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1',
    'system-node-high',
    'system:node:n1',
  ],
  ['nodes do the rest', node, 'GET', '/api/v1/pods', 'system-nodes', 'system:node:n1'],
  [
    'leaders of the system',
    account('kube-system', 'x'),
    'PUT',
    '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l',
    'system-leader-election',
    'system:serviceaccount:kube-system:x',
  ],
  [
    'other leaders of the system',
    account('kube-system', 'x'),
    'PUT',
    '/apis/coordination.k8s.io/v1/namespaces/default/leases/l',
    'system-leader-election',
    'system:serviceaccount:kube-system:x',
  ],
  [
    'controllers by namespace',
    account('kube-system', 'x'),
    'GET',
    '/api/v1/namespaces/default/pods',
    'kube-system-service-accounts',
    'default',
  ],
  ['workloads', account('shop', 'web'), 'GET', '/api/v1/namespaces/shop/pods', 'service-accounts', 'system:serviceaccount:shop:web'],
  ['people', user('alice'), 'GET', '/api/v1/namespaces/shop/pods', 'global-default', 'alice'],
]
for (const [title, who, method, url, schema, flow] of cases)
  test(title, () => {
    const found = classify(who, parseRequest(method, url))
    assert.deepEqual([found?.schema.metadata.name, found?.flow], [schema, flow])
  })

const own = (name: string, precedence: number, rule: NonNullable<NonNullable<FlowSchema['spec']>['rules']>[number]): FlowSchema => ({
  metadata: { name },
  spec: { priorityLevelConfiguration: { name: 'x' }, matchingPrecedence: precedence, rules: [rule] },
})

test('precedence decides, then the name; a schema without a match is passed over', () => {
  const all = { subjects: [{ kind: 'User', user: { name: '*' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x/*'] }] }
  const find = compileClassifier([
    own('b', 5, all),
    own('a', 5, all),
    own('first', 1, { ...all, nonResourceRules: [{ verbs: ['post'], nonResourceURLs: ['*'] }] }),
  ])
  assert.equal(find(user('u'), parseRequest('GET', '/x/y'))?.schema.metadata.name, 'a')
  assert.equal(find(user('u'), parseRequest('POST', '/x/y'))?.schema.metadata.name, 'first')
  assert.equal(find(user('u'), parseRequest('GET', '/x')), undefined)
})

test('a rule names verbs, groups, resources with their subresources, namespaces and the cluster', () => {
  const rule = (namespaces: string[], clusterScope: boolean) => ({
    subjects: [{ kind: 'Group', group: { name: 'system:authenticated' } }],
    resourceRules: [{ verbs: ['get'], apiGroups: ['apps'], resources: ['deployments/scale'], namespaces, clusterScope }],
  })
  const check = (namespaces: string[], clusterScope: boolean, url: string, expected: boolean) =>
    assert.equal(
      compileClassifier([own('s', 2, rule(namespaces, clusterScope))])(user('u'), parseRequest('GET', url)) !== undefined,
      expected,
      url,
    )
  check(['a'], false, '/apis/apps/v1/namespaces/a/deployments/d/scale', true)
  check(['a'], false, '/apis/apps/v1/namespaces/b/deployments/d/scale', false)
  check(['*'], false, '/apis/apps/v1/namespaces/a/deployments/d', false)
  check([], true, '/apis/apps/v1/namespaces/a/deployments/d/scale', false)
})

test('seats of a list follow the objects that it reads', () => {
  const check = (url: string, objects: number, seats: number) =>
    assert.equal(
      seatsOf(parseRequest('GET', url), () => objects),
      seats,
      url,
    )
  check('/api/v1/pods', 50, 1)
  check('/api/v1/pods', 450, 5)
  check('/api/v1/pods', 100_000, 10)
  check('/api/v1/pods?limit=100', 100_000, 1)
  check('/api/v1/pods?limit=100&labelSelector=a', 100_000, 10)
  check('/api/v1/namespaces/a/pods/p', 100_000, 1)
  check('/api/v1/pods?watch=true', 100_000, 10)
  check('/api/v1/pods?watch=true&resourceVersion=7', 100_000, 1)
  check('/api/v1/pods?fieldSelector=metadata.name%3Dx', 100_000, 1)
})
