/**
 * `work` of each: what it gives or throws, in order. Nothing is awaited where no work gives a promise, so that many that need not wait cost
 * no promises.
 */
export function settledEach<T, R>(
  things: readonly T[],
  work: (thing: T, i: number) => R | Promise<R>,
): readonly PromiseSettledResult<R>[] | Promise<readonly PromiseSettledResult<R>[]> {
  const results: (PromiseSettledResult<R> | Promise<PromiseSettledResult<R>>)[] = []
  let isWaiting = false
  for (const [i, thing] of things.entries()) {
    const one = settled(() => work(thing, i))
    if (one.status === 'rejected') results.push(one)
    else if (one.value instanceof Promise) {
      isWaiting = true
      results.push(settledLate(one.value))
    } else results.push({ status: 'fulfilled', value: one.value })
  }
  return isWaiting ? Promise.all(results.map((result) => Promise.resolve(result))) : (results as PromiseSettledResult<R>[])
}

export function settled<R>(work: () => R): PromiseSettledResult<R> {
  try {
    return { status: 'fulfilled', value: work() }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}

async function settledLate<R>(pending: Promise<R>): Promise<PromiseSettledResult<R>> {
  try {
    return { status: 'fulfilled', value: await pending }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}
