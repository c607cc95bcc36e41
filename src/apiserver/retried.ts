import { backoffMs } from '../base/backoff.ts'
import type { Cancel, Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'

const retrying = { initialMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.1 } as const

export type Retried = {
  /** Resolves when this look, and those before it, are over. */
  look(): Promise<void>
  /** Calls off what is still to be tried again, and resolves when nothing runs any more. */
  end(): Promise<void>
}

/**
 * Looks one after the other; after one that says that something failed, another follows later, and later each time. For what is looked at
 * when something changes: after a failure nothing need change any more. `lookOnce` gives whether all went well, and never rejects.
 */
export function retried({ clock, random }: { readonly clock: Clock; readonly random: Random }, lookOnce: () => Promise<boolean>): Retried {
  let failures = 0
  let cancel: Cancel | undefined
  let looking = Promise.resolve()
  let isOver = false
  const look = () =>
    (looking = looking.then(async () => {
      if (isOver) return
      cancel?.()
      failures = (await lookOnce()) ? 0 : failures + 1
      if (failures > 0 && !isOver) cancel = clock.schedule(backoffMs(retrying, failures - 1, random), () => void look())
    }))
  return {
    look,
    end: () => {
      isOver = true
      cancel?.()
      return looking
    },
  }
}
