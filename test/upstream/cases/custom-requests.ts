/** Custom objects: subresources, patches, who owns which field, Tables, selectors, versions, lists and deletion. */
import { definitions, objectOf, objectsOf, ofSpec, serving, version } from '../custom-objects.ts'
import { type Case, create, patch, read, remove, replace, titled, watch } from '../upstream-case.ts'

const text = { type: 'string' }
const keyed = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k'],
  items: { type: 'object', required: ['k'], properties: { k: text, v: text } },
}
const schema = ofSpec({
  replicas: { type: 'integer' },
  color: text,
  ready: { type: 'boolean' },
  since: { type: 'string', format: 'date-time' },
  ratio: { type: 'number' },
  list: { type: 'array', items: text },
  set: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
  keyed,
  map: { type: 'object', additionalProperties: text },
  whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: text, b: text } },
  filled: { type: 'string', default: 'x' },
})
const status = { type: 'object', properties: { replicas: { type: 'integer' }, selector: text, conditions: keyed } }
const withStatus = { ...schema, properties: { ...schema.properties, status } }

const columns = [
  { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
  { name: 'Color', type: 'string', jsonPath: '.spec.color', description: 'Its color' },
  { name: 'Ready', type: 'boolean', jsonPath: '.spec.ready' },
  { name: 'Ratio', type: 'number', jsonPath: '.spec.ratio', format: 'double' },
  { name: 'List', type: 'string', jsonPath: '.spec.list', priority: 1 },
  { name: 'First', type: 'string', jsonPath: '.spec.list[0]' },
  { name: 'All', type: 'string', jsonPath: '.spec.list[*]' },
  { name: 'Named', type: 'string', jsonPath: '.spec.keyed[?(@.k=="a")].v' },
  { name: 'Map', type: 'string', jsonPath: '.spec.map' },
  { name: 'Label', type: 'string', jsonPath: ".metadata.labels['a\\.b/c']" },
  { name: 'Wrong', type: 'integer', jsonPath: '.spec.color' },
  { name: 'Never', type: 'date', jsonPath: '.spec.color' },
  { name: 'Since', type: 'date', jsonPath: '.spec.since' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }
const more = {
  subresources: { status: {}, scale },
  additionalPrinterColumns: columns,
  selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.replicas' }, { jsonPath: '.spec.ready' }],
}
const v2 = ofSpec({ color: text, shade: { type: 'string', default: 'dark' } })
export const given = [
  ...serving('requests', [version(withStatus, more)]),
  ...serving('plain', [version(withStatus)]),
  ...serving('versions', [
    version(schema, { deprecated: true }),
    version(v2, { name: 'v2', storage: false, deprecated: true, deprecationWarning: 'v2 is old' }),
    version(v2, { name: 'v3', storage: false, served: false }),
  ]),
  ...serving('aging', [
    version(schema, { name: 'v1beta1', storage: false, deprecated: true }),
    version(schema, { name: 'v2alpha1', storage: false, deprecated: true }),
    version(schema, { name: 'v3', storage: false, served: false }),
    version(schema),
    version(schema, { name: 'v2', storage: false }),
  ]),
]

const objects = objectsOf('requests')
const one = `${objects}/o`
const object = (spec: object, extra: object = {}) => objectOf('requests', spec, extra)
const applied = (spec: object, manager: string, query = '') => patch('apply', `${one}?fieldManager=${manager}${query}`, object(spec))

const subresources: Case[] = [
  { name: 'a status on creation', steps: [create(objects, object({ color: 'red' }, { status: { replicas: 1 } })), read(`${one}/status`)] },
  {
    name: 'a status by its door',
    given: [create(objects, object({ color: 'red' }))],
    steps: [
      patch('merge', `${one}/status`, {
        metadata: { labels: { a: 'b' }, annotations: { c: 'd' }, finalizers: ['a/b'] },
        spec: { color: 'blue' },
        status: { replicas: 2, x: 1 },
      }),
      patch('merge', one, { spec: { color: 'green' }, status: { replicas: 9 } }),
      patch('merge', one, { metadata: { labels: { a: 'b' } } }),
    ],
    withManagedFields: true,
  },
  {
    name: 'a status that is replaced',
    given: [create(objects, object({ color: 'red' }))],
    steps: [
      replace(`${one}/status`, object({}, { status: { replicas: 3 } })),
      read(one),
      replace(
        `${one}/status`,
        object({}, { metadata: { name: 'o', resourceVersion: '{{1.metadata.resourceVersion}}' }, status: { replicas: 3 } }),
      ),
      replace(one, object({ color: 'blue' }, { metadata: { name: 'o', resourceVersion: '1' } })),
    ],
  },
  {
    name: 'a status of other types',
    given: [create(objects, object({ color: 'red' }))],
    steps: [
      patch('merge', `${one}/status`, { status: { replicas: 'x' } }),
      patch('merge', `${one}/status`, { status: 'x' }),
      patch('merge', `${one}/status`, { status: { conditions: [{ k: 'a' }, { k: 'a' }] } }),
    ],
  },
  {
    name: 'a scale',
    given: [create(objects, object({ replicas: 2 })), patch('merge', `${one}/status`, { status: { replicas: 1, selector: 'a=b' } })],
    steps: [
      read(`${one}/scale`),
      patch('merge', `${one}/scale`, { spec: { replicas: 5 } }),
      patch('merge', `${one}/scale`, { spec: { replicas: -1 } }),
      replace(`${one}/scale`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'o' }, spec: { replicas: 7 } }),
      replace(`${one}/scale`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'p' }, spec: { replicas: 7 } }),
      replace(`${one}/scale`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'o', resourceVersion: '1' },
        spec: { replicas: 7 },
      }),
      patch('apply', `${one}/scale?fieldManager=m`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'o' },
        spec: { replicas: 8 },
      }),
      read(one),
    ],
    withManagedFields: true,
  },
  {
    name: 'a scale without replicas',
    given: [create(objects, object({ color: 'red' }))],
    differs: 'no replicas are none: the number can be set',
    steps: [read(`${one}/scale`), patch('merge', `${one}/scale`, { spec: { replicas: 1 } })],
  },
  ...Object.entries({ 'negative replicas': -1, 'too many replicas': 2147483648 }).map(
    ([name, replicas]): Case => ({ name, steps: [create(objects, object({ replicas }))] }),
  ),
  {
    name: 'negative replicas of a status',
    given: [create(objects, object({}))],
    steps: [patch('merge', `${one}/status`, { status: { replicas: -1 } })],
  },
  {
    name: 'no scale and no status',
    given: [create(objectsOf('plain'), objectOf('plain', {}))],
    steps: [
      read(`${objectsOf('plain')}/o/scale`),
      read(`${objectsOf('plain')}/o/status`),
      patch('merge', `${objectsOf('plain')}/o`, { status: { replicas: 1 } }),
    ],
  },
]

const patches: Case[] = [
  {
    name: 'generations',
    given: [create(objects, object({ color: 'red' }))],
    steps: [
      patch('merge', one, { spec: { color: 'red' } }),
      patch('merge', one, { spec: { color: 'blue' } }),
      patch('merge', one, { metadata: { annotations: { a: 'b' } } }),
    ],
  },
  { name: 'a strategic patch', given: [create(objects, object({}))], steps: [patch('strategic', one, { spec: { color: 'red' } })] },
  {
    name: 'a JSON patch',
    given: [create(objects, object({ list: ['a'] }))],
    steps: [
      patch('json', one, [
        { op: 'add', path: '/spec/list/-', value: 'b' },
        { op: 'test', path: '/spec/list/0', value: 'a' },
      ]),
      patch('json', one, [{ op: 'replace', path: '/spec/none', value: 1 }]),
    ],
  },
  {
    name: 'a patch that makes it wrong',
    given: [create(objects, object({}))],
    steps: [
      patch('merge', one, { spec: { color: 1 } }),
      patch('merge', one, { kind: 'Other' }),
      patch('merge', one, { apiVersion: 'x/v1' }),
      patch('merge', one, { metadata: { name: 'p' } }),
    ],
  },
  { name: 'a patch of what is not there', steps: [patch('merge', one, { spec: {} }), replace(one, object({})), read(one), remove(one)] },
  {
    name: 'a null that takes away',
    given: [create(objects, object({ color: 'red', filled: 'y' }))],
    steps: [patch('merge', one, { spec: { color: null, filled: null } })],
  },
]

const wrongTypes: Case[] = [
  { name: 'another kind', steps: [create(objects, { ...object({}), kind: 'Other' })] },
  { name: 'another group', steps: [create(objects, { ...object({}), apiVersion: 'other/v1' })] },
  { name: 'no kind', steps: [create(objects, { apiVersion: 'requests.upstream.example.com/v1', metadata: { name: 'o' } })] },
  { name: 'no version', steps: [create(objects, { kind: 'Test', metadata: { name: 'o' } })] },
  { name: 'no name', steps: [create(objects, object({}, { metadata: {} }))] },
  { name: 'a bad name', steps: [create(objects, object({}, { metadata: { name: 'A_b' } }))] },
  { name: 'a name that others have', given: [create(objects, object({}))], steps: [create(objects, object({}))] },
  { name: 'bad labels', steps: [create(objects, object({}, { metadata: { name: 'o', labels: { 'a b': '-' }, finalizers: ['x'] } }))] },
  {
    name: 'finalizers that are advised against',
    steps: [create(objects, object({}, { metadata: { name: 'o', finalizers: ['a.b', 'orphan', 'a.b/c'] } }))],
  },
  { name: 'no object', steps: [create(objects, '[]'), create(objects, '{'), create(objects, 'x')] },
  {
    name: 'YAML',
    steps: [
      {
        ...create(objects, 'apiVersion: requests.upstream.example.com/v1\nkind: Test\nmetadata: {name: o}\nspec: {color: red}\n'),
        contentType: 'application/yaml',
      },
    ],
  },
]

const clientFault = 'a fault of the client is no error of the server'
const managers: Case[] = [
  {
    name: 'fields of several managers',
    steps: [
      applied({ color: 'red', keyed: [{ k: 'a', v: '1' }], set: ['a'], map: { a: '1' }, list: ['a'], whole: { a: '1' } }, 'one'),
      applied({ keyed: [{ k: 'b', v: '2' }], set: ['b'], map: { b: '2' } }, 'two'),
      applied({ color: 'blue' }, 'two'),
      applied({ color: 'blue', list: ['b'], whole: { b: '2' } }, 'two', '&force=true'),
      applied({ color: 'red' }, 'one'),
      applied({}, 'one'),
    ],
    withManagedFields: true,
  },
  {
    name: 'an applied status',
    steps: [
      applied({ color: 'red' }, 'one'),
      patch('apply', `${one}/status?fieldManager=two`, object({}, { status: { replicas: 1, conditions: [{ k: 'a' }] } })),
      patch('apply', `${one}?fieldManager=one`, object({}, { status: { replicas: 5 } })),
    ],
    withManagedFields: true,
  },
  {
    name: 'applied fields of other types',
    differs: clientFault,
    steps: [
      applied({ color: 1 }, 'one'),
      applied({ list: 'a' }, 'one'),
      applied({ keyed: [{ v: '1' }] }, 'one'),
      applied({ keyed: [{ k: 'a' }, { k: 'a' }] }, 'one'),
      applied({ set: ['a', 'a'] }, 'one'),
    ],
  },
  { name: 'no manager', steps: [patch('apply', one, object({}))] },
  {
    name: 'created and updated',
    steps: [
      { ...create(`${objects}?fieldManager=one`, object({ color: 'red', keyed: [{ k: 'a' }] })) },
      patch('merge', `${one}?fieldManager=two`, { spec: { keyed: [{ k: 'a', v: '1' }] } }),
    ],
    withManagedFields: true,
  },
]

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const full = {
  replicas: 3,
  color: 'red',
  ready: true,
  since: '2020-01-01T00:00:00Z',
  ratio: 0.5,
  list: ['a', 'b'],
  keyed: [{ k: 'a', v: 'va' }],
  map: { x: 'y' },
}
const tables: Case[] = [
  {
    name: 'columns',
    given: [create(objects, object(full, { metadata: { name: 'o', labels: { 'a.b/c': 'l' } } }))],
    steps: [read(one, table)],
  },
  { name: 'empty columns', given: [create(objects, object({}))], steps: [read(one, table), read(objects, table)] },
  { name: 'no columns', given: [create(objectsOf('plain'), objectOf('plain', {}))], steps: [read(`${objectsOf('plain')}/o`, table)] },
  { name: 'no rows', steps: [read(objects, table)] },
]

const colors = [
  create(objects, object({ color: 'red', replicas: 1, ready: true })),
  create(objects, object({ color: 'blue' }, { metadata: { name: 'p' } })),
]
const selected = (name: string, selector: string): Case => ({
  name: `selected by ${name}`,
  given: colors,
  steps: [read(`${objects}?fieldSelector=${encodeURIComponent(selector)}`)],
})
const lists: Case[] = [
  selected('a text', 'spec.color=red'),
  selected('another text', 'spec.color!=red'),
  selected('a number', 'spec.replicas=1'),
  selected('nothing', 'spec.replicas='),
  selected('a truth', 'spec.ready=true'),
  selected('its name', 'metadata.name=p'),
  selected('a field that is not offered', 'spec.filled=x'),
  { name: 'nothing', steps: [read(objects), read('/apis/requests.upstream.example.com/v1/tests?labelSelector=none')] },
  { name: 'a limit', given: colors, steps: [read(`${objects}?limit=1`)] },
  {
    name: 'a watch',
    given: [create(objects, object({ color: 'red' }))],
    steps: [
      read(one),
      patch('merge', one, { spec: { color: 'blue' } }),
      watch(`${objects}?watch=1&fieldSelector=spec.color%3Dred&resourceVersion={{0.metadata.resourceVersion}}`, 1),
    ],
  },
  { name: 'all are deleted', given: colors, steps: [remove(objects), read(objects)] },
  { name: 'one is deleted', given: colors, steps: [remove(one), read(one), remove(`${objects}/p?dryRun=All`)] },
  {
    name: 'one with a finalizer is deleted',
    given: [create(objects, object({}, { metadata: { name: 'o', finalizers: ['a.b/c'] } }))],
    steps: [remove(one), patch('merge', one, { spec: { color: 'x' } }), patch('merge', one, { metadata: { finalizers: null } }), read(one)],
  },
]

const second = objectsOf('versions', 'v2')
const versions: Case[] = [
  {
    name: 'stored in one, read in the other',
    given: [create(objectsOf('versions'), objectOf('versions', { color: 'red', filled: 'y' }))],
    steps: [
      read(`${objectsOf('versions')}/o`),
      read(`${second}/o`),
      patch('merge', `${second}/o`, { spec: { shade: 'light' } }),
      read(`${objectsOf('versions')}/o`),
    ],
  },
  {
    name: 'created in the other',
    steps: [
      create(second, { ...objectOf('versions', { color: 'red' }), apiVersion: 'versions.upstream.example.com/v2' }),
      read(`${objectsOf('versions')}/o`),
      read(second),
    ],
  },
  {
    name: 'discovery of the group',
    steps: [
      read('/apis/versions.upstream.example.com'),
      read('/apis/versions.upstream.example.com/v1'),
      read('/apis/requests.upstream.example.com/v1'),
    ],
  },
  {
    name: 'the version to use instead',
    steps: [
      read(objectsOf('aging', 'v1beta1')),
      read(objectsOf('aging', 'v2alpha1')),
      read(objectsOf('aging')),
      read('/apis/aging.upstream.example.com/v1beta1'),
    ],
  },
  { name: 'a definition', steps: [read(`${definitions}/tests.requests.upstream.example.com`)] },
]

export const cases: readonly Case[] = [
  ...titled('subresources', subresources),
  ...titled('patches', patches),
  ...titled('types', wrongTypes),
  ...titled('managers', managers),
  ...titled('tables', tables),
  ...titled('lists', lists),
  ...titled('versions', versions),
]
