/**
 * An evaluation that has no result: the message is cel-go's. Made without a stack trace, since an expression may make many of them and
 * go on (`||` passes over the errors of one side).
 */
export class EvaluationError extends Error {
  override name = 'EvaluationError'
  /** Whether the evaluation was ended by its cost; nothing passes over that. */
  readonly isCostExceeded: boolean

  constructor(message: string, { isCostExceeded = false }: { readonly isCostExceeded?: boolean } = {}) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = limit
    this.isCostExceeded = isCostExceeded
  }
}

const stepsMax = 20_000_000
let stepsLeft = stepsMax

/**
 * Counts work that costs do not see, like comparing values that share parts: one evaluation may do 20 million steps of it.
 * Evaluations are synchronous; `startSteps` begins a new count and gives what `restoreSteps` takes.
 */
export function spendSteps(steps: number): void {
  stepsLeft -= steps
  if (stepsLeft < 0) throw costExceeded()
}

export function startSteps(): number {
  const before = stepsLeft
  stepsLeft = stepsMax
  return before
}

export function restoreSteps(before: number): void {
  stepsLeft = before
}

export function costExceeded(): EvaluationError {
  return new EvaluationError('operation cancelled: actual cost limit exceeded', { isCostExceeded: true })
}
