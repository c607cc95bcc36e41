import { chmod, chown, mkdir, readdir, rm, stat, symlink, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { ObjectInformer } from '../../client/informer.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { claimNameOf, localVolumeDriver, localVolumeFinalizer, volumeReachableFrom } from '../../kinds/storage/volume-binding.ts'
import { controllerOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { setUpHostPath } from './host-path.ts'
import { failedMount } from './volume-files.ts'

const { persistentVolumes, persistentVolumeClaims } = kindRefs.coreV1

export type PersistentVolumesOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Local volumes lie below it, one directory each. */
  readonly directory: string
  /** This node as the API has it. */
  readonly node: () => Node | undefined
}

/**
 * Volumes behind claims: directories of the built-in local driver, `hostPath` and `local` volumes.
 *  1. The node that makes a local volume's directory says so by a finalizer first, so that the volume cannot go without it.
 *  2. A directory is removed only when its volume is being deleted under policy Delete.
 */
export class PersistentVolumes {
  readonly #options: PersistentVolumesOptions
  readonly #stopping = new AbortController()
  #cleaning: Promise<void> | undefined

  constructor(options: PersistentVolumesOptions) {
    this.#options = options
  }

  /** Makes the volume behind a pod's claim ready and puts a link to it at `path`. Idempotent. Throws HostError while it cannot be. */
  async setUp(pod: Pod, volume: Volume, path: string): Promise<void> {
    const found = await this.#volumeOf(pod, volume)
    const target = await this.#prepare(volume.name, found)
    const gid = pod.spec?.securityContext?.fsGroup
    if (gid !== undefined && found.spec?.csi && (await stat(target)).gid !== gid) {
      await chown(target, -1, gid)
      await chmod(target, 0o2777)
    }
    await mkdir(dirname(path), { recursive: true })
    await unlink(path).catch(() => {})
    await symlink(target, path)
  }

  /** Directories that an earlier agent left here are looked after, too. */
  async start(): Promise<void> {
    if ((await readdir(this.#options.directory).catch(() => [])).length > 0) this.#cleanUp()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#cleaning
  }

  async #volumeOf(pod: Pod, volume: Volume): Promise<PersistentVolume> {
    const { client } = this.#options
    const { namespace = '' } = pod.metadata
    const name = claimNameOf(pod, volume) ?? ''
    const wrong = (why: string) => failedMount(volume.name, `error processing PVC ${namespace}/${name}: ${why}`)
    const claim: PersistentVolumeClaim | undefined = await found(() => client.resource(persistentVolumeClaims, namespace).get(name))
    if (!claim) throw wrong(`failed to fetch PVC from API server: persistentvolumeclaims "${name}" not found`)
    if (volume.ephemeral && controllerOf(claim)?.uid !== pod.metadata.uid) throw wrong('the claim was not created for the pod')
    if (claim.metadata.deletionTimestamp) throw wrong('PVC is being deleted')
    if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName) throw wrong('PVC is not bound')
    const bound = await found(() => client.resource(persistentVolumes).get(claim.spec!.volumeName!))
    if (!bound)
      throw wrong(`failed to fetch PV ${claim.spec.volumeName} from API server: persistentvolumes "${claim.spec.volumeName}" not found`)
    if (bound.spec?.claimRef?.uid !== claim.metadata.uid) throw wrong(`PV ${bound.metadata.name} is bound to another claim`)
    return bound
  }

  async #prepare(name: string, volume: PersistentVolume): Promise<string> {
    const { spec = {} } = volume
    if (spec.volumeMode === 'Block') throw failedMount(name, 'this node offers no block volumes')
    if (spec.hostPath) return setUpHostPath(name, spec.hostPath)
    if (spec.local) {
      const { path } = spec.local
      if (!(await stat(path).catch(() => undefined))) throw failedMount(name, `path "${path}" does not exist`)
      return path
    }
    if (spec.csi?.driver === localVolumeDriver) return this.#prepareDirectory(name, volume)
    if (spec.csi) throw failedMount(name, `driver name ${spec.csi.driver} not found in the list of registered CSI drivers`)
    throw failedMount(name, 'this node offers no such volume type')
  }

  async #prepareDirectory(name: string, volume: PersistentVolume): Promise<string> {
    const node = this.#options.node()
    if (!node || !volumeReachableFrom(volume, node)) throw failedMount(name, `volume ${volume.metadata.name} is on another node`)
    const directory = this.#directoryOf(volume)
    if (!directory) throw failedMount(name, `volume handle "${volume.spec?.csi?.volumeHandle}" is no name of a directory`)
    const finalizers = volume.metadata.finalizers ?? []
    if (!finalizers.includes(localVolumeFinalizer)) await this.#patchFinalizers(volume, [...finalizers, localVolumeFinalizer])
    this.#cleanUp()
    await mkdir(dirname(directory), { recursive: true, mode: 0o711 })
    if (await stat(directory).catch(() => undefined)) return directory
    await mkdir(directory, { recursive: true })
    await chmod(directory, 0o777)
    return directory
  }

  /** Undefined: the handle is not the name of one directory. */
  #directoryOf({ spec }: PersistentVolume): string | undefined {
    const handle = spec?.csi?.volumeHandle ?? ''
    return /^[a-z0-9][a-z0-9.-]*$/i.test(handle) ? join(this.#options.directory, handle) : undefined
  }

  async #patchFinalizers({ metadata }: PersistentVolume, finalizers: readonly string[]): Promise<void> {
    const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } }
    await this.#options.client.resource(persistentVolumes).patch(metadata.name ?? '', { type: 'merge', body })
  }

  /** From now on removes the directories of this node's local volumes when these are deleted. A node without any watches nothing. */
  #cleanUp(): void {
    if (this.#cleaning) return
    const { client, clock, random, log } = this.#options
    const informer = new ObjectInformer<PersistentVolume>({ client, kind: persistentVolumes, clock, random, log })
    informer.onChange(({ current }) => {
      if (current) void this.#release(current).catch((error: unknown) => this.#retry(informer, current, error))
    })
    this.#cleaning = informer.run(this.#stopping.signal)
  }

  #retry(informer: ObjectInformer<PersistentVolume>, { metadata }: PersistentVolume, error: unknown): void {
    const { clock, log } = this.#options
    if (this.#stopping.signal.aborted || isStatus(error, 'NotFound')) return
    if (!isStatus(error, 'Conflict')) log.warn({ volume: metadata.name ?? '', error: String(error) }, 'a local volume could not be removed')
    const cancel = clock.schedule(retryMs, () => {
      const current = informer.get(metadata.name ?? '')
      if (current && !this.#stopping.signal.aborted)
        void this.#release(current).catch((again: unknown) => this.#retry(informer, current, again))
    })
    this.#stopping.signal.addEventListener('abort', cancel, { once: true })
  }

  async #release(volume: PersistentVolume): Promise<void> {
    const { metadata, spec } = volume
    const finalizers = metadata.finalizers ?? []
    // While others hold it, it may still be mounted.
    if (!metadata.deletionTimestamp || finalizers.length !== 1 || finalizers[0] !== localVolumeFinalizer) return
    const node = this.#options.node()
    if (!node || !volumeReachableFrom(volume, node)) return
    const directory = this.#directoryOf(volume)
    if (directory && spec?.persistentVolumeReclaimPolicy === 'Delete') await rm(directory, { recursive: true, force: true })
    await this.#patchFinalizers(volume, [])
  }
}

const retryMs = 10_000

async function found<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get()
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  }
}
