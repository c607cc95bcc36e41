/** An authorizer that asks a webhook (https://kubernetes.io/docs/reference/access-authn-authz/webhook/). */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { SubjectAccessReviewStatus } from '../../kinds/generated/types/authorization-v1.ts'
import type { CelProgram } from '../../machinery/cel/cel.ts'
import type { Attributes, Authorizer, Decision } from '../contract.ts'
import { createExpiringCache } from '../expiring-cache.ts'
import type { ReviewPeer } from '../reach/review-peer.ts'
import { SharedCalls } from '../shared-calls.ts'
import { reviewDocument, reviewSpec, type ReviewVersion } from './access-review.ts'
import { matchReview } from './match-conditions.ts'

export type WebhookRules = {
  readonly version: ReviewVersion
  /** How long an answer is good; 0: not beyond its request. */
  readonly authorizedTtlMs: number
  readonly unauthorizedTtlMs: number
  /** For the answer, attempts to get it included. */
  readonly timeoutMs: number
  readonly failurePolicy: 'NoOpinion' | 'Deny'
  readonly matchConditions: readonly CelProgram[]
}

const entriesMax = 8192
/** Questions longer than this are not kept: whoever asks could fill the memory with them. */
const keptCharsMax = 10_000
/** Questions that wait for an answer; what comes beyond is a failure at once. */
const askingMax = 2000

/**
 * Equal questions at the same time are one call. A webhook that cannot be asked gives no opinion, or denies, as its failure policy says; the
 * decision carries the error.
 */
export function createWebhookAuthorizer(
  { name, peer, rules }: { readonly name: string; readonly peer: ReviewPeer; readonly rules: WebhookRules },
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Authorizer {
  const answers = createExpiringCache<Decision>({ clock, entriesMax })
  const calls = new SharedCalls<Decision>({ sizeMax: askingMax })
  const failed = (error: string): Decision => ({
    allowed: false,
    reason: '',
    error,
    ...(rules.failurePolicy === 'Deny' ? { isDenied: true } : {}),
  })
  const ask = async (document: object, { key, mayKeep }: { key: string; mayKeep: boolean }, signal: AbortSignal): Promise<Decision> => {
    let decision: Decision
    try {
      decision = decisionOf(await peer.post(document, { timeoutMs: rules.timeoutMs, signal }))
    } catch (error) {
      signal.throwIfAborted()
      log.warn({ authorizer: name, error: (error as Error).message }, 'the authorization webhook cannot be asked')
      return failed((error as Error).message)
    }
    if (mayKeep) answers.set(key, decision, decision.allowed ? rules.authorizedTtlMs : rules.unauthorizedTtlMs)
    return decision
  }
  return {
    authorize: (attributes, asking) => {
      const spec = reviewSpec(attributes)
      const match = matchReview(rules.matchConditions, spec)
      if ('error' in match) return failed(match.error)
      if (!match.matches) return noOpinion
      const key = JSON.stringify(spec)
      const known = answers.get(key)
      if (known) return known
      if (calls.isFullFor(key)) return failed('too many questions wait for the authorization webhook')
      const mayKeep = controlledChars(attributes) < keptCharsMax
      return calls.ask(key, asking, (signal) => ask(reviewDocument(spec, rules.version), { key, mayKeep }, signal))
    },
    rulesFor: () => ({
      resourceRules: [],
      nonResourceRules: [],
      evaluationError: 'webhook authorizer does not support user rule resolution',
    }),
  }
}

const noOpinion: Decision = { allowed: false, reason: '' }

function decisionOf(answer: unknown): Decision {
  const status = (answer as { status?: SubjectAccessReviewStatus } | null)?.status
  if (typeof status?.allowed !== 'boolean') throw new Error('the webhook answered with no SubjectAccessReview')
  const { allowed, denied = false, reason = '' } = status
  if (allowed && denied)
    return { allowed: false, isDenied: true, reason, error: 'webhook subject access review returned both allow and deny response' }
  return { allowed, reason, ...(denied ? { isDenied: true } : {}) }
}

function controlledChars(a: Attributes): number {
  if (a.type === 'path') return a.path.length + a.verb.length
  return [a.namespace, a.verb, a.group, a.version, a.resource, a.subresource, a.name].reduce((sum, text) => sum + text.length, 0)
}
