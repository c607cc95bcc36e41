/**
 * Many clients on few objects, in a cluster of this process under the virtual clock: see contention.ts for what must hold.
 * `KEELSON_CONTENTION_SEEDS=50 KEELSON_CONTENTION_ACTS=200` fights for long; contend-with-server.ts does so with a server of its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contend } from './contention.ts'
import { startContentionCluster } from './contention-cluster.ts'

const seedCount = Number(process.env.KEELSON_CONTENTION_SEEDS ?? 1)
const firstSeed = Number(process.env.KEELSON_CONTENTION_FIRST_SEED ?? 500)
const acts = Number(process.env.KEELSON_CONTENTION_ACTS ?? 50)
const clientCount = 8
/** Seeds that found something: an apply that came too late to make its object (1). */
const kept: readonly number[] = [1]

for (const seed of [...kept, ...Array.from({ length: seedCount }, (_, i) => firstSeed + i)])
  test(`whatever clients do at once, what was answered holds, and all comes to rest: seed ${seed}`, async () => {
    const world = await startContentionCluster(seed)
    const { clock } = world
    const clients = Array.from({ length: clientCount }, world.client)
    const { faults, lateWrites, events, restarts } = await world.whole(
      contend({ clients, observer: world.client(), clock, seed, acts, pauseMs: 5 }),
    )
    await world.close()
    assert.deepEqual(faults, [])
    assert.deepEqual(lateWrites, [])
    assert.deepEqual(world.logged, [])
    assert.equal(restarts, 0, 'no watch expired')
    assert.ok(events > 200, `only ${events} events`)
  })
