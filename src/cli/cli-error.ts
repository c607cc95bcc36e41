/** What a user did or met that a command cannot go on from: one sentence with the cause, one with the next step. */
export class CliError extends Error {
  override name = 'CliError'
  /** 1: it failed; 2: it was called wrongly; 3: what it needs is not running. */
  readonly exitCode: number
  constructor(cause: string, options: { nextStep?: string; exitCode?: number; cause?: unknown } = {}) {
    super(options.nextStep ? `${cause}: ${options.nextStep}` : cause, { cause: options.cause })
    this.exitCode = options.exitCode ?? 1
  }
}
