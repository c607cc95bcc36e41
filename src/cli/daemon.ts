import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { CliError } from './cli-error.ts'
import type { Daemon } from './cluster-state.ts'

/** Starts `command` in a session of its own, its output appended to `logFile`; it outlives this process. */
export function startDaemon(options: { command: readonly string[]; logFile: string; env?: NodeJS.ProcessEnv }): Daemon {
  mkdirSync(dirname(options.logFile), { recursive: true, mode: 0o700 })
  const log = openSync(options.logFile, 'a', 0o600)
  const [file, ...args] = options.command
  const child = spawn(file!, args, { detached: true, stdio: ['ignore', log, log], env: options.env ?? process.env })
  closeSync(log)
  child.unref()
  if (child.pid === undefined) throw new CliError(`cannot start ${file}`, { nextStep: 'check that it exists and may be executed' })
  return { pid: child.pid, startTicks: startTicks(child.pid) ?? '', logFile: options.logFile }
}

/** True while that very process runs (not merely its id). */
export function isRunning(daemon: Pick<Daemon, 'pid' | 'startTicks'>): boolean {
  const ticks = startTicks(daemon.pid)
  return ticks !== undefined && ticks === daemon.startTicks
}

/** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process is gone. Idempotent. */
export async function stopDaemon(daemon: Daemon, options: { clock: Clock; graceMs: number }): Promise<void> {
  const deadline = options.clock.monotonicMs() + options.graceMs
  let isKilled = false
  if (!isRunning(daemon)) return
  process.kill(daemon.pid, 'SIGTERM')
  while (isRunning(daemon)) {
    if (!isKilled && options.clock.monotonicMs() > deadline) {
      process.kill(daemon.pid, 'SIGKILL')
      isKilled = true
    }
    await sleep(options.clock, 20)
  }
}

/** The last lines of a daemon's log: shown when it died. */
export function logTail(daemon: Daemon, lines: number): string {
  try {
    return readFileSync(daemon.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process or it is a zombie. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
