import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAnythingShort, judgePressure, noPressureMemory } from './pressure.ts'
import { type EvictionOptions, evictionSettings, observations, type Observations } from './thresholds.ts'

const settings: EvictionOptions = {
  hard: {},
  soft: { 'memory.available': { amount: 500 } },
  softGraceMs: { 'memory.available': 60_000 },
  minimumReclaim: { 'memory.available': { amount: 100 }, 'nodefs.available': { share: 0.05 } },
  pressureTransitionMs: 30_000,
}
const memory = (available: number): Observations => ({ 'memory.available': { available, capacity: 10_000_000_000 } })
const ample = 1_000_000_000

type Look = {
  readonly atMs: number
  readonly observed: Observations
  readonly pressure?: readonly string[]
  readonly due?: readonly string[]
}

/** Looks one after the other; what each tells and asks for. */
function check(title: string, given: EvictionOptions, looks: readonly Look[]): void {
  test(title, () => {
    let kept = noPressureMemory
    for (const { atMs, observed, pressure = [], due = [] } of looks) {
      const verdict = judgePressure(observed, evictionSettings(given), { memory: kept, atMs })
      kept = verdict.memory
      const names = Object.entries(verdict.pressure).flatMap(([name, isTold]) => (isTold ? [name] : []))
      assert.deepEqual({ atMs, names, due: verdict.due.map((d) => d.signal) }, { atMs, names: pressure, due })
    }
  })
}

check('a hard bound asks for an eviction at once, and is told for the transition period after', { ...settings, soft: {} }, [
  { atMs: 0, observed: memory(ample) },
  { atMs: 10_000, observed: memory(5), pressure: ['memory'], due: ['memory.available'] },
  { atMs: 20_000, observed: memory(ample), pressure: ['memory'] },
  { atMs: 39_999, observed: memory(ample), pressure: ['memory'] },
  { atMs: 40_000, observed: memory(ample) },
])

const hardOff = { ...settings, hard: { 'memory.available': { amount: 0 } } }
check('a soft bound is told at once, and asks for an eviction when it has lasted', hardOff, [
  { atMs: 0, observed: memory(400), pressure: ['memory'] },
  { atMs: 59_999, observed: memory(400), pressure: ['memory'] },
  { atMs: 60_000, observed: memory(400), pressure: ['memory'], due: ['memory.available'] },
])
check('its time begins anew when it was not met in between', hardOff, [
  { atMs: 0, observed: memory(400), pressure: ['memory'] },
  { atMs: 50_000, observed: memory(600) },
  { atMs: 70_000, observed: memory(400), pressure: ['memory'] },
  { atMs: 130_000, observed: memory(400), pressure: ['memory'], due: ['memory.available'] },
])
check('what is due stays so until the minimum is reclaimed, too', hardOff, [
  { atMs: 0, observed: memory(400), pressure: ['memory'] },
  { atMs: 60_000, observed: memory(400), pressure: ['memory'], due: ['memory.available'] },
  { atMs: 70_000, observed: memory(599), pressure: ['memory'], due: ['memory.available'] },
  { atMs: 80_000, observed: memory(600), pressure: ['memory'] },
])
check('memory comes before disk, and disk before process ids; what nobody knows is never short', {}, [
  {
    atMs: 0,
    observed: {
      'pid.available': { available: 1, capacity: 100 },
      'imagefs.inodesFree': { available: 4, capacity: 100 },
      'nodefs.inodesFree': { available: 4, capacity: 100 },
      'memory.available': { available: 1, capacity: 100 },
    },
    pressure: ['memory', 'disk', 'processes'],
    due: ['memory.available', 'nodefs.inodesFree', 'imagefs.inodesFree', 'pid.available'],
  },
  { atMs: 400_000, observed: {} },
])

test('after a reclaim the minimum counts for every bound', () => {
  const eviction = evictionSettings({ minimumReclaim: settings.minimumReclaim! })
  const disk = (available: number): Observations => ({ 'nodefs.available': { available, capacity: 100 } })
  assert.deepEqual(
    [14, 15].map((available) => isAnythingShort(disk(available), eviction)),
    [true, false],
  )
})

test('a machine tells what it knows', () => {
  const known = { memoryAvailableBytes: 3, diskAvailableBytes: undefined, diskCapacityBytes: 9, cpuNanoseconds: undefined }
  const use = { ...known, diskInodesFree: 0, diskInodes: 0, processCount: 7, processCountMax: 10 }
  assert.deepEqual(observations(use, 8), {
    'memory.available': { available: 3, capacity: 8 },
    'pid.available': { available: 3, capacity: 10 },
  })
})
