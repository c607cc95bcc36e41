import { randomBytes, randomUUID } from 'node:crypto'
import { type Random, randomFrom } from '../base/random.ts'

/** Randomness of the operating system. */
export const systemRandom: Random = {
  ...randomFrom(() => randomBytes(6).readUIntBE(0, 6) / 2 ** 48),
  uuid: () => randomUUID(),
}
