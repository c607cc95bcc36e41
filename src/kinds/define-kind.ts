import facts from './generated/resources.json' with { type: 'json' }
import type { KubeObject } from '../machinery/object.ts'
import type { KindDefinition, Subresource, Verb } from './kind.ts'

type Fact = { group: string; version: string; kind: string; plural: string; namespaced: boolean; verbs: string[]; subresources: Subresource[] }

const factsByKey = new Map((facts as Fact[]).map((f) => [`${f.group}/${f.version}/${f.kind}`, f]))

/**
 * What a kind's file states; everything else comes from the schema facts (plural, scope, verbs, subresources) or from the
 * defaults here (status is kept apart, the generation grows with the spec).
 */
export type KindInput<T extends KubeObject> = { group: string; version: string; kind: string } & Partial<Omit<KindDefinition<T>, 'group' | 'version' | 'kind'>>

export function defineKind<T extends KubeObject>(input: KindInput<T>): KindDefinition<T> {
  const fact = factsByKey.get(`${input.group}/${input.version}/${input.kind}`)
  const hasStatus = fact?.subresources.some((s) => s.name === 'status') ?? false
  const isSpecKind = hasStatus || input.prepareForUpdate !== undefined
  return {
    listKind: `${input.kind}List`,
    plural: fact?.plural ?? `${input.kind.toLowerCase()}s`,
    singular: input.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    scope: fact?.namespaced === false ? 'Cluster' : 'Namespaced',
    verbs: (fact?.verbs as Verb[] | undefined) ?? [],
    subresources: fact?.subresources ?? [],
    schema: schemaName(input),
    persisted: true,
    validateName: dns1123Subdomain,
    prepareForCreate: (object) => {
      if (hasStatus) delete (object as { status?: unknown }).status
      if (isSpecKind) object.metadata.generation = 1
    },
    prepareForUpdate: (object, old) => {
      if (hasStatus) copyField(object, old, 'status')
      if (isSpecKind) object.metadata.generation = (old.metadata.generation ?? 0) + (specEquals(object, old) ? 0 : 1)
    },
    prepareForStatusUpdate: (object, old) => {
      const { status } = object as { status?: unknown }
      for (const key of Object.keys(object)) if (key !== 'metadata') delete (object as Record<string, unknown>)[key]
      Object.assign(object, { ...old, metadata: { ...old.metadata, managedFields: object.metadata.managedFields, resourceVersion: object.metadata.resourceVersion } })
      if (status === undefined) delete (object as { status?: unknown }).status
      else (object as { status?: unknown }).status = status
    },
    columns: nameAndAge as KindDefinition<T>['columns'],
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: true,
    ...input,
  }
}

function schemaName({ group, version, kind }: { group: string; version: string; kind: string }): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${kind}`
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}.${kind}`
  const short = group === '' ? 'core' : group.split('.')[0]
  return `io.k8s.api.${short}.${version}.${kind}`
}

function copyField(to: KubeObject, from: KubeObject, field: string): void {
  const source = (from as Record<string, unknown>)[field]
  if (source === undefined) delete (to as Record<string, unknown>)[field]
  else (to as Record<string, unknown>)[field] = source
}
