/** Bodies that cannot be read, or are not what the address asks for. */
import { type Case, clusterWide, create, namespaced, patch, replace, remove, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const deployments = namespaced('apps/v1', 'deployments')
const one = `${configMaps}/one`
const map = (more: object = {}, metadata: object = {}) => ({ metadata: { name: 'one', ...metadata }, ...more })
const made = create(configMaps, map({ data: { k: 'v' } }))

const posted = (name: string, body: unknown, more: Partial<Request> = {}): Case => ({
  name: `create: ${name}`,
  steps: [{ ...create(configMaps, typeof body === 'string' ? body : JSON.stringify(body)), ...more }],
})
const strictly = { path: `${configMaps}?fieldValidation=Strict` }
const ignoring = { path: `${configMaps}?fieldValidation=Ignore` }
const put = (name: string, body: unknown, more: Partial<Request> = {}): Case => ({
  name: `replace: ${name}`,
  steps: [made, { ...replace(one, typeof body === 'string' ? body : JSON.stringify(body)), ...more }],
})
const yaml = { contentType: 'application/yaml' }
const protobuf = { contentType: 'application/vnd.kubernetes.protobuf' }

const differs = 'upstream answers 500 to what is the fault of the client'

export const cases: readonly Case[] = [
  posted('nothing', ''),
  posted('an open brace', '{'),
  posted('no JSON', 'abc'),
  posted('JSON and more', '{"metadata":{"name":"one"}} x'),
  posted('a comma too much', '{"metadata":{"name":"one",}}'),
  posted('a long text that is no JSON', `{"metadata":{"name":"${'x'.repeat(60)}"`),
  posted('a list', '[]'),
  posted('a text', '"x"'),
  posted('a number', '1'),
  posted('null', 'null'),
  posted('another kind', { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'one' } }),
  posted('a kind of another group', { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'one' } }),
  posted('an unknown kind', { kind: 'Gadget', apiVersion: 'v1', metadata: { name: 'one' } }),
  posted('an unknown version', { kind: 'ConfigMap', apiVersion: 'v2', metadata: { name: 'one' } }),
  posted('an unknown group', { kind: 'ConfigMap', apiVersion: 'example.com/v1', metadata: { name: 'one' } }),
  posted('an apiVersion of three parts', { kind: 'ConfigMap', apiVersion: 'a/b/c', metadata: { name: 'one' } }),
  posted('a kind alone', { kind: 'ConfigMap', metadata: { name: 'one' } }),
  posted('an apiVersion alone', { apiVersion: 'v1', metadata: { name: 'one' } }),
  posted('a kind that is no text', { kind: 1, apiVersion: 'v1', metadata: { name: 'one' } }),
  posted('an apiVersion that is no text', { kind: 'ConfigMap', apiVersion: 1, metadata: { name: 'one' } }),
  posted('a list of the kind', { kind: 'ConfigMapList', apiVersion: 'v1', items: [] }),
  posted('metadata that is a text', { metadata: 'x' }),
  posted('metadata that is null', { metadata: null }),
  posted('no metadata', {}),
  posted('no name', { metadata: {} }),
  posted('a name that is a number', { metadata: { name: 1 } }),
  posted('data that is a list', map({ data: ['x'] })),
  posted('data with a number', map({ data: { k: 1 } })),
  posted('data with null', map({ data: { k: null } })),
  posted('binary data that is no base64', map({ binaryData: { k: '***' } })),
  posted('labels that are a list', map({}, { labels: ['a'] })),
  posted('a label that is true', map({}, { labels: { a: true } })),
  posted('immutable that is a text', map({ immutable: 'true' })),
  posted('several wrong types', map({ data: 'x', immutable: 'y' }, { labels: 'z' })),
  posted('another namespace', map({}, { namespace: 'other' })),
  posted('the namespace', map({}, { namespace: '$ns' })),
  { ...posted('a resourceVersion', map({}, { resourceVersion: '5' })), differs },
  posted('resourceVersion 0', map({}, { resourceVersion: '0' })),
  posted('a uid', map({}, { uid: 'mine' })),
  posted(
    'system metadata',
    map(
      {},
      {
        generation: 5,
        selfLink: '/x',
        creationTimestamp: '2020-01-01T00:00:00Z',
        deletionTimestamp: '2020-01-01T00:00:00Z',
        deletionGracePeriodSeconds: 3,
      },
    ),
  ),
  posted('a creationTimestamp that is none', map({}, { creationTimestamp: 'yesterday' })),
  posted('unknown fields', map({ odd: 1, spec: { a: 1 } }, { odd: 1 })),
  posted('unknown fields, strictly', map({ odd: 1, spec: { a: 1 } }, { odd: 1 }), strictly),
  posted('unknown fields, ignored', map({ odd: 1 }, { odd: 1 }), ignoring),
  posted('a field twice', '{"metadata":{"name":"one","name":"two"},"data":{"b":"2","b":"3"}}'),
  posted('a field twice, strictly', '{"metadata":{"name":"one","name":"two"},"data":{"b":"2","b":"3"},"odd":1}', strictly),
  posted('a field twice, ignored', '{"metadata":{"name":"one","name":"two"}}', ignoring),
  posted('a field in other letters', '{"metadata":{"Name":"one","name":"two"},"Data":{"a":"1"}}'),
  posted('fieldValidation of no such kind', map(), { path: `${configMaps}?fieldValidation=strict` }),
  posted('dryRun of no such kind', map(), { path: `${configMaps}?dryRun=all` }),
  posted('dryRun twice', map(), { path: `${configMaps}?dryRun=All&dryRun=Some` }),
  posted('an empty dryRun', map(), { path: `${configMaps}?dryRun=` }),
  posted('several wrong options', map(), { path: `${configMaps}?dryRun=x&fieldValidation=y&fieldManager=${'m'.repeat(130)}` }),
  posted('a field manager of odd letters', map(), { path: `${configMaps}?fieldManager=a%00b` }),
  posted('YAML', 'metadata:\n  name: one\ndata:\n  k: "1"\n', yaml),
  posted('YAML with a number for a text', 'metadata:\n  name: one\ndata:\n  k: 1\n', yaml),
  posted('YAML with yes', 'metadata:\n  name: one\ndata:\n  k: yes\n', yaml),
  posted('YAML with a tab', 'metadata:\n\tname: one\n', yaml),
  posted('YAML with a colon too much', 'metadata: a: b\n', yaml),
  posted('YAML with a field twice', 'metadata:\n  name: one\ndata:\n  k: a\n  k: b\n', yaml),
  posted('YAML with a field twice, strictly', 'metadata:\n  name: one\ndata:\n  k: a\n  k: b\nodd: 1\n', { ...yaml, ...strictly }),
  posted('YAML of two documents', 'metadata:\n  name: one\n---\nmetadata:\n  name: two\n', yaml),
  posted('YAML that is empty', '', yaml),
  posted('YAML that is a text', 'abc', yaml),
  posted('protobuf without its head', 'abcd', protobuf),
  posted('protobuf that is its head', 'k8s\0', protobuf),
  posted('nothing for protobuf', '', protobuf),
  posted('an unknown content type', map(), { contentType: 'text/plain' }),
  posted('a content type with parameters', map(), { contentType: 'application/json; charset=utf-8' }),
  posted('no content type', map(), { contentType: '' }),
  posted('a content type that is none', map(), { contentType: 'json' }),
  posted('a form', map(), { contentType: 'application/x-www-form-urlencoded' }),
  posted('an answer in a form that there is not', map(), { accept: 'text/html' }),
  posted('an answer as a Table of an unknown version', map(), { accept: 'application/json;as=Table;v=v2;g=meta.k8s.io' }),
  put('nothing', ''),
  put('another name', map({}, { name: 'two' })),
  put('no name', { metadata: {} }),
  put('another namespace', map({}, { namespace: 'other' })),
  put('another kind', { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'one' } }),
  put('no resourceVersion', map({ data: { a: 'b' } })),
  put('the resourceVersion', map({ data: { a: 'b' } }, { resourceVersion: '{{0.metadata.resourceVersion}}' })),
  put('an old resourceVersion', map({ data: { a: 'b' } }, { resourceVersion: '1' })),
  {
    ...put('a resourceVersion that is none', map({ data: { a: 'b' } }, { resourceVersion: 'x' })),
    differs,
  },
  put('another uid', map({ data: { a: 'b' } }, { uid: 'other' })),
  put('a deletionTimestamp', map({}, { deletionTimestamp: '2020-01-01T00:00:00Z' })),
  put('what is not there', map({}, { name: 'none' }), { path: `${configMaps}/none` }),
  put('what is not there, with a resourceVersion', map({}, { name: 'none', resourceVersion: '1' }), { path: `${configMaps}/none` }),
  put('a namespace that is not there', map(), { path: '/api/v1/namespaces/upstream-none/configmaps/one' }),
  put('an unknown option', map(), { path: `${one}?fieldManager=${'x'.repeat(200)}` }),
  { name: 'create: the same name twice', steps: [made, made] },
  { name: 'create: in a namespace that is not there', steps: [create('/api/v1/namespaces/upstream-none/configmaps', map())] },
  {
    name: 'create: a Lease by replacing it',
    steps: [
      replace(`${namespaced('coordination.k8s.io/v1', 'leases')}/new`, { metadata: { name: 'new', resourceVersion: '7' }, spec: {} }),
    ],
  },
  {
    name: 'create: a Lease by replacing it, with a uid',
    steps: [replace(`${namespaced('coordination.k8s.io/v1', 'leases')}/new`, { metadata: { name: 'new', uid: 'x' }, spec: {} })],
  },
  {
    name: 'replace: without the version that a kind demands',
    steps: [
      create(clusterWide('apiregistration.k8s.io/v1', 'apiservices'), {
        metadata: { name: 'v1.upstream.example.com' },
        spec: {
          group: 'upstream.example.com',
          version: 'v1',
          groupPriorityMinimum: 1000,
          versionPriority: 10,
          insecureSkipTLSVerify: true,
          service: { name: 's', namespace: 'n' },
        },
      }),
      replace(`${clusterWide('apiregistration.k8s.io/v1', 'apiservices')}/v1.upstream.example.com`, {
        metadata: { name: 'v1.upstream.example.com' },
        spec: { group: 'upstream.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 11 },
      }),
    ],
  },
  {
    name: 'create: nested wrong types',
    steps: [
      create(deployments, {
        metadata: { name: 'd' },
        spec: { replicas: 'x', template: { spec: { containers: [{ name: 1, ports: [{ containerPort: '80' }] }] } } },
      }),
    ],
  },
  { name: 'create: a number with a fraction', steps: [create(deployments, { metadata: { name: 'd' }, spec: { replicas: 1.5 } })] },
  { name: 'create: a number too big', steps: [create(deployments, { metadata: { name: 'd' }, spec: { replicas: 3000000000 } })] },
  {
    name: 'create: a wrong quantity',
    steps: [
      create(deployments, {
        metadata: { name: 'd' },
        spec: { template: { spec: { containers: [{ name: 'c', resources: { limits: { cpu: 'x' } } }] } } },
      }),
    ],
  },
  {
    name: 'create: a wrong kind of port',
    steps: [create(namespaced('v1', 'services'), { metadata: { name: 's' }, spec: { ports: [{ port: 1, targetPort: true }] } })],
  },
  {
    name: 'create: unknown fields of items',
    steps: [create(namespaced('v1', 'services'), { metadata: { name: 's' }, spec: { ports: [{ port: 1, odd: 1 }], odd: 2 } })],
  },
  {
    name: 'patch: an unsupported type of patch for all kinds',
    steps: [made, { ...patch('merge', one, {}), contentType: 'application/xml' }],
  },
  { name: 'delete: the body is no JSON', steps: [made, { ...remove(one), body: 'abc' }] },
  { name: 'delete: the body is another kind', steps: [made, { ...remove(one), body: '{"kind":"Pod","apiVersion":"v1"}' }] },
  { name: 'delete: the body is a list', steps: [made, { ...remove(one), body: '[]' }] },
  { name: 'delete: unknown fields', steps: [made, { ...remove(one), body: '{"odd":1}' }] },
  { name: 'delete: a wrong type', steps: [made, { ...remove(one), body: '{"gracePeriodSeconds":"x"}' }] },
]
