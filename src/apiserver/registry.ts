import type { Asking } from './contract.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import { apiVersionOf, type KubeObject } from '../machinery/object.ts'
import type { ResourceName } from '../machinery/status-error.ts'
import type { StoreKey } from '../store/contract.ts'
import type { CachedObject } from './objects/cached-object.ts'

/** One served resource: a kind under its path, and where and how it is stored. */
export type Resource = {
  readonly kind: KindDefinition
  readonly name: ResourceName
  readonly apiVersion: string
  /** The kind whose version is stored; `kind` itself for most. */
  readonly storage: KindDefinition
  readonly storageApiVersion: string
  /** All keys of the resource start with it; ends with a slash. */
  readonly prefix: string
  /** Defined by a CustomResourceDefinition. */
  readonly isCustom: boolean
  /** Undefined where what is stored is what is served. */
  readonly conversion: Conversion | undefined
  /** Equal for two resources that make the same view of a stored object. */
  readonly viewKey: string
  /** Aborts when the resource is no longer served in this form: its watches end, and whoever watches comes again. */
  readonly retired: AbortSignal | undefined
}

export type Conversion = {
  toStored(object: KubeObject, asking?: Asking): KubeObject | Promise<KubeObject>
  /** Gives its argument itself where there is nothing to convert. `cached` is where the object was found. */
  fromStored(object: KubeObject, cached?: CachedObject): KubeObject
  /** Where converting takes a question to somebody else: makes the views that `fromStored` then gives. See prepareViews. */
  prepare?(values: readonly CachedObject[], asking?: Asking): Promise<void>
  /** `fromStored` for an object that no cache holds, where that takes a question to somebody else. */
  convert?(object: KubeObject, asking?: Asking): Promise<KubeObject>
}

export type CustomOptions = {
  /** The version in which all versions of the plural are stored; it need not be served itself. */
  readonly storage: KindDefinition
  /** Default: objects differ in their apiVersion only. */
  readonly conversionOf?: (kind: KindDefinition) => Conversion
  /** Tells this form of the kinds from earlier ones of the same name. */
  readonly form?: string
  readonly retired?: AbortSignal
}

/** The resources that are served; custom ones come and go while the server runs. */
export type Registry = {
  find(group: string, version: string, plural: string): Resource | undefined
  findKind(apiVersion: string, kind: string): Resource | undefined
  hasGroupVersion(group: string, version: string): boolean
  /** Whether kinds of the group are part of the server. */
  hasBuiltInGroup(group: string): boolean
  all(): readonly Resource[]
  /** Adds or replaces custom kinds of one plural: what is not among them is not served any more. A built-in kind is never replaced. */
  add(kinds: readonly KindDefinition[], options: CustomOptions): void
  remove(group: string, plural: string): void
  /** A kind as `add` would serve it, without serving it. */
  resourceOf(kind: KindDefinition, options: CustomOptions): Resource
  /** Grows with every change of the set. */
  readonly generation: number
  /** Called after every change of the set. Returns the removal. */
  onChange(listener: () => void): () => void
}

export function createRegistry(kinds: readonly KindDefinition[]): Registry {
  const byPath = new Map<string, Resource>()
  const byKind = new Map<string, Resource>()
  const listeners = new Set<() => void>()
  const builtInGroups = new Set(kinds.map(({ group }) => group))
  let generation = 1
  const changed = () => {
    generation++
    for (const listener of listeners) listener()
  }
  const put = (resource: Resource) => {
    byPath.set(pathKey(resource.kind.group, resource.kind.version, resource.kind.plural), resource)
    byKind.set(`${resource.apiVersion}/${resource.kind.kind}`, resource)
  }
  for (const kind of kinds) put(builtIn(kind, kinds))
  const drop = (group: string, plural: string) => {
    for (const [key, resource] of byPath) {
      if (!resource.isCustom || resource.kind.group !== group || resource.kind.plural !== plural) continue
      byPath.delete(key)
      byKind.delete(`${resource.apiVersion}/${resource.kind.kind}`)
    }
  }
  const isFree = (kind: KindDefinition) =>
    !byPath.has(pathKey(kind.group, kind.version, kind.plural)) && !byKind.has(`${apiVersionOf(kind)}/${kind.kind}`)
  return {
    find: (group, version, plural) => byPath.get(pathKey(group, version, plural)),
    findKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    hasGroupVersion: (group, version) => [...byPath.values()].some((r) => r.kind.group === group && r.kind.version === version),
    hasBuiltInGroup: (group) => builtInGroups.has(group),
    all: () => [...byPath.values()],
    add: (added, options) => {
      drop(options.storage.group, options.storage.plural)
      for (const kind of added) if (isFree(kind)) put(custom(kind, options))
      changed()
    },
    remove: (group, plural) => {
      drop(group, plural)
      changed()
    },
    resourceOf: custom,
    get generation() {
      return generation
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** The key of an object: `namespace` is empty for cluster-scoped ones. */
export function keyOfObject(resource: Resource, namespace: string, name: string): StoreKey {
  return (resource.kind.scope === 'Namespaced' ? `${resource.prefix}${namespace}/${name}` : resource.prefix + name) as StoreKey
}

/** The prefix of a list or watch: of one namespace, or of all when it is empty. */
export function prefixOf(resource: Resource, namespace: string): string {
  return resource.kind.scope === 'Namespaced' && namespace !== '' ? `${resource.prefix}${namespace}/` : resource.prefix
}

const pathKey = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`
const storagePrefix = (kind: KindDefinition) => `/registry/${kind.group || 'core'}/${kind.plural}/`

function builtIn(kind: KindDefinition, kinds: readonly KindDefinition[]): Resource {
  const { storedAs } = kind
  if (!storedAs) return resourceOf(kind, kind, { isCustom: false, conversion: undefined })
  const group = storedAs.group ?? kind.group
  const storage = kinds.find((k) => k.group === group && k.version === storedAs.version && k.kind === kind.kind)
  if (!storage) throw new Error(`${kind.kind} is stored as ${storedAs.version}, which is not served`)
  return resourceOf(kind, storage, { isCustom: false, conversion: storedAs })
}

function custom(kind: KindDefinition, { storage, conversionOf, form = '', retired }: CustomOptions): Resource {
  const conversion = conversionOf?.(kind) ?? renaming(apiVersionOf(kind), apiVersionOf(storage))
  return resourceOf(kind, storage, { isCustom: true, conversion, form, retired })
}

/** Objects that differ in their apiVersion only. */
export function renaming(
  served: string,
  stored: string,
): { toStored(object: KubeObject): KubeObject; fromStored(object: KubeObject): KubeObject } {
  return { toStored: (object) => withVersion(object, stored), fromStored: (object) => withVersion(object, served) }
}

const withVersion = (object: KubeObject, apiVersion: string) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion })

type ResourceParts = Pick<Resource, 'isCustom' | 'conversion'> & { readonly form?: string; readonly retired?: AbortSignal | undefined }

function resourceOf(kind: KindDefinition, storage: KindDefinition, { form = '', retired, ...more }: ResourceParts): Resource {
  return {
    kind,
    name: { group: kind.group, resource: kind.plural },
    apiVersion: apiVersionOf(kind),
    storage,
    storageApiVersion: apiVersionOf(storage),
    prefix: storagePrefix(storage),
    viewKey: `${apiVersionOf(kind)}${form}`,
    retired,
    ...more,
  }
}
