import type { Clock } from '../base/clock.ts'

/** Answers of others that are good for a while. Full, it drops what was used least lately. */
export type ExpiringCache<V> = { get(key: string): V | undefined; set(key: string, value: V, ttlMs: number): void }

export function createExpiringCache<V>({ clock, entriesMax }: { readonly clock: Clock; readonly entriesMax: number }): ExpiringCache<V> {
  const entries = new Map<string, { readonly value: V; readonly untilMs: number }>()
  return {
    get: (key) => {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      if (entry.untilMs <= clock.monotonicMs()) return undefined
      entries.set(key, entry)
      return entry.value
    },
    set: (key, value, ttlMs) => {
      if (ttlMs <= 0) return
      entries.delete(key)
      if (entries.size >= entriesMax) entries.delete(entries.keys().next().value!)
      entries.set(key, { value, untilMs: clock.monotonicMs() + ttlMs })
    },
  }
}
