import { StatusError, statusErrors } from '../machinery/status-error.ts'
import { unescapedKey, valuesOf } from './authn/certificates.ts'
import type { ApiRequest, Authenticator, Authorizer, UserInfo } from './contract.ts'

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/**
 * Who asks. Credentials that nobody accepts are 401; none at all are the anonymous user, where there may be one: the authorizer
 * then judges as anybody else.
 */
export async function authenticate(authenticator: Authenticator, request: ApiRequest): Promise<UserInfo> {
  const { credentials, headers, url } = request
  const pending = authenticator.authenticate(credentials, headers)
  const user = pending instanceof Promise ? await pending : pending
  if (user) return user
  if (credentials.bearerToken !== undefined) throw statusErrors.unauthorized('invalid bearer token')
  const { allowsAnonymous } = authenticator
  if (allowsAnonymous && !allowsAnonymous(url.split('?', 1)[0]!)) throw statusErrors.unauthorized('anonymous requests are not allowed')
  return anonymous
}

const extraPrefix = 'impersonate-extra-'

/**
 * The user named by Impersonate-* headers, when the caller may impersonate each part of it; the caller otherwise
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation).
 */
export function impersonate(authorizer: Authorizer, user: UserInfo, headers: ApiRequest['headers']): UserInfo {
  const name = first(headers['impersonate-user'])
  const groups = valuesOf(headers['impersonate-group'])
  const uid = first(headers['impersonate-uid'])
  const extra = extraOf(headers)
  if (name === undefined) {
    if (groups.length > 0 || uid !== undefined || extra.length > 0) {
      throw statusErrors.badRequest('requested impersonation without impersonating a user')
    }
    return user
  }
  const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)
  if (serviceAccount) demand(authorizer, user, { resource: 'serviceaccounts', namespace: serviceAccount[1]!, name: serviceAccount[2]! })
  else demand(authorizer, user, { resource: 'users', name })
  for (const group of groups) demand(authorizer, user, { resource: 'groups', name: group })
  if (uid !== undefined) demand(authorizer, user, { group: 'authentication.k8s.io', resource: 'uids', name: uid })
  for (const [key, values] of extra) {
    for (const value of values)
      demand(authorizer, user, { group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value })
  }
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: impersonatedGroups(name, groups, serviceAccount?.[1]),
    ...(extra.length > 0 ? { extra: Object.fromEntries(extra) } : {}),
  }
}

function impersonatedGroups(name: string, groups: readonly string[], namespace: string | undefined): readonly string[] {
  const given =
    groups.length === 0 && namespace !== undefined ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [...groups]
  if (name === anonymous.name) return given.includes('system:unauthenticated') ? given : [...given, 'system:unauthenticated']
  return given.includes('system:authenticated') || given.includes('system:unauthenticated') ? given : [...given, 'system:authenticated']
}

type Demand = { group?: string; resource: string; subresource?: string; namespace?: string; name: string }

function demand(authorizer: Authorizer, user: UserInfo, what: Demand): void {
  const { group = '', resource, subresource = '', namespace = '', name } = what
  const decision = authorizer.authorize({
    type: 'resource',
    user,
    verb: 'impersonate',
    group,
    version: 'v1',
    resource,
    subresource,
    namespace,
    name,
  })
  if (decision.allowed) return
  throw forbidden({ user, verb: 'impersonate', group, resource, subresource, namespace, name, reason: decision.reason })
}

export type Refusal = {
  readonly user: UserInfo
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly reason: string
}

/** 403 in upstream's words: who may not do what where. */
export function forbidden(refusal: Refusal): StatusError {
  const { user, verb, group, subresource, namespace, name, reason } = refusal
  const resource = subresource ? `${refusal.resource}/${subresource}` : refusal.resource
  const where = namespace ? ` in the namespace ${JSON.stringify(namespace)}` : ' at the cluster scope'
  const why = `User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)}${where}${reason ? `: ${reason}` : ''}`
  return statusErrors.forbidden({ group, resource: refusal.resource }, name, why)
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function extraOf(headers: ApiRequest['headers']): (readonly [string, readonly string[]])[] {
  const found: (readonly [string, readonly string[]])[] = []
  for (const header in headers) {
    if (header.startsWith(extraPrefix)) found.push([unescapedKey(header.slice(extraPrefix.length)), valuesOf(headers[header])])
  }
  return found
}
