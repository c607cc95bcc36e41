import { sleep } from '../base/clock.ts'
import { CliError } from './cli-error.ts'
import { readClusterState } from './cluster-state.ts'
import { endOfLog, isRunning } from './daemon.ts'
import { down } from './down.ts'
import type { Machine } from './machine.ts'

const lookEveryMs = 1000

/** Stays until a signal comes, then brings the cluster down; fails when the server dies meanwhile. */
export async function runForeground(machine: Machine, request: { dataDir: string }): Promise<void> {
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  machine.console.say('in the foreground: Ctrl-C brings the cluster down')
  try {
    while (!stop.signal.aborted) {
      const state = readClusterState(request.dataDir)
      if (!state) return
      if (!isRunning(state.server)) throw new CliError('the server stopped', { nextStep: endOfLog(state.server) })
      await sleep(machine.clock, lookEveryMs, stop.signal).catch(() => {})
    }
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  await down(machine, { dataDir: request.dataDir, isDelete: false })
}
