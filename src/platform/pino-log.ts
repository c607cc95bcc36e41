import { pino } from 'pino'
import type { Log } from '../base/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on standard error, or on the file descriptor given. */
export function pinoLog(options: { level: LogLevel; fd?: number }): Log {
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', 'password', 'privateKey', 'authorization', 'data'],
    },
    pino.destination({ dest: options.fd ?? 2, sync: true }),
  )
  return root as unknown as Log
}
