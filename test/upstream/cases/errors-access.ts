/** Who may not do what, in the words of the refusal: by verb, group, name, subresource and path. */
import { type Case, clusterWide, create, namespaced, patch, read, remove, replace, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const deployments = namespaced('apps/v1', 'deployments')
const one = `${configMaps}/one`
const as = 'upstream-nobody'
const refused = (name: string, request: Request): Case => ({ name, steps: [{ ...request, as }] })
const asked = (name: string, headers: Readonly<Record<string, string>>, path = one): Case => ({ name, steps: [{ ...read(path), headers }] })

const rbac = 'rbac.authorization.k8s.io/v1'
const inNamespace = namespaced(rbac, 'roles')
const role = (name: string, ...rules: object[]) => create(inNamespace, { metadata: { name }, rules })
const bound = (name: string) =>
  create(namespaced(rbac, 'rolebindings'), {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: as }],
  })
const core = (resources: string[], verbs: string[], resourceNames: string[] = []) => ({ apiGroups: [''], resources, verbs, resourceNames })
const allowed = (name: string, rules: object[], ...steps: Request[]): Case => ({
  name: `allowed: ${name}`,
  given: [role('given', ...rules), bound('given')],
  steps: steps.map((step) => ({ ...step, as })),
})
const map = { metadata: { name: 'one' } }

export const cases: readonly Case[] = [
  refused('get', read(one)),
  refused('list', read(configMaps)),
  refused('list everywhere', read('/api/v1/configmaps')),
  refused('list by name', read(`${configMaps}?fieldSelector=metadata.name%3Done`)),
  refused('watch', read(`${configMaps}?watch=1`)),
  refused('watch as of old', read('/api/v1/watch/namespaces/$ns/configmaps')),
  refused('create', create(configMaps, map)),
  refused('replace', replace(one, map)),
  refused('patch', patch('merge', one, {})),
  refused('delete', remove(one)),
  refused('delete many', remove(configMaps)),
  refused('a group', read(`${deployments}/one`)),
  refused('a subresource', read(`${deployments}/one/scale`)),
  refused('a status', patch('merge', `${deployments}/one/status`, {})),
  refused('the cluster', read('/api/v1/nodes')),
  refused('one of the cluster', read('/api/v1/nodes/one')),
  refused('a namespace', read('/api/v1/namespaces/$ns')),
  refused('namespaces', read('/api/v1/namespaces')),
  refused('a new namespace', create('/api/v1/namespaces', { metadata: { name: 'upstream-x' } })),
  refused('the end of a namespace', replace('/api/v1/namespaces/$ns/finalize', {})),
  refused('exec', create(`${namespaced('v1', 'pods')}/p/exec?command=ls`, {})),
  refused('exec by get', read(`${namespaced('v1', 'pods')}/p/exec?command=ls`)),
  refused('a log', read(`${namespaced('v1', 'pods')}/p/log`)),
  refused('a proxy', read(`${namespaced('v1', 'services')}/s/proxy/x`)),
  refused('the proxy of a node', read('/api/v1/nodes/n/proxy/stats')),
  refused('an eviction', create(`${namespaced('v1', 'pods')}/p/eviction`, {})),
  refused('a token', create(`${namespaced('v1', 'serviceaccounts')}/s/token`, {})),
  refused('no resource', read(namespaced('v1', 'gadgets'))),
  refused('no group', read('/apis/none.example.com/v1/things')),
  refused('a path', read('/metrics')),
  refused('no path', read('/none')),
  refused('a path to write', create('/none', {})),
  refused('health', read('/healthz')),
  refused('one check of health', read('/healthz/ping')),
  refused('debugging', read('/debug/pprof/')),
  refused('an odd name', read(`${configMaps}/a%20%22b%3C`)),
  refused('a wrong form', { ...read(one), accept: 'text/plain' }),
  refused('as YAML', { ...read('/metrics'), accept: 'application/yaml' }),
  refused('as a Table', read(one, 'application/json;as=Table;g=meta.k8s.io;v=v1')),
  refused(
    'review of oneself',
    create(clusterWide('authorization.k8s.io/v1', 'selfsubjectaccessreviews'), {
      spec: { nonResourceAttributes: { path: '/none', verb: 'get' } },
    }),
  ),
  refused(
    'review of another',
    create(clusterWide('authorization.k8s.io/v1', 'subjectaccessreviews'), {
      spec: { user: 'x', nonResourceAttributes: { path: '/none', verb: 'get' } },
    }),
  ),
  refused('who am I', create(clusterWide('authentication.k8s.io/v1', 'selfsubjectreviews'), {})),
  refused('more rights than one has', create(inNamespace, { metadata: { name: 'r' }, rules: [core(['pods'], ['get'])] })),
  asked('of a group', { 'impersonate-user': as, 'impersonate-group': 'upstream-group' }),
  asked('a group without a user', { 'impersonate-group': 'upstream-group' }),
  asked('a uid without a user', { 'impersonate-uid': 'u' }),
  asked('extra without a user', { 'impersonate-extra-scopes': 'x' }),
  asked('a service account', { 'impersonate-user': 'system:serviceaccount:$ns:default' }),
  asked('a broken service account', { 'impersonate-user': 'system:serviceaccount:x' }),
  asked('nobody', { 'impersonate-user': 'system:anonymous' }),
  asked('the masters', { 'impersonate-user': as, 'impersonate-group': 'system:masters' }),
  asked('a wrong token', { authorization: 'Bearer wrong' }),
  asked('a wrong token, of health', { authorization: 'Bearer wrong' }, '/healthz'),
  asked('no Bearer', { authorization: 'Basic dGVzdDp0ZXN0' }),
  asked('no Bearer, of the version', { authorization: 'Basic dGVzdDp0ZXN0' }, '/version'),
  asked('an empty token', { authorization: 'Bearer ' }),
  asked('no credentials', { authorization: '' }),
  asked('no credentials, of health', { authorization: '' }, '/livez'),
  asked('no credentials, of ready', { authorization: '' }, '/readyz'),
  asked('no credentials, of the version', { authorization: '' }, '/version'),
  asked('no credentials, of the groups', { authorization: '' }, '/apis'),
  asked('no credentials, of no path', { authorization: '' }, '/none'),
  allowed(
    'one by its name',
    [core(['configmaps'], ['get', 'update', 'delete'], ['one'])],
    read(one),
    read(`${configMaps}/two`),
    read(configMaps),
    replace(one, map),
    remove(one),
  ),
  allowed(
    'a list of one',
    [core(['configmaps'], ['list', 'watch'], ['one'])],
    read(`${configMaps}?fieldSelector=metadata.name%3Dother`),
    read(`${configMaps}`),
  ),
  allowed(
    'all but a subresource',
    [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] }],
    read(`${deployments}/one`),
    read(`${deployments}/one/scale`),
  ),
  allowed(
    'only a subresource',
    [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['*'] }],
    read(`${deployments}/one`),
    read(`${deployments}/one/scale`),
  ),
  allowed(
    'any scale',
    [{ apiGroups: ['*'], resources: ['*/scale'], verbs: ['get'] }],
    read(`${deployments}/one/scale`),
    read(`${deployments}/one/status`),
  ),
  allowed('an update is no create', [core(['configmaps'], ['update'])], replace(one, map), create(configMaps, map)),
  allowed(
    'an update that creates',
    [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['update'] }],
    replace(`${namespaced('coordination.k8s.io/v1', 'leases')}/one`, { metadata: { name: 'one' }, spec: {} }),
  ),
  allowed(
    'an apply that creates',
    [core(['configmaps'], ['patch'])],
    patch('apply', `${one}?fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', ...map }),
  ),
  allowed(
    'more than one has',
    [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] }],
    create(inNamespace, { metadata: { name: 'r' }, rules: [core(['pods', 'secrets'], ['get', 'list']), core(['nodes'], ['get'], ['n'])] }),
  ),
  allowed(
    'a binding to more than one has',
    [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create'] }],
    create(namespaced(rbac, 'rolebindings'), {
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'none' },
    }),
  ),
]
