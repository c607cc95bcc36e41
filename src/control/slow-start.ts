/**
 * Calls `act` `count` times in batches of 1, 2, 4, … calls at once, and stops after the first batch with a failure: when the
 * API refuses everything (a quota, an admission rule) few useless calls are made.
 */
export async function slowStart(
  count: number,
  act: (index: number) => Promise<void>,
): Promise<{ readonly done: number; readonly error: unknown }> {
  let next = 0
  let done = 0
  for (let size = Math.min(1, count); size > 0; size = Math.min(2 * size, count - next)) {
    const batch = Array.from({ length: size }, (_, i) => act(next + i))
    next += size
    const results = await Promise.allSettled(batch)
    const failed = results.find((result) => result.status === 'rejected')
    done += results.filter((result) => result.status === 'fulfilled').length
    if (failed) return { done, error: failed.reason }
  }
  return { done, error: undefined }
}
