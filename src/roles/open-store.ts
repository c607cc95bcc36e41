/** Where a server keeps its objects: SQLite in its own data directory, or an etcd that several servers share. */
import { readFileSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { HealthCheck } from '../apiserver/http/server-paths.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { CliError } from '../cli/cli-error.ts'
import { fileFault } from '../platform/file-fault.ts'
import { commitBytesMax, type Operation, type Revision, type Store, type StoreKey, StoreUnavailable } from '../store/contract.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { StoreLocation } from './store-location.ts'

export type OpenStore = {
  readonly store: Store
  /** Other servers write to it too. */
  readonly isShared: boolean
  readonly readyChecks: readonly HealthCheck[]
  /** What it takes on this machine's disk; absent where that is elsewhere. */
  readonly sizeBytes?: () => number
}

const answerMs = 3_000

/** `thread`: one that is starting already, for SQLite. Throws CliError when etcd cannot be reached or a file of its TLS cannot be read. etcd's client is loaded only where it is used. */
export async function openStore(
  location: StoreLocation | undefined,
  parts: { dataDir: string; clock: Clock; random: Random; log: Log; thread?: Worker | undefined },
): Promise<OpenStore> {
  const { dataDir, clock, random, log, thread } = parts
  if (!location) {
    const dir = join(dataDir, 'store')
    const store = await openSqliteStore({ dir, clock, log, ...(thread ? { thread } : {}) })
    // A small write may still find a place in the log where a large one does not: without room the disk is full. And once a write
    // has failed, for another reason too, only another one tells whether the disk takes them again.
    const isHealthy = async () => (await hasRoom(dir)) && (!store.isFailing || succeeds(clock, store.commit([probe])))
    const files = ['store.db', 'store.db-wal'].map((name) => join(dir, name))
    const sizeBytes = () => files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
    return { store, isShared: false, readyChecks: [{ name: 'sqlite', upstreamName: 'etcd', isHealthy }], sizeBytes }
  }
  void thread?.terminate()
  const store = await openEtcd(location, { clock, random })
  const isHealthy = () => succeeds(clock, Promise.resolve(store.freshRevision()))
  return { store, isShared: true, readyChecks: [{ name: 'etcd', isHealthy }] }
}

/** For a commit of the largest size. An answer that the system does not give is no reason to be unready. */
async function hasRoom(dir: string): Promise<boolean> {
  const { bfree, bsize } = await statfs(dir).catch(() => ({ bfree: Number.POSITIVE_INFINITY, bsize: 1 }))
  return bfree * bsize >= commitBytesMax
}

/** `metadata` because whatever is in the store is kept by the server's cache as an object. */
const probe: Operation = {
  type: 'put',
  key: '/keelson/probe' as StoreKey,
  value: Buffer.from(JSON.stringify({ metadata: { name: 'probe' } })),
  expected: 'any',
}

/** In time. */
function succeeds(clock: Clock, work: Promise<unknown>): Promise<boolean> {
  const done = work.then(
    () => true,
    () => false,
  )
  return Promise.race([done, sleep(clock, answerMs).then(() => false)])
}

/** Throws CliError. `startRevision`: where a store that does not exist yet begins to count. */
export async function openEtcd(
  location: StoreLocation,
  parts: { clock: Clock; random: Random; startRevision?: Revision; isRestoring?: boolean },
): Promise<Store> {
  const { openEtcdStore } = await import('../store/etcd/etcd-store.ts')
  const { endpoints, root } = location
  return openEtcdStore({ endpoints, root, tls: readTls(location), ...parts }).catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error
    throw new CliError(error.message, { nextStep: 'see that a majority of its members runs and that the URL names them', cause: error })
  })
}

/** PEM texts in place of the files. Throws CliError. */
export function readTls({ tls }: StoreLocation) {
  return tls && { ca: readPem(tls.ca), certificate: readPem(tls.certificate), key: readPem(tls.key) }
}

function readPem(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`cannot read ${file}`, { nextStep: fileFault(error), cause: error })
  }
}
