import { existsSync } from 'node:fs'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import protobuf from 'protobufjs/light.js'
import { allKinds } from '../../kinds/all.ts'
import { defineKind } from '../../kinds/define-kind.ts'
import { descriptions } from '../../kinds/descriptions.ts'
import schemas from '../../kinds/generated/schemas.json' with { type: 'json' }
import type { KindDefinition } from '../../kinds/kind.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import { createDiscovery } from '../discovery/discovery.ts'
import { completeDefinitions } from './definitions.ts'
import { createOpenApi } from './openapi.ts'

const kinds: readonly KindDefinition[] = allKinds
const definitions = schemas as unknown as Record<string, Schema>
const openapi = createOpenApi({ kinds, definitions })
const discovery = createDiscovery({ kinds, version: { major: '1', minor: '36', gitVersion: 'v1.36.0' } })

type Json = { [field: string]: unknown }
type Document = {
  paths: Record<string, Record<string, Json>>
  components: { schemas: Record<string, Json> }
  definitions: Record<string, Json>
}

function get(path: string, api = openapi): Document {
  const response = api.respond(path, { accept: 'application/json' })
  assert.equal(response?.code, 200, path)
  return JSON.parse(Buffer.from(response.body as Uint8Array).toString()) as Document
}

/** Every reference of a document leads somewhere. */
function checkReferences(document: unknown): void {
  const references = JSON.stringify(document).match(/"#\/[^"]+"/g) ?? []
  assert.ok(references.length > 0)
  for (const reference of new Set(references)) {
    let at: unknown = document
    for (const step of (JSON.parse(reference) as string).slice(2).split('/')) at = (at as Json)[step]
    assert.ok(at, reference)
  }
}

test('version 3: an index with hashes, and a document a group version', () => {
  const { paths } = get('/openapi/v3')
  const url = paths['apis/apps/v1']?.['serverRelativeURL'] as unknown as string
  assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{40}$/)
  const versions = Object.keys(paths).filter((name) => /^apis?\/.*v\d/.test(name))
  assert.ok(versions.length > 20)
  for (const name of versions) checkReferences(get(`/openapi/v3/${name}`))
  assert.deepEqual(Object.keys(get('/openapi/v3/apis/apps').paths), ['/apis/apps/'])
  assert.match(String(openapi.respond(url, {})?.headers['cache-control']), /immutable/)
  const moved = openapi.respond(url.replace(/hash=.*/, 'hash=0'), {})
  assert.deepEqual([moved?.code, moved?.headers['location']], [301, url])
})

test('version 3: what clients look for', () => {
  const { paths, components } = get('/openapi/v3/apis/apps/v1')
  const patch = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch']
  assert.deepEqual(patch?.['x-kubernetes-group-version-kind'], { group: 'apps', version: 'v1', kind: 'Deployment' })
  const names = (patch['parameters'] as Json[]).map((p) => p['name'])
  for (const name of ['fieldValidation', 'dryRun', 'fieldManager', 'force']) assert.ok(names.includes(name), name)
  const spec = components.schemas['io.k8s.api.core.v1.PodSpec'] as { properties: Record<string, Json> }
  assert.deepEqual(spec.properties['containers']?.['x-kubernetes-list-map-keys'], ['name'])
  assert.equal(spec.properties['containers']?.['description'], descriptions()['PodSpec.containers'])
  assert.deepEqual(components.schemas['io.k8s.api.apps.v1.Deployment']?.['x-kubernetes-group-version-kind'], [
    { group: 'apps', version: 'v1', kind: 'Deployment' },
  ])
  assert.ok(paths['/apis/apps/v1/deployments']?.['get'])
  assert.ok(paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale']?.['put'])
})

/** What of gnostic's messages the test reads. */
const gnostic = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries({
      Document: { swagger: [1, 'string'], paths: [8, 'Paths'], definitions: [9, 'Properties'] },
      Paths: { path: [2, 'NamedPathItem', 'repeated'] },
      NamedPathItem: { name: [1, 'string'], value: [2, 'PathItem'] },
      PathItem: { get: [2, 'Operation'], patch: [8, 'Operation'] },
      Operation: { operationId: [5, 'string'], parameters: [8, 'ParametersItem', 'repeated'], extensions: [13, 'NamedAny', 'repeated'] },
      ParametersItem: { parameter: [1, 'Parameter'] },
      Parameter: { body: [1, 'Body'], other: [2, 'Other'] },
      Body: { name: [2, 'string'], schema: [5, 'Schema'] },
      Other: { query: [3, 'Query'] },
      Query: { name: [4, 'string'], type: [6, 'string'] },
      Properties: { all: [1, 'NamedSchema', 'repeated'] },
      NamedSchema: { name: [1, 'string'], value: [2, 'Schema'] },
      Schema: {
        ref: [1, 'string'],
        additional: [21, 'SchemaItem'],
        type: [22, 'Strings'],
        items: [23, 'SchemaItem'],
        properties: [25, 'Properties'],
        extensions: [31, 'NamedAny', 'repeated'],
      },
      SchemaItem: { schema: [1, 'Schema'], boolean: [2, 'bool'] },
      Strings: { value: [1, 'string', 'repeated'] },
      NamedAny: { name: [1, 'string'], value: [2, 'Any'] },
      Any: { yaml: [2, 'string'] },
    }).map(([name, fields]) => [
      name,
      { fields: Object.fromEntries(Object.entries(fields).map(([f, [id, type, rule]]) => [f, { id, type, ...(rule ? { rule } : {}) }])) },
    ]),
  ),
} as never)

test('version 2 in protobuf says the same', () => {
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
  const response = openapi.respond('/openapi/v2', { accept })
  assert.equal(response?.code, 200)
  assert.equal(response.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
  assert.equal(openapi.respond('/openapi/v2', { accept, 'if-none-match': String(response.headers['etag']) })?.code, 304)
  const document = gnostic
    .lookupType('Document')
    .decode(response.body as Uint8Array)
    .toJSON() as {
    paths: { path: { name: string; value: { patch: Json } }[] }
    definitions: { all: { name: string; value: { properties?: { all: { name: string; value: Json }[] } } & Json }[] }
  }
  const json = get('/openapi/v2')
  assert.deepEqual(
    document.paths.path.map(({ name }) => name),
    Object.keys(json.paths),
  )
  assert.deepEqual(
    document.definitions.all.map(({ name }) => name),
    Object.keys(json.definitions),
  )
  const deployments = document.paths.path.find(({ name }) => name === '/apis/apps/v1/namespaces/{namespace}/deployments/{name}')
  assert.deepEqual(deployments?.value.patch, {
    operationId: 'patchAppsV1NamespacedDeployment',
    parameters: [
      { parameter: { body: { name: 'body', schema: { ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch' } } } },
      ...['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({ parameter: { other: { query: { name, type: 'string' } } } })),
      { parameter: { other: { query: { name: 'force', type: 'boolean' } } } },
    ],
    extensions: [
      { name: 'x-kubernetes-action', value: { yaml: '"patch"\n' } },
      { name: 'x-kubernetes-group-version-kind', value: { yaml: '{"group":"apps","version":"v1","kind":"Deployment"}\n' } },
    ],
  })
  const spec = document.definitions.all.find(({ name }) => name === 'io.k8s.api.core.v1.PodSpec')?.value.properties
  const containers = spec?.all.find(({ name }) => name === 'containers')?.value
  assert.deepEqual(containers?.['items'], { schema: { ref: '#/definitions/io.k8s.api.core.v1.Container' } })
  assert.deepEqual(containers['type'], { value: ['array'] })
  assert.ok(JSON.stringify(containers['extensions']).includes('x-kubernetes-list-map-keys'))
})

test('version 2: one document with everything', () => {
  const document = get('/openapi/v2')
  checkReferences(document)
  for (const kind of kinds.filter((k) => k.verbs.includes('get'))) assert.ok(document.definitions[kind.schema], kind.kind)
  assert.equal(openapi.respond('/openapi/v2', { accept: 'image/png' })?.code, 406)
})

test('custom kinds are described by their own schema, or left open', () => {
  const base = { group: 'example.com', version: 'v1', verbs: ['get', 'list', 'patch'] as const, persisted: true }
  const things = defineKind({ ...base, kind: 'Thing', plural: 'things', schema: 'com.example.v1.Thing' })
  const blobs = defineKind({ ...base, kind: 'Blob', plural: 'blobs', schema: 'com.example.v1.Blob' })
  const thing = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { size: { type: 'integer', description: 'How big.' } } } },
  } as Schema
  const api = createOpenApi({ kinds: [things, blobs], definitions: { ...definitions, 'com.example.v1.Thing': thing } })
  const { components } = get('/openapi/v3/apis/example.com/v1', api)
  assert.ok(JSON.stringify(components.schemas['com.example.v1.Thing']).includes('How big.'))
  assert.equal(components.schemas['com.example.v1.Blob']?.['x-kubernetes-preserve-unknown-fields'], true)
  assert.ok(components.schemas['com.example.v1.BlobList'])
})

test('every description is of a type and field that exist', () => {
  const fields = new Set<string>()
  for (const [name, schema] of Object.entries(completeDefinitions(definitions, allKinds))) {
    const short = name.slice(name.lastIndexOf('.') + 1)
    fields.add(short)
    for (const field of Object.keys(schema.properties ?? {})) fields.add(`${short}.${field}`).add(`*.${field}`)
  }
  assert.deepEqual(
    Object.keys(descriptions()).filter((key) => !fields.has(key)),
    [],
  )
})

test('every type that is served says what it is, and so does each of its fields', () => {
  const { definitions: served } = get('/openapi/v2')
  const silent = Object.entries(served).flatMap(([name, { description, properties = {} }]) => [
    ...(description || name.endsWith('List') ? [] : [name]),
    ...Object.entries(properties as Record<string, Json>).flatMap(([field, schema]) => (schema['description'] ? [] : [`${name}.${field}`])),
  ])
  assert.ok(Object.keys(served).length > 500)
  assert.deepEqual(silent, [])
})

const kubectl = '/usr/bin/kubectl'

test('the stock kubectl explains, lists resources and validates', {
  skip: existsSync(kubectl) ? false : 'kubectl is not installed',
}, async () => {
  const unknown: string[] = []
  const server = createServer((request, response) => {
    const url = request.url ?? '/'
    const answer = discovery.respond(url, request.headers) ?? openapi.respond(url, request.headers)
    if (answer) return response.writeHead(answer.code, answer.headers).end(answer.body as Uint8Array)
    unknown.push(`${request.method} ${url}`)
    if (request.method === 'POST')
      return response
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"kind":"Status","apiVersion":"v1","status":"Failure","code":400,"message":"seen"}')
    return response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const home = await mkdtemp(join(tmpdir(), 'kubectl-'))
  const run = (args: readonly string[], input = '') =>
    new Promise<{ out: string; error: string }>((resolve) => {
      const options = { env: { PATH: '/usr/bin:/bin', HOME: home, KUBECONFIG: '/dev/null' }, timeout: 20_000 }
      const child = execFile(
        kubectl,
        [`--server=http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...args],
        options,
        (_, out, error) => resolve({ out, error }),
      )
      child.stdin?.end(input)
    })
  try {
    const recursive = await run(['explain', 'pod.spec.containers', '--recursive'])
    assert.match(recursive.out, /FIELD: containers <\[\]Container>/, recursive.error)
    assert.match(recursive.out, /imagePullPolicy\t<string>\n\s+enum: Always, IfNotPresent, Never/)
    assert.match((await run(['explain', 'deployments'])).out, /KIND: +Deployment\nVERSION: +v1[^]*Keeps a number of equal pods/)
    assert.match((await run(['explain', 'deploy.spec.strategy.rollingUpdate.maxSurge'])).out, /maxSurge <IntOrString>/)
    const resources = await run(['api-resources'])
    assert.match(resources.out, /^deployments +deploy +apps\/v1 +true +Deployment$/m, resources.error)
    assert.match((await run(['api-versions'])).out, /^apps\/v1$/m)
    // A server that says that it validates fields gets them to validate.
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: default}\nspec: {containers: []}\n'
    await run(['create', '--validate=strict', '--dry-run=server', '-f', '-'], pod)
    assert.deepEqual(
      unknown.filter((u) => u.startsWith('POST')),
      ['POST /api/v1/namespaces/default/pods?dryRun=All&fieldManager=kubectl-create&fieldValidation=Strict'],
    )
  } finally {
    server.close()
    server.closeAllConnections()
    await rm(home, { recursive: true, force: true })
  }
})
