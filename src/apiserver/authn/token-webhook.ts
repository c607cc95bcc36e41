/** Bearer tokens that a webhook knows (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication). */
import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { TokenReviewStatus } from '../../kinds/generated/types/authentication-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Authenticator, UserInfo } from '../contract.ts'
import { createExpiringCache } from '../expiring-cache.ts'
import type { ReviewPeer } from '../reach/review-peer.ts'
import { SharedCalls } from '../shared-calls.ts'
import { knownUser } from './authenticators.ts'

export type TokenWebhookOptions = {
  readonly peer: ReviewPeer
  readonly version: 'v1' | 'v1beta1'
  /** How long an answer is good, either way. */
  readonly ttlMs: number
  /** The token must be for one of them; a webhook that says nothing of audiences speaks of these. */
  readonly audiences: readonly string[]
}

const entriesMax = 4096
const timeoutMs = 30_000
/** Tokens that wait for an answer: whoever sends nonsense must not fill the memory while the webhook is slow. */
const askingMax = 2000

type Verdict = { readonly user: UserInfo; readonly why?: undefined } | { readonly user?: undefined; readonly why: string }

/** Equal tokens at the same time are one call. A webhook that cannot be asked knows nobody: 401, and the log says why. */
export function createTokenWebhook(
  { peer, version, ttlMs, audiences }: TokenWebhookOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Authenticator {
  const verdicts = createExpiringCache<Verdict>({ clock, entriesMax })
  const calls = new SharedCalls<Verdict>({ sizeMax: askingMax })
  const ask = async (token: string, key: string, signal: AbortSignal): Promise<Verdict> => {
    const review = {
      kind: 'TokenReview',
      apiVersion: `authentication.k8s.io/${version}`,
      metadata: {},
      spec: { token, audiences },
      status: { user: {} },
    }
    let verdict: Verdict
    try {
      verdict = verdictOf(await peer.post(review, { timeoutMs, signal }), audiences)
    } catch (error) {
      signal.throwIfAborted()
      log.warn({ error: (error as Error).message }, 'the authentication webhook cannot be asked')
      return { why: (error as Error).message }
    }
    verdicts.set(key, verdict, ttlMs)
    return verdict
  }
  const judge = (verdict: Verdict): UserInfo => {
    if (verdict.user) return verdict.user
    throw statusErrors.unauthorized(verdict.why)
  }
  return {
    authenticate: ({ bearerToken }, _headers, asking) => {
      if (bearerToken === undefined) return undefined
      // Kept under its digest: nobody who reads the memory finds tokens here.
      const key = createHash('sha256').update(bearerToken).digest('base64')
      const known = verdicts.get(key)
      if (known) return judge(known)
      if (calls.isFullFor(key)) throw statusErrors.unauthorized('too many tokens wait for the authentication webhook')
      return calls.ask(key, asking, (signal) => ask(bearerToken, key, signal)).then(judge)
    },
  }
}

function verdictOf(answer: unknown, audiences: readonly string[]): Verdict {
  const status = (answer as { status?: TokenReviewStatus } | null)?.status
  if (!status) throw new Error('the webhook answered with no TokenReview')
  if (!status.authenticated) return { why: status.error || 'invalid bearer token' }
  if (status.audiences?.length && !status.audiences.some((audience) => audiences.includes(audience)))
    return { why: 'the token is for another audience' }
  const { username = '', uid, groups = [], extra } = status.user ?? {}
  return { user: knownUser({ name: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }) }
}
