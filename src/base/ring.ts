/** Keeps the last `max` things it is called with; `letGo` hears of the oldest when there is no room for another. */
export function createRing<T>(max: number, letGo: (oldest: T) => void): (thing: T) => void {
  const things: T[] = []
  let next = 0
  return (thing) => {
    const oldest = things[next]
    if (oldest !== undefined && oldest !== thing) letGo(oldest)
    things[next] = thing
    next = (next + 1) % max
  }
}
