import { chmod, chown, mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { quantityValue } from '../../machinery/quantity.ts'
import { mountPointsUnder, mountTmpfs, unmount } from '../../platform/mount.ts'
import type { ImageViews } from '../containerd/image-views.ts'
import { identityOf, type PodDirectories, podDirectories, type PodDirectoryRoots, volumePlugin } from '../host/pod-directories.ts'
import { HostError } from '../pod/pod-host.ts'
import { writeAtomically } from './atomic-writer.ts'
import { viewKey, viewKeys } from './image-volume.ts'
import { bindSubPath, makeSubPath, readVolumeFile, resolveSubPath } from './sub-path.ts'
import { setUpHostPath } from './host-path.ts'
import type { PersistentVolumes } from './persistent-volumes.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'
import { failedMount, isApiVolume, isSecretVolume, tokenOwner, volumeFiles, type VolumeFilesContext } from './volume-files.ts'

export type PodVolumesOptions = {
  readonly roots: PodDirectoryRoots
  readonly clock: Clock
  readonly log: Log
  readonly tokens: ServiceAccountTokens
  readonly objects: VolumeFilesContext['objects']
  /** What downward API files know; `podIps` of the pod itself. */
  readonly fields: (pod: Pod) => Pick<VolumeFilesContext, 'podIps' | 'hostIps' | 'nodeName' | 'allocatable'>
  /** Mounts need privileges; without them memory-backed volumes lie on disk, and a warning says so once. */
  readonly canMount: boolean
  /** One volume has been set up, or could not be. */
  readonly onSetUp: (plugin: string, durationMs: number, hasFailed: boolean) => void
  /** Undefined: the engine shows no files of images. */
  readonly imageViews: ImageViews | undefined
  /** What lies behind claims. */
  readonly persistent: PersistentVolumes
}

/** Makes, refreshes and removes the volumes of pods. */
export class PodVolumes {
  readonly #options: PodVolumesOptions
  /** The last work on each pod's files: two at once would take each other's away. */
  readonly #turns = new Map<string, Promise<void>>()
  readonly #timers = new Map<string, () => void>()

  constructor(options: PodVolumesOptions) {
    this.#options = options
  }

  start(): Promise<void> {
    return this.#options.persistent.start()
  }

  /** Makes every volume of the pod. Idempotent. Throws HostError for the first that cannot be made. */
  setUp(pod: Pod): Promise<void> {
    return this.#inTurn(pod, () => this.#setUpAll(pod))
  }

  async #setUpAll(pod: Pod): Promise<void> {
    const { clock, onSetUp } = this.#options
    for (const volume of pod.spec?.volumes ?? []) {
      const startedMs = clock.monotonicMs()
      const told = (hasFailed: boolean) => onSetUp(`kubernetes.io/${volumePlugin(volume)}`, clock.monotonicMs() - startedMs, hasFailed)
      await this.#setUpOne(pod, volume).catch((error: unknown) => {
        told(true)
        // The file system's own refusals, such as a full disk, are the user's to know, too.
        throw error instanceof HostError ? error : failedMount(volume.name, error instanceof Error ? error.message : String(error))
      })
      told(false)
    }
    this.#planRefresh(pod)
  }

  /** Brings the volumes that come out of the API up to date. Missing objects leave the old files: running containers keep what they have. */
  refresh(pod: Pod): Promise<void> {
    return this.#inTurn(pod, async () => {
      for (const volume of pod.spec?.volumes ?? []) {
        if (!isApiVolume(volume)) continue
        await this.#setUpOne(pod, volume).catch((error: unknown) =>
          this.#options.log.debug({ volume: volume.name, error: String(error) }, 'a volume could not be refreshed'),
        )
      }
      this.#planRefresh(pod)
    })
  }

  #inTurn({ metadata: { uid = '' } }: Pod, work: () => Promise<void>): Promise<void> {
    const run = (this.#turns.get(uid) ?? Promise.resolve()).then(work)
    const turn = run
      .catch(() => {})
      .finally(() => {
        if (this.#turns.get(uid) === turn) this.#turns.delete(uid)
      })
    this.#turns.set(uid, turn)
    return run
  }

  /** Where a volume lies on the host. */
  path(pod: Pod, volume: Volume): string {
    if (volume.hostPath) return volume.hostPath.path
    const directories = podDirectories(this.#options.roots, identityOf(pod))
    return isSecretVolume(volume) ? directories.memoryVolume(volume) : directories.volume(volume)
  }

  /** Shows the files of an image (by the engine's id) as the volume. Idempotent. Throws HostError. */
  async mountImage(pod: Pod, volume: Volume, imageId: string): Promise<void> {
    const { imageViews } = this.#options
    if (!imageViews) throw failedMount(volume.name, 'this node offers no such volume type')
    const key = viewKey(pod.metadata.uid ?? '', volume.name)
    await imageViews.mount(imageId, this.path(pod, volume), key).catch((error: Error) => {
      throw failedMount(volume.name, error.message)
    })
  }

  /** Where a container's mount of a part of a volume comes from. Throws HostError when that part is not inside the volume. */
  async subPath(
    pod: Pod,
    volume: Volume,
    mount: { readonly container: string; readonly index: number; readonly subPath: string },
  ): Promise<string> {
    const path = this.path(pod, volume)
    // No container can write these, so there is no race to guard against.
    if (isApiVolume(volume) || volume.image) return resolveSubPath(path, mount.subPath)
    const { subPaths } = podDirectories(this.#options.roots, identityOf(pod))
    const gid = pod.spec?.securityContext?.fsGroup
    const made = gid === undefined ? {} : { gid }
    if (this.#options.canMount)
      return bindSubPath(path, mount.subPath, join(subPaths, volume.name, mount.container, String(mount.index)), made)
    await makeSubPath(path, mount.subPath, made)
    return resolveSubPath(path, mount.subPath)
  }

  /** The text of a file in a volume of the pod. Rejects when there is none. */
  readFile(pod: Pod, volumeName: string, path: string): Promise<string> {
    const volume = pod.spec?.volumes?.find((v) => v.name === volumeName)
    if (!volume) return Promise.reject(new Error(`cannot find the volume "${volumeName}" referenced by FileKeyRef`))
    return readVolumeFile(this.path(pod, volume), path, fileBytesMax)
  }

  /** Unmounts and removes all of the pod's volumes. Idempotent. */
  async tearDown(directories: PodDirectories, uid: string): Promise<void> {
    await this.#turns.get(uid)
    // Only now: what was under way has planned its next time.
    this.#timers.get(uid)?.()
    this.#timers.delete(uid)
    this.#options.tokens.forget(uid)
    for (const point of mountPointsUnder(directories.pod)) await unmount(point)
    // Never delete through a mount that would not go: what lies below may not be the pod's.
    const left = mountPointsUnder(directories.pod)
    if (left.length > 0) throw new HostError('FailedUnMount', `UnmountVolume.TearDown failed: ${left.length} mounts stayed`)
    await this.#options.imageViews?.remove(await viewKeys(this.#options.roots.root, uid))
    await rm(directories.memory, { recursive: true, force: true })
    await rm(directories.volumes, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    await this.#options.persistent.close()
  }

  async #setUpOne(pod: Pod, volume: Volume): Promise<void> {
    if (volume.hostPath) return void (await setUpHostPath(volume.name, volume.hostPath))
    if (volume.emptyDir) return this.#setUpEmptyDir(pod, volume)
    if (isApiVolume(volume)) return this.#writeFiles(pod, volume)
    if (volume.persistentVolumeClaim || volume.ephemeral) return this.#options.persistent.setUp(pod, volume, this.path(pod, volume))
    // An image is pulled and shown when a container that mounts it starts.
    if (volume.image) return
    throw failedMount(volume.name, 'this node offers no such volume type')
  }

  async #setUpEmptyDir(pod: Pod, volume: Volume): Promise<void> {
    const path = this.path(pod, volume)
    const gid = pod.spec?.securityContext?.fsGroup
    await mkdir(path, { recursive: true })
    const { medium, sizeLimit } = volume.emptyDir!
    const mode = gid === undefined ? 0o777 : 0o2777
    if (medium === 'Memory' && this.#options.canMount && !mountPointsUnder(path).includes(path)) {
      await mountTmpfs(path, { mode: 0o777, ...(sizeLimit === undefined ? {} : { sizeBytes: quantityValue(sizeLimit) }) })
    } else if (medium?.startsWith('HugePages')) throw failedMount(volume.name, 'huge pages are not offered')
    if (gid !== undefined && (await stat(path)).gid !== gid) await chown(path, -1, gid)
    await chmod(path, mode)
  }

  async #writeFiles(pod: Pod, volume: Volume): Promise<void> {
    const { tokens, objects, fields, clock } = this.#options
    const context = {
      ...fields(pod),
      objects,
      token: (p: Pod, request: Parameters<ServiceAccountTokens['token']>[1]) => tokens.token(p, request),
    }
    const files = await volumeFiles(pod, volume, context)
    const gid = pod.spec?.securityContext?.fsGroup
    const uid = volume.projected?.sources?.some((s) => s.serviceAccountToken) ? tokenOwner(pod) : undefined
    const owner = { ...(gid === undefined ? {} : { gid }), ...(uid === undefined ? {} : { uid }) }
    const path = this.path(pod, volume)
    await writeAtomically(path, files, { owner, stamp: stampOf(clock.now()) })
    await chmod(path, gid === undefined ? 0o777 : 0o2777)
    if (gid !== undefined) await chown(path, -1, gid)
  }

  /** Looks again when the first of the pod's tokens is due for renewal. */
  #planRefresh(pod: Pod): void {
    const { uid = '' } = pod.metadata
    this.#timers.get(uid)?.()
    this.#timers.delete(uid)
    const nextMs = this.#options.tokens.nextRefreshMs(uid)
    if (nextMs === undefined) return
    const delayMs = Math.max(refreshRetryMs, nextMs - this.#options.clock.monotonicMs())
    this.#timers.set(
      uid,
      this.#options.clock.schedule(delayMs, () => void this.refresh(pod)),
    )
  }
}

/** Of a file of variables: more than a process could be started with. */
const fileBytesMax = 1024 * 1024

/** A token that could not be renewed is asked for again after this long. */
const refreshRetryMs = 10_000

/** `2026_11_23_04_02_08`. */
function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace(/[-:T]/g, '_')
}
