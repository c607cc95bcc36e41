/** What a server gives to another one that joins its cluster: the keys that all of them share, and where the store is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serverJoinersGroup } from '../apiserver/authn/server-tokens.ts'
import type { PathHandler } from '../apiserver/pipeline.ts'
import { ownPaths } from '../base/own-paths.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { readTextFile } from '../platform/text-file.ts'
import { readTls } from './open-store.ts'
import type { StoreLocation } from './store-location.ts'

/** Files of `pki` that are the cluster's and not one server's; each server makes the others from them. */
export const sharedKeyFiles = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.key', 'sa.pub'] as const

export type ServerBundle = {
  readonly version: 1
  /** PEM texts by the names of `sharedKeyFiles`. */
  readonly files: Readonly<Record<string, string>>
  readonly store: {
    readonly endpoints: readonly string[]
    readonly root: string
    /** PEM texts. */
    readonly tls:
      | { readonly ca: string | undefined; readonly certificate: string | undefined; readonly key: string | undefined }
      | undefined
  }
}

/** Throws when a file is missing. */
export function readSharedKeys(pkiDir: string): Readonly<Record<string, string>> {
  return Object.fromEntries(sharedKeyFiles.map((name) => [name, readFileSync(join(pkiDir, name), 'utf8')]))
}

/** Answers holders of a server token, and nobody else, the administrator neither. */
export function serverBundlePath(options: { readonly pkiDir: string; readonly location: StoreLocation | undefined }): PathHandler {
  const { pkiDir, location } = options
  return ({ path }, { user, method }) => {
    if (path !== ownPaths.serverBundle || method !== 'GET') return undefined
    if (!user.groups.includes(serverJoinersGroup)) throw statusErrors.forbiddenPath('only a server token opens this path')
    if (!location)
      throw statusErrors.conflict(
        { group: '', resource: 'servers' },
        '',
        `this cluster keeps its objects in SQLite, which belongs to one server alone. Bring them into an etcd first: \`keelson down\`, ` +
          '`keelson migrate --from sqlite:DATA-DIR --to etcd://…`, `keelson up --store etcd://…`',
      )
    const { endpoints, root } = location
    const bundle: ServerBundle = {
      version: 1,
      files: readSharedKeys(pkiDir),
      store: { endpoints, root, tls: readTls(location) },
    }
    // As a stream: what is streamed is never recorded by the audit log.
    return { code: 200, headers: { 'content-type': 'application/json' }, body: once(Buffer.from(JSON.stringify(bundle))) }
  }
}

async function* once(block: Uint8Array): AsyncGenerator<Uint8Array> {
  yield block
}

export const serverFile = (dataDir: string) => join(dataDir, 'server.json')

/** What a server that joined remembers: the store's URL. Undefined where the data directory's server never joined another. */
export function rememberedStore(dataDir: string): string | undefined {
  const text = readTextFile(serverFile(dataDir))
  return text === undefined ? undefined : (JSON.parse(text) as { readonly store: string }).store
}

export const serverFileText = (store: string): string => `${JSON.stringify({ version: 1, store })}\n`
