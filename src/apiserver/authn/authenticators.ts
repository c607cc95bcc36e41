import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { ApiRequest, Asking, Authenticator, Credentials, UserInfo } from '../contract.ts'

const authenticated = 'system:authenticated'

/** A user with the group of everyone who is known. */
export function knownUser(user: UserInfo): UserInfo {
  return user.groups.includes(authenticated) ? user : { ...user, groups: [...user.groups, authenticated] }
}

/**
 * The first that accepts the credentials answers. What one refuses another may still accept; when none does, the first
 * refusal stands. Synchronous as far as the authenticators are: most requests are known at once.
 */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator {
  return {
    authenticate: (credentials, headers, asking) => {
      let refusal: StatusError | undefined
      for (const [i, authenticator] of authenticators.entries()) {
        try {
          const answer = authenticator.authenticate(credentials, headers, asking)
          if (answer instanceof Promise) return asked(answer, { rest: authenticators.slice(i + 1), credentials, headers, asking, refusal })
          if (answer) return answer
        } catch (error) {
          refusal ??= refusalOf(error)
        }
      }
      if (refusal) throw refusal
      return undefined
    },
  }
}

type Rest = {
  readonly rest: readonly Authenticator[]
  readonly credentials: Credentials
  readonly headers: ApiRequest['headers'] | undefined
  readonly asking: Asking | undefined
  readonly refusal: StatusError | undefined
}

async function asked(
  first: Promise<UserInfo | undefined>,
  { rest, credentials, headers, asking, refusal }: Rest,
): Promise<UserInfo | undefined> {
  let kept = refusal
  for (const next of [() => first, ...rest.map((a) => () => a.authenticate(credentials, headers, asking))]) {
    try {
      const user = await next()
      if (user) return user
    } catch (error) {
      kept ??= refusalOf(error)
    }
  }
  if (kept) throw kept
  return undefined
}

function refusalOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  throw error
}

/** One line of a static token file. */
export type StaticToken = { readonly token: string; readonly user: UserInfo }

/** `token,user,uid[,"group1,group2"]` a line, as upstream's --token-auth-file. Throws an Error that names the line. */
export function parseTokenFile(text: string): StaticToken[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const columns = csvColumns(line.trim())
    const [token, name, uid, groupList = ''] = columns ?? []
    if (!token || !name || uid === undefined) throw new Error(`line ${i + 1} of the token file is not "token,user,uid,groups"`)
    const groups = groupList
      .split(',')
      .map((g) => g.trim())
      .filter(Boolean)
    return [{ token, user: knownUser({ name, ...(uid ? { uid } : {}), groups }) }]
  })
}

/** The columns of one line of comma-separated values (RFC 4180); undefined when a quote is not where it may be. */
function csvColumns(line: string): string[] | undefined {
  const columns: string[] = []
  const column = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
  for (let m = column.exec(line); m; m = column.exec(line)) {
    columns.push((m[1]?.replaceAll('""', '"') ?? m[2] ?? '').trim())
    if (m[3] === '') return columns
  }
  return undefined
}

export function staticTokenAuthenticator(tokens: readonly StaticToken[]): Authenticator {
  // Looked up by digest, so that the time it takes says nothing about how much of a token was right.
  const byDigest = new Map(tokens.map((t) => [digest(t.token), t.user]))
  return { authenticate: ({ bearerToken }) => (bearerToken === undefined ? undefined : byDigest.get(digest(bearerToken))) }
}

const bootstrapToken = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const bootstrapGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

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
      const extra = field('auth-extra-groups').split(',').filter(Boolean)
      // A group of another sort makes the whole token bad: somebody meant it to mean something.
      if (!extra.every((g) => bootstrapGroup.test(g))) throw statusErrors.unauthorized(`invalid group in the bootstrap token ${id}`)
      return knownUser({ name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra] })
    },
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64')

function isEqual(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
