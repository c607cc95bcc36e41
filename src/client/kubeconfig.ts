/** Reading, merging and writing of kubeconfig files, with kubectl's rules: the first file that defines something wins. */
import { dump, load } from 'js-yaml'
import { dirname, isAbsolute, join } from 'node:path'
import { environmentVariable, fileVersion, homeDirectory, readTextFile, writeTextFile } from '../platform/text-file.ts'
import { execCredentials, type ExecPlugin } from './exec-credentials.ts'
import { createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.ts'
import { ownAccount } from './own-account.ts'

export type Kubeconfig = {
  readonly clusters: readonly Named<'cluster', ClusterEntry>[]
  readonly users: readonly Named<'user', UserEntry>[]
  readonly contexts: readonly Named<'context', ContextEntry>[]
  readonly currentContext: string
}

type Named<Field extends string, T> = { readonly name: string } & { readonly [F in Field]: T }

export type ClusterEntry = {
  readonly server: string
  readonly 'certificate-authority'?: string
  readonly 'certificate-authority-data'?: string
  readonly 'insecure-skip-tls-verify'?: boolean
  readonly 'tls-server-name'?: string
}

export type UserEntry = {
  readonly 'client-certificate'?: string
  readonly 'client-certificate-data'?: string
  readonly 'client-key'?: string
  readonly 'client-key-data'?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly password?: string
  readonly as?: string
  readonly 'as-groups'?: readonly string[]
  readonly exec?: ExecPlugin
}

export type ContextEntry = { readonly cluster: string; readonly user: string; readonly namespace?: string }

export class KubeconfigError extends Error {
  override name = 'KubeconfigError'
}

/**
 * The files that count: `explicit`, else the list in KUBECONFIG, else ~/.kube/config. Throws KubeconfigError where `explicit` is missing;
 * of the others any may be.
 */
export function kubeconfigPaths(explicit?: string): string[] {
  if (explicit) {
    if (fileVersion(explicit) === undefined) throw new KubeconfigError(`there is no kubeconfig ${explicit}`)
    return [explicit]
  }
  const listed = (environmentVariable('KUBECONFIG') ?? '').split(':').filter((path) => path !== '')
  return listed.length > 0 ? listed : [join(homeDirectory(), '.kube', 'config')]
}

/** Merges the files that exist; an empty configuration when none does. Throws KubeconfigError for one that is not a kubeconfig. */
export function loadKubeconfig(paths: readonly string[] = kubeconfigPaths()): Kubeconfig {
  const configs = paths.flatMap((path) => {
    const text = readTextFile(path)
    return text === undefined ? [] : [parseKubeconfig(text, path)]
  })
  return {
    clusters: firstOfName(configs.flatMap((config) => config.clusters)),
    users: firstOfName(configs.flatMap((config) => config.users)),
    contexts: firstOfName(configs.flatMap((config) => config.contexts)),
    currentContext: configs.find((config) => config.currentContext !== '')?.currentContext ?? '',
  }
}

/** `path` is for messages, and relative file names are resolved against its folder. */
export function parseKubeconfig(text: string, path: string): Kubeconfig {
  let value: unknown
  try {
    // An empty file is an empty configuration, as kubectl takes it.
    value = text.trim() === '' ? undefined : load(text)
  } catch (error) {
    throw new KubeconfigError(`${path} is not YAML: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (value === undefined || value === null) return { clusters: [], users: [], contexts: [], currentContext: '' }
  if (typeof value !== 'object' || Array.isArray(value)) throw new KubeconfigError(`${path} is not a kubeconfig`)
  const raw = value as Record<string, unknown>
  const absolute = (entry: Record<string, unknown>) => withAbsolutePaths(entry, dirname(path))
  return {
    clusters: entriesOf<'cluster', ClusterEntry>(raw, 'clusters', 'cluster', path, absolute),
    users: entriesOf<'user', UserEntry>(raw, 'users', 'user', path, absolute),
    contexts: entriesOf<'context', ContextEntry>(raw, 'contexts', 'context', path, (entry) => entry),
    currentContext: typeof raw['current-context'] === 'string' ? raw['current-context'] : '',
  }
}

function entriesOf<Field extends string, T>(
  raw: Record<string, unknown>,
  list: string,
  field: Field,
  path: string,
  convert: (entry: Record<string, unknown>) => Record<string, unknown>,
): Named<Field, T>[] {
  const value = raw[list] ?? []
  if (!Array.isArray(value)) throw new KubeconfigError(`${path}: ${list} is not a list`)
  return value.map((item: unknown) => {
    const entry = item as Record<string, unknown> | null
    if (typeof entry?.name !== 'string') throw new KubeconfigError(`${path}: an entry of ${list} has no name`)
    // The fields are checked where they are used; unknown ones are kept for writing back.
    return { ...entry, [field]: convert((entry[field] ?? {}) as Record<string, unknown>) } as unknown as Named<Field, T>
  })
}

const fileFields = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']

function withAbsolutePaths(entry: Record<string, unknown>, folder: string): Record<string, unknown> {
  const result = { ...entry }
  for (const field of fileFields) {
    const path = result[field]
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) result[field] = join(folder, path)
  }
  return result
}

function firstOfName<T extends { readonly name: string }>(entries: readonly T[]): T[] {
  const byName = new Map<string, T>()
  for (const entry of entries) if (!byName.has(entry.name)) byName.set(entry.name, entry)
  return [...byName.values()]
}

export type ContextOptions = { readonly context?: string; readonly namespace?: string }

/** What a context stands for, its files read. Throws KubeconfigError that names what is missing. */
export function resolveContext(
  config: Kubeconfig,
  options: ContextOptions = {},
): { connection: HttpClientOptions; namespace: string; context: string } {
  const name = options.context ?? config.currentContext
  if (name === '') throw new KubeconfigError('no context is set in the kubeconfig')
  const context = config.contexts.find((entry) => entry.name === name)?.context
  if (!context) throw new KubeconfigError(`the kubeconfig has no context "${name}"`)
  const cluster = config.clusters.find((entry) => entry.name === context.cluster)?.cluster
  if (!cluster?.server) throw new KubeconfigError(`context "${name}": the kubeconfig has no cluster "${context.cluster}"`)
  const user = config.users.find((entry) => entry.name === context.user)?.user ?? {}
  return { connection: connectionOf(cluster, user), namespace: options.namespace ?? context.namespace ?? 'default', context: name }
}

function connectionOf(cluster: ClusterEntry, user: UserEntry): HttpClientOptions {
  const ca = pemOf(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const cert = pemOf(user['client-certificate-data'], user['client-certificate'])
  const key = pemOf(user['client-key-data'], user['client-key'])
  return {
    server: cluster.server,
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { insecureSkipTlsVerify: true } : {}),
    ...(cluster['tls-server-name'] ? { tlsServerName: cluster['tls-server-name'] } : {}),
    ...(user.tokenFile ? { tokenFile: user.tokenFile } : user.token ? { token: user.token } : {}),
    ...(user.username === undefined ? {} : { username: user.username, password: user.password ?? '' }),
    ...(user.as ? { impersonate: { user: user.as, ...(user['as-groups'] ? { groups: user['as-groups'] } : {}) } } : {}),
    ...(user.exec ? { credentials: execCredentials(user.exec, cluster) } : {}),
  }
}

/** Inline data wins over a file, as in kubectl. */
function pemOf(data: string | undefined, path: string | undefined): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString('utf8')
  if (!path) return undefined
  const text = readTextFile(path)
  if (text === undefined) throw new KubeconfigError(`the kubeconfig names ${path}, which does not exist`)
  return text
}

/**
 * A client for a context of the user's kubeconfig (or of the files given). Where no kubeconfig says anything, a program in a pod gets one
 * for its service account, as with kubectl. Throws KubeconfigError that names what is missing.
 */
export function clientFromKubeconfig(options: ContextOptions & { readonly paths?: readonly string[] } = {}): {
  client: HttpClient
  namespace: string
} {
  const config = loadKubeconfig(options.paths ?? kubeconfigPaths())
  const isEmpty = config.contexts.length + config.clusters.length === 0 && options.context === undefined
  const own = isEmpty ? ownAccount() : undefined
  const { connection, namespace } = own ? { ...own, ...options } : resolveContext(config, options)
  return { client: createHttpClient(connection), namespace }
}

export type NewContext = { readonly name: string; readonly cluster: ClusterEntry; readonly user: UserEntry; readonly namespace?: string }

/** Adds or replaces a context, with its cluster and user of the same name, in a file; everything else in it stays. */
export function mergeContext(path: string, entry: NewContext, options: { readonly makeCurrent: boolean }): void {
  writeTextFile(path, render(withContext(readRaw(path), entry, options.makeCurrent)))
}

/** Takes a context and its cluster and user of the same name out of a file. False when there was nothing to take out. */
export function removeContext(path: string, name: string): boolean {
  const raw = readRaw(path)
  const without = (list: unknown) => asEntries(list).filter((entry) => entry.name !== name)
  const hadAny = ['clusters', 'users', 'contexts'].some((list) => asEntries(raw[list]).length !== without(raw[list]).length)
  if (!hadAny) return false
  const isCurrent = raw['current-context'] === name
  writeTextFile(
    path,
    render({
      ...raw,
      clusters: without(raw.clusters),
      users: without(raw.users),
      contexts: without(raw.contexts),
      ...(isCurrent ? { 'current-context': '' } : {}),
    }),
  )
  return true
}

type RawConfig = Record<string, unknown>
type RawEntry = { readonly name?: unknown }

function asEntries(list: unknown): RawEntry[] {
  return Array.isArray(list) ? list.filter((entry): entry is RawEntry => typeof entry === 'object' && entry !== null) : []
}

function readRaw(path: string): RawConfig {
  const text = readTextFile(path)
  if (text === undefined) return {}
  parseKubeconfig(text, path)
  if (text.trim() === '') return {}
  return (load(text) as RawConfig | null | undefined) ?? {}
}

function withContext(raw: RawConfig, entry: NewContext, makeCurrent: boolean): RawConfig {
  const put = (list: unknown, value: RawEntry) => [...asEntries(list).filter((other) => other.name !== entry.name), value]
  const { name, cluster, user, namespace } = entry
  return {
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    ...raw,
    clusters: put(raw.clusters, { name, cluster } as RawEntry),
    users: put(raw.users, { name, user } as RawEntry),
    contexts: put(raw.contexts, { name, context: { cluster: name, user: name, ...(namespace ? { namespace } : {}) } } as RawEntry),
    'current-context': makeCurrent || !raw['current-context'] ? name : raw['current-context'],
  }
}

function render(raw: RawConfig): string {
  return dump(raw, { lineWidth: -1, noRefs: true })
}
