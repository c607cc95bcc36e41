/**
 * Whatever is sent to the API server: it answers, below 500, soon, with a body of the form it says; nothing else is harmed, and
 * the loops that live off the stored objects do not stumble over what it let in. `KEELSON_FUZZ_RUNS=20000` runs for long.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { seededRandom } from '../../src/base/random.ts'
import { type FuzzCluster, startFuzzCluster } from './fuzz-cluster.ts'
import { makeRequest } from './request-maker.ts'

const runs = Number(process.env.KEELSON_FUZZ_RUNS ?? 600)
const seed = Number(process.env.KEELSON_FUZZ_SEED ?? 20_260_101)
const requestsPerRun = 8
/** Runs that found something: a badly escaped header (16), roles that aggregate each other (1144), no containers (201746). */
const kept: readonly number[] = [16, 1144, 201_746]

let cluster: FuzzCluster
before(async () => {
  cluster = await startFuzzCluster()
})
after(() => cluster.close())

async function run(number: number): Promise<void> {
  // What an earlier failure left is not this run's.
  await cluster.assertUnharmed().catch(() => {})
  const random = seededRandom(number)
  for (let i = 0; i < requestsPerRun; i++) await cluster.send(makeRequest(random))
  await cluster.clock.advance(500)
  await cluster.assertUnharmed()
}

test('whatever comes in is answered well', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), run), {
    numRuns: runs,
    seed,
    endOnFailure: true,
    examples: kept.map((number): [number] => [number]),
  })
})

test('the loops of the cluster live with all that was let in', async () => {
  await cluster.clock.advance(600_000)
  await cluster.assertUnharmed()
  const before = cluster.writes()
  await cluster.clock.advance(60_000)
  // Leases, heartbeats and containers that crash again; loops that never come to rest write hundreds a second.
  assert.ok(cluster.writes() - before < 600, `${cluster.writes() - before} writes in a minute of rest`)
})

test('memory does not grow with the number of requests', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heapMb = async () => {
    await cluster.clock.advance(1_000)
    collect()
    collect()
    return process.memoryUsage().heapUsed / 2 ** 20
  }
  const random = seededRandom(seed)
  // The same few hundred requests again and again: what is stored stays about the same, so growth would be a leak.
  const requests = Array.from({ length: 400 }, () => makeRequest(random)).filter(({ url }) => !url.includes('watch'))
  const rounds = Math.ceil(Number(process.env.KEELSON_FUZZ_MEMORY_REQUESTS ?? 6_000) / requests.length)
  for (let i = 0; i < 3; i++) for (const request of requests) await cluster.send(request)
  const before = await heapMb()
  for (let i = 0; i < rounds; i++) for (const request of requests) await cluster.send(request)
  const grownMb = (await heapMb()) - before
  assert.ok(grownMb < 30, `${grownMb.toFixed(1)} MiB more after ${rounds * requests.length} requests`)
})
