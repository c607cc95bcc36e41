import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from '../../kinds/generated/types/core-v1.ts'
import { podField, type PodFieldContext } from '../environment/pod-field.ts'
import { type NodeResources, offeredTo, resourceField } from '../environment/resource-field.ts'
import { HostError } from '../pod/pod-host.ts'
import type { ObjectReader } from '../references/object-references.ts'

export type VolumeFile = { readonly data: Uint8Array; readonly mode: number }
/** Relative path → file. */
export type VolumeFiles = Map<string, VolumeFile>

export type TokenRequestInput = { readonly audience: string | undefined; readonly expirationSeconds: number }
export type VolumeFilesContext = PodFieldContext & {
  readonly objects: ObjectReader
  readonly allocatable: NodeResources
  /** A service account token for the pod, as fresh as it must be. */
  readonly token: (pod: Pod, request: TokenRequestInput) => Promise<string>
}

const defaultFileMode = 0o644
const defaultTokenSeconds = 3600

/** Whether the volume's files come out of the API, and so follow its changes. */
export function isApiVolume(volume: Volume): boolean {
  return Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected)
}

/** Secrets and tokens never touch a disk. */
export function isSecretVolume(volume: Volume): boolean {
  return Boolean(volume.secret ?? volume.projected?.sources?.some((s) => s.secret ?? s.serviceAccountToken))
}

/** The files of a volume that comes out of the API. Throws HostError FailedMount with upstream's text for what is missing. */
export async function volumeFiles(pod: Pod, volume: Volume, context: VolumeFilesContext): Promise<VolumeFiles> {
  const sources = volume.projected?.sources ?? [asProjection(volume)]
  const mode =
    volume.projected?.defaultMode ?? volume.configMap?.defaultMode ?? volume.secret?.defaultMode ?? volume.downwardAPI?.defaultMode
  const files: VolumeFiles = new Map()
  for (const source of sources) {
    for (const [path, file] of await projectionFiles(pod, source, mode ?? defaultFileMode, context, volume.name)) files.set(path, file)
  }
  return files
}

function asProjection({ configMap, secret, downwardAPI }: Volume): VolumeProjection {
  if (secret) {
    const { secretName, items, optional } = secret
    return {
      secret: { ...(secretName ? { name: secretName } : {}), ...(items ? { items } : {}), ...(optional === undefined ? {} : { optional }) },
    }
  }
  return configMap ? { configMap } : { downwardAPI: downwardAPI! }
}

async function projectionFiles(
  pod: Pod,
  source: VolumeProjection,
  mode: number,
  context: VolumeFilesContext,
  volume: string,
): Promise<VolumeFiles> {
  const namespace = pod.metadata.namespace ?? ''
  if (source.configMap) {
    const { name = '', items, optional } = source.configMap
    const object = await context.objects.configMap(namespace, name)
    if (!object && !optional) throw failedMount(volume, `configmap "${name}" not found`)
    return pickFiles(configMapData(object), { items, optional, mode, volume, missing: 'configmap references non-existent config key' })
  }
  if (source.secret) {
    const { name = '', items, optional } = source.secret
    const object = await context.objects.secret(namespace, name)
    if (!object && !optional) throw failedMount(volume, `secret "${name}" not found`)
    return pickFiles(secretData(object), { items, optional, mode, volume, missing: 'references non-existent secret key' })
  }
  if (source.serviceAccountToken) {
    const { audience, expirationSeconds = defaultTokenSeconds, path } = source.serviceAccountToken
    const token = await context.token(pod, { audience, expirationSeconds }).catch((error: unknown) => {
      throw failedMount(volume, `failed to fetch token: ${error instanceof Error ? error.message : String(error)}`)
    })
    return new Map([[path, { data: Buffer.from(token), mode: tokenMode(pod, mode) }]])
  }
  return downwardFiles(pod, source.downwardAPI?.items ?? [], mode, context, volume)
}

/** A token is for its container's user alone where that user is known. */
function tokenMode(pod: Pod, mode: number): number {
  return tokenOwner(pod) !== undefined || pod.spec?.securityContext?.fsGroup !== undefined ? 0o600 : mode
}

/** The one user that all containers run as, if the spec says so. */
export function tokenOwner(pod: Pod): number | undefined {
  const ofPod = pod.spec?.securityContext?.runAsUser
  const users = new Set(
    [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map((c) => c.securityContext?.runAsUser ?? ofPod),
  )
  return users.size === 1 ? [...users][0] : undefined
}

function configMapData(object: ConfigMap | undefined): Map<string, Uint8Array> {
  const data = new Map<string, Uint8Array>()
  for (const [key, value] of Object.entries(object?.data ?? {})) data.set(key, Buffer.from(value))
  for (const [key, value] of Object.entries(object?.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'))
  return data
}

function secretData(object: Secret | undefined): Map<string, Uint8Array> {
  return new Map(Object.entries(object?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]))
}

type Pick = {
  readonly items: readonly KeyToPath[] | undefined
  readonly optional: boolean | undefined
  readonly mode: number
  readonly volume: string
  readonly missing: string
}

function pickFiles(data: ReadonlyMap<string, Uint8Array>, { items, optional, mode, volume, missing }: Pick): VolumeFiles {
  const files: VolumeFiles = new Map()
  if (!items?.length) {
    for (const [key, value] of data) files.set(key, { data: value, mode })
    return files
  }
  for (const item of items) {
    const value = data.get(item.key)
    if (value !== undefined) files.set(item.path, { data: value, mode: item.mode ?? mode })
    else if (!optional) throw failedMount(volume, `${missing}: ${item.key}`)
  }
  return files
}

function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  context: VolumeFilesContext,
  volume: string,
): VolumeFiles {
  const files: VolumeFiles = new Map()
  for (const item of items) {
    try {
      files.set(item.path, { data: Buffer.from(downwardText(pod, item, context)), mode: item.mode ?? mode })
    } catch (error) {
      throw failedMount(volume, error instanceof Error ? error.message : String(error))
    }
  }
  return files
}

function downwardText(pod: Pod, { fieldRef, resourceFieldRef }: DownwardAPIVolumeFile, context: VolumeFilesContext): string {
  if (fieldRef) return podField(pod, fieldRef.fieldPath, context)
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
  const container = containers.find((c) => c.name === resourceFieldRef?.containerName)
  if (!resourceFieldRef || !container) throw new Error(`container ${resourceFieldRef?.containerName ?? ''} not found`)
  return resourceField(resourceFieldRef, container, offeredTo(pod, context.allocatable))
}

export function failedMount(volume: string, why: string): HostError {
  return new HostError('FailedMount', `MountVolume.SetUp failed for volume "${volume}" : ${why}`)
}
