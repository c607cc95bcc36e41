import { after, before, test } from 'node:test'
import { checkRows, type ClientCluster, startClientCluster } from '../integration/stock-clients.ts'

/** What kubectl makes of published schemas: its own validation and `explain`. */
let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 1 })
})
after(() => cluster.close())

const kindOf = (plural: string) => plural[0]!.toUpperCase() + plural.slice(1, -1)

async function serve(plural: string, schema: object): Promise<void> {
  cluster.write(
    `${plural}.json`,
    JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.explained.example.com` },
      spec: {
        group: 'explained.example.com',
        scope: 'Namespaced',
        names: { plural, kind: kindOf(plural) },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    }),
  )
  await cluster.sh(`kubectl create -f ${plural}.json && kubectl wait --for=condition=Established crd/${plural}.explained.example.com`)
}

function write(file: string, plural: string, more: object): void {
  const head = { apiVersion: 'explained.example.com/v1', kind: kindOf(plural), metadata: { name: 'test-cr' } }
  cluster.write(file, JSON.stringify({ ...head, ...more }))
}

const preserving = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

test('CustomResourcePublishOpenAPI works for CRD with validation schema', async (t) => {
  const text = (description: string, more: object = {}) => ({ type: 'string', description, ...more })
  const bar = {
    type: 'object',
    required: ['name'],
    properties: {
      name: text('Name of Bar.'),
      age: text('Age of Bar.'),
      feeling: text('How Bar feels.', { enum: ['Great', 'Down'] }),
      bazs: { type: 'array', description: 'List of Bazs.', items: { type: 'string' } },
      heights: { type: 'object', description: 'Heights by year.', additionalProperties: { type: 'integer', minimum: 1 } },
      isOpen: { type: 'boolean' },
    },
  }
  const bars = { description: 'List of Bars and their specs.', type: 'array', items: bar }
  const spec = { type: 'object', description: 'Specification of Foo', properties: { bars } }
  await serve('foos', { description: 'Foo CRD for Testing', type: 'object', properties: { spec } })
  const of = (more: object) => ({ spec: { bars: [{ name: 'test-bar', ...more }] } })
  write('valid.json', 'foos', of({ age: '9', feeling: 'Great', bazs: ['a'], heights: { '2026': 1 }, isOpen: true }))
  write('changed.json', 'foos', of({ age: '10', bazs: ['a', 'b'] }))
  const wrong: Readonly<Record<string, readonly [object, string | RegExp]>> = {
    unknown: [{ spec: { foo: true } }, 'unknown field "spec.foo"'],
    stranger: [of({ foo: 1 }), 'unknown field "spec.bars[0].foo"'],
    top: [{ top: 1 }, 'unknown field "top"'],
    lacking: [{ spec: { bars: [{ age: '10' }] } }, /spec\.bars\[0\]\.name.*Required value/s],
    outside: [of({ feeling: 'NonExistentValue' }), /spec\.bars\[0\]\.feeling: Unsupported value: "NonExistentValue"/],
    other: [of({ bazs: [1] }), /spec\.bars\[0\]\.bazs\[0\]: Invalid value: "integer"/],
    low: [of({ heights: { a: 0 } }), /spec\.bars\[0\]\.heights\.a: Invalid value: 0/],
  }
  for (const [name, [object]] of Object.entries(wrong)) write(`${name}.json`, 'foos', object)
  const refusals = (verb: string) =>
    Object.entries(wrong).map(([name, [, said]]) => ({ run: `kubectl ${verb} -f ${name}.json`, fails: [said] }))
  await checkRows(t, cluster, [
    { run: 'kubectl create -f valid.json', says: ['test-cr created'], eventually: true },
    { run: 'kubectl apply -f changed.json', says: ['test-cr configured'] },
    { run: "kubectl get foos test-cr -o jsonpath='{.spec.bars[0].age} {.spec.bars[0].bazs}'", says: ['10 ["a","b"]'] },
    // A change is judged like what is new.
    ...refusals('apply'),
    { run: 'kubectl delete -f changed.json', says: ['deleted'] },
    { run: 'cat valid.json | kubectl apply -f -', says: ['test-cr created'] },
    { run: 'kubectl delete foos test-cr', says: ['deleted'] },
    ...refusals('create'),
    ...refusals('apply'),
    {
      run: 'kubectl explain foos',
      says: [
        /KIND:\s+Foo\s+VERSION:\s+v1/,
        /DESCRIPTION:\s+Foo CRD for Testing/,
        /apiVersion\s+<string>\s+APIVersion defines/,
        /spec\s+<Object>\s+Specification of Foo/,
      ],
    },
    {
      run: 'kubectl explain foos.metadata',
      says: [/DESCRIPTION:\s+Standard object's metadata/, /creationTimestamp\s+<string>\s+CreationTimestamp is a timestamp/],
    },
    {
      run: 'kubectl explain foos.spec',
      says: [/DESCRIPTION:\s+Specification of Foo/, /bars\s+<\[\]Object>\s+List of Bars and their specs/],
    },
    {
      run: 'kubectl explain foos.spec.bars',
      says: [
        /bars <\[\]Object>\s+DESCRIPTION:\s+List of Bars and their specs/,
        /bazs\s+<\[\]string>\s+List of Bazs/,
        /feeling\s+<string>\s+enum: Great, Down\s+How Bar feels/,
        /name\s+<string> -required-\s+Name of Bar/,
      ],
    },
    { run: 'kubectl explain foos.spec.bars2', fails: ['field "bars2" does not exist'] },
  ])
})

/** What may hold anything is created and changed by kubectl, whose own checks let it pass, and keeps it. */
function acceptsAnything(plural: string, [given, changed]: readonly [object, object]) {
  const resource = `${plural} test-cr`
  write(`${plural}-given.json`, plural, given)
  write(`${plural}-changed.json`, plural, changed)
  const shows = (object: object) => Object.entries(object).map(([key, value]) => `"${key}":${JSON.stringify(value)}`)
  return [
    { run: `kubectl create -f ${plural}-given.json`, says: ['test-cr created'], eventually: true as const },
    { run: `kubectl get ${resource} -o json | tr -d ' \\n'`, says: shows(given) },
    { run: `kubectl apply -f ${plural}-changed.json`, says: ['test-cr configured'] },
    { run: `kubectl get ${resource} -o json | tr -d ' \\n'`, says: shows(changed) },
    { run: `kubectl delete ${resource}`, says: ['deleted'] },
    { run: `kubectl apply -f ${plural}-given.json`, says: ['test-cr created'] },
    { run: `kubectl apply -f ${plural}-changed.json`, says: ['test-cr configured'] },
    { run: `kubectl get ${resource} -o json | tr -d ' \\n'`, says: shows(changed) },
  ]
}
const anything = [{ a: { b: [{ c: 'd' }] } }, { a: { b: [{ c: 'e', f: 1 }] } }] as const

test('CustomResourcePublishOpenAPI works for CRD without validation schema', async (t) => {
  await serve('empties', preserving)
  await checkRows(t, cluster, [
    ...acceptsAnything('empties', anything),
    { run: 'kubectl explain empties', says: [/DESCRIPTION:\s+<empty>/] },
  ])
})

test('CustomResourcePublishOpenAPI works for CRD preserving unknown fields at the schema root', async (t) => {
  const spec = { type: 'object', properties: { known: { type: 'string' } } }
  await serve('roots', { ...preserving, description: 'Keeps all that it does not know', properties: { spec } })
  await checkRows(t, cluster, [
    ...acceptsAnything('roots', [
      { spec: { known: 'a' }, ...anything[0] },
      { spec: { known: 'b' }, ...anything[1] },
    ]),
    { run: 'kubectl explain roots', says: [/KIND:\s+Root/, /DESCRIPTION:\s+Keeps all that it does not know/] },
  ])
})

test('CustomResourcePublishOpenAPI works for CRD preserving unknown fields in an embedded object', async (t) => {
  const spec = { ...preserving, description: 'Specification of Nested', properties: { known: { type: 'string' } } }
  await serve('nesteds', {
    type: 'object',
    description: 'Keeps what it does not know in a field',
    properties: { spec, status: preserving },
  })
  await checkRows(t, cluster, [
    ...acceptsAnything('nesteds', [{ spec: { ...anything[0], known: 'a' } }, { spec: { ...anything[1], known: 'a' } }]),
    { run: 'kubectl explain nesteds', says: [/DESCRIPTION:\s+Keeps what it does not know in a field/, /spec\s+<Object>/] },
    { run: 'kubectl explain nesteds.spec', says: [/DESCRIPTION:\s+Specification of Nested/] },
  ])
})
