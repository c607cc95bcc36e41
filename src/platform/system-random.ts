import { randomFillSync, randomUUID } from 'node:crypto'
import { type Random, randomFrom } from '../base/random.ts'

const drawBytes = 6
/** Asking the operating system costs microseconds, however little is asked for. */
const pool = Buffer.alloc(drawBytes * 512)
let used = pool.length

function next(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += drawBytes
  return pool.readUIntBE(used - drawBytes, drawBytes) / 2 ** 48
}

/** Randomness of the operating system. */
export const systemRandom: Random = { ...randomFrom(next), uuid: () => randomUUID() }
