import type { KindDefinition } from '../../kinds/kind.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import type { Aggregated, Aggregation } from '../aggregation/aggregation.ts'
import { createDiscovery, type Discovery } from '../discovery/discovery.ts'
import { createOpenApi, type OpenApi, versionDocument } from '../openapi/openapi.ts'
import type { PathHandler } from '../pipeline.ts'
import type { Registry } from '../registry.ts'
import type { CustomType } from './custom-type.ts'
import { publishedSchema } from './published-schema.ts'

type Definitions = Readonly<Record<string, Schema>>

/**
 * Discovery and OpenAPI of what is served now. When a custom kind comes or goes the next request builds the documents anew:
 * all of discovery, which is little, and of OpenAPI what shows custom kinds.
 */
export function publishedDocuments(parts: {
  readonly registry: Registry
  /** Of the built-in kinds. */
  readonly definitions: Definitions
  readonly customType: (schema: string) => CustomType | undefined
  readonly aggregation: Pick<Aggregation, 'all' | 'onChange'>
  /** `HOST:PORT` where clients reach this server; empty: not known. */
  readonly serverAddress?: string
}): PathHandler {
  const { registry, definitions, aggregation, serverAddress = '' } = parts
  const kindsOf = (isCustom: boolean) =>
    registry
      .all()
      .filter((resource) => resource.isCustom === isCustom)
      .map(({ kind }) => kind)
  const base = createOpenApi({ kinds: kindsOf(false), definitions })
  let current: { readonly discovery: Discovery; readonly openApi: OpenApi } | undefined
  registry.onChange(() => (current = undefined))
  aggregation.onChange(() => (current = undefined))
  const documents = () => {
    if (current) return current
    const custom = kindsOf(true)
    const aggregated = aggregation.all()
    const foreign = aggregated.map((one) => ({ ...one, resources: one.documents.resources }))
    const discovery = createDiscovery({ kinds: [...kindsOf(false), ...custom], foreign, serverAddress })
    const openApi =
      custom.length === 0 && aggregated.length === 0
        ? base
        : createOpenApi({
            kinds: custom,
            definitions: { ...definitions, ...customDefinitions(custom, parts.customType, 'v3') },
            simplified: customDefinitions(custom, parts.customType, 'v2'),
            base: withAggregated(base, aggregated),
          })
    return (current = { discovery, openApi })
  }
  return ({ path, query }, { headers }) => {
    const { discovery, openApi } = documents()
    const whole = query.text === '' ? path : `${path}?${query.text}`
    return discovery.respond(whole, headers) ?? openApi.respond(whole, headers)
  }
}

/** The documents of this server with those that aggregated ones gave; where names meet, this server's stay. */
function withAggregated(base: OpenApi, aggregated: readonly Aggregated[]): OpenApi {
  const documents = aggregated.map(({ documents: { openApi2 } }) => openApi2)
  const merge = (read: (one: (typeof documents)[number]) => object) => Object.assign({}, ...documents.map(read)) as Record<string, object>
  return {
    respond: () => undefined,
    swagger: () => {
      const { paths, definitions } = base.swagger()
      return { paths: { ...merge((one) => one.paths), ...paths }, definitions: { ...merge((one) => one.definitions), ...definitions } }
    },
    versions: () => {
      const own = aggregated.flatMap(({ group, version, documents: { openApi3 } }) =>
        openApi3 ? [[`apis/${group}/${version}`, versionDocument(() => openApi3)] as const] : [],
      )
      return new Map([...base.versions(), ...own])
    },
  }
}

function customDefinitions(
  kinds: readonly KindDefinition[],
  customType: (schema: string) => CustomType | undefined,
  dialect: 'v2' | 'v3',
): Definitions {
  const definitions: Record<string, Schema> = {}
  for (const kind of kinds) {
    const type = customType(kind.schema)
    if (type) definitions[kind.schema] = publishedSchema(type.schema, kind, dialect)
  }
  return definitions
}
