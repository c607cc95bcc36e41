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
  const bar = {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string', description: 'Name of Bar.' }, age: { type: 'string', description: 'Age of Bar.' } },
  }
  const bars = { description: 'List of Bars and their specs.', type: 'array', items: bar }
  const spec = { type: 'object', description: 'Specification of Foo', properties: { bars } }
  await serve('foos', { description: 'Foo CRD for Testing', type: 'object', properties: { spec } })
  write('valid.json', 'foos', { spec: { bars: [{ name: 'test-bar', age: '9' }] } })
  write('changed.json', 'foos', { spec: { bars: [{ name: 'test-bar', age: '10' }] } })
  write('unknown.json', 'foos', { spec: { foo: true } })
  write('lacking.json', 'foos', { spec: { bars: [{ age: '10' }] } })
  await checkRows(t, cluster, [
    { run: 'kubectl create -f valid.json', says: ['test-cr created'], eventually: true },
    { run: 'kubectl apply -f changed.json', says: ['test-cr configured'] },
    { run: 'kubectl delete foos test-cr', says: ['deleted'] },
    { run: 'kubectl create -f unknown.json', fails: ['unknown field "spec.foo"'] },
    { run: 'kubectl apply -f unknown.json', fails: ['unknown field "spec.foo"'] },
    { run: 'kubectl create -f lacking.json', fails: [/spec\.bars\[0\]\.name.*Required value/s] },
    {
      run: 'kubectl explain foos',
      says: [/DESCRIPTION:\s+Foo CRD for Testing/, /apiVersion\s+<string>/, /spec\s+<Object>\s+Specification of Foo/],
    },
    { run: 'kubectl explain foos.spec.bars', says: [/List of Bars and their specs/, /name\s+<string> -required-\s+Name of Bar/] },
    { run: 'kubectl explain foos.spec.bars2', fails: ['field "bars2" does not exist'] },
  ])
})

test('CustomResourcePublishOpenAPI works for CRD without validation schema', async (t) => {
  await serve('empties', preserving)
  write('any.json', 'empties', { a: { b: [{ c: 'd' }] } })
  await checkRows(t, cluster, [
    { run: 'kubectl create -f any.json', says: ['test-cr created'], eventually: true },
    { run: 'kubectl apply -f any.json', says: ['test-cr'] },
    { run: 'kubectl explain empties', says: [/DESCRIPTION:\s+<empty>/] },
  ])
})

test('CustomResourcePublishOpenAPI works for CRD preserving unknown fields at the schema root', async (t) => {
  await serve('roots', { ...preserving, properties: { spec: { type: 'object', properties: { known: { type: 'string' } } } } })
  write('root.json', 'roots', { a: { b: [{ c: 'd' }] } })
  await checkRows(t, cluster, [
    { run: 'kubectl create -f root.json', says: ['test-cr created'], eventually: true },
    { run: 'kubectl apply -f root.json', says: ['test-cr'] },
    { run: 'kubectl explain roots', says: [/KIND:\s+Root/] },
  ])
})

test('CustomResourcePublishOpenAPI works for CRD preserving unknown fields in an embedded object', async (t) => {
  await serve('nesteds', { type: 'object', properties: { spec: { ...preserving, description: 'Specification of Nested' } } })
  write('nested.json', 'nesteds', { spec: { b: [{ c: 'd' }] } })
  await checkRows(t, cluster, [
    { run: 'kubectl create -f nested.json', says: ['test-cr created'], eventually: true },
    { run: 'kubectl apply -f nested.json', says: ['test-cr'] },
    { run: 'kubectl explain nesteds.spec', says: [/DESCRIPTION:\s+Specification of Nested/] },
  ])
})
