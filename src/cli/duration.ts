import { CliError } from './cli-error.ts'

const secondsPerUnit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `90`, `90s`, `15m`, `24h`, `7d` or sums such as `1h30m` → seconds (> 0). */
export function parseDurationSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhd]?)/g)]
  const isWhole = parts.length > 0 && parts.map((p) => p[0]).join('') === text
  const seconds = parts.reduce((sum, [, n, unit]) => sum + Number(n) * secondsPerUnit[unit || 's']!, 0)
  if (!isWhole || seconds <= 0)
    throw new CliError(`"${text}" is not a duration`, { nextStep: 'write it like 90s, 15m, 24h or 7d', exitCode: 2 })
  return seconds
}

/** Seconds (≥ 0) → `24h`, `1h30m`, `90s` → `1m30s`: as it is written on the command line. */
export function formatDuration(seconds: number): string {
  const parts: string[] = []
  let left = Math.round(seconds)
  for (const [unit, size] of [
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join('') || '0s'
}
