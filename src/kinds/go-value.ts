import type { LabelSelector } from './generated/types/meta-v1.ts'

/** Values as upstream writes them into messages: maps by key, structs in the order of their fields. */

export function mapValue<T>(map: Readonly<Record<string, T>> | undefined): Readonly<Record<string, T>> | null {
  if (!map) return null
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

export function selectorValue(selector: LabelSelector | undefined): object | null {
  if (!selector) return null
  const { matchLabels, matchExpressions } = selector
  return {
    ...(matchLabels ? { matchLabels: mapValue(matchLabels) } : {}),
    ...(matchExpressions
      ? { matchExpressions: matchExpressions.map(({ key, operator, values }) => ({ key, operator, ...(values ? { values } : {}) })) }
      : {}),
  }
}
