import { dns1123Subdomain } from '../machinery/names.ts'
import type { KubeObject } from '../machinery/object.ts'
import { nameAndAge } from './columns.ts'
import facts from './generated/resources.json' with { type: 'json' }
import type { KindDefinition, Subresource, Verb } from './kind.ts'
import { specEquals } from './spec-equals.ts'

type Fact = {
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  verbs: string[]
  subresources: Subresource[]
}

const factsByKey = new Map((facts as Fact[]).map((f) => [`${f.group}/${f.version}/${f.kind}`, f]))

/**
 * What a kind's file states; everything else comes from the schema facts (plural, scope, verbs, subresources) or from the
 * defaults here (status is kept apart, the generation grows with the spec). `extraSubresources` come on top of the facts'.
 */
export type KindInput<T extends KubeObject> = { group: string; version: string; kind: string } & Partial<
  Omit<KindDefinition<T>, 'group' | 'version' | 'kind'>
> & { readonly extraSubresources?: readonly Subresource[] }

export function defineKind<T extends KubeObject>(input: KindInput<T>): KindDefinition<T> {
  const { extraSubresources = [], ...stated } = input
  const fact = factsByKey.get(`${input.group}/${input.version}/${input.kind}`)
  const subresources = [...(fact?.subresources ?? []), ...extraSubresources]
  const hasStatus = subresources.some((s) => s.name === 'status')
  return {
    listKind: `${input.kind}List`,
    plural: fact?.plural ?? `${input.kind.toLowerCase()}s`,
    singular: input.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    scope: fact?.namespaced === false ? 'Cluster' : 'Namespaced',
    verbs: (fact?.verbs as Verb[] | undefined) ?? [],
    subresources,
    schema: schemaName(input),
    persisted: true,
    validateName: dns1123Subdomain,
    prepareForCreate: hasStatus ? dropStatusAndStartGeneration : ignore,
    prepareForUpdate: hasStatus ? keepStatusAndCountGeneration : ignore,
    prepareForStatusUpdate: keepAllButStatus,
    columns: nameAndAge,
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: true,
    ...stated,
  }
}

/** The name in generated/schemas.json of an API type, top-level kinds and subresource bodies (Scale, Eviction, …) alike. */
export function schemaName({ group, version, kind }: { group: string; version: string; kind: string }): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${kind}`
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}.${kind}`
  if (group === 'internal.apiserver.k8s.io') return `io.k8s.api.apiserverinternal.${version}.${kind}`
  return `io.k8s.api.${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`
}

/** The default create rule of kinds with a status: clients may not set it; the first generation is 1. */
export function dropStatusAndStartGeneration(object: KubeObject): void {
  delete (object as { status?: unknown }).status
  object.metadata.generation = 1
}

/** The default create rule of kinds without a status whose generation is counted (NetworkPolicy, webhook configurations, …). */
export function startGeneration(object: KubeObject): void {
  object.metadata.generation = 1
}

/** The default update rule of kinds with a status: it stays, and the generation grows when anything but metadata changed. */
export function keepStatusAndCountGeneration(object: KubeObject, old: KubeObject): void {
  copyField(object, old, 'status')
  countGeneration(object, old)
}

/** Sets the generation to the old one, plus one when anything but metadata and status changed. */
export function countGeneration(object: KubeObject, old: KubeObject): void {
  const generation = (old.metadata.generation ?? 0) + (specEquals(object, old) ? 0 : 1)
  if (generation > 0) object.metadata.generation = generation
  else delete object.metadata.generation
}

/**
 * The default status rule: `status` and metadata that users own (labels, annotations, finalizers) come from `object`, all else
 * from `old`. That a status write may carry annotations is upstream's behaviour for most kinds, and its conformance tests rely on it.
 */
export function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  const { status } = object as { status?: unknown }
  const { labels, annotations, finalizers } = object.metadata
  keepOld(object, old)
  setField(object.metadata, 'labels', labels)
  setField(object.metadata, 'annotations', annotations)
  setField(object.metadata, 'finalizers', finalizers)
  setField(object, 'status', status)
}

/** The stricter status rule of newer kinds: nothing but `status`. */
export function keepAllButStatusStrictly(object: KubeObject, old: KubeObject): void {
  const { status } = object as { status?: unknown }
  keepOld(object, old)
  setField(object, 'status', status)
}

/** Makes `object` a copy of `old`, one level deep, but for the version that it was read at and the managed fields. */
export function keepOld(object: KubeObject, old: KubeObject): void {
  const { managedFields, resourceVersion } = object.metadata
  for (const key of Object.keys(object)) delete (object as Record<string, unknown>)[key]
  Object.assign(object, old)
  object.metadata = { ...old.metadata }
  setField(object.metadata, 'managedFields', managedFields)
  setField(object.metadata, 'resourceVersion', resourceVersion)
}

/** Copies one top-level field, also its absence. */
export function copyField(to: KubeObject, from: KubeObject, field: string): void {
  setField(to, field, (from as Record<string, unknown>)[field])
}

function setField(target: object, field: string, value: unknown): void {
  if (value === undefined) delete (target as Record<string, unknown>)[field]
  else (target as Record<string, unknown>)[field] = value
}

function ignore(): void {}
