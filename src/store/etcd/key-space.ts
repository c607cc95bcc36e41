import { noRevision, prefixEnd, type Revision, type StoreKey } from '../contract.ts'

/**
 * Where a store lies in etcd: below a root, so that several can share one. `data/` holds the entries, `meta` what was fixed when
 * the store was made, `session/` who writes (see write-sessions.ts).
 *
 * etcd has one revision for everything. The store's own is etcd's, moved so that it begins where it shall: at 0, or where the
 * store that was migrated here had ended.
 */
export type KeySpace = {
  readonly dataPrefix: string
  toEtcd(key: StoreKey): Buffer
  toKey(key: Buffer): StoreKey
  /** Whether an etcd key is an entry under the store's `prefix`. */
  holds(key: Buffer, prefix: Buffer): boolean
}

export function keySpaceOf(root: string): KeySpace {
  const dataPrefix = `${root}/data`
  const offset = Buffer.byteLength(dataPrefix)
  return {
    dataPrefix,
    toEtcd: (key) => Buffer.from(dataPrefix + key),
    toKey: (key) => key.toString('utf8', offset) as StoreKey,
    holds: (key, prefix) => key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0,
  }
}

/** The first key after every key that starts with `prefix`. */
export const rangeEnd = (prefix: string): Buffer => Buffer.from(prefixEnd(prefix) ?? '\0')

/** How a store counts: etcd's revision at which it was made, and the store's own revision then. */
export type RevisionScale = { readonly base: number; readonly start: Revision }

export const toStoreRevision = ({ base, start }: RevisionScale, etcdRevision: number): Revision =>
  Math.max(start, etcdRevision - base + start, noRevision) as Revision

export const toEtcdRevision = ({ base, start }: RevisionScale, revision: Revision): number => revision - start + base
