/** Server-side apply: what it makes, who owns what, conflicts in upstream's words. */
import { type Case, create, namespaced, patch, remove, replace, type Request } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const one = `${configMaps}/one`

const apply = (path: string, manager: string, body: object | string, more = ''): Request =>
  patch('apply', `${path}?fieldManager=${manager}${more}`, body)
const map = (data: object | null, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'one', ...metadata },
  ...(data ? { data } : {}),
})
const onMap = (name: string, ...steps: readonly Request[]): Case => ({ name, steps, withManagedFields: true })

/** Upstream answers 500 to a configuration that does not fit its type. */
const serverFaults = new Set([
  'YAML with a number for a text',
  'an unknown field',
  'an unknown field, ignored',
  'an unknown field, strictly',
  'a wrong type',
  'a wrong type of an item',
  'finalizers with one twice',
])
const differs = 'upstream answers 500 to what is the fault of the client'

const all: readonly Case[] = [
  onMap('creates', apply(one, 'a', map({ k: 'v' }, { labels: { x: 'y' }, annotations: { n: 'm' } }))),
  onMap('creates without fields', apply(one, 'a', map(null))),
  onMap('the same again', apply(one, 'a', map({ k: 'v' })), apply(one, 'a', map({ k: 'v' }))),
  onMap('a changed field', apply(one, 'a', map({ k: 'v' })), apply(one, 'a', map({ k: 'w' }))),
  onMap('a field taken away', apply(one, 'a', map({ k: 'v', l: 'w' })), apply(one, 'a', map({ l: 'w' }))),
  onMap('every field taken away', apply(one, 'a', map({ k: 'v' })), apply(one, 'a', map(null))),
  onMap('an empty map', apply(one, 'a', map({}))),
  onMap('two managers of two fields', apply(one, 'a', map({ k: 'v' })), apply(one, 'b', map({ l: 'w' }))),
  onMap('two managers of one field', apply(one, 'a', map({ k: 'v' })), apply(one, 'b', map({ k: 'v' })), apply(one, 'a', map({}))),
  onMap('a conflict', apply(one, 'a', map({ k: 'v' })), apply(one, 'b', map({ k: 'w' }))),
  onMap(
    'several conflicts',
    apply(one, 'a', map({ k: 'v', l: 'v' })),
    apply(one, 'b', map({ m: 'v' })),
    apply(one, 'c', map({ k: '1', l: '2', m: '3' })),
  ),
  onMap('a conflict with an update', create(configMaps, map({ k: 'v' })), apply(one, 'a', map({ k: 'w' }))),
  onMap('a conflict, forced', apply(one, 'a', map({ k: 'v', l: 'w' })), apply(one, 'b', map({ k: 'w' }), '&force=true')),
  onMap('a conflict, not forced by name', apply(one, 'a', map({ k: 'v' })), apply(one, 'b', map({ k: 'w' }), '&force=false')),
  onMap(
    'an owner that gave up by force has it back',
    apply(one, 'a', map({ k: 'v' })),
    apply(one, 'b', map({ k: 'w' }), '&force=true'),
    apply(one, 'a', map({ k: 'v' })),
  ),
  onMap(
    'an update of an applied field',
    apply(one, 'a', map({ k: 'v', l: 'w' })),
    patch('merge', `${one}?fieldManager=u`, { data: { k: 'x' } }),
  ),
  onMap(
    'an update that takes away',
    apply(one, 'a', map({ k: 'v', l: 'w' })),
    patch('merge', `${one}?fieldManager=u`, { data: { k: null } }),
  ),
  onMap('an update of nothing', apply(one, 'a', map({ k: 'v' })), patch('merge', `${one}?fieldManager=u`, { data: { k: 'v' } })),
  onMap('apply over an update of the same value', create(configMaps, map({ k: 'v' })), apply(one, 'a', map({ k: 'v' }))),
  onMap('without a manager', patch('apply', one, map({ k: 'v' }))),
  onMap('with a manager that is too long', apply(one, 'm'.repeat(129), map({ k: 'v' }))),
  onMap('with a manager of odd letters', apply(one, 'a%0Ab', map({ k: 'v' }))),
  onMap('without an apiVersion', apply(one, 'a', { kind: 'ConfigMap', metadata: { name: 'one' } })),
  onMap('without a kind', apply(one, 'a', { apiVersion: 'v1', metadata: { name: 'one' } })),
  onMap('of another kind', apply(one, 'a', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' } })),
  onMap('of another apiVersion', apply(one, 'a', { apiVersion: 'apps/v1', kind: 'ConfigMap', metadata: { name: 'one' } })),
  onMap(
    'of another kind to what is there',
    create(configMaps, map({})),
    apply(one, 'a', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' } }),
  ),
  onMap('without metadata', apply(one, 'a', { apiVersion: 'v1', kind: 'ConfigMap' })),
  onMap('with another name', apply(one, 'a', map({ k: 'v' }, { name: 'two' }))),
  onMap('with another namespace', apply(one, 'a', map({ k: 'v' }, { namespace: 'two' }))),
  onMap(
    'with managedFields',
    apply(
      one,
      'a',
      map(
        { k: 'v' },
        { managedFields: [{ manager: 'x', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {} } }] },
      ),
    ),
  ),
  onMap('with empty managedFields', apply(one, 'a', map({ k: 'v' }, { managedFields: [] }))),
  onMap('with a uid to nothing', apply(one, 'a', map({ k: 'v' }, { uid: 'other' }))),
  onMap('with a uid of another', apply(one, 'a', map({ k: 'v' })), apply(one, 'a', map({ k: 'v' }, { uid: 'other' }))),
  onMap('with the uid', apply(one, 'a', map({ k: 'v' })), apply(one, 'a', map({ k: 'w' }, { uid: '{{0.metadata.uid}}' }))),
  onMap('with a resourceVersion to nothing', apply(one, 'a', map({ k: 'v' }, { resourceVersion: '1' }))),
  onMap('with an old resourceVersion', apply(one, 'a', map({ k: 'v' })), apply(one, 'a', map({ k: 'w' }, { resourceVersion: '1' }))),
  onMap(
    'with the resourceVersion',
    apply(one, 'a', map({ k: 'v' })),
    apply(one, 'a', map({ k: 'w' }, { resourceVersion: '{{0.metadata.resourceVersion}}' })),
  ),
  onMap('with a creationTimestamp', apply(one, 'a', map({ k: 'v' }, { creationTimestamp: '2020-01-01T00:00:00Z' }))),
  onMap('with null for creationTimestamp', apply(one, 'a', map({ k: 'v' }, { creationTimestamp: null }))),
  onMap('with a generation', apply(one, 'a', map({ k: 'v' }, { generation: 5 }))),
  onMap('YAML', apply(one, 'a', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  k: "1"\n')),
  onMap('YAML with a number for a text', apply(one, 'a', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  k: 1\n')),
  onMap('no object', apply(one, 'a', '[]')),
  onMap('a text', apply(one, 'a', 'abc')),
  onMap('nothing', apply(one, 'a', '')),
  onMap('an unknown field', apply(one, 'a', { ...map({ k: 'v' }), odd: 1 })),
  onMap('an unknown field, ignored', apply(one, 'a', { ...map({ k: 'v' }), odd: 1 }, '&fieldValidation=Ignore')),
  onMap('an unknown field, strictly', apply(one, 'a', { ...map({ k: 'v' }), odd: 1 }, '&fieldValidation=Strict')),
  onMap('a wrong type', apply(one, 'a', { ...map(null), data: 'x' })),
  onMap('a wrong type of an item', apply(one, 'a', map({ k: true }))),
  onMap('a null', apply(one, 'a', map({ k: null }))),
  onMap('a field twice', apply(one, 'a', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  k: a\n  k: b\n')),
  onMap('dry run', apply(one, 'a', map({ k: 'v' }), '&dryRun=All')),
  onMap('dry run over an object', apply(one, 'a', map({ k: 'v' })), apply(one, 'b', map({ l: 'v' }), '&dryRun=All')),
  onMap('an invalid object', apply(one, 'a', map({ 'a b': 'v' }))),
  onMap(
    'finalizers are a set',
    apply(one, 'a', map({}, { finalizers: ['e.com/a', 'e.com/b'] })),
    apply(one, 'b', map({}, { finalizers: ['e.com/c', 'e.com/a'] })),
    apply(one, 'a', map({}, { finalizers: ['e.com/b'] })),
  ),
  onMap('finalizers with one twice', apply(one, 'a', map({}, { finalizers: ['e.com/a', 'e.com/a'] }))),
  onMap(
    'owner references by uid',
    apply(one, 'a', map({}, { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }] })),
    apply(one, 'b', map({}, { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'q', uid: 'v' }] })),
  ),
  onMap('a namespace that is not there', apply('/api/v1/namespaces/upstream-none/configmaps/one', 'a', map({ k: 'v' }))),
  onMap(
    'to an object that is being deleted',
    create(configMaps, map({}, { finalizers: ['e.com/a'] })),
    remove(one),
    apply(one, 'a', map({ k: 'v' })),
  ),
  onMap(
    'create leaves managers alone',
    create(`${configMaps}?fieldManager=c`, map({ k: 'v' })),
    replace(`${one}?fieldManager=r`, map({ k: 'w', n: 'm' })),
    replace(`${one}?fieldManager=r`, map({ k: 'w' })),
  ),
  onMap(
    'taken over from client-side apply',
    create(
      `${configMaps}?fieldManager=kubectl-client-side-apply`,
      map(
        { k: 'v', l: 'w' },
        {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration':
              '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"annotations":{},"name":"one","namespace":"$ns"},"data":{"k":"v","l":"w"}}\n',
          },
        },
      ),
    ),
    apply(one, 'kubectl', map({ k: 'x' })),
  ),
  onMap(
    'last applied is kept in step',
    apply(one, 'kubectl', map({ k: 'v' }, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } })),
    apply(one, 'kubectl', map({ k: 'w' })),
  ),
]

export const cases = all.map((one) => (serverFaults.has(one.name) ? { ...one, differs } : one))
