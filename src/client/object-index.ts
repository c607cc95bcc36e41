import type { KubeObject } from '../machinery/object.ts'

type Index<T> = { readonly valuesOf: (object: T) => readonly string[]; readonly buckets: Map<string, Bucket<T>> }

/** `array` is the bucket as callers see it, made on demand and dropped with every change. */
type Bucket<T> = { readonly objects: Map<string, T>; array: readonly T[] | undefined }

const none: readonly never[] = []

/** Objects by key, and by any number of indexes that are kept up to date. Lists are shared snapshots: never change one. */
export class ObjectIndex<T extends KubeObject> {
  readonly #all: Bucket<T> = { objects: new Map(), array: undefined }
  readonly #indexes = new Map<string, Index<T>>()
  /** The same, for every change to walk: an iterator over a map makes an object at each step. */
  readonly #list: Index<T>[] = []

  constructor() {
    this.addIndex('namespace', (object) => (object.metadata.namespace ? [object.metadata.namespace] : none))
  }

  get size(): number {
    return this.#all.objects.size
  }

  get(key: string): T | undefined {
    return this.#all.objects.get(key)
  }

  keys(): Iterable<string> {
    return this.#all.objects.keys()
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? arrayOf(this.#all) : this.byIndex('namespace', namespace)
  }

  byIndex(name: string, value: string): readonly T[] {
    const bucket = this.#indexOf(name).buckets.get(value)
    return bucket ? arrayOf(bucket) : none
  }

  /** The values under which an index has objects. */
  values(name: string): Iterable<string> {
    return this.#indexOf(name).buckets.keys()
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { valuesOf, buckets: new Map() }
    this.#indexes.set(name, index)
    this.#list.push(index)
    for (const [key, object] of this.#all.objects) addTo(index, key, object, index.valuesOf(object))
  }

  /** Puts `current` in place (undefined removes) and gives back what was there. */
  set(key: string, current: T | undefined): T | undefined {
    const old = this.#all.objects.get(key)
    this.#all.array = undefined
    if (current) this.#all.objects.set(key, current)
    else this.#all.objects.delete(key)
    for (let i = 0; i < this.#list.length; i++) move(this.#list[i]!, key, old, current)
    return old
  }

  #indexOf(name: string): Index<T> {
    const index = this.#indexes.get(name)
    if (!index) throw new Error(`no index "${name}"`)
    return index
  }
}

function arrayOf<T>(bucket: Bucket<T>): readonly T[] {
  return (bucket.array ??= [...bucket.objects.values()])
}

/** Most changes leave an object where it was: then it takes the place of the old one, and nothing is taken out and put in again. */
function move<T>(index: Index<T>, key: string, old: T | undefined, current: T | undefined): void {
  const before = old === undefined ? none : index.valuesOf(old)
  const after = current === undefined ? none : index.valuesOf(current)
  if (!haveSame(before, after)) removeFrom(index, key, before)
  if (current !== undefined) addTo(index, key, current, after)
}

function haveSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function addTo<T>(index: Index<T>, key: string, object: T, values: readonly string[]): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    let bucket = index.buckets.get(value)
    if (!bucket) index.buckets.set(value, (bucket = { objects: new Map(), array: undefined }))
    bucket.objects.set(key, object)
    bucket.array = undefined
  }
}

function removeFrom<T>(index: Index<T>, key: string, values: readonly string[]): void {
  for (let i = 0; i < values.length; i++) {
    const bucket = index.buckets.get(values[i]!)
    if (!bucket) continue
    bucket.objects.delete(key)
    bucket.array = undefined
    if (bucket.objects.size === 0) index.buckets.delete(values[i]!)
  }
}
