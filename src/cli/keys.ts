import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { encryptionKeyIds, rotateEncryptionKeys } from '../platform/pki/encryption-keys.ts'
import { dropOldServiceAccountKeys, rotateServiceAccountKeys, serviceAccountKeyIds } from '../platform/pki/service-account-keys.ts'
import { CliError } from './cli-error.ts'
import type { Console } from './console.ts'

type Context = { readonly console: Console }

/**
 * `keelson keys rotate`: puts a new key in front on disk. The server takes it up when it starts again, and what hangs on the old
 * ones stays good: encrypted values are written anew then, tokens live on until their end.
 */
export function rotateKeys({ console }: Context, { which, dataDir, dropOld }: { which: string; dataDir: string; dropOld?: boolean }): void {
  const dir = pkiDir(dataDir)
  if (which === 'encryption') {
    if (dropOld)
      throw new CliError('old encryption keys are dropped by the server itself', { nextStep: 'leave --drop-old out', exitCode: 2 })
    const keys = rotateEncryptionKeys(join(dir, 'encryption.json'))
    console.out(`${keys[0]!.id} is the new encryption key; the next start of the server writes everything anew with it and drops the old`)
  } else if (which === 'service-accounts') {
    const ids = dropOld ? dropOldServiceAccountKeys(dir) : rotateServiceAccountKeys(dir)
    console.out(`${ids[0]} signs tokens from the next start of the server on; ${ids.length - 1} older keys are still taken`)
  } else throw new CliError(`there are no keys called ${which}`, { nextStep: 'name encryption or service-accounts', exitCode: 2 })
}

/** `keelson keys status`: the keys by their ids, never their secrets. */
export function keysStatus({ console }: Context, dataDir: string): void {
  const dir = pkiDir(dataDir)
  const line = (name: string, [first, ...rest]: readonly string[]) =>
    console.out(`${name}: ${first ?? 'none'}${rest.length > 0 ? `, still reading ${rest.join(', ')}` : ''}`)
  line('encryption', encryptionKeyIds(join(dir, 'encryption.json')))
  line('service-accounts', serviceAccountKeyIds(dir))
}

function pkiDir(dataDir: string): string {
  const dir = join(dataDir, 'pki')
  if (!existsSync(dir)) throw new CliError(`there are no keys in ${dataDir}`, { nextStep: 'run `keelson up` first', exitCode: 3 })
  return dir
}
