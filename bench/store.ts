/**
 * The stores by themselves: durable puts a second of 2 KB values at several concurrencies, and a restart with many rows.
 * Writes only below a temporary directory that it removes.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../src/base/log.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import type { Store, StoreKey } from '../src/store/contract.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { createWatchCache } from '../src/store/watch-cache.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, percentile, report } from './measure.ts'

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
  return {
    concurrency,
    putsPerSecond: (latencies.length / elapsedMs) * 1000,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
  }
}

/** Fills the store to `rows` keys in large commits. */
export async function fill(store: Store, rows: number): Promise<void> {
  const batch = 100
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

export async function storeSuite({ isQuick }: SuiteOptions): Promise<void> {
  const [seconds, rows] = isQuick ? [0.5, 20_000] : [2, 150_000]
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-'))
  try {
    report('store: durable puts of 2 KB, SQLite', await putFigures(join(dir, 'puts'), seconds))
    report('store: durable puts of 2 KB, an etcd of three members on this machine', await etcdFigures(seconds))
    report(`store: restart with ${rows} rows of 2 KB`, await restartFigures(join(dir, 'restart'), rows))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function putFigures(dir: string, seconds: number): Promise<Figure[]> {
  const started = performance.now()
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
  const opened: Figure = { name: 'open, empty', value: performance.now() - started, unit: 'ms', better: 'lower' }
  const figures = await putRates(store, { seconds, goal: 10_000 })
  const wal: Figure = {
    name: 'write-ahead log',
    value: statSync(join(dir, 'store.db-wal')).size / 1e6,
    unit: 'MB',
    goal: 64,
    better: 'lower',
  }
  await store.close()
  return [opened, ...figures, wal]
}

/** The members sync as they do in production; they share one disk and these cores, so the figure is the least to expect. */
async function etcdFigures(seconds: number): Promise<Figure[]> {
  const [{ startEtcdCluster }, { openEtcdStore }] = await Promise.all([
    import('../test/integration/etcd-cluster.ts'),
    import('../src/store/etcd/etcd-store.ts'),
  ])
  const etcd = await startEtcdCluster({ members: 3 })
  try {
    const { endpoints } = etcd
    const store = await openEtcdStore({ endpoints, tls: undefined, root: '/bench', clock: systemClock, random: systemRandom })
    const figures = await putRates(store, { seconds, goal: undefined })
    await store.close()
    return figures
  } finally {
    await etcd.close()
  }
}

async function putRates(store: Store, { seconds, goal: wanted }: { seconds: number; goal: number | undefined }): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const concurrency of [1, 64, 256]) {
    const { putsPerSecond, p50Ms, p99Ms } = await measurePuts(store, { concurrency, seconds, name: `c${concurrency}` })
    const at = `${concurrency} at a time`
    const goal = concurrency === 1 || wanted === undefined ? {} : { goal: wanted }
    figures.push({ name: `puts, ${at}`, value: putsPerSecond, unit: '/s', better: 'higher', ...goal })
    figures.push({ name: `p50, ${at}`, value: p50Ms, unit: 'ms', better: 'lower' })
    figures.push({ name: `p99, ${at}`, value: p99Ms, unit: 'ms', better: 'lower' })
  }
  return figures
}

async function restartFigures(dir: string, rows: number): Promise<Figure[]> {
  const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
  await fill(store, rows)
  await store.compact(store.revision)
  await store.close()
  const { openMs, cacheMs, rows: found } = await measureRestart(dir)
  if (found !== rows) throw new Error(`${found} of ${rows} rows came back`)
  return [
    { name: 'open: every key known', value: openMs, unit: 'ms', better: 'lower' },
    { name: 'watch cache filled', value: openMs + cacheMs, unit: 'ms', better: 'lower' },
  ]
}
