import type { KubeObject } from './types.ts'

/** A local, indexed, ever-current copy of a kind. Objects are shared: never mutate one. */
export type Informer<T extends KubeObject> = {
  /** Resolves after the first complete list has been applied. */
  synced(signal?: AbortSignal): Promise<void>
  readonly hasSynced: boolean
  /** By `namespace/name` (or bare name). */
  get(key: string): T | undefined
  list(namespace?: string): readonly T[]
  /** Objects under one value of an index added with addIndex. */
  byIndex(index: string, value: string): readonly T[]
  /** The values under which an index has objects. */
  indexValues(index: string): Iterable<string>
  /** Adds an index; idempotent by name. Common ones: `controller-uid`, `node-name`. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void
  /** Called for every change after it is applied to the index, and once per object for what is there already. Returns the removal. */
  onChange(handler: (change: { readonly current: T | undefined; readonly old: T | undefined }) => void): () => void
  /** The resourceVersion up to which it is complete. */
  readonly resourceVersion: string
}
