/**
 * `keelson restore`: brings a backup back, on this machine or another.
 *
 *  1. The file is read to its end before anything is touched: what is damaged is refused as a whole.
 *  2. All is made ready in `restoring/` beside what is there. From the moment that `restore.json` is written the restore has happened:
 *     what then remains is to move folders, and whoever looks next at the data directory, a server too, does that to the end. Cut short
 *     before that moment, nothing has changed.
 *  3. Revisions never go back: the restored store counts from far past what the backup, and what it replaces, had reached. Every
 *     watch and every continued list from before is told that it is too old.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { silentLog } from '../../base/log.ts'
import { CliError } from '../../cli/cli-error.ts'
import { readClusterState } from '../../cli/cluster-state.ts'
import { isRunning } from '../../cli/daemon.ts'
import { makeDataDir } from '../../cli/data-dir.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import { writeSecretFile } from '../../platform/pki/cluster-pki.ts'
import { readSealedFile, SealedFileError } from '../../platform/sealed-file.ts'
import { noRevision, type Revision, type Store } from '../../store/contract.ts'
import { fillStore } from '../../store/copy-store.ts'
import { decodeRecords, type StoredRecord } from '../../store/record-stream.ts'
import { livingServers } from '../api-server-endpoints.ts'
import type { BackupManifest, BackupParts } from './backup.ts'
import { finishRestore, folders, markRestored, stagingOf, syncFolder } from './finish-restore.ts'
import { openEtcd, readTls } from '../open-store.ts'
import { formatStoreLocation, parseStoreLocation, type StoreLocation } from '../store-location.ts'

export type RestoreOptions = {
  readonly file: string
  readonly dataDir: string
  /** The etcd to restore into; absent: SQLite in the data directory. */
  readonly store: string | undefined
  readonly passphrase: string | undefined
  /** Replaces what is there. */
  readonly force: boolean
}

/** What clients may have seen after the backup was made: more writes than any store takes in weeks. As etcd's own advice has it. */
const revisionBump = 1_000_000_000

/** Gives how many entries there are and where the store counts from. Throws CliError; what was there is then as it was. */
export async function restoreCluster(parts: BackupParts, options: RestoreOptions): Promise<{ entries: number; revision: Revision }> {
  const { dataDir } = options
  const location = options.store === undefined ? undefined : parseStoreLocation(options.store)
  const manifest = await checkedManifest(options)
  makeDataDir(dataDir)
  finishRestore(dataDir)
  const state = readClusterState(dataDir)
  if (state && isRunning(state.server)) throw inUse(dataDir)
  if (existsSync(join(dataDir, 'pki/ca.key')) && !options.force) throw occupied(dataDir)
  const staging = stagingOf(dataDir)
  rmSync(staging, { recursive: true, force: true })
  for (const folder of folders) mkdirSync(join(staging, folder), { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(manifest.files)) writeSecretFile(join(staging, 'pki', name), text)
  const seen = await revisionThere(parts, dataDir)
  const result = location
    ? await restoreEtcd(parts, options, { manifest, location })
    : await restoreSqlite(parts, options, { manifest, seen })
  for (const dir of [...folders.map((folder) => join(staging, folder)), staging, dataDir]) syncFolder(dir)
  markRestored(dataDir, location && formatStoreLocation(location))
  finishRestore(dataDir)
  return result
}

const inUse = (dataDir: string) => new CliError(`a server runs on ${dataDir}`, { nextStep: 'run `keelson down` first' })

const occupied = (what: string) =>
  new CliError(`${what} holds a cluster already`, { nextStep: 'give --force to replace it with the backup; what it holds is then lost' })

/** Reads all of the file. */
async function checkedManifest(options: RestoreOptions): Promise<BackupManifest> {
  const { manifest, chunks } = await openBackup(options)
  for await (const _ of chunks);
  return manifest
}

type Backup = { readonly manifest: BackupManifest; readonly chunks: AsyncIterable<readonly StoredRecord[]> }

/** Throws CliError for a file that cannot be used; `chunks` too, which must be read to the end. */
async function openBackup({ file, passphrase }: RestoreOptions): Promise<Backup> {
  const frames = readSealedFile(file, passphrase)
  try {
    const first = await frames.next()
    const manifest = first.done ? undefined : (JSON.parse(first.value.toString()) as BackupManifest)
    if (manifest?.version !== 1) throw new SealedFileError(`${file} was made by another version`)
    return { manifest, chunks: told(decodeRecords(frames)) }
  } catch (error) {
    throw unusable(error)
  }
}

async function* told<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* source
  } catch (error) {
    throw unusable(error)
  }
}

const unusable = (error: unknown) =>
  error instanceof SealedFileError ? new CliError(error.message, { nextStep: 'nothing was restored', cause: error }) : error

/** The revision that the data directory's own store has reached; a damaged one counts for nothing. Throws CliError when a server has it. */
async function revisionThere({ clock }: BackupParts, dataDir: string): Promise<Revision> {
  const dir = join(dataDir, 'store')
  if (!existsSync(join(dir, 'store.db'))) return noRevision
  const { openSqliteStore, StoreInUse } = await import('../../store/sqlite/sqlite-store.ts')
  try {
    const store = await openSqliteStore({ dir, clock, log: silentLog })
    await store.close()
    return store.revision
  } catch (error) {
    if (error instanceof StoreInUse) throw inUse(dataDir)
    return noRevision
  }
}

type Result = { readonly entries: number; readonly revision: Revision }

async function fillFrom(options: RestoreOptions, to: Store): Promise<Result> {
  const { chunks } = await openBackup(options)
  return fillStore(to, { revision: to.compactRevision, chunks })
}

const past = (...revisions: readonly number[]) => (Math.max(...revisions) + revisionBump) as Revision

async function restoreSqlite(
  { clock }: BackupParts,
  options: RestoreOptions,
  { manifest, seen }: { readonly manifest: BackupManifest; readonly seen: Revision },
): Promise<Result> {
  const { openSqliteStore } = await import('../../store/sqlite/sqlite-store.ts')
  const dir = join(stagingOf(options.dataDir), 'store')
  const store = await openSqliteStore({ dir, clock, log: silentLog, startRevision: past(manifest.revision, seen) })
  try {
    return await fillFrom(options, store)
  } finally {
    await store.close()
  }
}

async function restoreEtcd(
  parts: BackupParts,
  options: RestoreOptions,
  { manifest, location }: { readonly manifest: BackupManifest; readonly location: StoreLocation },
): Promise<Result> {
  const { clearForRestore, endRestore } = await import('../../store/etcd/restore-mark.ts')
  const seen = await revisionInEtcd(parts, options, location)
  const reached = { ...location, tls: readTls(location), clock: parts.clock }
  await clearForRestore(reached)
  const startRevision = past(manifest.revision, seen)
  const store = await openEtcd(location, { ...parts, startRevision, isRestoring: true })
  try {
    const result = await fillFrom(options, store)
    await endRestore(reached)
    return result
  } finally {
    await store.close()
  }
}

/** Throws CliError when there is a cluster that was not to be replaced, or one whose servers live. */
async function revisionInEtcd(parts: BackupParts, options: RestoreOptions, location: StoreLocation): Promise<Revision> {
  const store = await openEtcd(location, { ...parts, isRestoring: true })
  try {
    const { entries } = await store.list('', { limit: 1 })
    if (entries.length > 0 && !options.force) throw occupied(`etcd://${location.endpoints.join(',')}${location.root}`)
    const leases = (await store.list('/registry/coordination.k8s.io/leases/kube-system/apiserver-')).entries
    const living = livingServers(
      leases.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Lease),
      parts.clock.now(),
    )
    if (living.length > 0)
      throw new CliError(`servers run on that etcd: ${living.map(({ address, port }) => `${address}:${port}`).join(', ')}`, {
        nextStep: 'stop all of them; one that was killed counts for 30 seconds more',
      })
    return await store.freshRevision()
  } finally {
    await store.close()
  }
}
