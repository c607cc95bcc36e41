import type { KindDefinition } from '../../kinds/kind.ts'
import { actionParameters, type Parameter } from './parameters.ts'

/** What one path of the API can do, before it is written in the dialect of a document. */
export type PathItem = { readonly path: string; readonly parameters: readonly Parameter[]; readonly operations: readonly Operation[] }

export type Operation = {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch' | 'head' | 'options'
  /** `x-kubernetes-action`; undefined for documents that are of no kind. */
  readonly action: string | undefined
  readonly operationId: string
  readonly description: string
  readonly tag: string
  readonly parameters: readonly Parameter[]
  /** Definition of the request's body; undefined for none. */
  readonly body: string | undefined
  /** Definition of the answer; undefined for plain text and upgraded connections. */
  readonly answer: string | undefined
  /** Media types of the body; undefined: any, or those of patches. */
  readonly consumes?: readonly string[]
  /** Media types of the answer; undefined: those of objects. */
  readonly produces?: readonly string[]
  /** Successes beside 200; undefined: those of the action. */
  readonly moreCodes?: Readonly<Record<number, string>>
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string } | undefined
}

export type Gvk = NonNullable<Operation['gvk']>

export const metaDefinition = (kind: string) => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`

export const rootOf = ({ group, version }: { readonly group: string; readonly version: string }) =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`

export const objectTypes: readonly string[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
export const streamTypes: readonly string[] = [
  ...objectTypes,
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
]

export function common(kind: KindDefinition, action: string, word: string) {
  return {
    action,
    operationId: `${word}${groupWord(kind)}${scopeWord(kind)}${kind.kind}`,
    description: `${describeWord[word] ?? 'connect to'} ${kind.kind}`,
    tag: `${groupName(kind.group)}_${kind.version}`,
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
  watch: 'deprecated, watch with a list and a field selector instead: watch one',
  watchlist: 'deprecated, watch with a list instead: watch objects of kind',
}

/** The first word of a group: `rbacAuthorization` for rbac.authorization.k8s.io, `core` for the core group. */
export function groupName(group: string): string {
  if (group === '') return 'core'
  const words = group.endsWith('.k8s.io') ? group.slice(0, -'.k8s.io'.length).split(/[.-]/) : group.split(/[.-]/)
  return words[0]! + words.slice(1).map(capital).join('')
}

export const groupWord = ({ group, version }: { readonly group: string; readonly version: string }) =>
  capital(groupName(group)) + capital(version)
export const scopeWord = ({ scope }: KindDefinition) => (scope === 'Namespaced' ? 'Namespaced' : '')

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
