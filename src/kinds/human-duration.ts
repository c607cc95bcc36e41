/**
 * A duration as kubectl prints ages: at most two units, the finer the younger (`45s`, `3m20s`, `5h12m`, `2d4h`, `400d`, `2y30d`).
 * Up to two seconds of clock skew into the future count as zero; more is `<invalid>`.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (hours < 192) return two(days, 'd', hours % 24, 'h')
  if (hours < 24 * 365 * 2) return `${days}d`
  const years = Math.floor(days / 365)
  return hours < 24 * 365 * 8 ? two(years, 'y', days % 365, 'd') : `${years}y`
}

/** Age of an RFC 3339 time, or `<unknown>` without one. */
export function age(time: string | undefined | null, nowMs: number): string {
  if (!time) return '<unknown>'
  const at = Date.parse(time)
  return Number.isNaN(at) ? '<unknown>' : humanDuration(nowMs - at)
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`
}
