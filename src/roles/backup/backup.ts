/** `keelson backup`: everything that it takes to bring the cluster back on another machine, in one file. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { toTime } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { ownPaths } from '../../base/own-paths.ts'
import type { Random } from '../../base/random.ts'
import { CliError } from '../../cli/cli-error.ts'
import { readClusterState } from '../../cli/cluster-state.ts'
import type { Client } from '../../client/contract.ts'
import { responseError } from '../../client/response-error.ts'
import { SealedFileError, writeSealedFile } from '../../platform/sealed-file.ts'
import { type Revision, type Store, StoreCompacted } from '../../store/contract.ts'
import type { StoreContents } from '../../store/copy-store.ts'
import { decodeRecords, encodeRecords } from '../../store/record-stream.ts'
import { revisionHeader } from './backup-path.ts'
import { openEtcd } from '../open-store.ts'
import { readSharedKeys, rememberedStore } from '../server-bundle.ts'
import { parseStoreLocation } from '../store-location.ts'

export type BackupParts = { readonly clock: Clock; readonly random: Random }

export type BackupOptions = {
  readonly file: string
  readonly dataDir: string
  /** An etcd, where neither `keelson up` nor a join has remembered it. */
  readonly store: string | undefined
  readonly passphrase: string | undefined
  /** The administrator's; asked where a running server has the store for itself. */
  readonly client: () => Client
}

/** The first frame; the others are a stream of records. */
export type BackupManifest = {
  readonly version: 1
  readonly createdAt: string
  readonly revision: number
  /** Of `pki`, by name: the keys of the cluster. */
  readonly files: Readonly<Record<string, string>>
}

/** A scan of an etcd can be overtaken by a compaction: then again from the start. */
const attemptsMax = 3

/** Gives the size of the file. Nothing that runs is held up. Throws CliError, StatusError. */
export async function backupCluster(parts: BackupParts, options: BackupOptions): Promise<{ bytes: number; entries: number }> {
  const { file, dataDir, passphrase } = options
  if (!existsSync(join(dataDir, 'pki/ca.key')))
    throw new CliError(`there is no cluster in ${dataDir}`, {
      nextStep: "name the data directory of one of the cluster's servers",
      exitCode: 3,
    })
  for (let attempt = 1; ; attempt++) {
    const { contents, close } = await openContents(parts, options)
    try {
      let entries = 0
      const counted = async function* () {
        for await (const chunk of contents.chunks) {
          entries += chunk.length
          yield chunk
        }
      }
      const manifest: BackupManifest = {
        version: 1,
        createdAt: toTime(parts.clock.now()),
        revision: contents.revision,
        files: readSharedKeys(join(dataDir, 'pki')),
      }
      const frames = async function* () {
        yield Buffer.from(JSON.stringify(manifest))
        yield* encodeRecords(counted())
      }
      const bytes = await writeSealedFile(file, frames(), passphrase)
      return { bytes, entries }
    } catch (error) {
      if (error instanceof StoreCompacted && attempt < attemptsMax) continue
      throw isFileError(error) ? new CliError(`cannot write ${file}`, { nextStep: error.message, cause: error }) : error
    } finally {
      await close()
    }
  }
}

const isFileError = (error: unknown): error is Error =>
  error instanceof SealedFileError || (error instanceof Error && 'syscall' in error && 'path' in error)

type Opened = { readonly contents: StoreContents; close(): Promise<void> }

async function openContents({ clock, random }: BackupParts, { dataDir, store, client }: BackupOptions): Promise<Opened> {
  const url = store ?? readClusterState(dataDir)?.store ?? rememberedStore(dataDir)
  if (url !== undefined) return contentsOf(await openEtcd(parseStoreLocation(url), { clock, random }))
  const dir = join(dataDir, 'store')
  if (!existsSync(join(dir, 'store.db')))
    throw new CliError(`there is no store in ${dataDir}`, { nextStep: 'name the etcd with --store where the server is given one' })
  const { openSqliteStore, StoreInUse } = await import('../../store/sqlite/sqlite-store.ts')
  try {
    return await contentsOf(await openSqliteStore({ dir, clock, log: silentLog }))
  } catch (error) {
    if (!(error instanceof StoreInUse)) throw error
    // A running server has the store for itself: it gives what is in it.
    return fetchContents(client())
  }
}

async function contentsOf(store: Store): Promise<Opened> {
  try {
    return { contents: await store.scan(''), close: () => store.close() }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function fetchContents(client: Client): Promise<Opened> {
  const ending = new AbortController()
  const { code, headers, body } = await client.raw({ method: 'GET', path: ownPaths.backup, signal: ending.signal })
  if (code >= 400) {
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    throw responseError(code, Buffer.concat(chunks).toString())
  }
  return {
    contents: { revision: Number(headers[revisionHeader]) as Revision, chunks: decodeRecords(body) },
    close: async () => ending.abort(),
  }
}
