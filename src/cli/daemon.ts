import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { CliError } from './cli-error.ts'
import type { Daemon } from './cluster-state.ts'

/** Starts `command` in a session of its own, its output appended to `logFile`; it outlives this process. */
export function startDaemon(options: { command: readonly string[]; logFile: string; env?: NodeJS.ProcessEnv }): Daemon {
  mkdirSync(dirname(options.logFile), { recursive: true, mode: 0o700 })
  const log = openSync(options.logFile, 'a', 0o600)
  const logStart = fstatSync(log).size
  const [file, ...args] = options.command
  const child = spawn(file!, args, { detached: true, stdio: ['ignore', log, log], env: options.env ?? process.env })
  closeSync(log)
  child.unref()
  if (child.pid === undefined) throw new CliError(`cannot start ${file}`, { nextStep: 'check that it exists and may be executed' })
  return { pid: child.pid, startTicks: startTicks(child.pid) ?? '', logFile: options.logFile, logStart }
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

/** Where the log of a daemon that ended is, and its last lines since its start, stack traces left out; without any, how full the disk is. */
export function endOfLog({ logFile, logStart = 0 }: Daemon, linesMax = 5): string {
  let lines: string[] = []
  try {
    const text = readFileSync(logFile).subarray(logStart).toString()
    lines = text
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^ +at /.test(line))
      .slice(-linesMax)
  } catch {
    // No log is as one without lines.
  }
  if (lines.length > 0) return `its log ${logFile} ends with\n${lines.map((line) => `  ${line}`).join('\n')}`
  return `it left no word in ${logFile}${freeSpace(dirname(logFile))}`
}

function freeSpace(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return `; that disk has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB free`
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
