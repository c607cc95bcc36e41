/**
 * EncryptionConfiguration of apiserver.config.k8s.io/v1: which resources are encrypted at rest, and with what
 * (https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/). Read and judged as upstream does, with its words.
 */
import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { parseYaml } from '../../../machinery/yaml.ts'

export type ConfiguredKey = { readonly name: string; readonly secret: Uint8Array }

export type Provider =
  | { readonly type: 'aesgcm' | 'aescbc' | 'secretbox'; readonly keys: readonly ConfiguredKey[] }
  | { readonly type: 'identity' }
  | { readonly type: 'kms'; readonly name: string; readonly endpoint: string; readonly timeoutMs: number }

/** `resources` as written: `secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*`. The first provider writes, all read. */
export type ResourceEncryption = { readonly resources: readonly string[]; readonly providers: readonly Provider[] }

/** As in the file; nothing of it is sure. */
type RawKey = { readonly name?: unknown; readonly secret?: unknown }
type RawProvider = { readonly [name: string]: unknown }
type RawResource = { readonly resources?: unknown; readonly providers?: unknown }

const providerNames = ['aesgcm', 'aescbc', 'secretbox', 'identity', 'kms'] as const
type ProviderName = (typeof providerNames)[number]
const defaultKmsTimeoutMs = 3_000

/** Throws an Error with all that is wrong, as upstream's aggregate words it. No secret is ever part of it. */
export function parseEncryptionConfiguration(text: string): readonly ResourceEncryption[] {
  if (text.trim() === '') throw new Error('the encryption provider configuration file is empty')
  const file = parseYaml(text) as { apiVersion?: unknown; kind?: unknown; resources?: unknown } | null
  if (file?.apiVersion !== 'apiserver.config.k8s.io/v1' || file.kind !== 'EncryptionConfiguration')
    throw new Error('the encryption provider configuration is no EncryptionConfiguration of apiserver.config.k8s.io/v1')
  const resources = listOf<RawResource>(file.resources)
  const errors = validate(resources)
  if (errors.length > 0) {
    const lines = errors.map(({ field, message }) => `${field}: ${message}`)
    throw new Error(lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`)
  }
  const parsed = resources.map((one) => ({
    resources: listOf<string>(one.resources),
    providers: listOf<RawProvider>(one.providers).map(providerOf),
  }))
  refuseMasked(parsed)
  return parsed
}

const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? (value as readonly T[]) : [])

function providerOf(raw: RawProvider): Provider {
  const type = providerNames.find((name) => raw[name] !== undefined)!
  if (type === 'identity') return { type }
  if (type === 'kms') {
    const { name, endpoint, timeout } = raw.kms as { name: string; endpoint: string; timeout?: string }
    return { type, name, endpoint, timeoutMs: durationMs(timeout) ?? defaultKmsTimeoutMs }
  }
  const keys = listOf<{ name: string; secret: string }>((raw[type] as { keys?: unknown }).keys)
  return { type, keys: keys.map(({ name, secret }) => ({ name, secret: Buffer.from(secret, 'base64') })) }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** A duration as Go writes it; undefined when there is none. */
function durationMs(text: string | undefined): number | undefined {
  const m = text === undefined ? null : /^(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/.exec(text)
  return m ? Number(m[1] ?? 0) * 60_000 + Number(m[2] ?? 0) * 1000 + Number(m[3] ?? 0) : undefined
}

function validate(resources: readonly RawResource[]): FieldError[] {
  if (resources.length === 0) return [fieldErrors.required('resources', 'at least one resources is required')]
  const kmsNames = new Set<string>()
  return resources.flatMap((one, i) => {
    const [r, p] = [`resources[${i}].resources`, `resources[${i}].providers`]
    const names = listOf<string>(one.resources)
    const providers = listOf<RawProvider>(one.providers)
    return [
      ...(names.length === 0 ? [fieldErrors.required(r, `at least one ${r} is required`)] : []),
      ...overlapErrors(names, r),
      ...names.flatMap((name, j) => nameErrors(String(name), `${r}[${j}]`)),
      ...(providers.length === 0 ? [fieldErrors.required(p, `at least one ${p} is required`)] : []),
      ...providers.flatMap((provider, j) => providerErrors(provider, `${p}[${j}]`, kmsNames)),
    ]
  })
}

export type GroupResource = { readonly group: string; readonly resource: string }

/** `deployments.apps` is the resource deployments in the group apps; what follows the first dot is the group. */
export function groupResourceOf(name: string): GroupResource {
  const dot = name.indexOf('.')
  return dot < 0 ? { group: '', resource: name } : { group: name.slice(dot + 1), resource: name.slice(0, dot) }
}

const isEverything = ({ group, resource }: GroupResource) => group === '*' && resource === '*'

function overlapErrors(names: readonly string[], path: string): FieldError[] {
  const parsed = names.map((name) => groupResourceOf(String(name)))
  const pairs = parsed.flatMap((a, i) => parsed.filter((_, j) => j !== i).map((b) => [a, b] as const))
  const isSame = ([a, b]: readonly [GroupResource, GroupResource]) => a.group === b.group && a.resource === b.resource
  const overlaps = pairs
    .filter((pair) => !isSame(pair))
    .some(([a, b]) => isEverything(a) || (a.group === b.group && (a.resource === '*' || b.resource === '*')))
  const masked = "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked"
  return [
    ...(pairs.some(isSame) ? [fieldErrors.invalid(path, names, 'the same resource cannot be specified multiple times')] : []),
    ...(overlaps ? [fieldErrors.invalid(path, names, masked)] : []),
  ]
}

const internalResources = new Set(['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'])

function nameErrors(name: string, path: string): FieldError[] {
  const refused = (detail: string) => [fieldErrors.invalid(path, name, detail)]
  const { group, resource } = groupResourceOf(name)
  if (name.toLowerCase() !== name) return refused('resource name should not contain capital letters')
  if (name === '*') return refused("use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources")
  if (internalResources.has(name)) return refused('resources which do not have REST API/s cannot be encrypted')
  if (group === 'events.k8s.io')
    return refused("'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file")
  if (group === 'extensions') return refused("'extensions' group has been removed and cannot be used for encryption")
  if (group === '*' && resource !== '*') return refused('encrypting the same resource across groups is not supported')
  return []
}

const keySizes: Readonly<Record<'aesgcm' | 'aescbc' | 'secretbox', readonly number[]>> = {
  aesgcm: [16, 24, 32],
  aescbc: [16, 24, 32],
  secretbox: [32],
}

function providerErrors(provider: RawProvider, path: string, kmsNames: Set<string>): FieldError[] {
  const found = providerNames.filter((name) => provider?.[name] !== undefined)
  // What a provider holds may be secret: its names alone are told.
  const shown = Object.keys(provider ?? {})
  if (found.length === 0)
    return [
      fieldErrors.invalid(path, shown, 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'),
    ]
  if (found.length > 1)
    return [
      fieldErrors.invalid(path, shown, 'more than one provider specified in a single element, should split into different list elements'),
    ]
  const type: ProviderName = found[0]!
  if (type === 'identity') return []
  if (type === 'kms') return kmsErrors(provider.kms as Record<string, unknown>, `${path}.kms`, kmsNames)
  return keysErrors((provider[type] as { keys?: unknown } | null)?.keys, `${path}.${type}.keys`, keySizes[type])
}

function keysErrors(value: unknown, path: string, sizes: readonly number[]): FieldError[] {
  const keys = listOf<RawKey>(value)
  if (keys.length === 0) return [fieldErrors.required(path, 'at least one keys is required')]
  return keys.flatMap((key, i) => keyErrors(key, `${path}[${i}]`, sizes))
}

function keyErrors({ name, secret }: RawKey, path: string, sizes: readonly number[]): FieldError[] {
  const errors = name ? [] : [fieldErrors.required(`${path}.name`, 'name is a mandatory field for a key')]
  const at = `${path}.secret`
  if (!secret) return [...errors, fieldErrors.required(at, 'secret is a mandatory field for a key')]
  const text = textOf(secret)
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    return [...errors, fieldErrors.invalid(at, 'REDACTED', 'secrets must be base64 encoded')]
  const { byteLength } = Buffer.from(text, 'base64')
  if (sizes.includes(byteLength)) return errors
  const detail = `secret is not of the expected length, got ${byteLength}, expected one of [${sizes.join(' ')}]`
  return [...errors, fieldErrors.invalid(at, 'REDACTED', detail)]
}

function kmsErrors(kms: Record<string, unknown> | null, path: string, names: Set<string>): FieldError[] {
  const { name = '', endpoint = '', timeout, cachesize, apiVersion = 'v1' } = kms ?? {}
  const given = textOf(name)
  const errors: FieldError[] = []
  if (given === '') errors.push(fieldErrors.required(`${path}.name`, 'name is a mandatory field for a provider'))
  if (given.includes(':'))
    errors.push(fieldErrors.invalid(`${path}.name`, given, `invalid KMS provider name ${given}, must not contain ':'`))
  if (names.has(given))
    errors.push(fieldErrors.invalid(`${path}.name`, given, `duplicate KMS provider name ${given}, names must be unique`))
  names.add(given)
  if (timeout !== undefined && !((durationMs(textOf(timeout)) ?? 0) > 0))
    errors.push(fieldErrors.invalid(`${path}.timeout`, timeout, 'timeout should be a positive value'))
  errors.push(...endpointErrors(textOf(endpoint), `${path}.endpoint`))
  if (cachesize !== undefined) errors.push(fieldErrors.invalid(`${path}.cachesize`, cachesize, 'cachesize is not supported in v2'))
  // Upstream has turned version 1 off by default since v1.29.
  if (apiVersion !== 'v2')
    errors.push(fieldErrors.invalid(`${path}.apiVersion`, apiVersion, 'unsupported apiVersion for KMS provider, only v2 is supported'))
  return errors
}

function endpointErrors(endpoint: string, path: string): FieldError[] {
  if (endpoint === '') return [fieldErrors.invalid(path, '', 'endpoint is a mandatory field for a kms')]
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(endpoint)?.[1] ?? ''
  if (scheme === 'unix') return []
  return [fieldErrors.invalid(path, endpoint, `unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`)]
}

/** A rule for all resources of a group, or for all there are, hides the rules behind it: that is never what somebody means. */
function refuseMasked(all: readonly ResourceEncryption[]): void {
  const earlier = new Set<string>()
  for (const { resources } of all) {
    for (const name of resources) {
      const { group } = groupResourceOf(name)
      const mask = [`*.${group}`, '*.*'].find((wide) => earlier.has(wide))
      if (mask) throw new Error(`resource ${JSON.stringify(name)} is masked by earlier rule ${JSON.stringify(mask)}`)
    }
    for (const name of resources) earlier.add(name)
  }
}
