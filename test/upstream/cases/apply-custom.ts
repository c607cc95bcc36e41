/** Server-side apply to custom objects: every sort of list and map, what is empty, null or filled in, fields of several managers, other versions. */
import { objectOf, objectsOf, ofSpec, serving, version } from '../custom-objects.ts'
import { type Case, create, patch, replace, type Request } from '../upstream-case.ts'

const text = { type: 'string' }
const list = (items: object, type: string, more: object = {}) => ({ type: 'array', 'x-kubernetes-list-type': type, items, ...more })
const struct = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const keyed = (keys: readonly string[], properties: object) =>
  list(struct(properties, { required: keys.filter((key) => !('default' in ((properties as Record<string, object>)[key] ?? {}))) }), 'map', {
    'x-kubernetes-list-map-keys': keys,
  })
const schema = ofSpec({
  text,
  number: { type: 'integer' },
  filled: { type: 'string', default: 'x' },
  nullable: { type: 'string', nullable: true },
  nullableMap: { type: 'object', nullable: true, additionalProperties: text },
  map: { type: 'object', additionalProperties: text },
  atomicMap: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: text },
  maps: { type: 'object', additionalProperties: struct({ a: text, b: text }) },
  struct: struct({ a: text, b: text, inner: struct({ c: text, d: { type: 'string', default: 'd' } }) }),
  atomicStruct: struct({ a: text, b: text }, { 'x-kubernetes-map-type': 'atomic' }),
  atomic: list(text, 'atomic'),
  plain: { type: 'array', items: struct({ a: text, b: text }) },
  set: list(text, 'set'),
  numbers: list({ type: 'integer' }, 'set'),
  keyed: keyed(['k'], { k: text, v: text, w: text, f: { type: 'string', default: 'f' }, inner: struct({ c: text }) }),
  ports: keyed(['port', 'protocol'], { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, name: text }),
  nested: keyed(['k'], {
    k: text,
    set: list(text, 'set'),
    keyed: keyed(['k'], { k: text, v: text }),
    map: { type: 'object', additionalProperties: text },
  }),
  open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  either: { 'x-kubernetes-int-or-string': true },
})
const status = struct({ state: text, conditions: keyed(['type'], { type: text, status: text }) })
const withStatus = { ...schema, properties: { ...schema.properties, status } }
const scale = { specReplicasPath: '.spec.number', statusReplicasPath: '.status.number' }
const v2 = ofSpec({ text, number: { type: 'integer' }, extra: { type: 'string', default: 'e' }, set: list(text, 'set') })

export const given = [
  ...serving('applied', [version(withStatus, { subresources: { status: {}, scale } })]),
  ...serving('applied2', [
    version(ofSpec({ text, number: { type: 'integer' }, set: list(text, 'set') })),
    version(v2, { name: 'v2', storage: false }),
  ]),
]

const o = `${objectsOf('applied')}/o`
const apply = (manager: string, spec: unknown, more = ''): Request =>
  patch('apply', `${o}?fieldManager=${manager}${more}`, objectOf('applied', spec))
const merge = (spec: unknown, manager = 'm'): Request => patch('merge', `${o}?fieldManager=${manager}`, { spec })
const steps = (name: string, ...all: readonly Request[]): Case => ({ name, steps: all, withManagedFields: true, withNulls: true })
const forced = '&force=true'

/** Upstream answers 500 to what does not fit its type, and to what it cannot convert. */
const serverFaults = new Set([
  'null in a list',
  'null for an item',
  'one item twice by a default',
  'an item without a key',
  'scale',
  'one manager in two versions',
])
const differs = 'upstream answers 500 to what is the fault of the client, or of nobody'

/** Two applies of one manager, the second with what the first one had changed so. */
const again = (name: string, first: object, second: object): Case => steps(name, apply('a', first), apply('a', second))
/** Two managers, and the first once more. */
const shared = (name: string, first: object, other: object, last: object): Case =>
  steps(name, apply('a', first), apply('b', other), apply('a', last))

const all: readonly Case[] = [
  again('an empty map twice', { map: {} }, { map: {} }),
  again('an empty map after entries', { map: { a: '1' } }, { map: {} }),
  again('no map after an empty one', { map: {} }, {}),
  again('an empty struct twice', { struct: {} }, { struct: {} }),
  again('an empty struct in one', { struct: { a: 'a' } }, { struct: { inner: {} } }),
  again('a default in an empty struct', { struct: { inner: {} } }, { struct: { inner: { c: 'c' } } }),
  again('an empty list twice', { set: [] }, { set: [] }),
  again('an empty list after items', { set: ['a'] }, { set: [] }),
  again('an empty list of objects', { keyed: [] }, { keyed: [] }),
  again('an empty list after objects', { keyed: [{ k: 'a' }] }, { keyed: [] }),
  again('an empty atomic list', { atomic: [] }, { atomic: [] }),
  again('an empty atomic map', { atomicMap: {} }, { atomicMap: {} }),
  again('an atomic map with another key', { atomicMap: { a: '1' } }, { atomicMap: { b: '2' } }),
  again('an atomic struct with another field', { atomicStruct: { a: '1' } }, { atomicStruct: { b: '2' } }),
  again('an empty spec', {}, {}),
  again('an empty object that keeps anything', { open: {} }, { open: {} }),
  again('what is not declared', { open: { a: { b: [1, { c: 2 }] } } }, { open: { a: { d: 1 } } }),
  again('null for what may be null', { nullable: null }, { nullable: 'a' }),
  again('null after a value', { nullable: 'a' }, { nullable: null }),
  again('null for a map that may be null', { nullableMap: null }, { nullableMap: {} }),
  again('null for what may not', { text: null, map: null }, { text: 'a' }),
  again('null for a default', { filled: null }, { filled: 'y' }),
  again('a default given up', { filled: 'y' }, {}),
  again('null in a map', { map: { a: null, b: '1' } }, { map: { a: '1' } }),
  again('null in a list', { set: [null] }, { set: ['a'] }),
  again('null for an item', { keyed: [null] }, { keyed: [{ k: 'a' }] }),
  again('a set in another order', { set: ['a', 'b', 'c'] }, { set: ['c', 'a'] }),
  again('a set of numbers', { numbers: [3, 1, 2] }, { numbers: [2, 5] }),
  again('an item with a default for a key', { ports: [{ port: 1 }] }, { ports: [{ port: 1, protocol: 'TCP', name: 'n' }] }),
  again(
    'items that differ in the default alone',
    { ports: [{ port: 1 }, { port: 1, protocol: 'UDP' }] },
    { ports: [{ port: 1, protocol: 'UDP' }] },
  ),
  again('one item twice by a default', { ports: [{ port: 1 }, { port: 1, protocol: 'TCP' }] }, { ports: [] }),
  again('an item without a key', { ports: [{ protocol: 'TCP' }] }, { keyed: [{ v: 'v' }] }),
  again('an int or a text', { either: 1 }, { either: '1' }),
  again(
    'items in items',
    { nested: [{ k: 'a', keyed: [{ k: 'x', v: '1' }, { k: 'y' }], set: ['p', 'q'] }] },
    { nested: [{ k: 'a', keyed: [{ k: 'y' }] }] },
  ),
  again('the order of items', { keyed: [{ k: 'c' }, { k: 'a' }, { k: 'b' }] }, { keyed: [{ k: 'b' }, { k: 'd' }, { k: 'c' }] }),
  shared(
    'items of two, one taken away',
    { keyed: [{ k: 'a', v: '1' }, { k: 'b' }] },
    { keyed: [{ k: 'a', w: '2' }, { k: 'c' }] },
    { keyed: [{ k: 'b' }] },
  ),
  shared('an item of two, taken away by both', { keyed: [{ k: 'a' }] }, { keyed: [{ k: 'a' }] }, {}),
  shared('members of two sets', { set: ['a', 'b'] }, { set: ['b', 'c'] }, { set: ['a'] }),
  shared('an order of two', { set: ['a', 'c'] }, { set: ['b', 'c', 'd'] }, { set: ['c', 'a'] }),
  shared('an empty map of two', { map: {} }, { map: {} }, {}),
  shared('an empty map beside entries', { map: {} }, { map: { a: '1' } }, {}),
  shared('an entry beside an empty map', { map: { a: '1' } }, { map: {} }, {}),
  shared('a struct of two', { struct: { a: '1' } }, { struct: { b: '2' } }, {}),
  shared('maps of structs', { maps: { x: { a: '1' } } }, { maps: { x: { b: '1' }, y: {} } }, { maps: {} }),
  shared(
    'nested sets of two',
    { nested: [{ k: 'a', set: ['p'] }] },
    { nested: [{ k: 'a', set: ['q'], map: { z: '1' } }] },
    { nested: [{ k: 'a' }] },
  ),
  shared('an atomic list in conflict', { atomic: ['a'] }, { atomic: ['b'] }, { atomic: ['a'] }),
  shared('an atomic list shared', { atomic: ['a'] }, { atomic: ['a'] }, {}),
  shared('a list of objects that is atomic', { plain: [{ a: '1' }] }, { plain: [{ a: '1', b: '2' }] }, { plain: [{ a: '2' }] }),
  shared('a default in conflict', { filled: 'x' }, { filled: 'z' }, {}),
  shared(
    'a conflict in an item',
    { keyed: [{ k: 'a', v: '1', inner: { c: '1' } }] },
    { keyed: [{ k: 'a', v: '2', inner: { c: '2' } }] },
    {},
  ),
  shared('a conflict of an atomic struct', { atomicStruct: { a: '1' } }, { atomicStruct: { b: '1' } }, {}),
  shared('a conflict in what is not declared', { open: { a: { b: 1 } } }, { open: { a: { b: 2, c: 3 } } }, {}),
  steps(
    'by force what two others have',
    apply('a', { text: '1' }),
    apply('b', { text: '1' }),
    apply('c', { text: '2' }, forced),
    apply('a', {}),
  ),
  steps(
    'by force an item',
    apply('a', { keyed: [{ k: 'a', v: '1' }] }),
    apply('b', { keyed: [{ k: 'a', v: '2' }] }, forced),
    apply('a', {}),
  ),
  steps(
    'by force an atomic list',
    apply('a', { atomic: ['a', 'b'] }),
    apply('b', { atomic: ['b'] }, forced),
    apply('a', { atomic: ['a', 'b'] }),
  ),
  steps(
    'by force what an update has',
    create(`${objectsOf('applied')}?fieldManager=u`, objectOf('applied', { text: '1', map: { a: '1' } })),
    apply('a', { text: '2', map: {} }, forced),
  ),
  steps('a map emptied by an update', apply('a', { map: { a: '1' } }), merge({ map: { a: null } }), apply('a', { map: { a: '1' } })),
  steps('a map taken away by an update', apply('a', { map: { a: '1' }, text: '1' }), merge({ map: null }), apply('a', { text: '1' })),
  steps('a set changed by an update', apply('a', { set: ['a', 'b'] }), merge({ set: ['b', 'c'] }), apply('a', { set: ['a'] })),
  steps(
    'an item changed by an update',
    apply('a', { keyed: [{ k: 'a', v: '1' }, { k: 'b' }] }),
    merge({ keyed: [{ k: 'a', v: '2' }] }),
    apply('a', { keyed: [{ k: 'a', v: '1' }] }),
  ),
  steps('an atomic list changed by an update', apply('a', { atomic: ['a'] }), merge({ atomic: ['b'] }), apply('a', {})),
  steps('an update of the same manager name', apply('a', { text: '1' }), merge({ text: '2', number: 1 }, 'a'), apply('a', { text: '3' })),
  steps(
    'a replacement without managed fields',
    apply('a', { text: '1' }),
    replace(
      `${o}?fieldManager=r`,
      objectOf('applied', { number: 2 }, { metadata: { name: 'o', managedFields: [], resourceVersion: '{{0.metadata.resourceVersion}}' } }),
    ),
  ),
  steps(
    'managed fields reset',
    apply('a', { text: '1' }),
    patch('json', `${o}?fieldManager=r`, [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }]),
    apply('b', { text: '2' }),
  ),
  steps(
    'managed fields written',
    apply('a', { text: '1', map: { a: '1' } }),
    patch('json', `${o}?fieldManager=r`, [{ op: 'remove', path: '/metadata/managedFields/0/fieldsV1/f:spec/f:map' }]),
    apply('a', { text: '1' }),
  ),
  steps(
    'status',
    apply('a', { text: '1' }),
    patch(
      'apply',
      `${o}/status?fieldManager=s`,
      objectOf('applied', { text: '2' }, { status: { state: 'x', conditions: [{ type: 'A', status: 'T' }] } }),
    ),
    patch('apply', `${o}/status?fieldManager=t`, objectOf('applied', {}, { status: { state: 'y', conditions: [{ type: 'B' }] } })),
    patch('apply', `${o}/status?fieldManager=s`, objectOf('applied', {}, { status: { conditions: [] } })),
  ),
  steps(
    'the status of another path',
    apply('a', { text: '1' }),
    patch('apply', `${o}?fieldManager=a`, objectOf('applied', { text: '1' }, { status: { state: 'x' } })),
  ),
  steps(
    'scale',
    apply('a', { number: 1 }),
    patch('apply', `${o}/scale?fieldManager=s`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'o' },
      spec: { replicas: 2 },
    }),
    patch('apply', `${o}/scale?fieldManager=s&force=true`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'o' },
      spec: { replicas: 2 },
    }),
    apply('a', { number: 3 }),
    apply('a', {}),
  ),
  ...versions(),
]

export const cases: readonly Case[] = all.map((one) => (serverFaults.has(one.name) ? { ...one, differs } : one))

function versions(): Case[] {
  const at = (name: string) => `${objectsOf('applied2', name)}/o`
  const of = (name: string, manager: string, spec: unknown, more = ''): Request =>
    patch('apply', `${at(name)}?fieldManager=${manager}${more}`, {
      ...objectOf('applied2', spec),
      apiVersion: `applied2.upstream.example.com/${name}`,
    })
  return [
    steps(
      'one manager in two versions',
      of('v1', 'a', { text: '1', set: ['a'] }),
      of('v2', 'a', { text: '1', extra: 'x' }),
      of('v1', 'a', { number: 1 }),
    ),
    steps(
      'two managers in two versions',
      of('v1', 'a', { text: '1', set: ['a'] }),
      of('v2', 'b', { text: '2', set: ['b'] }),
      of('v2', 'b', { text: '2', set: ['b'] }, forced),
      of('v1', 'a', {}),
    ),
    steps(
      'an update in another version',
      of('v2', 'a', { text: '1', extra: 'x' }),
      patch('merge', `${at('v1')}?fieldManager=u`, { spec: { text: '2' } }),
      of('v2', 'a', { text: '1' }),
    ),
  ]
}
