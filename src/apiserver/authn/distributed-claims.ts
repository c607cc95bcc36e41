/**
 * Claims that a token does not have but says where to find: another server answers with a token of its own that has them
 * (https://openid.net/specs/openid-connect-core-1_0.html#AggregatedDistributedClaims).
 */
import type { Claims } from './claim-rules.ts'

export type ClaimSources = {
  /** Answers with the text at an address; `accessToken` is shown to it unless empty. */
  readonly fetchText: (url: string, accessToken: string) => Promise<string>
  /** The claims of a token of whoever it names as its issuer. Rejects where it does not hold. */
  readonly verify: (token: string) => Promise<Claims>
}

/** The claims with one of them brought from elsewhere, where they say so. Rejects with the reason where it cannot be had. */
export async function withDistributedClaim(claims: Claims, claim: string, sources: ClaimSources): Promise<Claims> {
  const { [claim]: present, _claim_names: names, _claim_sources: all } = claims
  if (present !== undefined || names === undefined) return claims
  if (!isRecord(names)) throw new Error('oidc: error parsing distributed claim names: no object')
  if (all === undefined) throw new Error('oidc: no claim sources')
  if (!isRecord(all)) throw new Error('oidc: could not parse claim sources: no object')
  const name = Object.hasOwn(names, claim) ? names[claim] : undefined
  if (name === undefined) return claims
  if (typeof name !== 'string') throw new Error('oidc: error parsing distributed claim names: no text')
  const source = Object.hasOwn(all, name) ? all[name] : undefined
  if (!isRecord(source)) throw new Error(`id token _claim_names contained a source ${name} missing in _claims_sources`)
  const { endpoint, access_token: accessToken } = source
  // Without an address it is one that came along, which nobody reads.
  if (typeof endpoint !== 'string' || endpoint === '') return claims
  const value = (await claimsAt(endpoint, { claim, accessToken, sources }))[claim]
  if (value === undefined)
    throw new Error(`jwt returned by distributed claim endpoint ${JSON.stringify(endpoint)} did not contain claim: ${claim}`)
  return { ...claims, [claim]: value }
}

async function claimsAt(
  endpoint: string,
  { claim, accessToken, sources }: { readonly claim: string; readonly accessToken: unknown; readonly sources: ClaimSources },
): Promise<Claims> {
  let token: string
  try {
    token = await sources.fetchText(endpoint, typeof accessToken === 'string' ? accessToken : '')
  } catch (error) {
    throw new Error(`while getting distributed claim ${JSON.stringify(claim)}: ${textOf(error)}`, { cause: error })
  }
  try {
    return await sources.verify(token.trim())
  } catch (error) {
    throw new Error(`verify distributed claim token: ${textOf(error)}`, { cause: error })
  }
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
