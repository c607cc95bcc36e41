/** Durations as Go writes and reads them: `1h2m3.5s`, `300ms`, `0s`. */

const unitNanos: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** Nanoseconds; undefined for text that is no duration. */
export function parseGoDuration(text: string): number | undefined {
  const match = /^([-+]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/.exec(text)
  if (text === '0') return 0
  if (!match || /^[-+]?$/.test(text)) return undefined
  let nanos = 0
  for (const [, number, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) nanos += Number(number) * unitNanos[unit!]!
  return Math.round(text.startsWith('-') ? -nanos : nanos)
}

export function formatGoDuration(nanos: number): string {
  if (nanos === 0) return '0s'
  const sign = nanos < 0 ? '-' : ''
  const rest = Math.abs(nanos)
  if (rest < 1e3) return `${sign}${rest}ns`
  if (rest < 1e6) return `${sign}${rest / 1e3}µs`
  if (rest < 1e9) return `${sign}${rest / 1e6}ms`
  const hours = Math.floor(rest / 3600e9)
  const minutes = Math.floor((rest % 3600e9) / 60e9)
  const seconds = (rest % 60e9) / 1e9
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

/** What Go says of a text that is no duration. */
export function goDurationFault(text: string): string {
  const [, rest = ''] = /^[-+]?(.*)$/s.exec(text) ?? []
  for (let at = rest; at !== ''; ) {
    const [, number = '', unit = ''] = /^(\d*\.?\d*)([^\d.]*)/.exec(at) ?? []
    if (!/\d/.test(number)) break
    if (unit === '') return `time: missing unit in duration ${JSON.stringify(text)}`
    if (unitNanos[unit] === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`
    at = at.slice(number.length + unit.length)
  }
  return `time: invalid duration ${JSON.stringify(text)}`
}
