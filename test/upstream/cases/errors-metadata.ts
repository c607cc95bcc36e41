/** Names, labels, annotations, owners, finalizers and what else metadata may not say; and what is too big. */
import { type Case, clusterWide, create, merged, namespaced, patch, replace } from '../upstream-case.ts'

const configMaps = namespaced('v1', 'configmaps')
const one = `${configMaps}/one`
const made = create(configMaps, { metadata: { name: 'one' } })
const long = (length: number) => 'a'.repeat(length)
const withMetadata = (name: string, metadata: object, path = configMaps): Case => ({ name, steps: [create(path, { metadata })] })
const changed = (name: string, metadata: object): Case => ({
  name: `change: ${name}`,
  given: [create(configMaps, { metadata: { name: 'one', labels: { a: 'b' }, finalizers: ['example.com/a'] } })],
  steps: [patch('merge', one, { metadata })],
})
const owner = (change: object = {}) => merged({ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }, change)
const owned = (name: string, ...ownerReferences: object[]) => withMetadata(`owners: ${name}`, { name: 'one', ownerReferences })
const labelled = (name: string, labels: object) => withMetadata(`labels: ${name}`, { name: 'one', labels })
const noted = (name: string, annotations: object) => withMetadata(`annotations: ${name}`, { name: 'one', annotations })
const ending = (name: string, ...finalizers: unknown[]) => withMetadata(`finalizers: ${name}`, { name: 'one', finalizers })
const managed = (name: string, ...managedFields: object[]) => withMetadata(`managers: ${name}`, { name: 'one', managedFields })
const manager = (change: object = {}) =>
  merged({ manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {} } }, change)
const named = (path: string, kind: string): Case[] =>
  ['Upper', 'under_score', 'a.b', '-a', 'a/b', '..', '.', 'a:b', '1a', long(64), long(254)].map((name) =>
    withMetadata(`names: ${kind} ${name.length > 20 ? name.length : name}`, { name }, path),
  )
const generated = (name: string, generateName: string, path = configMaps) => withMetadata(`generated: ${name}`, { generateName }, path)

const services = namespaced('v1', 'services')

export const cases: readonly Case[] = [
  ...named(configMaps, 'a map'),
  ...named('/api/v1/namespaces', 'a namespace'),
  ...named(clusterWide('rbac.authorization.k8s.io/v1', 'clusterroles'), 'a role').filter(({ name }) => /\/|\.$|%/.test(name)),
  withMetadata('names: a service', { name: '1a' }, services),
  withMetadata('names: neither', {}),
  withMetadata('names: both', { name: 'one', generateName: 'two-' }),
  withMetadata('names: empty', { name: '', generateName: '' }),
  generated('an odd prefix', 'Generated_'),
  generated('a prefix that ends in a dot', 'generated.'),
  generated('a long prefix', 'generated-'.repeat(26)),
  generated('a slash', 'generated/'),
  generated('a namespace', 'Generated', '/api/v1/namespaces'),
  generated('a service', '1generated', services),
  withMetadata('a namespace that is none', { name: 'one', namespace: 'A_B' }),
  withMetadata(
    'a namespace for what has none',
    { name: 'upstream-one', namespace: 'x' },
    clusterWide('scheduling.k8s.io/v1', 'priorityclasses'),
  ),
  withMetadata('a negative generation', { name: 'one', generation: -1 }),
  labelled('an odd key', { 'a b': 'c' }),
  labelled('an empty key', { '': 'c' }),
  labelled('a long key', { [long(64)]: 'c' }),
  labelled('a prefix', { 'Example.com/a': 'c' }),
  labelled('two slashes', { 'a/b/c': 'c' }),
  labelled('an empty name', { 'a/': 'c' }),
  labelled('an empty prefix', { '/a': 'c' }),
  labelled('a long prefix', { [`${long(254)}/a`]: 'c' }),
  labelled('an odd value', { a: 'b c' }),
  labelled('a long value', { a: long(64) }),
  labelled('a value that ends oddly', { a: 'b-' }),
  labelled('several', { 'a b': 'c d', a: '-' }),
  labelled('null', { a: null }),
  noted('an odd key', { 'a b': 'c' }),
  noted('capitals', { 'Example.com/A': 'c' }),
  noted('an empty key', { '': 'c' }),
  noted('too much', { a: long(256 * 1024) }),
  noted('too much in all', { a: long(128 * 1024), b: long(128 * 1024) }),
  owned('one'),
  owned('one of a kind', owner()),
  owned('no version', owner({ apiVersion: '' })),
  owned('an odd version', owner({ apiVersion: 'a/b/c' })),
  owned('a version without a group', owner({ apiVersion: '/v1' })),
  owned('no kind', owner({ kind: '' })),
  owned('no name', owner({ name: '' })),
  owned('no uid', owner({ uid: '' })),
  owned('nothing', {}),
  owned('an event', owner({ kind: 'Event' })),
  owned('two controllers', owner({ controller: true }), owner({ uid: 'v', name: 'q', controller: true })),
  owned('twice the same', owner(), owner()),
  ending('one', 'example.com/a'),
  ending('an odd one', 'a b'),
  ending('one without a slash', 'mine'),
  ending('an empty one', ''),
  ending('the own ones', 'orphan', 'foregroundDeletion'),
  ending('twice the same', 'example.com/a', 'example.com/a'),
  ending('a long one', `example.com/${long(64)}`),
  ending('a number', 5),
  managed('one', manager()),
  managed('an odd operation', manager({ operation: 'Odd' })),
  managed('no version', manager({ apiVersion: '' })),
  managed('an odd type', manager({ fieldsType: 'FieldsV2' })),
  managed('no type', manager({ fieldsType: '' })),
  managed('a long manager', manager({ manager: long(129) })),
  managed('an odd time', manager({ time: 'x' })),
  managed('odd fields', manager({ fieldsV1: { 'x:y': {} } })),
  managed('an odd subresource', manager({ subresource: 'a b' })),
  changed('a uid', { uid: 'other' }),
  changed('a time of creation', { creationTimestamp: '2020-01-01T00:00:00Z' }),
  changed('a time of deletion', { deletionTimestamp: '2020-01-01T00:00:00Z' }),
  changed('a grace', { deletionGracePeriodSeconds: 5 }),
  changed('a generation', { generation: 7 }),
  changed('a link', { selfLink: '/x' }),
  changed('a generated name', { generateName: 'x-' }),
  changed('a name that is none', { name: '' }),
  changed('a namespace', { namespace: '' }),
  changed('labels to wrong ones', { labels: { 'a b': 'c' } }),
  changed('owners to wrong ones', { ownerReferences: [{}] }),
  changed('finalizers to wrong ones', { finalizers: ['a b'] }),
  changed('an old resourceVersion', { resourceVersion: '0' }),
  changed('an empty resourceVersion', { resourceVersion: '' }),
  {
    name: 'change: a finalizer of what is on its way out',
    given: [create(configMaps, { metadata: { name: 'one', finalizers: ['example.com/a'] } }), { method: 'DELETE', path: one }],
    steps: [
      patch('merge', one, { metadata: { finalizers: ['example.com/a', 'example.com/b'] } }),
      patch('merge', one, { metadata: { deletionTimestamp: null } }),
      patch('merge', one, { data: { a: 'b' } }),
      create(configMaps, { metadata: { name: 'one' } }),
      { method: 'DELETE', path: one },
    ],
  },
  { name: 'big: a map over its bound', steps: [create(configMaps, { metadata: { name: 'one' }, data: { a: long(1024 * 1024 + 1) } })] },
  {
    name: 'big: a secret over its bound',
    steps: [
      create(namespaced('v1', 'secrets'), { metadata: { name: 'one' }, data: { a: Buffer.alloc(1024 * 1024 + 1).toString('base64') } }),
    ],
  },
  { name: 'big: a body over the bound', steps: [create(configMaps, { metadata: { name: 'one' }, data: { a: long(3 * 1024 * 1024) } })] },
  {
    name: 'big: a replacement over the bound',
    steps: [made, replace(one, { metadata: { name: 'one' }, data: { a: long(3 * 1024 * 1024) } })],
  },
  { name: 'big: a patch over the bound', steps: [made, patch('merge', one, { data: { a: long(3 * 1024 * 1024) } })] },
  {
    name: 'big: an apply over the bound',
    steps: [
      patch('apply', `${one}?fieldManager=m`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'one' },
        data: { a: long(3 * 1024 * 1024) },
      }),
    ],
  },
  { name: 'big: options over the bound', steps: [{ method: 'DELETE', path: one, body: { propagationPolicy: long(3 * 1024 * 1024) } }] },
  {
    name: 'big: an object over what the store takes',
    differs: 'upstream answers 500 to what is the fault of the client',
    steps: [create(namespaced('apps/v1', 'controllerrevisions'), { metadata: { name: 'one' }, revision: 1, data: { a: long(1_800_000) } })],
  },
]
