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
