/**
 * The moment before a machine stops, from systemd-logind, by the programs that systemd brings: a delay lock holds the machine back until what
 * must end has ended, or until logind's patience is over. https://www.freedesktop.org/wiki/Software/systemd/inhibit/
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { runProgramChecked } from './run-program.ts'
import { writeTextFile } from './text-file.ts'

export type LogindOptions = {
  /** How long the machine shall be held back at most. */
  readonly seconds: number
  readonly clock: Clock
  readonly log: Log
  /** True: the machine is about to stop; it is held back until this resolves. False: it is not after all. */
  readonly tell: (isComing: boolean) => Promise<void>
  /** How `busctl` reaches the bus; default: the system's. */
  readonly bus?: readonly string[]
}

const restartMs = 1_000
const timeoutMs = 10_000
const lineBytesMax = 64 * 1024
const delayFile = '/etc/systemd/logind.conf.d/99-keelson.conf'
const manager = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const

/** Whether this machine was started by systemd. */
export function hasSystemd(): boolean {
  return existsSync('/run/systemd/system')
}

/** Takes the lock, and tells of every shutdown that is asked for and taken back. What it gives back ends it. */
export function watchLogind(options: LogindOptions): () => void {
  const { log, tell } = options
  let lock: ChildProcess | undefined
  let isEnded = false
  const release = () => {
    lock?.stdin?.end()
    lock = undefined
  }
  const hold = () => {
    if (isEnded || lock) return
    lock = takeLock(log)
  }
  void prolong(options).then(hold, (error: unknown) => {
    log.warn({ error: String(error) }, 'logind may not wait as long as the pods need to end')
    hold()
  })
  const end = watchShutdownSignal(options, (isComing) => {
    void tell(isComing)
      .catch((error: unknown) => log.error({ error: String(error) }, 'the shutdown of the machine could not be followed'))
      .then(isComing ? release : hold)
  })
  return () => {
    isEnded = true
    end()
    release()
  }
}

/** Held until its input ends, which it does with this process, too. */
function takeLock(log: Log): ChildProcess {
  const args = ['--what=shutdown', '--mode=delay', '--who=keelson', '--why=Pods need time to end before the machine stops', 'cat']
  const child = spawn('systemd-inhibit', args, { stdio: ['pipe', 'ignore', 'ignore'] })
  child.on('error', (error) => log.warn({ error: error.message }, 'the machine cannot be held back when it stops'))
  child.stdin.on('error', () => {})
  child.unref()
  return child
}

/** Tells of logind's word, and asks the bus anew when that breaks. */
export function watchShutdownSignal(
  { clock, log, bus = ['--system'] }: Pick<LogindOptions, 'clock' | 'log' | 'bus'>,
  onSignal: (isComing: boolean) => void,
): () => void {
  const match = `type='signal',interface='${manager[2]}',member='PrepareForShutdown'`
  let child: ChildProcess | undefined
  let cancel: (() => void) | undefined
  let isEnded = false
  const start = () => {
    const monitor = spawn('busctl', [...bus, '--json=short', `--match=${match}`, 'monitor'], { stdio: ['ignore', 'pipe', 'ignore'] })
    child = monitor
    monitor.unref()
    let text = ''
    monitor.stdout.setEncoding('utf8').on('data', (more: string) => {
      const lines = (text + more).split('\n')
      text = (lines.pop() ?? '').slice(-lineBytesMax)
      for (const line of lines) {
        const isComing = shutdownOf(line)
        if (isComing !== undefined) onSignal(isComing)
      }
    })
    const again = (error?: Error) => {
      if (isEnded || child !== monitor) return
      child = undefined
      log.warn({ error: error?.message }, 'the system bus tells nothing of shutdowns; trying again')
      cancel = clock.schedule(restartMs, start)
    }
    monitor.on('error', again).on('close', () => again())
  }
  start()
  return () => {
    isEnded = true
    cancel?.()
    child?.kill('SIGTERM')
  }
}

/** What a line of `busctl --json=short monitor` says of a shutdown; undefined: nothing. */
export function shutdownOf(line: string): boolean | undefined {
  if (!line.includes('PrepareForShutdown')) return undefined
  try {
    const { member, payload } = JSON.parse(line) as { member?: unknown; payload?: { data?: readonly unknown[] } }
    const [isComing] = payload?.data ?? []
    return member === 'PrepareForShutdown' && typeof isComing === 'boolean' ? isComing : undefined
  } catch {
    return undefined
  }
}

/** Has logind wait longer where it would not wait long enough. */
async function prolong({ seconds, bus = ['--system'] }: LogindOptions): Promise<void> {
  const delayUs = async () => {
    const stdout = await runProgramChecked('busctl', [...bus, 'get-property', ...manager, 'InhibitDelayMaxUSec'], { timeoutMs })
    return Number(stdout.split(' ')[1])
  }
  if ((await delayUs()) >= seconds * 1e6) return
  writeTextFile(delayFile, `# Pods need so long to end before the machine stops.\n[Login]\nInhibitDelayMaxSec=${seconds}\n`, 0o644)
  const systemd = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager']
  // It reads its configuration anew at a SIGHUP.
  await runProgramChecked('busctl', [...bus, 'call', ...systemd, 'KillUnit', 'ssi', 'systemd-logind.service', 'all', '1'], { timeoutMs })
}
