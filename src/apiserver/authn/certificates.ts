/** Users by what they showed when they connected: a certificate of their own, or that of a front proxy that speaks for them. */
import type { Clock } from '../../base/clock.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { ApiRequest, Authenticator, ClientCertificate, UserInfo } from '../contract.ts'
import { knownUser } from './authenticators.ts'

/**
 * Client certificates: the common name is the user, the organizations are the groups, Kubernetes' own attribute is the uid. TLS
 * has verified chain, purpose and dates when the connection began; the end is looked at with every request.
 */
export function certificateAuthenticator({ clock }: { readonly clock: Clock }): Authenticator {
  // A connection shows one certificate with all of its requests: one user, of whom others may remember what they worked out.
  const users = new WeakMap<ClientCertificate, UserInfo>()
  return {
    authenticate: ({ clientCertificate: certificate }) => {
      if (!certificate) return undefined
      const { commonName, organizations, uids = [], fingerprint, authority = 'client' } = certificate
      if (authority !== 'client') throw statusErrors.unauthorized('x509: certificate signed by unknown authority')
      demandInTime(certificate, clock)
      const known = users.get(certificate)
      if (known) return known
      if (uids.length > 1) throw statusErrors.unauthorized(`expected 1 UID, but found multiple: ${uids.join(', ')}`)
      if (commonName === '') return undefined
      const user = knownUser({
        name: commonName,
        groups: organizations,
        ...(uids[0] ? { uid: uids[0] } : {}),
        ...(fingerprint ? { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } } : {}),
      })
      users.set(certificate, user)
      return user
    },
  }
}

function demandInTime({ notAfterMs }: ClientCertificate, clock: Clock): void {
  if (notAfterMs !== undefined && notAfterMs < clock.now())
    throw statusErrors.unauthorized('x509: certificate has expired or is not yet valid')
}

/** Header names in lower case. */
export type RequestHeaderOptions = {
  readonly usernameHeaders: readonly string[]
  readonly uidHeaders: readonly string[]
  readonly groupHeaders: readonly string[]
  readonly extraHeaderPrefixes: readonly string[]
  /** Common names of the proxies; empty: any whose certificate the front proxies' authority signed. */
  readonly allowedNames: readonly string[]
}

export const defaultRequestHeaders: RequestHeaderOptions = {
  usernameHeaders: ['x-remote-user'],
  uidHeaders: ['x-remote-uid'],
  groupHeaders: ['x-remote-group'],
  extraHeaderPrefixes: ['x-remote-extra-'],
  allowedNames: ['front-proxy-client'],
}

/** A proxy that has authenticated the user itself (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy). */
export function requestHeaderAuthenticator(options: RequestHeaderOptions & { readonly clock: Clock }): Authenticator {
  return {
    authenticate: ({ clientCertificate: certificate }, headers = {}) => {
      if (certificate?.authority !== 'front-proxy') return undefined
      const name = firstOf(headers, options.usernameHeaders)
      if (!name) return undefined
      demandInTime(certificate, options.clock)
      if (options.allowedNames.length > 0 && !options.allowedNames.includes(certificate.commonName))
        throw statusErrors.unauthorized(`x509: subject with cn=${certificate.commonName} is not in the allowed list`)
      const uid = firstOf(headers, options.uidHeaders)
      const extra = extraOf(headers, options.extraHeaderPrefixes)
      const user: UserInfo = {
        name,
        groups: options.groupHeaders.flatMap((header) => valuesOf(headers[header])),
        ...(uid ? { uid } : {}),
        ...(Object.keys(extra).length > 0 ? { extra } : {}),
      }
      return user.groups.includes('system:unauthenticated') ? user : knownUser(user)
    },
  }
}

type Headers = ApiRequest['headers']

export function valuesOf(value: string | string[] | undefined): readonly string[] {
  return value === undefined ? [] : (Array.isArray(value) ? value : [value]).map((v) => v.trim()).filter((v) => v !== '')
}

function firstOf(headers: Headers, names: readonly string[]): string | undefined {
  for (const name of names) {
    const [value] = valuesOf(headers[name])
    if (value) return value
  }
  return undefined
}

function extraOf(headers: Headers, prefixes: readonly string[]): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  for (const header of Object.keys(headers)) {
    const prefix = prefixes.find((p) => header.startsWith(p))
    if (prefix) extra[unescapedKey(header.slice(prefix.length))] = valuesOf(headers[header])
  }
  return extra
}

/** A key that is not well escaped is taken as it stands, as upstream does. */
export function unescapedKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
