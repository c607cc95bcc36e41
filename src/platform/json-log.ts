import { writeSync } from 'node:fs'
import type { Log, LogFields } from '../base/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** By the numbers that readers of such lines (pino's, bunyan's) know. */
const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const

/** Fields that are never shown, should one get here. */
const secretFields = new Set(['token', 'password', 'privateKey', 'authorization', 'data'])

/** A reader that does not read is waited for so often, so long each; then the line is lost. */
const waitsMax = 100
const waitMs = 5

/** Lines of JSON on standard error, or on the file descriptor given; each is written when the call returns. */
export function jsonLog({ level, fd = 2 }: { readonly level: LogLevel; readonly fd?: number }): Log {
  const leastNumber = level === 'silent' ? Number.POSITIVE_INFINITY : levels[level]
  const withFields = (bound: string): Log => {
    const writing = (name: keyof typeof levels): Log['info'] => {
      if (levels[name] < leastNumber) return () => {}
      const head = `{"level":${levels[name]},"time":"`
      return (fields, message) =>
        write(fd, `${head}${new Date().toISOString()}"${bound}${fieldsText(fields)},"msg":${JSON.stringify(message)}}\n`)
    }
    return {
      debug: writing('debug'),
      info: writing('info'),
      warn: writing('warn'),
      error: writing('error'),
      child: (fields) => withFields(bound + fieldsText(fields)),
    }
  }
  return withFields('')
}

function fieldsText(fields: LogFields): string {
  let text = ''
  for (const name in fields) {
    const value = valueText(secretFields.has(name) ? '[Redacted]' : fields[name])
    if (value !== undefined) text += `,${JSON.stringify(name)}:${value}`
  }
  return text
}

/** Undefined for what JSON leaves out. */
function valueText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value instanceof Error ? (value.stack ?? String(value)) : value)
  } catch {
    // It refers to itself, or has a number that JSON has not.
    return JSON.stringify(String(value))
  }
}

function write(fd: number, line: string): void {
  let rest = Buffer.from(line)
  for (let waits = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      // Whoever read them has gone, or a disk is full: a log never ends its process.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waits++ === waitsMax) return
      Atomics.wait(sleeper, 0, 0, waitMs)
    }
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))
