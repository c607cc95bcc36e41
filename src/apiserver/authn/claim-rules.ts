/** Who the claims of a verified token name (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration). */
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { UserInfo } from '../contract.ts'
import { knownUser } from './authenticators.ts'

export type Claims = Readonly<Record<string, unknown>>
/** A compiled expression: its JSON result, or why there is none. */
export type Evaluate<T> = (input: T) => { readonly value: unknown } | { readonly error: string }

export type Mapping = { readonly claim: string; readonly prefix: string } | { readonly expression: Evaluate<Claims> }
export type ExpressionRule<T> = { readonly text: string; readonly evaluate: Evaluate<T>; readonly message: string }
/** What rules about users see. */
export type JudgedUser = {
  readonly username: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

export type ClaimRules = {
  readonly username: Mapping
  readonly groups?: Mapping | undefined
  readonly uid?: Mapping | undefined
  readonly extra?: readonly { readonly key: string; readonly text: string; readonly evaluate: Evaluate<Claims> }[]
  readonly requiredClaims: readonly (readonly [claim: string, value: string])[]
  readonly claimRules?: readonly ExpressionRule<Claims>[]
  readonly userRules?: readonly ExpressionRule<JudgedUser>[]
}

/** Throws 401 with the reason as its cause where a claim is missing or a rule does not hold. */
export function userOfClaims(rules: ClaimRules, claims: Claims): UserInfo {
  const name = usernameOf(rules.username, claims)
  const groups = groupsOf(rules.groups, claims)
  const uid = rules.uid ? textOf(rules.uid, claims, 'uid') : ''
  const extra = extraOf(rules.extra ?? [], claims)
  for (const [claim, wanted] of rules.requiredClaims) demandClaim(claims, claim, wanted)
  for (const rule of rules.claimRules ?? []) demandRule(rule, claims, 'claim validation expression')
  if (rules.userRules?.length) {
    const judged = { username: name, uid, groups, extra }
    for (const rule of rules.userRules) demandRule(rule, judged, 'user info validation rule')
  }
  return knownUser({ name, groups, ...(uid ? { uid } : {}), ...(Object.keys(extra).length > 0 ? { extra } : {}) })
}

const refused = (why: string): StatusError => statusErrors.unauthorized(`oidc: ${why}`)

function usernameOf(mapping: Mapping, claims: Claims): string {
  const name = textOf(mapping, claims, 'username')
  if ('claim' in mapping && mapping.claim === 'email' && claims.email_verified !== undefined && claims.email_verified !== true)
    throw refused('email not verified')
  if (name === '') throw refused('empty username via CEL expression is not allowed')
  return name
}

function textOf(mapping: Mapping, claims: Claims, what: 'username' | 'uid'): string {
  if ('claim' in mapping) {
    const value = claims[mapping.claim]
    const kind = what === 'username' ? 'username claims' : 'uid claim'
    if (value === undefined) throw refused(`parse ${kind} ${JSON.stringify(mapping.claim)}: claim not present`)
    if (typeof value !== 'string' || value === '') throw refused(`parse ${kind} ${JSON.stringify(mapping.claim)}: expected a string`)
    return `${mapping.prefix}${value}`
  }
  const value = resultOf(mapping.expression(claims), `${what} claim expression`)
  if (typeof value !== 'string') throw refused(`error evaluating ${what} claim expression: ${what} claim expression must return a string`)
  return value
}

function groupsOf(mapping: Mapping | undefined, claims: Claims): readonly string[] {
  if (!mapping) return []
  if ('claim' in mapping) {
    const given = claims[mapping.claim]
    const list = given === undefined ? [] : Array.isArray(given) ? given : [given]
    if (!list.every((group) => typeof group === 'string'))
      throw refused(`parse groups claim ${JSON.stringify(mapping.claim)}: expected strings`)
    return list.map((group) => `${mapping.prefix}${String(group)}`)
  }
  return textsOf(resultOf(mapping.expression(claims), 'group claim expression'), 'group claim expression')
}

function extraOf(mappings: NonNullable<ClaimRules['extra']>, claims: Claims): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  if (typeof claims.jti === 'string' && claims.jti !== '') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`]
  for (const { key, text, evaluate } of mappings) {
    const values = textsOf(resultOf(evaluate(claims), 'extra claim expression'), `extra claim expression: ${text}`)
    if (values.length > 0) extra[key] = values
  }
  return extra
}

function resultOf(outcome: ReturnType<Evaluate<unknown>>, what: string): unknown {
  if ('error' in outcome) throw refused(`error evaluating ${what}: ${outcome.error}`)
  return outcome.value
}

/** One text or several; an empty one counts for nothing, as none does. */
function textsOf(value: unknown, what: string): readonly string[] {
  if (value === null || value === undefined || value === '') return []
  const list = Array.isArray(value) ? value : [value]
  if (!list.every((item) => typeof item === 'string')) throw refused(`error evaluating ${what}: expected a string or a list of strings`)
  return list.filter((item) => item !== '')
}

function demandClaim(claims: Claims, claim: string, wanted: string): void {
  const value = claims[claim]
  if (value === undefined) throw refused(`required claim ${claim} not present in ID token`)
  if (typeof value !== 'string') throw refused(`parse claim ${claim}: expected a string`)
  if (value !== wanted) throw refused(`required claim ${claim} value does not match. Got = ${value}, want = ${wanted}`)
}

function demandRule<T>({ text, evaluate, message }: ExpressionRule<T>, input: T, what: string): void {
  const value = resultOf(evaluate(input), what)
  if (value === true) return
  throw refused(`error evaluating ${what}: validation expression '${text}' failed${message === '' ? '' : `: ${message}`}`)
}
