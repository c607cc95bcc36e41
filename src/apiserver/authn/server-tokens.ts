/**
 * Tokens that let one more server join the cluster, and nothing else: Secrets `server-token-<id>` in kube-system. Only a hash of the
 * secret part is stored: it has 160 random bits, so that a plain SHA-256 is as good as any slow hash.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Clock, toTime } from '../../base/clock.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Authenticator } from '../contract.ts'
import { knownUser } from './authenticators.ts'

export const serverTokenType = 'keelson.dev/server-token'
/** What a holder is, and all that it is. */
export const serverJoinersGroup = 'system:keelson:server-joiners'

const serverToken = /^server\.([a-z0-9]{6})\.([a-z0-9]{32})$/

/** Pure: the Secret that stands for a token. */
export function serverTokenSecret(options: { readonly id: string; readonly secret: string; readonly expiresAtMs: number }): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `server-token-${options.id}`, namespace: 'kube-system' },
    type: serverTokenType,
    stringData: { 'token-hash': hashOf(options.secret).toString('hex'), expiration: toTime(options.expiresAtMs) },
  }
}

/** When it ends, in milliseconds; NaN for one without an end, which is no token. */
export const serverTokenExpiry = (secret: Secret): number => Date.parse(field(secret, 'expiration'))

/** Refuses a token of this form that is unknown, wrong or over. */
export function serverTokenAuthenticator(options: { secret(name: string): Secret | undefined; clock: Clock }): Authenticator {
  return {
    authenticate: ({ bearerToken }) => {
      const m = bearerToken === undefined ? null : serverToken.exec(bearerToken)
      if (!m) return undefined
      const [, id, secret] = m
      const stored = options.secret(`server-token-${id}`)
      const isRight =
        stored?.type === serverTokenType &&
        !stored.metadata.deletionTimestamp &&
        isEqual(Buffer.from(field(stored, 'token-hash'), 'hex'), hashOf(secret!))
      if (!isRight) throw statusErrors.unauthorized('no such server token')
      // Its holder may know that it was right once.
      if (!(serverTokenExpiry(stored) > options.clock.now())) throw expired()
      return knownUser({ name: `system:keelson:server-token:${id}`, groups: [serverJoinersGroup] })
    },
  }
}

const expired = () => new StatusError({ ...statusErrors.unauthorized().status, message: 'the server token has expired' })
const field = (secret: Secret, name: string) => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8')
const hashOf = (text: string) => createHash('sha256').update(text).digest()
const isEqual = (a: Buffer, b: Buffer) => a.length === b.length && timingSafeEqual(a, b)
