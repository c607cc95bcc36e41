import type { Random } from './random.ts'

export type BackoffOptions = {
  readonly initialMs: number
  readonly maxMs: number
  /** Growth per failure, ≥ 1. */
  readonly factor: number
  /** Share of the delay that is drawn at random, in [0, 1]. */
  readonly jitter: number
}

/** The delay before attempt `failures + 1` (failures ≥ 0): exponential, capped, jittered upwards. */
export function backoffMs(options: BackoffOptions, failures: number, random: Random): number {
  const base = Math.min(options.maxMs, options.initialMs * options.factor ** Math.min(failures, 64))
  return Math.min(options.maxMs, base * (1 + options.jitter * random.next()))
}
