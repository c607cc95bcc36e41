import { pino } from 'pino'
import type { Log } from '../base/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** JSON lines on standard error, or on the file descriptor given. pino is made by the first line: a start has better things to do. */
export function pinoLog(options: { level: LogLevel; fd?: number }): Log {
  let root: Log | undefined
  return lazyLog(options.level, () => (root ??= newRoot(options)))
}

function newRoot({ level, fd = 2 }: { level: LogLevel; fd?: number }): Log {
  const root = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', 'password', 'privateKey', 'authorization', 'data'],
    },
    pino.destination({ dest: fd, sync: true }),
  )
  return root as unknown as Log
}

function lazyLog(level: LogLevel, whole: () => Log): Log {
  type Write = Log['info']
  const writing = (name: 'debug' | 'info' | 'warn' | 'error', write: Write): Write =>
    level !== 'silent' && levels.indexOf(name) >= levels.indexOf(level) ? write : () => {}
  return {
    debug: writing('debug', (fields, message) => whole().debug(fields, message)),
    info: writing('info', (fields, message) => whole().info(fields, message)),
    warn: writing('warn', (fields, message) => whole().warn(fields, message)),
    error: writing('error', (fields, message) => whole().error(fields, message)),
    child: (fields) => {
      let child: Log | undefined
      return lazyLog(level, () => (child ??= whole().child(fields)))
    },
  }
}
