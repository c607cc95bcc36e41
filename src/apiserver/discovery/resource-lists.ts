import { createHash } from 'node:crypto'
import type { APIGroup, APIResource } from '../../kinds/generated/types/meta-v1.ts'
import type { KindDefinition, Subresource } from '../../kinds/kind.ts'
import { aggregatedResources } from '../aggregation/remote-documents.ts'
import type { Group, GroupVersion } from './group-versions.ts'

/** The documents of discovery, as plain data: the old ones, a list a group version, and the aggregated one. */

/** `GET /apis/GROUP`, and an item of `GET /apis`. */
export function apiGroup({ name, versions }: Group): APIGroup {
  const list = versions.map(({ apiVersion, version }) => ({ groupVersion: apiVersion, version }))
  return { name, versions: list, preferredVersion: list[0]! }
}

/** `GET /api/v1` and `GET /apis/GROUP/VERSION`. */
export function apiResourceList({ group, apiVersion, kinds }: GroupVersion): Record<string, unknown> {
  const resources = kinds.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)).flatMap(resourcesOf)
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion: apiVersion, resources }
}

function resourcesOf(kind: KindDefinition): APIResource[] {
  const namespaced = kind.scope === 'Namespaced'
  const main: APIResource = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced,
    kind: kind.kind,
    verbs: kind.isUnstructured ? [...kind.verbs] : [...kind.verbs].sort(),
    ...(kind.shortNames.length > 0 ? { shortNames: [...kind.shortNames] } : {}),
    ...(kind.categories.length > 0 ? { categories: [...kind.categories] } : {}),
    ...(kind.persisted ? { storageVersionHash: storageVersionHash(kind) } : {}),
  }
  const parts = kind.subresources.map((sub): APIResource => {
    const isOwnGroup = sub.group === kind.group && sub.version === kind.version
    return {
      name: `${kind.plural}/${sub.name}`,
      singularName: '',
      namespaced,
      ...(isOwnGroup ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: verbsOf(sub),
    }
  })
  return [main, ...(kind.isUnstructured ? parts : parts.sort((a, b) => (a.name < b.name ? -1 : 1)))]
}

/** HEAD and OPTIONS, which a proxy carries too, are no verbs. */
const verbsOf = ({ verbs }: Subresource) => verbs.filter((verb) => verb !== 'head' && verb !== 'options').sort()

/** Tells clients when the stored form of a kind changes; opaque. */
function storageVersionHash({ group, version, kind, storedAs, storageVersion }: KindDefinition): string {
  const stored = `${storedAs?.group ?? group}/${storedAs?.version ?? storageVersion ?? version}/${kind}`
  return createHash('sha256').update(stored).digest().subarray(0, 8).toString('base64')
}

/** `GET /api` and `GET /apis` for clients that take the aggregated form: everything in one answer. */
export function aggregatedDiscovery(groups: readonly Group[], version: 'v2' | 'v2beta1'): Record<string, unknown> {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: name === '' ? {} : { name },
      versions: versions.map((v) => ({
        version: v.version,
        resources: v.foreign
          ? aggregatedResources(v, v.foreign.resources)
          : v.kinds.map(aggregatedResource).sort((a, b) => (a.resource < b.resource ? -1 : 1)),
        freshness: v.foreign?.isAvailable === false ? 'Stale' : 'Current',
      })),
    })),
  }
}

function aggregatedResource(kind: KindDefinition) {
  return {
    resource: kind.plural,
    responseKind: responseKind(kind, kind),
    scope: kind.scope,
    singularResource: kind.singular,
    verbs: kind.isUnstructured ? [...kind.verbs] : [...kind.verbs].sort(),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.subresources.length > 0
      ? {
          subresources: kind.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: responseKind(sub, kind),
            verbs: verbsOf(sub),
          })),
        }
      : {}),
  }
}

/** A group and version that are the list's own are not said again. */
function responseKind({ group, version, kind }: Subresource | KindDefinition, own: KindDefinition): object {
  const isOwn = group === own.group && version === own.version
  return { group: isOwn ? '' : group, version: isOwn ? '' : version, kind }
}
