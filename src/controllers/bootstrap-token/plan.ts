/** Bootstrap tokens: when they end, and how they sign what a joining machine reads (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). */
import { createHmac } from 'node:crypto'
import type { ConfigMap, Secret } from '../../kinds/generated/types/core-v1.ts'

export const tokenType = 'bootstrap.kubernetes.io/token'
const namePrefix = 'bootstrap-token-'
const signaturePrefix = 'jws-kubeconfig-'

export const isBootstrapToken = (secret: Secret) => secret.type === tokenType && secret.metadata.namespace === 'kube-system'

const field = (secret: Secret, name: string) => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8')

/** Milliseconds that are left; undefined: it never ends. A time that cannot be read is over. */
export function timeLeftMs(secret: Secret, nowMs: number): number | undefined {
  const expiration = field(secret, 'expiration')
  if (expiration === '') return undefined
  const endMs = /^\d{4}-\d\d-\d\dT/.test(expiration) ? Date.parse(expiration) : Number.NaN
  return Number.isNaN(endMs) ? 0 : Math.max(0, endMs - nowMs)
}

/** Tokens that may sign, by id. */
export function signingTokens(secrets: readonly Secret[], nowMs: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const secret of secrets) {
    const [id, value] = [field(secret, 'token-id'), field(secret, 'token-secret')]
    const isGood =
      isBootstrapToken(secret) &&
      !secret.metadata.deletionTimestamp &&
      /^[a-z0-9]{6}$/.test(id) &&
      secret.metadata.name === `${namePrefix}${id}` &&
      value !== '' &&
      field(secret, 'usage-bootstrap-signing') === 'true' &&
      timeLeftMs(secret, nowMs) !== 0
    if (isGood) found.set(id, value)
  }
  return found
}

/** A JSON Web Signature (RFC 7515) without its payload, which lies beside it. */
export function detachedSignature(content: string, id: string, secret: string): string {
  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  const header = encoded(JSON.stringify({ alg: 'HS256', kid: id }))
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encoded(content)}`)
    .digest('base64url')
  return `${header}..${signature}`
}

/** The data that the ConfigMap should have; undefined: what it has will do. Keys of others stay. */
export function planSignatures(
  current: ConfigMap | undefined,
  kubeconfig: string | undefined,
  tokens: ReadonlyMap<string, string>,
): Record<string, string> | undefined {
  const content = kubeconfig ?? current?.data?.kubeconfig
  if (content === undefined) return undefined
  const kept = Object.entries(current?.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix))
  const signatures = [...tokens].map(([id, secret]) => [`${signaturePrefix}${id}`, detachedSignature(content, id, secret)] as const)
  const wanted: Record<string, string> = { ...Object.fromEntries(kept), kubeconfig: content, ...Object.fromEntries(signatures) }
  const old = current?.data ?? {}
  const isSame =
    Object.keys(old).length === Object.keys(wanted).length && Object.entries(wanted).every(([key, value]) => old[key] === value)
  return current && isSame ? undefined : wanted
}

/** What a machine needs to find this cluster, without any credentials. */
export function clusterInfoKubeconfig({ server, caPem }: { readonly server: string; readonly caPem: string }): string {
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${Buffer.from(caPem).toString('base64')}
    server: ${server}
  name: ""
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
`
}
