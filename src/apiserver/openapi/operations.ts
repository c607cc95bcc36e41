import type { KindDefinition, Subresource } from '../../kinds/kind.ts'
import type { GroupVersion } from '../discovery/group-versions.ts'
import { actionParameters, type Parameter, pathParameters } from './parameters.ts'

/** What one path of the API can do, before it is written in the dialect of a document. */
export type PathItem = { readonly path: string; readonly parameters: readonly Parameter[]; readonly operations: readonly Operation[] }

export type Operation = {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch'
  /** `x-kubernetes-action`. */
  readonly action: string
  readonly operationId: string
  readonly description: string
  readonly tag: string
  readonly parameters: readonly Parameter[]
  /** Definition of the request's body; undefined for none. */
  readonly body: string | undefined
  /** Definition of the answer; undefined for plain text and upgraded connections. */
  readonly answer: string | undefined
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string }
}

const patchDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'
const statusDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'
const deleteOptionsDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

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
const connectMethods: Readonly<Record<string, Operation['method']>> = {
  get: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
}

/** Every path of a group version. `schemaOf` names the definition of a kind, undefined where there is none. */
export function pathsOf(groupVersion: GroupVersion, schemaOf: (gvk: Operation['gvk']) => string | undefined): PathItem[] {
  return groupVersion.kinds.flatMap((kind) => {
    const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
    const isNamespaced = kind.scope === 'Namespaced'
    const collection = `${root}/${isNamespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}`
    const place = isNamespaced ? [pathParameters.namespace] : []
    const items: PathItem[] = [
      { path: collection, parameters: [...place, pathParameters.pretty], operations: collectionOperations(kind) },
      {
        path: `${collection}/{name}`,
        parameters: [pathParameters.name, ...place, pathParameters.pretty],
        operations: itemOperations(kind),
      },
      ...kind.subresources.map((sub) => ({
        path: `${collection}/{name}/${sub.name}`,
        parameters: [pathParameters.name, ...place, pathParameters.pretty],
        operations: subresourceOperations(kind, sub, schemaOf),
      })),
    ]
    if (isNamespaced && kind.verbs.includes('list'))
      items.push({ path: `${root}/${kind.plural}`, parameters: [pathParameters.pretty], operations: [acrossNamespaces(kind)] })
    return items.filter((item) => item.operations.length > 0)
  })
}

function collectionOperations(kind: KindDefinition): Operation[] {
  return collectionVerbs
    .filter(({ verb }) => kind.verbs.includes(verb))
    .map(({ verb, method, action, word }) => ({
      ...common(kind, action, word),
      method,
      body: verb === 'create' ? kind.schema : verb === 'deletecollection' ? deleteOptionsDefinition : undefined,
      answer: verb === 'create' ? kind.schema : verb === 'list' ? `${kind.schema}List` : statusDefinition,
    }))
}

function itemOperations(kind: KindDefinition): Operation[] {
  return itemVerbs
    .filter(({ verb }) => kind.verbs.includes(verb))
    .map(({ verb, method, action, word }) => ({
      ...common(kind, action, word),
      method,
      body: verb === 'update' ? kind.schema : verb === 'patch' ? patchDefinition : verb === 'delete' ? deleteOptionsDefinition : undefined,
      answer: verb === 'delete' ? statusDefinition : kind.schema,
    }))
}

function acrossNamespaces(kind: KindDefinition): Operation {
  const list = common(kind, 'list', 'list')
  return { ...list, method: 'get', operationId: `${list.operationId}ForAllNamespaces`, body: undefined, answer: `${kind.schema}List` }
}

function subresourceOperations(
  kind: KindDefinition,
  sub: Subresource,
  schemaOf: (gvk: Operation['gvk']) => string | undefined,
): Operation[] {
  const gvk = { group: sub.group, version: sub.version, kind: sub.kind }
  const schema = schemaOf(gvk)
  const isConnect = schema === undefined || sub.kind.endsWith('Options')
  return sub.verbs.flatMap((verb): Operation[] => {
    const method = connectMethods[verb]
    if (!method) return []
    const action = isConnect ? 'connect' : ({ get: 'get', create: 'post', update: 'put', patch: 'patch', delete: 'delete' }[verb] ?? verb)
    const base = common(kind, action, isConnect ? `connect${capital(method)}` : (itemVerbs.find((v) => v.verb === verb)?.word ?? verb))
    const body = isConnect || verb === 'get' ? undefined : verb === 'patch' ? patchDefinition : schema
    return [{ ...base, method, operationId: base.operationId + capital(sub.name), gvk, body, answer: isConnect ? undefined : schema }]
  })
}

function common(kind: KindDefinition, action: string, word: string) {
  const group = kind.group === '' ? 'core' : kind.group.split('.')[0]!
  const scope = kind.scope === 'Namespaced' ? 'Namespaced' : ''
  return {
    action,
    operationId: `${word}${capital(group)}${capital(kind.version)}${scope}${kind.kind}`,
    description: `${describeWord[word] ?? 'connect to'} ${kind.kind}`,
    tag: `${group}_${kind.version}`,
    parameters: actionParameters[action] ?? [],
    gvk: { group: kind.group, version: kind.version, kind: kind.kind },
  }
}

const describeWord: Readonly<Record<string, string>> = {
  read: 'read one',
  replace: 'replace one',
  delete: 'delete one',
  patch: 'change parts of one',
  list: 'list or watch objects of kind',
  create: 'create one',
  deleteCollection: 'delete all selected of kind',
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
