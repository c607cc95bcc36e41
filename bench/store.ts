/**
 * The SQLite store by itself: durable puts a second of 2 KB values at several concurrencies, and a restart with many rows.
 * `node bench/store.ts [--rows N] [--seconds S]`; writes only below a temporary directory that it removes.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { silentLog } from '../src/base/log.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import type { Store, StoreKey } from '../src/store/contract.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { createWatchCache } from '../src/store/watch-cache.ts'

const valueBytes = 2048

export type PutFigures = { readonly concurrency: number; readonly putsPerSecond: number; readonly p50Ms: number; readonly p99Ms: number }

/** Puts new keys through `concurrency` writers, each waiting for its own, for about `seconds`. */
export async function measurePuts(store: Store, options: { concurrency: number; seconds: number; name: string }): Promise<PutFigures> {
  const { concurrency, seconds, name } = options
  const latencies: number[] = []
  const started = performance.now()
  const end = started + seconds * 1000
  let n = 0
  const writer = async () => {
    while (performance.now() < end) {
      const before = performance.now()
      const value = new Uint8Array(valueBytes).fill(n)
      await store.commit([{ type: 'put', key: `/registry/core/pods/${name}/pod-${n++}` as StoreKey, value, expected: 'absent' }])
      latencies.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, writer))
  const elapsedMs = performance.now() - started
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!
  return { concurrency, putsPerSecond: (latencies.length / elapsedMs) * 1000, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Fills the store to `rows` keys in large commits. */
export async function fill(store: Store, rows: number): Promise<void> {
  const batch = 500
  for (let i = 0; i < rows; i += batch) {
    await store.commit(
      Array.from({ length: Math.min(batch, rows - i) }, (_, n) => ({
        type: 'put' as const,
        key: `/registry/core/pods/ns-${(i + n) % 100}/pod-${i + n}` as StoreKey,
        value: new Uint8Array(valueBytes).fill(n),
        expected: 'any' as const,
      })),
    )
  }
}

async function measureRestart(dir: string): Promise<{ openMs: number; cacheMs: number; rows: number }> {
  const started = performance.now()
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
  const openMs = performance.now() - started
  const decode = (_key: StoreKey, value: Uint8Array) => value.byteLength
  const cache = await createWatchCache<number>({ store, decode, clock: systemClock })
  const cacheMs = performance.now() - started - openMs
  const rows = cache.list('').length
  await cache.close()
  await store.close()
  return { openMs, cacheMs, rows }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rows: { type: 'string', default: '150000' }, seconds: { type: 'string', default: '2' } } })
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-'))
  try {
    const started = performance.now()
    const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
    console.log(`open, empty: ${(performance.now() - started).toFixed(0)} ms`)
    for (const concurrency of [1, 64, 256]) {
      const cpu = process.cpuUsage()
      const figures = await measurePuts(store, { concurrency, seconds: Number(values.seconds), name: `c${concurrency}` })
      const used = process.cpuUsage(cpu)
      const cpuMs = (used.user + used.system) / 1000 / (figures.putsPerSecond * Number(values.seconds))
      console.log(
        `puts, ${concurrency} at a time: ${figures.putsPerSecond.toFixed(0)}/s, p50 ${figures.p50Ms.toFixed(2)} ms, p99 ${figures.p99Ms.toFixed(2)} ms, ` +
          `CPU ${cpuMs.toFixed(3)} ms a put; log ${(statSync(join(dir, 'store.db-wal')).size / 1e6).toFixed(0)} MB`,
      )
    }
    const compactStarted = performance.now()
    await store.compact(store.revision)
    console.log(`compact: ${(performance.now() - compactStarted).toFixed(0)} ms`)
    await store.close()
    const restartDir = join(dir, 'restart')
    const filled = await openSqliteStore({ dir: restartDir, clock: systemClock, log: silentLog })
    await fill(filled, Number(values.rows))
    await filled.compact(filled.revision)
    await filled.close()
    const restart = await measureRestart(restartDir)
    console.log(`restart with ${restart.rows} rows: open ${restart.openMs.toFixed(0)} ms, fill the cache ${restart.cacheMs.toFixed(0)} ms`)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

if (import.meta.main) await main()
