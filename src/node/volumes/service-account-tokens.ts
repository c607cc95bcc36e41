import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { TokenRequest } from '../../kinds/generated/types/authentication-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { TokenRequestInput } from './volume-files.ts'

/** Each moment by both clocks: one that nobody sets, and the one by which the server judges. */
type Moment = { readonly wallMs: number; readonly monotonicMs: number }
type Held = { readonly token: string; readonly expires: Moment; readonly refreshAt: Moment }

/** A token is replaced after this share of its life, and after a day at the latest. */
const refreshShare = 0.8
const refreshMaxMs = 24 * 3600 * 1000
const heldMax = 10_000

/** Tokens of pods' service accounts, bound to their pods, renewed before they end. */
export class ServiceAccountTokens {
  readonly #options: { readonly client: Client; readonly clock: Clock }
  readonly #held = new Map<string, Held>()

  constructor(options: { readonly client: Client; readonly clock: Clock }) {
    this.#options = options
  }

  async token(pod: Pod, request: TokenRequestInput): Promise<string> {
    const key = `${pod.metadata.uid}\n${request.audience ?? ''}\n${request.expirationSeconds}`
    const held = this.#held.get(key)
    if (held && !this.#isPast(held.refreshAt)) return held.token
    try {
      const fresh = await this.#request(pod, request)
      this.#held.delete(key)
      this.#held.set(key, fresh)
      if (this.#held.size > heldMax) this.#held.delete(this.#held.keys().next().value ?? '')
      return fresh.token
    } catch (error) {
      // An API that is away for a while takes no token from anybody while the old one still holds.
      if (held && !this.#isPast(held.expires)) return held.token
      throw error
    }
  }

  #isPast({ wallMs, monotonicMs }: Moment): boolean {
    const { clock } = this.#options
    return clock.now() >= wallMs || clock.monotonicMs() >= monotonicMs
  }

  /** When the next of the pod's tokens wants renewal, by the clock that nobody sets; undefined: it has none. */
  nextRefreshMs(uid: string): number | undefined {
    let next: number | undefined
    for (const [key, held] of this.#held)
      if (key.startsWith(`${uid}\n`)) next = Math.min(next ?? Number.POSITIVE_INFINITY, held.refreshAt.monotonicMs)
    return next
  }

  forget(uid: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${uid}\n`)) this.#held.delete(key)
  }

  async #request(pod: Pod, { audience, expirationSeconds }: TokenRequestInput): Promise<Held> {
    const { namespace, name = '', uid = '' } = pod.metadata
    const account = pod.spec?.serviceAccountName || 'default'
    const body: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        audiences: audience ? [audience] : [],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    }
    const { clock } = this.#options
    const requested = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
    const accounts = this.#options.client.resource(kindRefs.coreV1.serviceAccounts, namespace)
    const answer = await accounts.subresource<TokenRequest, TokenRequest>(account, 'token', body)
    const token = answer.status?.token
    if (!token) throw new Error('the API gave no token')
    const expires = answer.status?.expirationTimestamp
    const expiresMs = expires ? Date.parse(expires) : requested.wallMs + expirationSeconds * 1000
    const lifeMs = expiresMs - requested.wallMs
    const after = (ms: number): Moment => ({ wallMs: requested.wallMs + ms, monotonicMs: requested.monotonicMs + ms })
    return { token, expires: after(lifeMs), refreshAt: after(Math.min(lifeMs * refreshShare, refreshMaxMs)) }
  }
}
