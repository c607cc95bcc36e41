import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ShutdownSource } from '../../node/shutdown/node-shutdown.ts'
import type { ShutdownPeriod } from '../../node/shutdown/plan-shutdown.ts'
import { hasSystemd, watchLogind } from '../../platform/logind.ts'

/** A machine that stops, from logind where systemd runs, and by SIGPWR to this process wherever. */
export function machineShutdown({
  periods,
  clock,
  log,
}: {
  readonly periods: readonly ShutdownPeriod[]
  readonly clock: Clock
  readonly log: Log
}): ShutdownSource {
  return (tell) => {
    const onSignal = () => void tell(true).catch((error: unknown) => log.error({ error: String(error) }, 'the pods could not be ended'))
    process.on('SIGPWR', onSignal)
    const seconds = periods.reduce((sum, period) => sum + period.seconds, 0)
    const end = hasSystemd() ? watchLogind({ seconds, clock, log, tell }) : () => {}
    return () => {
      process.off('SIGPWR', onSignal)
      end()
    }
  }
}
