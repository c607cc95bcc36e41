/** JSON merge patches, and what is the same for every kind of patch: where it may go and what it may not change. */
import { type Case, clusterWide, create, namespaced, patch, read, type Request, watch } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const pods = namespaced('v1', 'pods')
const clusterRoles = clusterWide('rbac.authorization.k8s.io/v1', 'clusterroles')
const one = `${configMaps}/one`
const made = create(configMaps, {
  metadata: { name: 'one', labels: { a: '1' }, annotations: { n: 'm' }, finalizers: ['example.com/hold'] },
  data: { k: 'v', l: 'w' },
})
const pod = create(pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: 'a' }] }] } })

const onMap = (name: string, body: unknown, more: Partial<Request> = {}): Case => ({
  name,
  steps: [made, { ...patch('merge', one, typeof body === 'string' ? body : JSON.stringify(body)), ...more }],
})
const onPod = (name: string, body: object): Case => ({ name: `a pod: ${name}`, steps: [pod, patch('merge', `${pods}/p`, body)] })
const serverFault = (one: Case): Case => ({ ...one, differs: 'upstream answers 500 to what is the fault of the client' })
const query = (text: string) => ({ path: `${one}?${text}` })

export const cases: readonly Case[] = [
  onMap('a field', { data: { k: 'x' } }),
  onMap('a new field', { data: { new: 'x' }, binaryData: { b: 'eA==' } }),
  onMap('null takes away', { data: { k: null }, metadata: { labels: null } }),
  onMap('null of what is not there', { data: { none: null }, binaryData: null }),
  onMap('an empty object', {}),
  onMap('an empty object in the place of one', { data: {} }),
  onMap('a text for an object', { data: 'x' }),
  onMap('a number for a text', { data: { k: 1 } }),
  onMap('a list', []),
  onMap('a text', '"x"'),
  onMap('null', 'null'),
  onMap('no JSON', '{"data":'),
  onMap('no JSON at all', 'abc'),
  onMap('an empty body', ''),
  onMap('YAML', 'data:\n  k: x\n'),
  onMap('another name', { metadata: { name: 'two' } }),
  onMap('another namespace', { metadata: { namespace: 'other' } }),
  onMap('no namespace', { metadata: { namespace: null } }),
  onMap('no name', { metadata: { name: null } }),
  onMap('no metadata', { metadata: null }),
  onMap('another uid', { metadata: { uid: 'other' } }),
  onMap('no uid', { metadata: { uid: null }, data: { x: 'y' } }),
  onMap('another creationTimestamp', { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' }, data: { x: 'y' } }),
  onMap('a creationTimestamp that is none', { metadata: { creationTimestamp: 'yesterday' } }),
  onMap('a deletionTimestamp', { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }),
  onMap('a deletion grace', { metadata: { deletionGracePeriodSeconds: 5 } }),
  onMap('another generation', { metadata: { generation: 7 }, data: { x: 'y' } }),
  onMap('a selfLink', { metadata: { selfLink: '/x' } }),
  onMap('another generateName', { metadata: { generateName: 'x-' } }),
  onMap('no resourceVersion', { metadata: { resourceVersion: null }, data: { x: 'y' } }),
  onMap('an empty resourceVersion', { metadata: { resourceVersion: '' }, data: { x: 'y' } }),
  onMap('resourceVersion 0', { metadata: { resourceVersion: '0' }, data: { x: 'y' } }),
  onMap('an old resourceVersion', { metadata: { resourceVersion: '1' }, data: { x: 'y' } }),
  onMap('the same resourceVersion', { metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' }, data: { x: 'y' } }),
  onMap('the same uid', { metadata: { uid: '{{0.metadata.uid}}' }, data: { x: 'y' } }),
  serverFault(onMap('a resourceVersion that is none', { metadata: { resourceVersion: 'abc' } })),
  serverFault(onMap('a negative resourceVersion', { metadata: { resourceVersion: '-1' } })),
  onMap('another kind', { kind: 'LimitRange' }),
  onMap('the same kind', { kind: 'ConfigMap', apiVersion: 'v1', data: { x: 'y' } }),
  onMap('another apiVersion', { apiVersion: 'apps/v1' }),
  onMap('no kind', { kind: null }),
  onMap('no apiVersion', { apiVersion: null }),
  onMap('finalizers taken away', { metadata: { finalizers: null } }),
  onMap('a finalizer without a domain', { metadata: { finalizers: ['hold'] } }),
  onMap('a wrong label', { metadata: { labels: { a: 'b c' } } }),
  onMap('an unknown field', { unknown: { a: 1 }, metadata: { odd: 1 } }),
  onMap('the same change twice', { data: { k: 'v' } }),
  onMap('an unknown field, strictly', { unknown: { a: 1 }, metadata: { odd: 1 } }, query('fieldValidation=Strict')),
  onMap('an unknown field, ignored', { unknown: { a: 1 } }, query('fieldValidation=Ignore')),
  onMap('a field twice', '{"data":{"k":"1","k":"2"},"data":{"z":"3"}}'),
  onMap('a field twice, strictly', '{"data":{"k":"1","k":"2"}}', query('fieldValidation=Strict')),
  onMap('a field twice, ignored', '{"data":{"k":"1","k":"2"}}', query('fieldValidation=Ignore')),
  onMap('no JSON, ignored', '{"data":', query('fieldValidation=Ignore')),
  onMap('a list, ignored', [], query('fieldValidation=Ignore')),
  onMap('fieldValidation of no such kind', {}, query('fieldValidation=Sometimes')),
  onMap('dryRun of no such kind', {}, query('dryRun=Some')),
  onMap('dry run', { data: { x: 'y' } }, query('dryRun=All')),
  onMap('forced', {}, query('force=true')),
  onMap('not forced', {}, query('force=false')),
  onMap('a field manager that is too long', {}, query(`fieldManager=${'m'.repeat(129)}`)),
  onMap('a field manager that cannot be printed', {}, query('fieldManager=a%09b')),
  onMap('a content type with parameters', { data: { x: 'y' } }, { contentType: 'application/merge-patch+json; charset=utf-8' }),
  onMap('an unknown content type', {}, { contentType: 'application/json' }),
  onMap('a content type in other letters', {}, { contentType: 'application/Merge-Patch+json' }),
  onMap('an answer that cannot be given', {}, { accept: 'text/html' }),
  onMap('what is not there', {}, { path: `${configMaps}/none` }),
  onMap('no JSON to what is not there', '{', { path: `${configMaps}/none` }),
  onMap('a namespace that is not there', {}, { path: '/api/v1/namespaces/upstream-none/configmaps/one' }),
  onMap('a collection', {}, { path: configMaps }),
  onMap('a subresource that is not there', {}, { path: `${one}/status` }),
  onMap('a resource that is not there', {}, { path: `${namespaced('v1', 'gadgets')}/one` }),
  onPod('a list item of the wrong type', { spec: { containers: ['c'] } }),
  onPod('a field of the wrong type', { spec: { activeDeadlineSeconds: 'x' } }),
  onPod('a number with a fraction', { spec: { activeDeadlineSeconds: 1.5 } }),
  onPod('a number that is whole in another form', { spec: { activeDeadlineSeconds: 1e1 } }),
  onPod('a number too big', { spec: { terminationGracePeriodSeconds: 1e30 } }),
  {
    name: 'a change that changes nothing keeps the version',
    steps: [
      made,
      patch('merge', one, { data: { k: 'v' } }),
      { ...watch(`${configMaps}?watch=1&resourceVersion={{0.metadata.resourceVersion}}&timeoutSeconds=1`, 1) },
    ],
  },
  {
    name: 'the last finalizer of a deleted object',
    steps: [made, { method: 'DELETE', path: one }, patch('merge', one, { metadata: { finalizers: null } }), read(one)],
  },
  {
    name: 'a new finalizer of a deleted object',
    steps: [
      made,
      { method: 'DELETE', path: one },
      patch('merge', one, { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } }),
      patch('merge', one, { data: { x: 'y' } }),
    ],
  },
  {
    name: 'an object of the cluster with a namespace',
    steps: [
      create(clusterRoles, { metadata: { name: 'upstream-patch-merge' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }),
      patch('merge', `${clusterRoles}/upstream-patch-merge`, { metadata: { namespace: 'n' } }),
    ],
  },
  {
    name: 'an immutable ConfigMap',
    steps: [
      create(configMaps, { metadata: { name: 'one' }, immutable: true, data: { a: 'b' } }),
      patch('merge', one, { data: { a: 'c' } }),
      patch('merge', one, { immutable: false }),
      patch('merge', one, { metadata: { labels: { x: 'y' } } }),
    ],
  },
]
