import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Authenticator, UserInfo } from '../contract.ts'

const authenticated = 'system:authenticated'

/** A user with the group of everyone who is known. */
export function knownUser(user: UserInfo): UserInfo {
  return user.groups.includes(authenticated) ? user : { ...user, groups: [...user.groups, authenticated] }
}

/** The first that knows the credentials answers; its refusal is final. */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator {
  return {
    authenticate: async (credentials) => {
      for (const authenticator of authenticators) {
        const user = await authenticator.authenticate(credentials)
        if (user) return user
      }
      return undefined
    },
  }
}

/** Client certificates: the common name is the user, the organizations are the groups. TLS has verified the chain and the dates. */
export const certificateAuthenticator: Authenticator = {
  authenticate: ({ clientCertificate }) => {
    if (!clientCertificate?.commonName) return undefined
    return knownUser({ name: clientCertificate.commonName, groups: clientCertificate.organizations })
  },
}

/** One line of a static token file. */
export type StaticToken = { readonly token: string; readonly user: UserInfo }

/** `token,user,uid[,"group1,group2"]` a line, as upstream's --token-auth-file. Throws an Error that names the line. */
export function parseTokenFile(text: string): StaticToken[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const m = /^([^,]+),([^,]+),([^,]*)(?:,"?([^"]*)"?)?$/.exec(line.trim())
    if (!m) throw new Error(`line ${i + 1} of the token file is not "token,user,uid,groups"`)
    const groups = (m[4] ?? '')
      .split(',')
      .map((g) => g.trim())
      .filter(Boolean)
    return [{ token: m[1]!, user: knownUser({ name: m[2]!, ...(m[3] ? { uid: m[3] } : {}), groups }) }]
  })
}

export function staticTokenAuthenticator(tokens: readonly StaticToken[]): Authenticator {
  // Looked up by digest, so that the time it takes says nothing about how much of a token was right.
  const byDigest = new Map(tokens.map((t) => [digest(t.token), t.user]))
  return { authenticate: ({ bearerToken }) => (bearerToken === undefined ? undefined : byDigest.get(digest(bearerToken))) }
}

const bootstrapToken = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

/** Bootstrap tokens: Secrets `bootstrap-token-<id>` in kube-system (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). */
export function bootstrapTokenAuthenticator(options: { secret(name: string): Secret | undefined; clock: Clock }): Authenticator {
  return {
    authenticate: ({ bearerToken }) => {
      const m = bearerToken === undefined ? null : bootstrapToken.exec(bearerToken)
      if (!m) return undefined
      const [, id, secret] = m
      const stored = options.secret(`bootstrap-token-${id}`)
      const field = (name: string) => Buffer.from(stored?.data?.[name] ?? '', 'base64').toString('utf8')
      const expiration = field('expiration')
      const isGood =
        stored?.type === 'bootstrap.kubernetes.io/token' &&
        !stored.metadata.deletionTimestamp &&
        field('token-id') === id &&
        isEqual(field('token-secret'), secret!) &&
        field('usage-bootstrap-authentication') === 'true' &&
        (expiration === '' || Date.parse(expiration) > options.clock.now())
      if (!isGood) throw statusErrors.unauthorized()
      const extra = field('auth-extra-groups')
        .split(',')
        .filter((g) => g.startsWith('system:bootstrappers:'))
      return knownUser({ name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra] })
    },
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64')

function isEqual(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
