import type { KindDefinition, Subresource } from '../../kinds/kind.ts'
import {
  common,
  type Gvk,
  groupWord,
  metaDefinition,
  objectTypes,
  type Operation,
  type PathItem,
  rootOf,
  scopeWord,
  capital,
} from './operation.ts'
import { actionParameters, connectParameters, pathParameters } from './parameters.ts'

/** The paths of a kind's subresources: parts of the object (status), bodies of their own (scale, eviction), and connections (exec, proxy). */
export function subresourcePaths(kind: KindDefinition, schemaOf: (gvk: Gvk) => string | undefined): PathItem[] {
  const place = kind.scope === 'Namespaced' ? [pathParameters.namespace] : []
  const one = `${rootOf(kind)}/${place.length > 0 ? 'namespaces/{namespace}/' : ''}${kind.plural}/{name}`
  return kind.subresources.flatMap((sub): PathItem[] => {
    const path = `${one}/${sub.name}`
    const parameters = [pathParameters.name, ...place]
    const own = connectParameters[sub.name] ?? []
    if (isConnection(sub)) {
      const items: PathItem[] = [{ path, parameters: [...parameters, ...own], operations: connections(kind, sub, '') }]
      if (sub.name === 'proxy') {
        const withPath = [...parameters, pathParameters.path, ...own]
        items.push({ path: `${path}/{path}`, parameters: withPath, operations: connections(kind, sub, 'WithPath') })
      }
      return items
    }
    if (sub.name === 'log')
      return [{ path, parameters: [...parameters, ...own, pathParameters.pretty], operations: [logOperation(kind, sub)] }]
    const operations = partOperations(kind, sub, schemaOf)
    // A body of its own, or a step of a life: the parameters are those of the path.
    const isAction = operations.every(({ method }) => method === 'post') || sub.name === 'finalize'
    const shared = isAction ? actionParameters['post']! : []
    return [
      {
        path,
        parameters: [...parameters, ...shared, pathParameters.pretty],
        operations: isAction ? operations.map((operation) => ({ ...operation, parameters: [] })) : operations,
      },
    ]
  })
}

const isConnection = ({ kind }: Subresource) => kind.endsWith('Options')

const methods = { get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete', head: 'head', options: 'options' } as const
const words: Readonly<Record<string, string>> = { get: 'read', create: 'create', update: 'replace', patch: 'patch', delete: 'delete' }

const methodOf = (verb: string): Operation['method'] | undefined =>
  Object.hasOwn(methods, verb) ? methods[verb as keyof typeof methods] : undefined

function connections(kind: KindDefinition, sub: Subresource, suffix: string): Operation[] {
  return sub.verbs.flatMap((verb): Operation[] => {
    const method = methodOf(verb)
    if (!method) return []
    return [
      {
        ...common(kind, 'connect', 'connect'),
        operationId: `connect${groupWord(kind)}${capital(method)}${scopeWord(kind)}${kind.kind}${capital(sub.name)}${suffix}`,
        description: `connect ${method.toUpperCase()} requests to the ${sub.name} of ${kind.kind}`,
        gvk: { group: sub.group, version: sub.version, kind: sub.kind },
        method,
        body: undefined,
        answer: undefined,
        produces: ['*/*'],
      },
    ]
  })
}

function logOperation(kind: KindDefinition, sub: Subresource): Operation {
  const base = common(kind, 'get', 'read')
  return {
    ...base,
    operationId: base.operationId + capital(sub.name),
    description: `read the log of ${kind.kind}`,
    method: 'get',
    body: undefined,
    answer: undefined,
    produces: ['text/plain', ...objectTypes],
  }
}

function partOperations(kind: KindDefinition, sub: Subresource, schemaOf: (gvk: Gvk) => string | undefined): Operation[] {
  const gvk = { group: sub.group, version: sub.version, kind: sub.kind }
  const schema = schemaOf(gvk)
  return sub.verbs.flatMap((verb): Operation[] => {
    const method = methodOf(verb)
    if (!method) return []
    const action = method === 'get' || method === 'patch' ? verb : method
    const base = common(kind, action, words[verb] ?? verb)
    return [
      {
        ...base,
        operationId: base.operationId + capital(sub.name),
        description: `${sub.name} of ${base.description}`,
        method,
        gvk,
        body: verb === 'get' ? undefined : verb === 'patch' ? metaDefinition('Patch') : schema,
        answer: schema,
      },
    ]
  })
}
