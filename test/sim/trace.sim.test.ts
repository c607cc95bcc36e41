import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSameEnd, assertTidy, endState } from './end-state.ts'
import { busyLife } from './scenario.ts'
import { inWorld, type TraceEvent, type WorldOptions } from './sim-world.ts'

const rates = { conflict: 0.05, before: 0.05, after: 0.05, read: 0.05, watch: 0.02, lag: 0.05 }

function traceOf(options: WorldOptions): Promise<{ trace: readonly TraceEvent[]; end: string[] }> {
  return inWorld(options, async (world) => {
    await busyLife(world, 3_000)
    world.faults.stop()
    await world.untilQuiet()
    await assertTidy(world)
    return { trace: world.trace, end: endState(world) }
  })
}

function assertSame(one: readonly TraceEvent[], other: readonly TraceEvent[]): void {
  const differs = one.findIndex((event, i) => JSON.stringify(event) !== JSON.stringify(other[i]))
  // The first difference tells more than two whole traces.
  if (differs >= 0) assert.deepEqual(other[differs], one[differs], `event ${differs} of ${one.length}`)
  assert.equal(other.length, one.length)
}

for (const { title, options } of [
  { title: 'undisturbed', options: {} },
  { title: 'under faults and crashes', options: { faults: rates, crashAfterWrites: [60, 150, 300] } },
]) {
  test(`the same seed gives the same trace, to the byte: ${title}`, async () => {
    const first = await traceOf({ seed: 7, ...options })
    const second = await traceOf({ seed: 7, ...options })
    assert.ok(first.trace.length > 500, `only ${first.trace.length} events`)
    assertSame(first.trace, second.trace)
  })
}

test('another seed gives another trace and the same end', async () => {
  const first = await traceOf({ seed: 1 })
  const second = await traceOf({ seed: 2 })
  assert.notDeepEqual(first.trace.at(-1), second.trace.at(-1))
  assertSameEnd(second.end, first.end)
})
