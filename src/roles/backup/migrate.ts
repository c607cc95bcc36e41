/** `keelson migrate`: brings a cluster's objects from one store into another, while no server runs on either. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { CliError } from '../../cli/cli-error.ts'
import { noRevision, type Revision, type Store, StoreUnavailable } from '../../store/contract.ts'
import { copyStore } from '../../store/copy-store.ts'
import { openEtcd } from '../open-store.ts'
import { parseStoreLocation } from '../store-location.ts'

type Parts = { readonly clock: Clock; readonly random: Random }

/** Both name a store: `sqlite:DATA_DIR` or `etcd://…`. Throws CliError; the source is never changed. */
export async function migrateStore(parts: Parts, options: { from: string; to: string }): Promise<{ entries: number; revision: Revision }> {
  if (options.from === options.to)
    throw new CliError('--from and --to name the same store', { nextStep: 'name another target', exitCode: 2 })
  const from = await open(parts, options.from, { mustExist: true, startRevision: noRevision })
  try {
    const to = await open(parts, options.to, { mustExist: false, startRevision: await from.freshRevision() })
    try {
      return await copyStore(from, to)
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      throw new CliError(`cannot migrate to ${options.to}: ${(error as Error).message}`, {
        nextStep: 'give a target that was never used, such as another directory or another root in etcd',
        cause: error,
      })
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

async function open(
  { clock, random }: Parts,
  text: string,
  { mustExist, startRevision }: { mustExist: boolean; startRevision: Revision },
): Promise<Store> {
  if (!text.startsWith('sqlite:')) return openEtcd(parseStoreLocation(text), { clock, random, startRevision })
  const dir = join(text.slice('sqlite:'.length), 'store')
  if (mustExist && !existsSync(join(dir, 'store.db')))
    throw new CliError(`there is no store in ${dir}`, { nextStep: "name the cluster's data directory, as sqlite:/var/lib/keelson" })
  const { openSqliteStore } = await import('../../store/sqlite/sqlite-store.ts')
  return openSqliteStore({ dir, clock, log: silentLog, startRevision }).catch((error: unknown) => {
    throw new CliError((error as Error).message, { nextStep: 'run `keelson down` first', cause: error })
  })
}
