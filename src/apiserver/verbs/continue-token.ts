import { statusErrors } from '../../machinery/status-error.ts'
import type { Revision, StoreKey } from '../../store/contract.ts'

/**
 * What a `continue` parameter carries: the list's revision and the key after which the next page starts. Clients treat it
 * as opaque; ours has the fields of upstream's, so that tools which look inside see what they know.
 */
type Token = { readonly v: string; readonly rv: number; readonly start: string }

const tokenVersion = 'meta.k8s.io/v1'

/** `revision` undefined: the list goes on from what is there then, and so is none of one moment. */
export function encodeContinue({ revision, key, prefix }: { revision: Revision | undefined; key: StoreKey; prefix: string }): string {
  const token: Token = { v: tokenVersion, rv: revision ?? -1, start: `${key.slice(prefix.length)}\0` }
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

/** `revision` undefined (rv -1 in the token): an inconsistent continuation from what is there now. Throws 400. */
export function decodeContinue(text: string, prefix: string): { readonly revision: Revision | undefined; readonly after: StoreKey } {
  const token = parse(text)
  if (token.v !== tokenVersion) throw invalid('server does not recognize this encoded version')
  if (!Number.isSafeInteger(token.rv) || token.rv === 0) throw invalid('incorrect encoded start resourceVersion')
  if (typeof token.start !== 'string' || !token.start.endsWith('\0') || token.start.includes('..'))
    throw invalid('invalid encoded start key')
  return { revision: token.rv < 0 ? undefined : (token.rv as Revision), after: (prefix + token.start.slice(0, -1)) as StoreKey }
}

function parse(text: string): Partial<Token> & { rv: number } {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (typeof value === 'object' && value !== null && typeof (value as Token).rv === 'number') return value as Token
  } catch {
    // Falls through: anything that is no token gets one answer.
  }
  throw invalid('continue key is not valid')
}

const invalid = (why: string) => statusErrors.badRequest(`continue key is not valid: ${why}`)
