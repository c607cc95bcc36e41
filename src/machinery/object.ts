import type { ObjectMeta, OwnerReference } from '../kinds/generated/types/meta-v1.ts'

export type { ObjectMeta, OwnerReference }

/** Any API object: what every kind has in common. Objects that come out of a cache or informer are frozen by convention: never mutate one. */
export type KubeObject = {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** A KubeObject whose other fields are read dynamically. */
export type UnstructuredObject = KubeObject & { [field: string]: unknown }

export type ObjectList<T extends KubeObject = KubeObject> = {
  apiVersion: string
  kind: string
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  items: T[]
}

/** Group, version and kind; the core group is the empty string. */
export type GroupVersionKind = { readonly group: string; readonly version: string; readonly kind: string }

export function apiVersionOf(gvk: { readonly group: string; readonly version: string }): string {
  return gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`
}

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}

/** `namespace/name`, or the bare name for a cluster-scoped object: the key of work queues and indexes. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : (name ?? '')
}

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The owner reference with `controller: true`, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  const owners = object.metadata.ownerReferences
  if (owners === undefined) return undefined
  for (let i = 0; i < owners.length; i++) if (owners[i]!.controller) return owners[i]
  return undefined
}
