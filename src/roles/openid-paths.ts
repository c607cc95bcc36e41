import type { ServiceAccountTokens } from '../apiserver/authn/service-account-tokens.ts'
import type { PathHandler } from '../apiserver/pipeline.ts'
import type { ClusterNetwork } from './cluster-network.ts'

/** The OpenID documents by which others check service-account tokens. */
export function openIdPaths(tokens: ServiceAccountTokens, { domain }: ClusterNetwork): PathHandler {
  const json = (contentType: string, value: unknown) => ({
    code: 200,
    headers: { 'content-type': contentType, 'cache-control': 'public, max-age=3600' },
    body: Buffer.from(JSON.stringify(value)),
  })
  return ({ path }) => {
    if (path === '/openid/v1/jwks') return json('application/jwk-set+json', tokens.keySet)
    if (path === '/.well-known/openid-configuration')
      return json('application/json', tokens.discoveryDocument(`https://kubernetes.default.svc.${domain}/openid/v1/jwks`))
    return undefined
  }
}
