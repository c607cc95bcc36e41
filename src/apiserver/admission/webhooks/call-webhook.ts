import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Random } from '../../../base/random.ts'
import { qualifiedName } from '../../../machinery/names.ts'
import { StatusError, statusErrors } from '../../../machinery/status-error.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { Registry } from '../../registry.ts'
import type { WebhookClient } from '../../reach/webhook-client.ts'
import { objectsIn, type VersionedObjects } from '../dynamic/attributes.ts'
import { readAnswer, rejection, reviewOf, reviewVersion, UndecodableAnswer, UndecodablePatch, type Verdict } from './admission-review.ts'
import type { Invocation } from './hooks.ts'
import type { WebhookMetrics } from './webhook-metrics.ts'

export type CallParts = {
  readonly client: WebhookClient
  readonly registry: Registry
  readonly metrics: WebhookMetrics
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export type Called = { readonly verdict: Verdict; readonly objects: VersionedObjects }

const timeoutSecondsDefault = 10

/** The webhook could not be asked, or its answer was none: what its failurePolicy is about. */
class CallFailure extends Error {
  override name = 'CallFailure'
  readonly code: number

  constructor(webhook: string, why: string, options: { readonly code: number; readonly cause?: unknown }) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, { cause: options.cause })
    this.code = options.code
  }
}

/**
 * Asks one webhook, and `use` takes its answer. Undefined: it could not be asked and the webhook's policy is to go on. Throws
 * StatusError: its refusal, 500 when it could not be asked, 400 when it has side effects in a dry run.
 */
export async function callWebhook<T>(
  parts: CallParts,
  request: AdmissionRequest,
  call: { readonly invocation: Invocation; readonly type: 'admit' | 'validating'; readonly use: (called: Called) => T | Promise<T> },
): Promise<T | undefined> {
  const { metrics, clock, log } = parts
  const { invocation, type, use } = call
  const { name, failurePolicy } = invocation.hook.webhook
  const { operation } = request
  const startMs = clock.monotonicMs()
  const note = (rejected: boolean, code: number) =>
    metrics.called({ name, type, operation, rejected, code, durationMs: clock.monotonicMs() - startMs })
  try {
    const result = await use(await ask(parts, request, invocation, type === 'admit'))
    note(false, 200)
    return result
  } catch (error) {
    if (error instanceof CallFailure) {
      const isIgnored = failurePolicy === 'Ignore'
      note(!isIgnored, error.code)
      if (!isIgnored) {
        metrics.rejected({ name, type, operation, code: error.code }, 'calling_webhook_error')
        throw statusErrors.internal(error)
      }
      metrics.failedOpen({ name, type })
      log.warn({ webhook: name, error: error.message }, 'a webhook could not be asked; its policy is to go on')
      return undefined
    }
    const isRefusal = error instanceof StatusError && error.code < 500
    const code = error instanceof StatusError ? error.code : 0
    note(true, code)
    metrics.rejected({ name, type, operation, code }, isRefusal ? 'no_error' : 'apiserver_internal_error')
    throw error instanceof StatusError ? error : statusErrors.internal(error)
  }
}

async function ask(parts: CallParts, request: AdmissionRequest, { hook, resource }: Invocation, isMutating: boolean): Promise<Called> {
  const { webhook } = hook
  const { name, sideEffects, clientConfig, timeoutSeconds = timeoutSecondsDefault } = webhook
  if (request.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun')
    throw statusErrors.badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
  const version = reviewVersion(webhook)
  if (!version)
    throw new CallFailure(
      name,
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
      { code: 400 },
    )
  const objects = await objectsIn(resource, request, parts.registry)
  const uid = parts.random.uuid()
  const review = reviewOf(request, { uid, version, resource, objects })
  let answer: unknown
  try {
    answer = await parts.client.post(clientConfig, review, {
      timeoutMs: timeoutSeconds * 1000,
      ...(request.signal ? { signal: request.signal } : {}),
    })
  } catch (error) {
    const code = error instanceof StatusError ? error.code : 503
    throw new CallFailure(name, `failed to call webhook: ${(error as Error).message}`, { code, cause: error })
  }
  const verdict = readVerdict(name, answer, { uid, version, isMutating })
  for (const [key, value] of Object.entries(verdict.auditAnnotations))
    if (qualifiedName(`${name}/${key}`).length === 0) request.annotate(`${name}/${key}`, value)
  for (const warning of verdict.warnings) if (warning) request.warn(warning)
  if (!verdict.allowed) throw rejection(name, verdict.result)
  return { verdict, objects }
}

function readVerdict(name: string, answer: unknown, asked: Parameters<typeof readAnswer>[1]): Verdict {
  try {
    return readAnswer(answer, asked)
  } catch (error) {
    const what =
      error instanceof UndecodableAnswer
        ? 'failed to call webhook'
        : error instanceof UndecodablePatch
          ? 'received undecodable patch in webhook response'
          : 'received invalid webhook response'
    throw new CallFailure(name, `${what}: ${(error as Error).message}`, { code: 503, cause: error })
  }
}
