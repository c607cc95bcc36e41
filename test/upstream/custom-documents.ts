/** What the two versions of OpenAPI tell of varied custom kinds, without the server's own prose. */
import { ofSpec, serving, version } from './custom-objects.ts'
import { digest, type Fields, type Json, operationsOf } from './documents.ts'
import { runCases, type Send } from './run-cases.ts'
import { type Case, read, type Request } from './upstream-case.ts'

/** Prose of a schema's author begins so, and is compared. */
const say = (text: string) => ({ description: `~ ${text}` })
const text = { type: 'string' }
const keepsAll = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

const versionsOf: Readonly<Record<string, readonly object[]>> = {
  plain: [version({ ...ofSpec({ size: { type: 'integer', format: 'int32', minimum: 1, ...say('How big.') } }), ...say('A thing.') })],
  described: [
    version({
      type: 'object',
      properties: {
        apiVersion: { ...text, ...say('Mine.') },
        kind: { ...text, ...say('Mine.') },
        metadata: { type: 'object', properties: { name: { ...text, pattern: '^a' } } },
        spec: { type: 'object', ...say('Wanted.'), required: ['a', 'b'], properties: { a: text, b: { ...text, nullable: true } } },
      },
      required: ['spec'],
    }),
  ],
  open: [version(keepsAll)],
  openInside: [
    version(
      ofSpec({
        any: keepsAll,
        named: { ...keepsAll, properties: { a: text }, required: ['a'] },
        untyped: { 'x-kubernetes-preserve-unknown-fields': true },
        list: { type: 'array', items: keepsAll },
        values: { type: 'object', additionalProperties: keepsAll },
      }),
    ),
  ],
  nullable: [
    version(
      ofSpec({
        text: { ...text, nullable: true },
        object: { type: 'object', nullable: true, properties: { a: text } },
        list: { type: 'array', nullable: true, items: text },
        values: { type: 'object', additionalProperties: { ...text, nullable: true } },
        needed: { type: 'object', required: ['a', 'b'], properties: { a: { ...text, nullable: true }, b: text } },
        withDefault: { ...text, nullable: true, default: 'a' },
      }),
    ),
  ],
  numbers: [
    version(
      ofSpec({
        port: { 'x-kubernetes-int-or-string': true },
        either: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
        bounded: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^a' },
        number: { type: 'number', maximum: 5, exclusiveMaximum: true, multipleOf: 0.5 },
        long: { type: 'integer', format: 'int64', default: 3 },
        chosen: { ...text, enum: ['a', 'b'], default: 'a', example: 'b' },
      }),
    ),
  ],
  junctions: [
    version(
      ofSpec(
        {
          a: { ...text, oneOf: [{ pattern: '^a' }, { pattern: '^b' }] },
          b: { type: 'object', properties: { c: text, d: text }, not: { required: ['c'] }, allOf: [{ required: ['d'] }] },
        },
        { anyOf: [{ required: ['spec'] }] },
      ),
    ),
  ],
  resources: [
    version(
      ofSpec({
        object: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { spec: { type: 'object', properties: { a: text } } },
        },
        opened: { ...keepsAll, 'x-kubernetes-embedded-resource': true },
        list: { type: 'array', items: { ...keepsAll, 'x-kubernetes-embedded-resource': true } },
      }),
    ),
  ],
  lists: [
    version(
      ofSpec({
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: text, maxItems: 3, uniqueItems: false },
        keyed: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name', 'port'],
          items: { type: 'object', required: ['name'], properties: { name: text, port: { type: 'integer', default: 80 } } },
        },
        atomic: { type: 'array', 'x-kubernetes-list-type': 'atomic', items: { type: 'array', items: text } },
        map: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: text },
        free: { type: 'object', additionalProperties: true },
      }),
    ),
  ],
  rules: [
    version(
      ofSpec(
        {
          a: {
            ...text,
            format: 'date-time',
            'x-kubernetes-validations': [
              { rule: 'self > timestamp("2020-01-01T00:00:00Z")', message: 'not that', reason: 'FieldValueInvalid' },
            ],
          },
          b: {
            ...text,
            format: 'byte',
            minLength: 2,
            maxLength: 9,
            title: 'A title',
            externalDocs: { url: 'https://example.com', ...say('More.') },
          },
        },
        {
          'x-kubernetes-validations': [
            { rule: 'has(self.spec) && oldSelf.hasValue()', messageExpression: '"a"', fieldPath: '.spec', optionalOldSelf: true },
          ],
        },
      ),
    ),
  ],
  subresources: [
    version(
      {
        type: 'object',
        properties: {
          spec: { type: 'object', properties: { n: { type: 'integer' } } },
          status: { type: 'object', properties: { n: { type: 'integer' } } },
        },
      },
      {
        subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
        selectableFields: [{ jsonPath: '.spec.n' }],
        additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.n' }],
      },
    ),
  ],
  versions: [
    version(ofSpec({ a: text })),
    version(ofSpec({ b: text }), { name: 'v2', storage: false, deprecated: true }),
    version(ofSpec({ c: text }), { name: 'v3', storage: false, served: false }),
  ],
  deep: [
    version(
      ofSpec({
        a: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: {
              type: 'array',
              items: { type: 'object', properties: { b: { ...text, nullable: true, ...say('Deep.') } }, required: ['b'] },
            },
          },
        },
        default: { type: 'object', default: { x: 1 }, properties: { x: { type: 'integer' } } },
      }),
    ),
  ],
}

const clusterScoped = new Set(['deep'])
const nameOf = (title: string) => `docs-${title.toLowerCase()}`

const define = (title: string, versions: readonly object[]): Request =>
  serving(nameOf(title), versions, { scope: clusterScoped.has(title) ? 'Cluster' : 'Namespaced' })[0]!
const groupOf = (title: string) => `${nameOf(title)}.upstream.example.com`
const titles = Object.keys(versionsOf)

const version3 = (title: string): Case[] =>
  (versionsOf[title] as readonly { readonly name: string; readonly served: boolean }[])
    .filter(({ served }) => served)
    .map(({ name }) => ({ name: `${title}, ${name}`, steps: [{ ...read(`/openapi/v3/apis/${groupOf(title)}/${name}`), until: 200 }] }))

/** By kind and version of OpenAPI: its definitions whole, its operations as digests. */
export async function customDocumentsOf(send: Send): Promise<Readonly<Record<string, Json>>> {
  const given = titles.map((title) => define(title, versionsOf[title]!))
  const cases = [...titles.flatMap(version3), { name: 'all', steps: [{ ...read('/openapi/v2'), until: definitionPrefix(titles.at(-1)!) }] }]
  const answers = await runCases({ namespace: 'upstream-documents', given }, cases, send)
  const bodies = answers.map(([answer]) => answer!.body as Fields)
  const all = bodies.pop()!
  return {
    ...Object.fromEntries(bodies.map((body, i) => [`v3: ${cases[i]!.name}`, told(body, '')])),
    ...Object.fromEntries(titles.map((title) => [`v2: ${title}`, told(all, title)])),
  }
}

const definitionPrefix = (title: string) => `com.example.upstream.${nameOf(title)}.`

function told({ paths, definitions, components, parameters = {} }: Fields, title: string): Json {
  const schemas = (definitions ?? (components as Fields)['schemas']) as Fields
  const own = <T>(fields: Fields, mark: string, of: (item: Fields) => T) =>
    Object.fromEntries(Object.entries(fields).flatMap(([name, item]) => (name.includes(mark) ? [[name, of(item as Fields)]] : [])))
  return {
    definitions: own(schemas, title ? definitionPrefix(title) : 'com.example.', (schema) => withoutProse(schema)),
    paths: own(paths as Fields, title ? groupOf(title) : '/apis/', (item) => digest(operationsOf(item, parameters as Fields))),
  }
}

/** Without descriptions but those that a schema's author wrote. */
function withoutProse(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutProse)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value as Fields).filter(
    ([field, item]) => field !== 'description' || typeof item !== 'string' || item.startsWith('~'),
  )
  return Object.fromEntries(fields.map(([field, item]) => [field, withoutProse(item)]))
}
