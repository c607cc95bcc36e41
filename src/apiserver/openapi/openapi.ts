import type { KindDefinition } from '../../kinds/kind.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import type { ApiResponse } from '../contract.ts'
import { lazy, trimPath } from '../discovery/discovery.ts'
import { type Group, groupKinds, type GroupVersion } from '../discovery/group-versions.ts'
import { bytesDocument, headerText, type JsonDocument, jsonDocument, type RequestHeaders } from '../discovery/json-document.ts'
import { completeDefinitions, type Definitions, openApi2, openApi3, reachable, writeDefinition } from './definitions.ts'
import { groupPath, groupPaths, resourcesPath, serverPaths } from './information-paths.ts'
import { type Gvk, objectTypes, type Operation, type PathItem } from './operation.ts'
import { pathsOf } from './operations.ts'
import { documentFormat, protobufType } from './document-format.ts'
import { encodeSwagger } from './swagger-protobuf.ts'
import { type Parameter, patchTypes } from './parameters.ts'
import { encodeVersion3 } from './version3-protobuf.ts'

/** Answers `/openapi/v2` and `/openapi/v3`. Undefined: the path is not OpenAPI's. */
export type OpenApi = {
  respond(path: string, headers: RequestHeaders): ApiResponse | undefined
  /** The parts of version 2, for documents that show more kinds. */
  swagger(): SwaggerParts
  /** The documents of version 3 by their path. */
  versions(): ReadonlyMap<string, VersionDocument>
}
/** One content in two forms, with one hash: that of the JSON. */
export type VersionDocument = { readonly json: JsonDocument; readonly protobuf: JsonDocument }
export type SwaggerParts = { readonly paths: Readonly<Record<string, object>>; readonly definitions: Readonly<Record<string, object>> }

const info = { title: 'Kubernetes' } as const

/**
 * OpenAPI documents of a fixed set of kinds, built when first asked for, in JSON or in protobuf. When custom kinds come or go, make a new one: it costs nothing until it is asked.
 * `definitions` are the loaded schemas, those of custom kinds included; `simplified` replaces some of them in version 2. `base` are
 * the documents of other kinds, which are shown together with these and not built again.
 */
export function createOpenApi({
  kinds,
  definitions,
  simplified = {},
  base,
  version = '1.36',
}: {
  readonly kinds: readonly KindDefinition[]
  readonly definitions: Definitions
  readonly simplified?: Definitions
  readonly base?: OpenApi
  readonly version?: string
}): OpenApi {
  const versions = lazy(() => {
    const complete = completeDefinitions(definitions, kinds)
    const schemaOf = schemaFinder(complete)
    const documents = new Map<string, VersionDocument>(base?.versions())
    const add = (path: string, items: () => readonly PathItem[], groupVersion?: GroupVersion) =>
      documents.set(
        path,
        versionDocument(() => version3(items(), complete, { version, groupVersion })),
      )
    for (const v of groupKinds(kinds).flatMap((g: Group) => g.versions))
      add(
        v.group === '' ? `api/${v.version}` : `apis/${v.group}/${v.version}`,
        () => [...(isCustom(v) ? [] : [resourcesPath(v)]), ...pathsOf(v, schemaOf)],
        v,
      )
    // What tells of groups and of the server itself, each in a document of its own.
    if (!base) for (const item of [...groupKinds(kinds).map(groupPath), ...serverPaths]) add(item.path.slice(1, -1), () => [item])
    return documents
  })
  const swagger = lazy((): SwaggerParts => {
    const own = swaggerParts(kinds, completeDefinitions({ ...definitions, ...simplified }, kinds))
    const before = base?.swagger() ?? swaggerOf(serverPaths, definitions)
    return { paths: { ...before.paths, ...own.paths }, definitions: { ...before.definitions, ...own.definitions } }
  })
  const v2 = jsonDocument(() => version2(swagger(), version))
  const binaryV2 = bytesDocument(() => encodeSwagger(version2(swagger(), version)), { contentType: protobufType('v2') })
  const index = jsonDocument(() => ({
    paths: Object.fromEntries(
      [...versions()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([path, d]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${d.json.hash()}` }]),
    ),
  }))
  return {
    swagger,
    versions,
    respond(path, headers) {
      const bare = trimPath(path)
      if (bare !== '/openapi/v2' && bare !== '/openapi/v3' && !bare.startsWith('/openapi/v3/')) return undefined
      if (bare === '/openapi/v3') return index.respond(headers)
      const accept = headerText(headers, 'accept')
      const format = documentFormat(accept, bare === '/openapi/v2' ? 'v2' : 'v3')
      if (format === undefined) return notAcceptable()
      if (bare === '/openapi/v2') return (format === 'protobuf' ? binaryV2 : v2).respond(headers)
      const name = bare.slice('/openapi/v3/'.length)
      const document = versions().get(name)
      return document && respondHashed(document[format], name, path, headers)
    },
  }
}

/** A document of version 3, of which each form is made when first asked for. */
export function versionDocument(build: () => object): VersionDocument {
  const json = jsonDocument(build)
  return { json, protobuf: bytesDocument(() => encodeVersion3(build()), { contentType: protobufType('v3'), hash: json.hash }) }
}

/** A request with the right hash may be kept for ever; one with an old hash is sent to the right one. */
function respondHashed(document: JsonDocument, name: string, path: string, headers: RequestHeaders): ApiResponse {
  const query = path.indexOf('?')
  const wanted = query < 0 ? null : new URLSearchParams(path.slice(query + 1)).get('hash')
  if (wanted === null || wanted === '') return document.respond(headers)
  if (wanted === document.hash()) return document.respond(headers, { 'cache-control': 'public, immutable, max-age=31536000' })
  return { code: 301, headers: { location: `/openapi/v3/${name}?hash=${document.hash()}` }, body: new Uint8Array(0) }
}

const notAcceptable = (): ApiResponse => ({ code: 406, headers: { 'content-length': '0' }, body: new Uint8Array() })

/** The definition of a kind by its group, version and kind. */
function schemaFinder(definitions: Definitions): (gvk: Gvk) => string | undefined {
  const byKind = new Map<string, string>()
  for (const [name, schema] of Object.entries(definitions)) {
    const gvks = schema['x-kubernetes-group-version-kind'] ?? []
    for (const { group, version, kind } of gvks) if (gvks.length === 1 || group === '') byKind.set(`${group}/${version}/${kind}`, name)
  }
  return ({ group, version, kind }) => byKind.get(`${group}/${version}/${kind}`)
}

function swaggerParts(kinds: readonly KindDefinition[], complete: Definitions): SwaggerParts {
  const schemaOf = schemaFinder(complete)
  const items = groupKinds(kinds).flatMap((g) => [
    ...(g.versions.every(isCustom) ? [] : groupPaths(g)),
    ...g.versions.flatMap((v) => pathsOf(v, schemaOf)),
  ])
  return swaggerOf(items, complete)
}

/** Of groups of custom kinds alone, no document tells the paths that describe them. */
const isCustom = ({ kinds }: GroupVersion) => kinds.every(({ isUnstructured }) => isUnstructured)

function swaggerOf(items: readonly PathItem[], complete: Definitions): SwaggerParts {
  const names = [...reachable(rootsOf(items), complete)].sort()
  return {
    paths: Object.fromEntries(items.map((item) => [item.path, path2(item)])),
    definitions: Object.fromEntries(names.map((name) => [name, writeDefinition(name, complete[name]!, openApi2)])),
  }
}

function version2({ paths, definitions }: SwaggerParts, version: string): object {
  return {
    swagger: '2.0',
    info: { ...info, version },
    paths,
    definitions,
    securityDefinitions: { BearerToken: { in: 'header', name: 'authorization', type: 'apiKey' } },
    security: [{ BearerToken: [] }],
  }
}

function version3(
  items: readonly PathItem[],
  complete: Definitions,
  {
    version,
    groupVersion,
  }: {
    readonly version: string
    readonly groupVersion: GroupVersion | undefined
  },
): object {
  const names = [...reachable(rootsOf(items), complete)].sort()
  return {
    openapi: '3.0.0',
    info: { ...info, version },
    paths: Object.fromEntries(items.map((item) => [item.path, path3(item)])),
    components: {
      schemas: Object.fromEntries(names.map((name) => [name, writeDefinition(name, ownKinds(complete[name]!, groupVersion), openApi3)])),
      securitySchemes: { BearerToken: { in: 'header', name: 'authorization', type: 'apiKey' } },
    },
  }
}

/** What is a kind of every group (options, events of a watch) is shown as one of the core and of the document's own. */
function ownKinds(schema: Schema, own: GroupVersion | undefined): Schema {
  const gvks = schema['x-kubernetes-group-version-kind']
  if (!gvks || gvks.length < 2) return schema
  const kept = gvks.filter(({ group, version }) => (group === '' && version === 'v1') || (group === own?.group && version === own.version))
  return { ...schema, 'x-kubernetes-group-version-kind': kept }
}

function rootsOf(items: readonly PathItem[]): string[] {
  return items.flatMap((i) => i.operations.flatMap((o) => [o.body, o.answer].filter((name) => name !== undefined)))
}

function path2({ parameters, operations }: PathItem): object {
  const write = ({ name, in: place, type, description }: Parameter) => ({
    name,
    in: place,
    type,
    description,
    ...(place === 'path' ? { required: true } : {}),
    uniqueItems: true,
  })
  return {
    ...(parameters.length > 0 ? { parameters: parameters.map(write) } : {}),
    ...Object.fromEntries(
      operations.map((o) => {
        const body =
          o.body === undefined
            ? []
            : [
                {
                  in: 'body',
                  name: 'body',
                  ...(isBodyRequired(o) ? { required: true } : {}),
                  schema: { $ref: openApi2.refPrefix + o.body },
                },
              ]
        const schema = o.answer === undefined ? { type: 'string' } : { $ref: openApi2.refPrefix + o.answer }
        const produces = o.produces ?? objectTypes
        const consumes = consumedBy(o)
        const responses = responsesOf(o, { schema })
        const parameters = [...body, ...o.parameters.map(write)]
        return [
          o.method,
          { ...operationHead(o), ...consumes, produces, schemes: ['https'], ...(parameters.length > 0 ? { parameters } : {}), responses },
        ]
      }),
    ),
  }
}

/** What is only read names what it produces; where that is no type of the API's, nothing. */
function consumedBy(operation: Operation): { readonly consumes?: readonly string[] } {
  const { action, answer, produces } = operation
  if (action === undefined) return answer !== undefined && produces ? { consumes: produces } : {}
  return { consumes: bodyTypes(operation) }
}

function path3({ parameters, operations }: PathItem): object {
  const write = ({ name, in: place, type, description }: Parameter) => ({
    name,
    in: place,
    schema: { type, uniqueItems: true },
    description,
    ...(place === 'path' ? { required: true } : {}),
  })
  return {
    ...(parameters.length > 0 ? { parameters: parameters.map(write) } : {}),
    ...Object.fromEntries(
      operations.map((o) => {
        const reference = (name: string) => ({ schema: { $ref: openApi3.refPrefix + name } })
        const requestBody =
          o.body === undefined
            ? {}
            : {
                requestBody: {
                  content: Object.fromEntries(bodyTypes(o).map((t) => [t, reference(o.body!)])),
                  ...(isBodyRequired(o) ? { required: true } : {}),
                },
              }
        const schema = o.answer === undefined ? { schema: { type: 'string' } } : reference(o.answer)
        const content = Object.fromEntries((o.produces ?? objectTypes).map((type) => [type, schema]))
        const parameters = o.parameters.map(write)
        return [
          o.method,
          { ...operationHead(o), ...(parameters.length > 0 ? { parameters } : {}), ...requestBody, responses: responsesOf(o, { content }) },
        ]
      }),
    ),
  }
}

/** kubectl decides by those of a patch which kind it sends. */
const bodyTypes = ({ action, consumes }: Operation) => consumes ?? (action === 'patch' ? patchTypes : ['*/*'])

function operationHead({ tag, description, operationId, action, gvk }: Operation): object {
  return {
    tags: [tag],
    description,
    operationId,
    ...(action === undefined ? {} : { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk }),
  }
}

const isBodyRequired = ({ action }: Operation) => action !== 'delete' && action !== 'deletecollection'

/** By action, the successes beside 200. */
const moreCodesOf: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  post: { 201: 'Created', 202: 'Accepted' },
  put: { 201: 'Created' },
  patch: { 201: 'Created' },
  delete: { 202: 'Accepted' },
}

function responsesOf({ action, moreCodes }: Operation, answer: object): object {
  const successes = { 200: 'OK', ...(moreCodes ?? (action === undefined ? {} : moreCodesOf[action])) }
  return {
    ...Object.fromEntries(Object.entries(successes).map(([code, description]) => [code, { description, ...answer }])),
    401: { description: 'Unauthorized' },
  }
}
