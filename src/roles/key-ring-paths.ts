import { type KeyRing, RotationUnderWay } from '../apiserver/encryption-ring.ts'
import type { PathHandler } from '../apiserver/pipeline.ts'
import { ownPaths } from '../base/own-paths.ts'
import { statusErrors } from '../machinery/status-error.ts'

/** `ids`: the writing key's first. Nobody ever sees a secret. */
export type EncryptionKeysAnswer = { readonly ids: readonly string[] }

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
    const answer: EncryptionKeysAnswer = { ids: ring.ids }
    return { code: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(answer)) }
  }
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
