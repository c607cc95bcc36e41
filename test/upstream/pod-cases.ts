/** Builders that the cases about pods share. */
import { type Case, create, creations, merged, namespaced, type Request } from './upstream-case.ts'

export const pods = namespaced('v1', 'pods')
export const plainContainer = { name: 'c', image: 'busybox' }
export const plain = { metadata: { name: 'p' }, spec: { containers: [plainContainer] } }

/** The least pod with this spec laid over its own. */
export const podWith = (spec: object, metadata: object = {}): object => merged(plain, { metadata, spec })

/** The least pod whose one container is changed so. */
export const podOf = (container: object, spec: object = {}): object => podWith({ ...spec, containers: [merged(plainContainer, container)] })

/** One creation for each named change of the spec. */
export const specs = (changes: Readonly<Record<string, object>>): Case[] =>
  Object.entries(changes).map(([name, spec]) => ({ name, steps: [create(pods, podWith(spec))] }))

/** One creation for each named change of the one container. */
export const containers = (changes: Readonly<Record<string, object>>): Case[] =>
  Object.entries(changes).map(([name, container]) => ({ name, steps: [create(pods, podOf(container))] }))

/** One creation for each named volume. */
export const volumes = (named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, source]) => ({ name, steps: [create(pods, podWith({ volumes: [{ name: 'v', ...source }] }))] }))

export const metadata = (changes: Readonly<Record<string, object>>): Case[] =>
  creations(pods, plain, Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, { metadata: change }])))

/** A pod that is there, then what is done to it. */
export const after = (name: string, pod: object, ...steps: readonly Request[]): Case => ({ name, given: [create(pods, pod)], steps })
