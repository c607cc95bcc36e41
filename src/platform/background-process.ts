import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'

export type BackgroundProcess = {
  readonly pid: number
  /** Resolves when it has ended, with its code or the signal's name. Never rejects; does not keep this process alive until `kill`. */
  readonly exited: Promise<{ readonly code: number | undefined; readonly signal: string | undefined }>
  kill(signal: NodeJS.Signals): void
}

/**
 * Starts a long-lived program in a session of its own (a terminal's interrupt does not reach it), its output appended to
 * `logFile`. It outlives this process and does not keep it alive. Rejects when it cannot be started.
 */
export function startBackground(
  file: string,
  args: readonly string[],
  options: { readonly logFile: string; readonly env?: Readonly<Record<string, string>>; readonly cwd?: string },
): Promise<BackgroundProcess> {
  const log = openSync(options.logFile, 'a', 0o640)
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: options.cwd ?? '/',
      ...(options.env ? { env: { ...process.env, ...options.env } } : {}),
    })
    closeSync(log)
    child.once('error', reject)
    const exited = new Promise<{ code: number | undefined; signal: string | undefined }>((resolveExit) =>
      child.once('exit', (code, signal) => resolveExit({ code: code ?? undefined, signal: signal ?? undefined })),
    )
    child.once('spawn', () => {
      child.unref()
      const kill = (signal: NodeJS.Signals) => {
        // Whoever kills waits for the end, and that wait must hold this process.
        child.ref()
        child.kill(signal)
      }
      resolve({ pid: child.pid!, exited, kill })
    })
  })
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The argument vector of a live process, or undefined when there is none: tells a reused pid from the process meant. */
export function commandLineOf(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return undefined
  }
}

/** Every process of the machine that has a command line, its arguments joined by blanks. */
export function listProcesses(): { readonly pid: number; readonly commandLine: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name)
      const commandLine = commandLineOf(pid)?.join(' ')
      return commandLine ? [{ pid, commandLine }] : []
    })
}
