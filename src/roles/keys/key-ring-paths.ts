import type { SigningRing } from '../../apiserver/authn/signing-ring.ts'
import type { ApiResponse } from '../../apiserver/contract.ts'
import { type KeyRing, RotationUnderWay } from '../../apiserver/encryption/encryption-ring.ts'
import type { PathHandler } from '../../apiserver/pipeline.ts'
import { ownPaths } from '../../base/own-paths.ts'
import { statusErrors } from '../../machinery/status-error.ts'

/** `ids`: the writing, or signing, key's first. Nobody ever sees a secret. */
type KeysAnswer = { readonly ids: readonly string[] }

/**
 * GET gives the keys of encryption at rest; POST puts a new one in front and gives them too. Whoever maintains the store then writes
 * everything anew with it: the old keys are gone from the answer when that is done. 409 while a rotation is under way.
 */
export function keyRingPaths(ring: KeyRing): PathHandler {
  return async ({ path }, { method }) => {
    if (path !== ownPaths.encryptionKeys) return undefined
    if (method === 'POST') await rotated(ring)
    else if (method === 'GET') await ring.refresh(undefined)
    else throw statusErrors.methodNotSupported({ group: '', resource: 'encryption keys' }, method)
    return idsAnswer(ring)
  }
}

/** GET gives the keys of service accounts' tokens; POST makes a new one that signs, DELETE forgets those that do not, and both give them. */
export function signingRingPaths(ring: SigningRing): PathHandler {
  return async ({ path }, { method }) => {
    if (path !== ownPaths.serviceAccountKeys) return undefined
    if (method === 'POST') await ring.rotate()
    else if (method === 'DELETE') await ring.dropOld()
    else if (method === 'GET') await ring.refresh()
    else throw statusErrors.methodNotSupported({ group: '', resource: "keys of service accounts' tokens" }, method)
    return idsAnswer(ring)
  }
}

function idsAnswer({ ids }: KeysAnswer): ApiResponse {
  return { code: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify({ ids } satisfies KeysAnswer)) }
}

async function rotated(ring: KeyRing): Promise<void> {
  try {
    await ring.rotate()
  } catch (error) {
    if (error instanceof RotationUnderWay)
      throw statusErrors.conflict({ group: '', resource: 'encryptionkeys' }, ring.ids[0] ?? '', `a rotation is under way: ${error.message}`)
    throw error
  }
}
