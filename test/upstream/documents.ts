/** The documents by which an API server tells what it serves, brought to what clients act upon: without prose, in one order. */
import { createHash } from 'node:crypto'
import type { Send } from './run-cases.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json }
export type Fields = { readonly [field: string]: Json }

/** By the path of a document; of OpenAPI a digest of each operation and definition, of discovery the whole. */
export type Documents = Readonly<Record<string, Json>>

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Asks for all documents. What only Keelson serves is left out, wherever it stands. */
export async function documentsOf(send: Send): Promise<Documents> {
  const get = async (path: string, accept?: string) =>
    JSON.parse(Buffer.from((await send({ method: 'GET', path, ...(accept ? { accept } : {}) })).body).toString()) as Fields
  const index = withoutOwn(await get('/openapi/v3')) as { readonly paths: Fields }
  const names = Object.keys(index.paths).filter((name) => !name.includes('example.com'))
  const documents: Record<string, Json> = { '/openapi/v3': names, '/openapi/v2': gistOf(await get('/openapi/v2')) }
  for (const name of names) documents[`/openapi/v3/${name}`] = gistOf(await get(`/openapi/v3/${name}`))
  for (const path of ['/api', '/apis']) {
    documents[path] = withoutOwn(await get(path))
    documents[`${path}, aggregated`] = withoutOwn(await get(path, aggregated))
  }
  const lists = names.filter((name) => /^(?:api\/v1|apis\/[^/]+\/[^/]+)$/.test(name))
  for (const name of lists) documents[`/${name}`] = digest(withoutOwn(await get(`/${name}`)))
  return documents
}

const own =
  /keelson|metrics\.(?:k8s\.io|pkg)|v1alpha2|storagemigration|meta\.v1\.GroupResource|\/(?:explain|start|stop|restart|pause|resume|accept|decline)$|\/watch\/.*(?:podgroups|workloads)/
const ownSubresources: ReadonlySet<string> = new Set(['explain', 'start', 'stop', 'restart', 'pause', 'resume'])

const isOwn = (item: Json): boolean => {
  if (typeof item !== 'object' || item === null) return false
  const { name, groupVersion, version, metadata, subresource, group } = item as Fields
  const texts = [name, groupVersion, version, group, (metadata as Fields | undefined)?.['name']]
  return (
    texts.some((text) => typeof text === 'string' && own.test(text)) ||
    (typeof subresource === 'string' && ownSubresources.has(subresource))
  )
}

const addresses: ReadonlySet<string> = new Set(['serverAddress', 'serverRelativeURL'])
/** Opaque, and each server's own: of the versions in which it stores. */
const opaque = 'storageVersionHash'

function withoutOwn(value: Json): Json {
  if (Array.isArray(value)) return value.filter((item) => !isOwn(item)).map(withoutOwn)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value as Fields).filter(([field]) => field !== opaque && !own.test(field))
  return Object.fromEntries(fields.map(([field, item]) => [field, addresses.has(field) ? '<address>' : withoutOwn(item)]))
}

function gistOf(document: Fields): Json {
  const { paths, definitions, components, parameters = {}, ...head } = document
  const schemas = (definitions ?? (components as Fields)['schemas'] ?? {}) as Fields
  const digests = (fields: Fields, of: (item: Fields, name: string) => Json) =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([name]) => !own.test(name))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, item]) => [name, digest(of(item as Fields, name))]),
    )
  return {
    head: digest(settled(head)),
    paths: digests(paths as Fields, (item) => operationsOf(item, parameters as Fields)),
    definitions: digests(schemas, (schema) => settled(schema)),
  }
}

/** Each operation with all of its parameters, those that stand above it, too. */
export function operationsOf(item: Fields, shared: Fields): Json {
  const { parameters: above = [], ...operations } = item
  const told = (list: Json | undefined) =>
    ((list ?? []) as readonly Fields[]).map((parameter) => {
      const { $ref } = parameter
      return typeof $ref === 'string' ? (shared[$ref.slice($ref.lastIndexOf('/') + 1)] as Fields) : parameter
    })
  const whole = Object.entries(operations).map(([method, operation]) => {
    const { parameters, ...rest } = operation as Fields
    const all = [...told(above), ...told(parameters)]
      .filter(({ name }) => !(typeof name === 'string' && alphaParameters.has(name)))
      .map((parameter) => text(settled(parameter)))
      .sort()
    return [method, { ...(settled(rest) as Fields), parameters: all }]
  })
  return Object.fromEntries(whole) as Fields
}

/** Of features that are off unless somebody asks for them. */
const alphaParameters: ReadonlySet<string> = new Set(['shardSelector', 'ignoreStoreReadErrorWithClusterBreakingPotential'])

/** Without prose, without defaults that say only that a value is empty, and a reference as itself, however it is wrapped. */
function settled(value: Json): Json {
  if (Array.isArray(value)) return value.map(settled)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value as Fields)
    .filter(([field, item]) => !(field === 'description' && typeof item === 'string') && !(field === 'default' && isEmpty(item)))
    .map(([field, item]) => [field, settled(item)] as const)
  const [first, another] = fields
  if (first?.[0] === 'allOf' && !another) return (first[1] as readonly Json[])[0]!
  return Object.fromEntries(fields)
}

const isEmpty = (value: Json) =>
  value === '' || value === 0 || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/** The same for the same value, in whatever order its fields stand. */
const text = (value: Json): string =>
  JSON.stringify(value, (_, item: Json) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item as Fields).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )

export const digest = (value: Json): string => createHash('sha256').update(text(value)).digest('base64url').slice(0, 10)
