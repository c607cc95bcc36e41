import type { Pod, Secret } from '../../kinds/generated/types/core-v1.ts'
import type { ObjectReader } from '../references/object-references.ts'
import type { RegistryAuth } from '../runtime/contract.ts'

type Entry = { readonly username?: string; readonly password?: string; readonly auth?: string; readonly identitytoken?: string }

export type PullCredentials = {
  readonly credentials: RegistryAuth[] /** Names of Secrets that are not there. */
  readonly missing: string[]
}

/**
 * The credentials that a pod's imagePullSecrets hold for an image, the most specific first. Secrets that are missing or unreadable give
 * none: the pull then fails with the registry's own words. https://kubernetes.io/docs/concepts/containers/images/
 */
export async function pullCredentials(objects: ObjectReader, pod: Pod, image: string): Promise<PullCredentials> {
  const entries: [string, Entry][] = []
  const missing: string[] = []
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    // Upstream lets a reference without a name pass.
    if (!name) continue
    const secret = await objects.secret(pod.metadata.namespace ?? '', name)
    if (secret) entries.push(...dockerConfigEntries(secret))
    else missing.push(name)
  }
  return { credentials: matchCredentials(entries, image), missing }
}

/** Registry pattern → entry, out of a kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg secret. */
export function dockerConfigEntries(secret: Secret): [string, Entry][] {
  const json = secret.data?.['.dockerconfigjson']
  const legacy = secret.data?.['.dockercfg']
  const text = json ?? legacy
  if (text === undefined) return []
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as { auths?: Record<string, Entry> } & Record<string, Entry>
    return Object.entries((json === undefined ? parsed : parsed.auths) ?? {}) as [string, Entry][]
  } catch {
    // A secret that is no JSON holds no credentials; the user sees the registry's refusal.
    return []
  }
}

/** Entries whose pattern fits the image, longer patterns first; equal credentials count once. Pure. */
export function matchCredentials(entries: readonly (readonly [string, Entry])[], image: string): RegistryAuth[] {
  const fitting = entries.filter(([pattern]) => matchesRegistry(pattern, image)).sort(([a], [b]) => b.length - a.length)
  const seen = new Set<string>()
  const result: RegistryAuth[] = []
  for (const [, entry] of fitting) {
    const auth = toAuth(entry)
    const key = JSON.stringify(auth)
    if (!auth || seen.has(key)) continue
    seen.add(key)
    result.push(auth)
  }
  return result
}

function toAuth({ username, password, auth, identitytoken }: Entry): RegistryAuth | undefined {
  if (username !== undefined && password !== undefined) return { username, password }
  if (auth) {
    const [user, ...rest] = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '').split(':')
    return user !== undefined && rest.length > 0 ? { username: user, password: rest.join(':') } : { auth }
  }
  return identitytoken ? { identityToken: identitytoken } : undefined
}

/**
 * Whether a pattern (`registry.example.com`, `*.example.com:5000/team`, `https://index.docker.io/v1/`) covers an image. Each part of the
 * host may be a glob; the path is a prefix; a port must be equal.
 */
export function matchesRegistry(pattern: string, image: string): boolean {
  const [wantedHost = '', ...wantedPath] = pattern.replace(/^https?:\/\//, '').split('/')
  const [host = '', ...path] = image.split('/')
  const prefix = wantedPath.filter((p) => p !== '').join('/')
  const isDockerHub = (name: string) => name === 'index.docker.io' || name === 'docker.io' || name === 'registry-1.docker.io'
  if (isDockerHub(wantedHost)) return isDockerHub(host)
  if (!matchesHost(wantedHost, host)) return false
  // `/v1` and `/v2` name the registry's own interface, not a repository.
  return prefix === '' || prefix === 'v1' || prefix === 'v2' || path.join('/').startsWith(prefix)
}

function matchesHost(pattern: string, host: string): boolean {
  const [wanted = '', wantedPort] = pattern.split(':')
  const [name = '', port] = host.split(':')
  if (wantedPort !== port) return false
  const wantedParts = wanted.split('.')
  const parts = name.split('.')
  return wantedParts.length === parts.length && wantedParts.every((part, i) => globMatches(part, parts[i]!))
}

function globMatches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${expression}$`).test(text)
}
