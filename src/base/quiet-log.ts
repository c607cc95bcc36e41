import type { Clock } from './clock.ts'
import type { Log, LogFields } from './log.ts'

const keptMax = 1_000

/**
 * A log that writes the same warning or error at most once in `periodMs`, with the number of those left out in between: for loops that
 * go on trying. Two lines are the same when message and fields are. Children share the count of what was said.
 */
export function quietLog(log: Log, clock: Clock, periodMs: number): Log {
  const said = new Map<string, { atMs: number; repeats: number }>()
  const wrap = (inner: Log, where: string): Log => {
    const write = (level: 'warn' | 'error') => (fields: LogFields, message: string) => {
      const key = `${where}\n${level}\n${message}\n${textOf(fields)}`
      const nowMs = clock.monotonicMs()
      const before = said.get(key)
      if (before && nowMs - before.atMs < periodMs) {
        before.repeats++
        return
      }
      said.delete(key)
      said.set(key, { atMs: nowMs, repeats: 0 })
      if (said.size > keptMax) said.delete(said.keys().next().value!)
      inner[level](before && before.repeats > 0 ? { ...fields, repeats: before.repeats } : fields, message)
    }
    return {
      debug: (fields, message) => inner.debug(fields, message),
      info: (fields, message) => inner.info(fields, message),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => wrap(inner.child(fields), `${where}\n${textOf(fields)}`),
    }
  }
  return wrap(log, '')
}

function textOf(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value instanceof Error ? value.message : JSON.stringify(value)}`)
    .join(' ')
}
