import { deepEqual } from '../machinery/deep-equal.ts'

const differencesMax = 10

/** The paths at which two JSON values differ, with both values, one a line: what a refusal of an update shows its reader. */
export function specDiff(old: unknown, next: unknown): string {
  const lines: string[] = []
  collect(old, next, '', lines)
  if (lines.length > differencesMax) lines.splice(differencesMax, lines.length, `… and ${lines.length - differencesMax} more`)
  return lines.join('\n')
}

function collect(old: unknown, next: unknown, path: string, lines: string[]): void {
  if (deepEqual(old, next)) return
  if (isObject(old) && isObject(next)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(next)])
    for (const key of keys) collect(old[key], next[key], path === '' ? key : `${path}.${key}`, lines)
  } else if (Array.isArray(old) && Array.isArray(next)) {
    for (let i = 0; i < Math.max(old.length, next.length); i++) collect(old[i], next[i], `${path}[${i}]`, lines)
  } else {
    lines.push(`  ${path}: ${show(old)} -> ${show(next)}`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  return value === undefined ? '(absent)' : JSON.stringify(value)
}
