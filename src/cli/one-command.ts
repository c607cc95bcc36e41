import { join } from 'node:path'
import { sleep } from '../base/clock.ts'
import { type FileLock, tryFileLock } from '../platform/file-lock.ts'
import { CliError } from './cli-error.ts'
import { makeDataDir } from './data-dir.ts'
import type { Machine } from './machine.ts'

/** In the data directory. */
export const commandLockFile = 'command.lock'
const lookEveryMs = 100
const waitMsMax = 300_000

/** `up` and `down` of a data directory come one after the other, whoever calls them: does the work while no other is at work there. */
export async function asOnlyCommand<T>({ clock, console }: Machine, dataDir: string, work: () => Promise<T>): Promise<T> {
  const deadline = clock.monotonicMs() + waitMsMax
  let isSaid = false
  for (;;) {
    const lock = await lockOf(dataDir)
    if (lock)
      try {
        return await work()
      } finally {
        lock.release()
      }
    if (clock.monotonicMs() > deadline)
      throw new CliError(`another \`keelson\` command is at work in ${dataDir}`, { nextStep: 'wait for its end, or end it' })
    if (!isSaid) console.say(`waiting for another \`keelson\` command that is at work in ${dataDir} …`)
    isSaid = true
    await sleep(clock, lookEveryMs)
  }
}

async function lockOf(dataDir: string): Promise<FileLock | undefined> {
  makeDataDir(dataDir)
  try {
    return await tryFileLock(join(dataDir, commandLockFile))
  } catch (error) {
    throw new CliError(`cannot write into ${dataDir}`, { nextStep: (error as Error).message, cause: error })
  }
}
