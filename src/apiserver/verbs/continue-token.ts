import { JsonError, parseJson } from '../../machinery/json-strict.ts'
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
  const { v, rv = 0, start } = parse(text)
  if (v !== tokenVersion) throw invalid(`server does not recognize this encoded version ${String(v)}`)
  if (!Number.isSafeInteger(rv) || rv === 0) throw invalid(`incorrect encoded start resourceVersion (version ${tokenVersion})`)
  if (typeof start !== 'string' || start === '') throw invalid(`encoded start key empty (version ${tokenVersion})`)
  if (!start.endsWith('\0') || start.split('/').includes('..')) throw invalid(start)
  return { revision: rv < 0 ? undefined : (rv as Revision), after: (prefix + start.slice(0, -1)) as StoreKey }
}

function parse(text: string): Partial<Token> {
  const bad = text.search(/[^A-Za-z0-9_-]/)
  const json = Buffer.from(text, 'base64url')
  if (bad >= 0 || text.length % 4 === 1) throw invalid(`illegal base64 data at input byte ${bad >= 0 ? bad : text.length - 1}`)
  try {
    // What is no JSON is told by its bytes.
    const value = parseJson(json.toString('latin1'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    if (error instanceof JsonError) throw invalid(error.message)
    throw error
  }
  throw invalid('json: cannot unmarshal into Go value of type storage.continueToken')
}

const invalid = (why: string) => statusErrors.badRequest(`invalid continue token: continue key is not valid: ${why}`)
