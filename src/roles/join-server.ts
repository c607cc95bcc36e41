/**
 * How one more server joins a cluster: it trusts the other by the hash of its authority, and gets with a server token what all servers
 * share. Nothing is taken for joined before all of it is on the disk; cut short anywhere, joining again begins anew.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { ownPaths } from '../base/own-paths.ts'
import { askServer } from '../cli/ask-server.ts'
import { CliError } from '../cli/cli-error.ts'
import { createHttpClient } from '../client/http-client.ts'
import { StatusError } from '../machinery/status-error.ts'
import { authorityHash } from '../platform/pki/certificate.ts'
import { writeSecretFile } from '../platform/pki/cluster-pki.ts'
import { pinnedAuthority } from './keys/pinned-authority.ts'
import { rememberedStore, type ServerBundle, serverFile, serverFileText, sharedKeyFiles } from './server-bundle.ts'
import { formatStoreLocation } from './store-location.ts'

export type JoinServerOptions = {
  /** `https://HOST:PORT` of any server of the cluster. */
  readonly server: string
  readonly token: string | undefined
  readonly caHash: string | undefined
  readonly dataDir: string
  readonly clock: Clock
}

/** Does nothing when it was done before. Throws CliError, with exit code 3 when the server does not answer. */
export async function joinAsServer(options: JoinServerOptions): Promise<void> {
  const { dataDir, caHash, token } = options
  const pki = join(dataDir, 'pki')
  if (existsSync(join(pki, 'ca.key'))) {
    const known = authorityHash(readFileSync(join(pki, 'ca.crt'), 'utf8'))
    if (rememberedStore(dataDir) !== undefined && (caHash === undefined || caHash === known)) return
    throw new CliError(`${dataDir} belongs to another cluster`, { nextStep: 'give an empty --data-dir, or leave --join out', exitCode: 2 })
  }
  if (token === undefined || caHash === undefined)
    throw new CliError('a server joins with a token and the hash of the authority', {
      nextStep: 'give --token and --ca-hash as `keelson token create --server` prints them',
      exitCode: 2,
    })
  const ca = await pinnedAuthority(options.server, caHash)
  const bundle = await fetchBundle(options, ca, token)
  const isWhole = bundle.version === 1 && sharedKeyFiles.every((name) => typeof bundle.files[name] === 'string')
  if (!isWhole || authorityHash(bundle.files['ca.crt']!) !== caHash)
    throw new CliError('the server gave something else than the keys of its cluster', { nextStep: 'run the same version on both' })
  writeJoined(dataDir, bundle)
}

async function fetchBundle({ server, clock }: JoinServerOptions, ca: string, token: string): Promise<ServerBundle> {
  const client = createHttpClient({ server, ca, token, clock, tlsServerName: 'kubernetes' })
  try {
    return (await askServer(client, { method: 'GET', path: ownPaths.serverBundle })) as ServerBundle
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    throw refusal(error)
  } finally {
    client.close()
  }
}

function refusal(error: StatusError): CliError {
  const again = 'make one there with `keelson token create --server`'
  if (error.code === 401) {
    const why = error.message === 'Unauthorized' ? 'the server does not take this token' : error.message
    return new CliError(why, { nextStep: again, cause: error })
  }
  if (error.code === 403) return new CliError('this token is not one that lets a server join', { nextStep: again, cause: error })
  if (error.code === 409)
    return new CliError('this cluster cannot be joined by another server', { nextStep: reasonOf(error.message), cause: error })
  return new CliError(`the server cannot be joined now: ${error.message}`, { nextStep: 'try again', exitCode: 3, cause: error })
}

/** Without the frame of a conflict. */
const reasonOf = (message: string) => message.replace(/^Operation cannot be fulfilled on [^:]*: /, '')

function writeJoined(dataDir: string, { files, store }: ServerBundle): void {
  const staging = join(dataDir, 'joining')
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(staging, { recursive: true, mode: 0o700 })
  for (const name of sharedKeyFiles) writeSecretFile(join(staging, name), files[name]!)
  const pem = (name: string, text: string | undefined) => {
    if (text === undefined) return undefined
    writeSecretFile(join(staging, name), text)
    return resolve(dataDir, 'pki', name)
  }
  const tls = store.tls && {
    ca: pem('store-ca.crt', store.tls.ca),
    certificate: pem('store-client.crt', store.tls.certificate),
    key: pem('store-client.key', store.tls.key),
  }
  writeSecretFile(serverFile(dataDir), serverFileText(formatStoreLocation({ endpoints: store.endpoints, root: store.root, tls })))
  // From here on it has joined.
  renameSync(staging, join(dataDir, 'pki'))
}
