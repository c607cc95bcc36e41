/** The wish to stop: aborts at the first SIGTERM or SIGINT; a second one ends the process at once. */
export type StopSignal = {
  readonly stopped: Promise<void>
  /** Lets the process end although no signal came: call it when there is nothing to wait for any more. */
  release(): void
}

export function stopSignal(): StopSignal {
  // Without a handle of its own, a process that only waits for a signal would end.
  const alive = setInterval(() => {}, 2 ** 31 - 1)
  const { promise, resolve } = Promise.withResolvers<void>()
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(signal === 'SIGINT' ? 130 : 143)
    isStopping = true
    clearInterval(alive)
    resolve()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return { stopped: promise, release: () => clearInterval(alive) }
}
