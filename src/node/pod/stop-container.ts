import { fieldPathOf, type HookTarget, type PodContext } from './pod-context.ts'

/** The engine gets at least this long after the hook has used up the grace. */
const graceAfterHookSeconds = 2

/** Runs the preStop hook within the grace, then ends the container with what is left of it. Resolves when it has ended. */
export async function stopContainer(options: {
  readonly context: PodContext
  readonly target: HookTarget
  readonly graceSeconds: number
  readonly isPaused: boolean
}): Promise<void> {
  const { context, target, graceSeconds, isPaused } = options
  // A frozen process takes no signal.
  if (isPaused) await context.runtime.resumeContainer(target.containerId).catch(() => {})
  const startedMs = context.clock.monotonicMs()
  const hook = target.container.container.lifecycle?.preStop
  if (hook && graceSeconds > 0) await runPreStop(context, target, hook, graceSeconds)
  const usedSeconds = (context.clock.monotonicMs() - startedMs) / 1000
  const left = hook ? Math.max(graceSeconds - usedSeconds, Math.min(graceAfterHookSeconds, graceSeconds)) : graceSeconds
  await context.runtime.stopContainer(target.containerId, Math.ceil(left))
}

async function runPreStop(context: PodContext, target: HookTarget, hook: Parameters<PodContext['hooks']['run']>[0], graceSeconds: number) {
  const abort = new AbortController()
  const cancel = context.clock.schedule(graceSeconds * 1000, () => abort.abort(new Error('the grace period is over')))
  try {
    await context.hooks.run(hook, target, abort.signal)
  } catch (error) {
    const message = `PreStopHook failed: ${error instanceof Error ? error.message : String(error)}`
    context.event(target.pod, { type: 'Warning', reason: 'FailedPreStopHook', message, fieldPath: fieldPathOf(target.container) })
  } finally {
    cancel()
  }
}
