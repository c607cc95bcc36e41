import { type Case, clusterWide, create, namespaced, read, type Request } from './upstream-case.ts'

/** Definitions of kinds and objects of them, for the cases about custom objects. */

export const definitions = clusterWide('apiextensions.k8s.io/v1', 'customresourcedefinitions')

/** A version of a definition; what is in `more` comes beside the schema. */
export const version = (openAPIV3Schema: object, more: object = {}) => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema },
  ...more,
})

/** A schema whose `spec` has these fields. */
export const ofSpec = (properties: object, more: object = {}) => ({
  type: 'object',
  properties: { spec: { type: 'object', properties } },
  ...more,
})

const groupOf = (name: string) => `${name}.upstream.example.com`

/** The collection of the kind that `serving` defines. */
export const objectsOf = (name: string, versionName = 'v1') => namespaced(`${groupOf(name)}/${versionName}`, 'tests')

/** Defines the kind `Test` in a group of its own, and waits until it is served. */
export const serving = (name: string, versions: readonly object[], spec: object = {}): Request[] => {
  const group = groupOf(name)
  const names = { plural: 'tests', singular: 'test', kind: 'Test', listKind: 'TestList' }
  const definition = { metadata: { name: `tests.${group}` }, spec: { group, scope: 'Namespaced', names, versions, ...spec } }
  const last = (versions as readonly { name: string; served: boolean }[]).findLast((one) => one.served)!.name
  return [
    { ...create(definitions, definition), until: 201 },
    { ...read(objectsOf(name, last)), until: 200 },
  ]
}

/** An object of the kind that `serving` defines. */
export const objectOf = (name: string, spec: unknown, more: object = {}) => ({
  apiVersion: `${groupOf(name)}/v1`,
  kind: 'Test',
  metadata: { name: 'o' },
  spec,
  ...more,
})

/** One case for each named spec, created. */
export const specs = (name: string, all: Readonly<Record<string, unknown>>): Case[] =>
  Object.entries(all).map(([title, spec]) => ({ name: title, steps: [create(objectsOf(name), objectOf(name, spec))], withNulls: true }))
