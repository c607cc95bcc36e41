/** Who may what by the lines of a policy file, after the roles (https://kubernetes.io/docs/reference/access-authn-authz/abac/). */
import { type Case, clusterWide, create, namespaced, patch, read, remove, type Request } from '../upstream-case.ts'

const line = (spec: object) => JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec })
export const abacPolicies = `${[
  '# who is who',
  '',
  line({ user: 'all', namespace: '*', resource: '*', apiGroup: '*', nonResourcePath: '*' }),
  line({ user: 'reader', namespace: '*', resource: 'configmaps', readonly: true }),
  line({ user: 'one', namespace: 'upstream-access-policies', resource: 'configmaps' }),
  line({ user: 'apps', namespace: '*', resource: '*', apiGroup: 'apps' }),
  line({ user: 'paths', nonResourcePath: '/debug/*', readonly: true }),
  line({ user: 'path', nonResourcePath: '/metrics' }),
  line({ group: 'team', namespace: '*', resource: 'secrets' }),
  line({ user: 'both', group: 'team', namespace: '*', resource: 'configmaps' }),
  line({ user: '*', namespace: '*', resource: 'endpoints', readonly: true }),
  line({ user: 'cluster', resource: 'nodes' }),
  line({ resource: 'services', namespace: '*' }),
  '{"user":"old"}',
  '{"user":"old-pods","resource":"pods","readonly":true}',
  '{"namespace":"upstream-old"}',
].join('\n')}\n`

const sar = clusterWide('authorization.k8s.io/v1', 'subjectaccessreviews')
const may = (name: string, user: string, attributes: object, groups: readonly string[] = ['system:authenticated']): Case => ({
  name: `${user}: ${name}`,
  steps: [create(sar, { spec: { user, groups, ...attributes } })],
})
const resource = (verb: string, plural: string, more: object = {}) => ({
  resourceAttributes: { verb, resource: plural, namespace: 'upstream-access-policies', ...more },
})
const path = (verb: string, at: string) => ({ nonResourceAttributes: { verb, path: at } })
const as = (user: string, request: Request): Request => ({ ...request, as: user })
const asked = (name: string, ...steps: readonly Request[]): Case => ({ name, steps })

const configMaps = namespaced('v1', 'configmaps')
const rules = (user: string): Case =>
  asked(
    `the rules of ${user}`,
    as(
      user,
      create(clusterWide('authorization.k8s.io/v1', 'selfsubjectrulesreviews'), { spec: { namespace: 'upstream-access-policies' } }),
    ),
  )

export const cases: readonly Case[] = [
  may('anything', 'all', resource('delete', 'pods', { group: 'x', subresource: 'y' })),
  may('any path', 'all', path('post', '/x')),
  may('reads', 'reader', resource('list', 'configmaps')),
  may('reads one', 'reader', resource('get', 'configmaps', { name: 'x' })),
  may('reads of the cluster', 'reader', resource('watch', 'configmaps', { namespace: '' })),
  may('writes', 'reader', resource('create', 'configmaps')),
  may('a subresource', 'reader', resource('get', 'configmaps', { subresource: 'status' })),
  may('another group', 'reader', resource('get', 'configmaps', { group: 'apps' })),
  may('its namespace', 'one', resource('create', 'configmaps')),
  may('another namespace', 'one', resource('create', 'configmaps', { namespace: 'other' })),
  may('no namespace', 'one', resource('list', 'configmaps', { namespace: '' })),
  may('its group', 'apps', resource('update', 'deployments', { group: 'apps' })),
  may('no group', 'apps', resource('update', 'pods')),
  may('below a path', 'paths', path('get', '/debug/pprof')),
  may('the path itself', 'paths', path('get', '/debug/')),
  may('less than the path', 'paths', path('get', '/debug')),
  may('a write below a path', 'paths', path('post', '/debug/x')),
  may('one path', 'path', path('post', '/metrics')),
  may('below one path', 'path', path('get', '/metrics/x')),
  may('by a group', 'someone', resource('get', 'secrets'), ['team']),
  may('without the group', 'someone', resource('get', 'secrets')),
  may('by both', 'both', resource('get', 'configmaps'), ['team']),
  may('by the user alone', 'both', resource('get', 'configmaps')),
  may('everybody reads', 'nobody', resource('get', 'endpoints')),
  may('everybody writes', 'nobody', resource('delete', 'endpoints')),
  may('who is not authenticated', 'nobody', resource('get', 'endpoints'), ['system:unauthenticated']),
  may('without a namespace in the policy', 'cluster', resource('get', 'nodes', { namespace: '' })),
  may('in a namespace', 'cluster', resource('get', 'nodes')),
  may('a policy for nobody', 'nobody', resource('get', 'services')),
  may('the old form', 'old', resource('delete', 'pods', { group: 'apps' })),
  may('a path by the old form', 'old', path('delete', '/x')),
  may('pods by the old form', 'old-pods', resource('get', 'pods')),
  may('a write by the old form', 'old-pods', resource('update', 'pods')),
  may('a path by the old form', 'old-pods', path('get', '/x')),
  may('a namespace for all by the old form', 'nobody', resource('update', 'pods', { namespace: 'upstream-old' })),
  may('every verb', 'all', resource('*', '*')),
  rules('reader'),
  rules('paths'),
  rules('old'),
  rules('nobody'),
  asked('a read that is allowed', as('reader', read(`${configMaps}/none`))),
  asked('a write that is not', as('reader', create(configMaps, { metadata: { name: 'x' } }))),
  asked('a patch that is not', as('reader', patch('merge', `${configMaps}/none`, {}))),
  asked('a deletion of all that is not', as('reader', remove(configMaps))),
  asked('a write that is allowed', as('one', create(configMaps, { metadata: { name: 'x' } }))),
  asked('a path that is not', as('reader', read('/metrics'))),
]
