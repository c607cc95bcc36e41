import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../base/log.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { describeStore, type StoreUnderTest } from '../conformance.ts'
import { openSqliteStore } from './sqlite-store.ts'

async function open(dir: string): Promise<StoreUnderTest> {
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
  return {
    store,
    reopen: async () => {
      await store.close()
      return open(dir)
    },
    dispose: async () => {
      await store.close()
      await rm(dir, { recursive: true })
    },
  }
}

describeStore('sqlite', async () => open(await mkdtemp(join(tmpdir(), 'keelson-store-'))), { runs: 15, isDurable: true })
