import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { ApiRequest, Asking, Attributes, Authenticator, Decision, UserInfo } from '../contract.ts'

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/**
 * Who asks. Credentials that nobody accepts are 401; none at all are the anonymous user, where there may be one: the authorizer
 * then judges as anybody else.
 */
export async function authenticate(authenticator: Authenticator, request: ApiRequest, asking: Asking): Promise<UserInfo> {
  const { credentials, headers, url } = request
  const pending = authenticator.authenticate(credentials, headers, asking)
  const user = pending instanceof Promise ? await pending : pending
  if (user) return user
  if (credentials.bearerToken !== undefined) throw statusErrors.unauthorized('invalid bearer token')
  const { allowsAnonymous } = authenticator
  if (allowsAnonymous && !allowsAnonymous(url.split('?', 1)[0]!)) throw statusErrors.unauthorized('anonymous requests are not allowed')
  return anonymous
}

/** 403 in upstream's words: who may not do what where. */
export function refusal(attributes: Attributes, decision: Decision): StatusError {
  const reason = reasonOf(decision)
  const why = reason ? `: ${reason}` : ''
  const { user, verb } = attributes
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`
  if (attributes.type === 'path') return statusErrors.forbiddenPath(`forbidden: ${who} path ${JSON.stringify(attributes.path)}${why}`)
  const { group, resource, subresource, namespace, name } = attributes
  const what = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? ` in the namespace ${JSON.stringify(namespace)}` : ' at the cluster scope'
  return statusErrors.forbidden(
    { group, resource },
    name,
    `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)}${where}${why}`,
  )
}

/** What kept an authorizer from judging is a reason too: whoever is refused should not look for it among the roles. */
export const reasonOf = ({ reason, error }: Decision): string => [error, reason].filter(Boolean).join(': ')
