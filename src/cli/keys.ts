import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ownPaths } from '../base/own-paths.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Client } from '../client/contract.ts'
import { isStatus } from '../machinery/status-error.ts'
import { dropOldServiceAccountKeys, rotateServiceAccountKeys, serviceAccountKeyIds } from '../platform/pki/service-account-keys.ts'
import { askServer } from './ask-server.ts'
import { CliError } from './cli-error.ts'
import type { Console } from './console.ts'

type Context = { readonly console: Console; readonly clock: Clock; readonly client: () => Client }

/**
 * `keelson keys rotate encryption`: the running servers take a new key, write everything anew with it, and forget the old one; this
 * waits for the end. `service-accounts`: puts a new key in front on disk, which signs from the next start on; tokens of the old ones
 * live on until their end.
 */
export async function rotateKeys(context: Context, options: { which: string; dataDir: string; dropOld?: boolean }): Promise<void> {
  const { which, dataDir, dropOld } = options
  if (which === 'encryption') {
    if (dropOld)
      throw new CliError('old encryption keys are dropped by the server itself', { nextStep: 'leave --drop-old out', exitCode: 2 })
    return rotateEncryption(context)
  }
  if (which !== 'service-accounts')
    throw new CliError(`there are no keys called ${which}`, { nextStep: 'name encryption or service-accounts', exitCode: 2 })
  const dir = pkiDir(dataDir)
  const ids = dropOld ? dropOldServiceAccountKeys(dir) : rotateServiceAccountKeys(dir)
  context.console.out(`${ids[0]} signs tokens from the next start of the server on; ${ids.length - 1} older keys are still taken`)
}

const pollMinMs = 50
const pollMaxMs = 2_000

async function rotateEncryption({ console, clock, client: connect }: Context): Promise<void> {
  const client = connect()
  let ids: readonly string[]
  try {
    ids = await encryptionKeys(client, 'POST')
  } catch (error) {
    if (!isStatus(error, 'Conflict')) throw error
    console.say('a rotation is under way already; waiting for its end')
    ids = await encryptionKeys(client, 'GET')
  }
  console.say(`${ids[0]} is the new encryption key; everything is written anew with it …`)
  for (let pauseMs = pollMinMs; ids.length > 1; pauseMs = Math.min(pauseMs * 2, pollMaxMs)) {
    await sleep(clock, pauseMs)
    ids = await encryptionKeys(client, 'GET')
  }
  console.out(`${ids[0]} is the encryption key; the old one is gone`)
}

async function encryptionKeys(client: Client, method: 'GET' | 'POST'): Promise<readonly string[]> {
  return ((await askServer(client, { method, path: ownPaths.encryptionKeys })) as { ids: readonly string[] }).ids
}

/** `keelson keys status`: the keys by their ids, never their secrets. */
export async function keysStatus({ console, client }: Context, dataDir: string): Promise<void> {
  const dir = pkiDir(dataDir)
  const line = (name: string, [first, ...rest]: readonly string[]) =>
    console.out(`${name}: ${first ?? 'none'}${rest.length > 0 ? `, still reading ${rest.join(', ')}` : ''}`)
  line('service-accounts', serviceAccountKeyIds(dir))
  line('encryption', await encryptionKeys(client(), 'GET'))
}

function pkiDir(dataDir: string): string {
  const dir = join(dataDir, 'pki')
  if (!existsSync(dir)) throw new CliError(`there are no keys in ${dataDir}`, { nextStep: 'run `keelson up` first', exitCode: 3 })
  return dir
}
