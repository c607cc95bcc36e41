// Turns the API's schema facts into committed data and types under src/kinds/generated/.
// Usage: node scripts/generate-kinds.ts REFERENCE_DIR   (a folder with schema/ and wire/ as described in docs/contributing.md)
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Schema = {
  type?: string
  format?: string
  enum?: string[]
  $ref?: string
  items?: Schema
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  required?: string[]
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

const reference = process.argv[2]
if (!reference) throw new Error('usage: node scripts/generate-kinds.ts REFERENCE_DIR')
const out = 'src/kinds/generated'
const readJson = (path: string) => JSON.parse(readFileSync(join(reference, path), 'utf8'))
const schemas: Record<string, Schema> = readJson('schema/openapi-schemas-noprose.json')
const openapi = readJson('schema/openapi-v2-1.36.json')
const zeroValues: Record<string, Record<string, unknown>> = readJson('wire/k8s-zero-values.json')
rmSync(join(out, 'types'), { recursive: true, force: true })
mkdirSync(join(out, 'types'), { recursive: true })

writeFileSync(join(out, 'schemas.json'), oneEntryPerLine(schemas))
writeFileSync(join(out, 'zero-values.json'), oneEntryPerLine(zeroValues))
writeFileSync(join(out, 'omitted-zeros.json'), oneEntryPerLine(readJson('wire/k8s-omitted-zeros.json')))
writeFileSync(join(out, 'protobuf.json'), oneEntryPerLine(readJson('wire/k8s-protobuf-fields.json')))
writeFileSync(join(out, 'resources.json'), oneEntryPerLine(resourceFacts()))
writeTypes()

function oneEntryPerLine(value: Record<string, unknown> | unknown[]): string {
  if (Array.isArray(value)) return `[\n${value.map((v) => JSON.stringify(v)).join(',\n')}\n]\n`
  const lines = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
  return `{\n${lines.join(',\n')}\n}\n`
}

/** Every served resource: group, version, kind, plural, scope, verbs, and its subresources with theirs. */
/** What is read of an operation in the published document; parameters beside the operations have none of it. */
type PublishedOperation = {
  readonly 'x-kubernetes-action'?: string
  readonly 'x-kubernetes-group-version-kind'?: { readonly group: string; readonly version: string; readonly kind: string }
}

function resourceFacts() {
  type Sub = { name: string; kind: string; group: string; version: string; verbs: Set<string> }
  type Fact = {
    group: string
    version: string
    kind: string
    plural: string
    namespaced: boolean
    verbs: Set<string>
    subresources: Map<string, Sub>
  }
  const facts = new Map<string, Fact>()
  for (const [path, item] of Object.entries<Readonly<Record<string, PublishedOperation>>>(openapi.paths)) {
    const m =
      /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))(?:\/namespaces\/\{namespace\})?\/([a-z]+)(?:\/\{name\}(?:\/([a-z]+)(?:\/\{path\})?)?)?$/.exec(
        path,
      )
    if (!m || path.includes('/watch/')) continue
    const [, core, group = '', version = core, plural, sub] = m as unknown as string[]
    const isNamespaced = path.includes('/namespaces/{namespace}/')
    for (const [method, op] of Object.entries(item)) {
      const action = op['x-kubernetes-action']
      const gvk = op['x-kubernetes-group-version-kind']
      if (!gvk || !action) continue
      const verb = (
        {
          post: 'create',
          put: 'update',
          list: 'list',
          get: 'get',
          patch: 'patch',
          delete: 'delete',
          deletecollection: 'deletecollection',
          connect: method,
        } as Record<string, string>
      )[action]
      if (!verb) continue
      const key = `${group}/${version}/${plural}`
      if (!facts.has(key))
        facts.set(key, {
          group,
          version: version!,
          kind: '',
          plural: plural!,
          namespaced: false,
          verbs: new Set(),
          subresources: new Map(),
        })
      const fact = facts.get(key)!
      if (isNamespaced && plural !== 'namespaces') fact.namespaced = true
      if (sub) {
        const s = fact.subresources.get(sub) ?? {
          name: sub,
          kind: gvk.kind,
          group: gvk.group,
          version: gvk.version,
          verbs: new Set<string>(),
        }
        s.verbs.add(
          action === 'connect'
            ? (({ get: 'get', post: 'create', put: 'update', patch: 'patch', delete: 'delete' } as Record<string, string>)[method] ??
                method)
            : verb,
        )
        fact.subresources.set(sub, s)
      } else {
        fact.kind ||= gvk.kind
        fact.verbs.add(verb)
        if (verb === 'list' && path.replace(/^(\/api\/v1|\/apis\/[^/]+\/[^/]+)\//, '$1/watch/') in openapi.paths) fact.verbs.add('watch')
      }
    }
  }
  return [...facts.values()]
    .filter((f) => f.kind)
    .map((f) => ({
      ...f,
      verbs: [...f.verbs].sort(),
      subresources: [...f.subresources.values()].map((s) => ({ ...s, verbs: [...s.verbs].sort() })),
    }))
}

/** `io.k8s.api.core.v1.Pod` → file `core-v1`, name `Pod`. */
function home(definition: string): { file: string; name: string } {
  const parts = definition.split('.')
  const name = parts.pop()!
  if (definition.startsWith('io.k8s.api.')) return { file: parts.slice(3).join('-'), name }
  if (definition.includes('.apis.meta.v1.')) return { file: 'meta-v1', name }
  if (definition.includes('apiextensions-apiserver')) return { file: 'apiextensions-v1', name }
  if (definition.includes('kube-aggregator')) return { file: 'apiregistration-v1', name }
  return { file: 'base', name }
}

function writeTypes() {
  const files = new Map<string, { body: string[]; imports: Map<string, Set<string>> }>()
  for (const [definition, schema] of Object.entries(schemas)) {
    const { file, name } = home(definition)
    if (!files.has(file)) files.set(file, { body: [], imports: new Map() })
    const target = files.get(file)!
    const ref = (r: string): string => {
      const to = home(r.replace('#/definitions/', ''))
      if (to.file === file) return to.name
      if (!target.imports.has(to.file)) target.imports.set(to.file, new Set())
      target.imports.get(to.file)!.add(to.name)
      return `${camel(to.file)}.${to.name}`
    }
    target.body.push(declaration(definition, name, schema, ref))
  }
  for (const [file, { body, imports }] of files) {
    const head = [...imports.keys()].sort().map((f) => `import type * as ${camel(f)} from './${f}.ts'`)
    writeFileSync(
      join(out, 'types', `${file}.ts`),
      `// Generated by scripts/generate-kinds.ts from the API's schema facts. Do not edit.\n${head.join('\n')}\n\n${body.join('\n\n')}\n`,
    )
  }
}

function camel(file: string): string {
  return file.replace(/-(.)/g, (_, c: string) => c.toUpperCase())
}

function declaration(definition: string, name: string, schema: Schema, ref: (r: string) => string): string {
  if (name === 'Quantity') return 'export type Quantity = string | number'
  if (name === 'IntOrString') return 'export type IntOrString = string | number'
  if (!schema.properties) {
    if (name === 'FieldsV1' || name === 'RawExtension' || name.startsWith('JSON')) return `export type ${name} = unknown`
    return `export type ${name} = ${schema.type === 'string' ? 'string' : 'Record<string, unknown>'}`
  }
  const gvk = schema['x-kubernetes-group-version-kind']
  const isTopLevel = gvk?.length === 1 && schema.properties.metadata && !name.endsWith('List')
  const required = new Set(schema.required)
  const lines = Object.entries(schema.properties).map(([field, s]) => {
    const isRequired = required.has(field) || (isTopLevel && field === 'metadata')
    const key = /^[a-zA-Z_]\w*$/.test(field) ? field : JSON.stringify(field)
    // What is written as null where nothing is set is found so by whoever reads it.
    const isNullable = zeroValues[definition]?.[field] === null
    return `  ${key}${isRequired ? '' : '?'}: ${typeOf(s, ref)}${isNullable ? ' | null' : ''}`
  })
  return `/** ${definition} */\nexport type ${name} = {\n${lines.join('\n')}\n}`
}

function typeOf(s: Schema, ref: (r: string) => string): string {
  if (s.$ref) return ref(s.$ref)
  if (s.enum) return s.enum.map((e) => `'${e}'`).join(' | ')
  if (s.type === 'array') {
    const item = typeOf(s.items!, ref)
    return item.includes('|') ? `(${item})[]` : `${item}[]`
  }
  if (s.type === 'object')
    return s.additionalProperties ? `Record<string, ${typeOf(s.additionalProperties, ref)}>` : 'Record<string, unknown>'
  if (s.type === 'integer' || s.type === 'number') return 'number'
  return s.type === 'boolean' ? 'boolean' : 'string'
}
