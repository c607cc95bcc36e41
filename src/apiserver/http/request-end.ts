/** When a request is over before it is answered: its client has left, or its time has run out. */
export type RequestEnd = {
  /** Aborts then. Made for the first who asks: most requests wait for nobody else. */
  readonly signal: AbortSignal
  /** Throws why it is over, where it is: to be called before anything is written. */
  proceed(): void
  /** Its time has run out. */
  expire(reason: Error): void
}

export function requestEnd(client: AbortSignal): RequestEnd {
  let made: AbortController | undefined
  let expired: Error | undefined
  return {
    get signal() {
      if (made) return made.signal
      const controller = (made = new AbortController())
      const leave = () => controller.abort(client.reason)
      if (expired) controller.abort(expired)
      else if (client.aborted) leave()
      else client.addEventListener('abort', leave, { once: true })
      return controller.signal
    },
    proceed: () => {
      if (expired) throw expired
      client.throwIfAborted()
    },
    expire: (reason) => {
      expired = reason
      made?.abort(reason)
    },
  }
}
