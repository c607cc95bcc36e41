import { ownPaths } from '../base/own-paths.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Client } from '../client/contract.ts'
import { isStatus } from '../machinery/status-error.ts'
import { askServer } from './ask-server.ts'
import { CliError } from './cli-error.ts'
import type { Console } from './console.ts'

type Context = { readonly console: Console; readonly clock: Clock; readonly client: () => Client }

/**
 * `keelson keys rotate encryption`: the running servers take a new key, write everything anew with it, and forget the old one; this
 * waits for the end. `service-accounts`: a new key signs at all servers from now on, and tokens of the old ones live on until their end,
 * or until `--drop-old`.
 */
export async function rotateKeys(context: Context, options: { which: string; dropOld?: boolean }): Promise<void> {
  const { which, dropOld } = options
  if (which === 'encryption') {
    if (dropOld)
      throw new CliError('old encryption keys are dropped by the server itself', { nextStep: 'leave --drop-old out', exitCode: 2 })
    return rotateEncryption(context)
  }
  if (which !== 'service-accounts')
    throw new CliError(`there are no keys called ${which}`, { nextStep: 'name encryption or service-accounts', exitCode: 2 })
  const ids = await keysAt(context.client(), dropOld ? 'DELETE' : 'POST', ownPaths.serviceAccountKeys)
  context.console.out(`${ids[0]} signs tokens; ${ids.length - 1} older keys are still taken`)
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

const encryptionKeys = (client: Client, method: 'GET' | 'POST') => keysAt(client, method, ownPaths.encryptionKeys)

async function keysAt(client: Client, method: 'GET' | 'POST' | 'DELETE', path: string): Promise<readonly string[]> {
  return ((await askServer(client, { method, path })) as { ids: readonly string[] }).ids
}

/** `keelson keys status`: the keys by their ids, never their secrets. */
export async function keysStatus({ console, client: connect }: Context): Promise<void> {
  const client = connect()
  const line = (name: string, [first, ...rest]: readonly string[]) =>
    console.out(`${name}: ${first ?? 'none'}${rest.length > 0 ? `, still reading ${rest.join(', ')}` : ''}`)
  line('service-accounts', await keysAt(client, 'GET', ownPaths.serviceAccountKeys))
  line('encryption', await encryptionKeys(client, 'GET'))
}
