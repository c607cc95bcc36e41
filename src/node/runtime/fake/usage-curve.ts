/** What a simulated container uses at an age of its own. */
export type UsagePoint = { readonly atMs: number; readonly cpuMilli: number; readonly memoryBytes: number }

/**
 * Use over a container's life: straight lines between points in ascending order of `atMs`, level before the first and after the
 * last. With `periodMs` (> 0, at least the last point's time) the curve begins anew each time that it has passed.
 */
export type UsageCurve = { readonly points: readonly UsagePoint[]; readonly periodMs?: number | undefined }

/** What it uses at this age; an empty curve uses nothing. */
export function usageAt({ points, periodMs }: UsageCurve, ageMs: number): { readonly cpuMilli: number; readonly memoryBytes: number } {
  const atMs = periodMs === undefined ? ageMs : ageMs % periodMs
  const next = points.findIndex((point) => point.atMs > atMs)
  const before = points[next === -1 ? points.length - 1 : Math.max(0, next - 1)]
  const after = points[next]
  if (!before) return { cpuMilli: 0, memoryBytes: 0 }
  if (!after || after === before) return before
  const share = (atMs - before.atMs) / (after.atMs - before.atMs)
  const between = (from: number, to: number) => from + (to - from) * share
  return { cpuMilli: between(before.cpuMilli, after.cpuMilli), memoryBytes: Math.round(between(before.memoryBytes, after.memoryBytes)) }
}

/** The area below the CPU curve from birth to this age, in milli-CPU × milliseconds. */
export function cpuWork(curve: UsageCurve, ageMs: number): number {
  const { periodMs } = curve
  if (periodMs === undefined) return workOfOne(curve, ageMs)
  const whole = Math.floor(ageMs / periodMs)
  return (whole === 0 ? 0 : whole * workOfOne(curve, periodMs)) + workOfOne(curve, ageMs - whole * periodMs)
}

/** Within one period; its corners are where the area's pieces meet. */
function workOfOne({ points }: UsageCurve, endMs: number): number {
  const level = { points }
  const corners = [0, ...points.map((point) => point.atMs).filter((atMs) => atMs > 0 && atMs < endMs), endMs]
  let work = 0
  for (let i = 1; i < corners.length; i++) {
    const [from, to] = [corners[i - 1]!, corners[i]!]
    work += ((usageAt(level, from).cpuMilli + usageAt(level, to).cpuMilli) / 2) * (to - from)
  }
  return work
}
