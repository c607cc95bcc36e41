import type { KindDefinition } from '../../kinds/kind.ts'
import type { GroupVersion } from '../discovery/group-versions.ts'
import { returnsDeleted } from '../verbs/returns-deleted.ts'
import { customPathsOf } from './custom-operations.ts'
import { common, type Gvk, groupWord, metaDefinition, type Operation, type PathItem, rootOf, scopeWord, streamTypes } from './operation.ts'
import { actionParameters, pathParameters } from './parameters.ts'
import { subresourcePaths } from './subresource-operations.ts'

/** Verbs on one object and on the collection, with the method that carries them. */
const itemVerbs = [
  { verb: 'get', method: 'get', action: 'get', word: 'read' },
  { verb: 'update', method: 'put', action: 'put', word: 'replace' },
  { verb: 'delete', method: 'delete', action: 'delete', word: 'delete' },
  { verb: 'patch', method: 'patch', action: 'patch', word: 'patch' },
] as const
const collectionVerbs = [
  { verb: 'list', method: 'get', action: 'list', word: 'list' },
  { verb: 'create', method: 'post', action: 'post', word: 'create' },
  { verb: 'deletecollection', method: 'delete', action: 'deletecollection', word: 'deleteCollection' },
] as const

/** Every path of a group version. `schemaOf` names the definition of a kind, undefined where there is none. */
export function pathsOf(groupVersion: GroupVersion, schemaOf: (gvk: Gvk) => string | undefined): PathItem[] {
  return groupVersion.kinds.flatMap((kind) => {
    if (kind.isUnstructured) return customPathsOf(kind, schemaOf).filter((item) => item.operations.length > 0)
    const items = [...ownPaths(kind), ...subresourcePaths(kind, schemaOf), ...(kind.verbs.includes('watch') ? watchPaths(kind) : [])]
    return items.filter((item) => item.operations.length > 0)
  })
}

export function ownPaths(kind: KindDefinition): PathItem[] {
  const root = rootOf(kind)
  const isNamespaced = kind.scope === 'Namespaced'
  const collection = `${root}/${isNamespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}`
  const place = isNamespaced ? [pathParameters.namespace] : []
  const operations = collectionVerbs.filter(({ verb }) => kind.verbs.includes(verb)).map((verb) => collectionOperation(kind, verb))
  const everywhere: PathItem = {
    path: `${root}/${kind.plural}`,
    parameters: [...actionParameters['list']!, pathParameters.pretty],
    operations: [acrossNamespaces(kind)],
  }
  // What is answered and not stored takes the parameters of its one verb for the whole path.
  const parameters = kind.persisted ? [] : operations.flatMap((operation) => operation.parameters)
  return [
    {
      path: collection,
      parameters: [...place, ...parameters, pathParameters.pretty],
      operations: kind.persisted ? operations : operations.map((operation) => ({ ...operation, parameters: [] })),
    },
    {
      path: `${collection}/{name}`,
      parameters: [pathParameters.name, ...place, pathParameters.pretty],
      operations: itemVerbs.filter(({ verb }) => kind.verbs.includes(verb)).map((verb) => itemOperation(kind, verb)),
    },
    ...(isNamespaced && kind.verbs.includes('list') ? [everywhere] : []),
  ]
}

function collectionOperation(kind: KindDefinition, { verb, method, action, word }: (typeof collectionVerbs)[number]): Operation {
  const base = common(kind, action, word)
  const isAll = verb === 'deletecollection'
  return {
    ...base,
    // `deleteCoreV1CollectionNamespacedPod`: the scope of the deletion stands inside.
    operationId: isAll ? `delete${groupWord(kind)}Collection${scopeWord(kind)}${kind.kind}` : base.operationId,
    method,
    body: verb === 'create' ? kind.schema : isAll ? metaDefinition('DeleteOptions') : undefined,
    answer: verb === 'create' ? kind.schema : isAll ? metaDefinition('Status') : `${kind.schema}List`,
    ...(verb === 'list' ? { produces: streamTypes } : {}),
  }
}

function itemOperation(kind: KindDefinition, { verb, method, action, word }: (typeof itemVerbs)[number]): Operation {
  const bodies = { get: undefined, update: kind.schema, patch: metaDefinition('Patch'), delete: metaDefinition('DeleteOptions') }
  const givesStatus = verb === 'delete' && (!returnsDeleted.has(kind.plural) || kind.plural === 'namespaces')
  return { ...common(kind, action, word), method, body: bodies[verb], answer: givesStatus ? metaDefinition('Status') : kind.schema }
}

function acrossNamespaces(kind: KindDefinition): Operation {
  const operationId = `list${groupWord(kind)}${kind.kind}ForAllNamespaces`
  const list = common(kind, 'list', 'list')
  return { ...list, operationId, parameters: [], method: 'get', body: undefined, answer: `${kind.schema}List`, produces: streamTypes }
}

/** The old paths of watches: of one object, of a collection, and of a namespaced kind everywhere. */
function watchPaths(kind: KindDefinition): PathItem[] {
  const root = `${rootOf(kind)}/watch`
  const isNamespaced = kind.scope === 'Namespaced'
  const collection = `${root}/${isNamespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}`
  const place = isNamespaced ? [pathParameters.namespace] : []
  const parameters = [...actionParameters['list']!, pathParameters.pretty]
  const id = `watch${groupWord(kind)}${scopeWord(kind)}${kind.kind}`
  const operation = (action: 'watch' | 'watchlist', operationId: string): Operation => ({
    ...common(kind, action, action),
    operationId,
    parameters: [],
    method: 'get',
    body: undefined,
    answer: metaDefinition('WatchEvent'),
    produces: streamTypes,
  })
  const everywhere = operation('watchlist', `watch${groupWord(kind)}${kind.kind}ListForAllNamespaces`)
  return [
    { path: collection, parameters: [...place, ...parameters], operations: [operation('watchlist', `${id}List`)] },
    ...(kind.verbs.includes('get')
      ? [
          {
            path: `${collection}/{name}`,
            parameters: [pathParameters.name, ...place, ...parameters],
            operations: [operation('watch', id)],
          },
        ]
      : []),
    ...(isNamespaced ? [{ path: `${root}/${kind.plural}`, parameters, operations: [everywhere] }] : []),
  ]
}
