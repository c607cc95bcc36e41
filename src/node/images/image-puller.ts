import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ImageSource, PodEvent, WantedImage } from '../pod/pod-context.ts'
import { StartError } from '../pod/start-error.ts'
import { type ImageInfo, type RegistryAuth, type Runtime, RuntimeError } from '../runtime/contract.ts'
import { Semaphore } from '../semaphore.ts'
import { formatImageReference, type ImageReference, parseImageReference, referenceFault, repositoryOf } from './image-reference.ts'
import type { PullRecords } from './pull-records.ts'

export type ImagePullerOptions = {
  readonly runtime: Runtime
  readonly clock: Clock
  /** Pulls at once on this node. */
  readonly parallelPulls: number
  readonly event: (pod: Pod, event: PodEvent) => void
  /** Who may use what is present. */
  readonly records: PullRecords
  /** Credentials to try in order for an image of a pod; none: an anonymous pull. */
  readonly credentials: (pod: Pod, image: string) => Promise<readonly RegistryAuth[]>
  /** An image has been used now, for the garbage collection. */
  readonly onUse?: (image: ImageInfo) => void
  /** A pull for the pod has ended well: `pullMs` the pull alone, the rest with its waiting. */
  readonly onPulled?: (pod: Pod, image: ImageInfo, times: PullTimes) => void
}

/** On the clock's monotonic time. */
export type PullTimes = { readonly pullMs: number; readonly startedMs: number; readonly endedMs: number }

/** Makes images present by the pull policy of each container. Pulls of one image for several pods at once are one pull when they bring the same credentials. */
export class ImagePuller implements ImageSource {
  readonly #options: ImagePullerOptions
  readonly #slots: Semaphore
  readonly #underWay = new Map<string, Promise<ImageInfo>>()

  constructor(options: ImagePullerOptions) {
    this.#options = options
    this.#slots = new Semaphore(options.parallelPulls)
  }

  async ensure(pod: Pod, { image, pullPolicy, fieldPath }: WantedImage, signal: AbortSignal): Promise<ImageInfo> {
    const reference = parseImageReference(image)
    const tell = (type: PodEvent['type'], reason: string, message: string) =>
      this.#options.event(pod, { type, reason, message, ...(fieldPath === undefined ? {} : { fieldPath }) })
    if (!reference) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${referenceFault(image)}`
      tell('Warning', 'InspectFailed', message)
      tell('Warning', 'Failed', 'Error: InvalidImageName')
      throw new StartError('InvalidImageName', message)
    }
    const full = formatImageReference(reference)
    const policy = pullPolicy ?? (reference.tag === 'latest' ? 'Always' : 'IfNotPresent')
    if (policy !== 'Always') {
      const present = await this.#inspect(full, image)
      const names = { reference: full, repository: repositoryOf(reference) }
      // An image that the pod may not use is as none: not even that it is here is told.
      if (present && (await this.#options.records.mayUse({ ...names, id: present.id }, () => this.#options.credentials(pod, full)))) {
        tell('Normal', 'Pulled', `Container image "${image}" already present on machine and can be accessed by the pod`)
        this.#options.onUse?.(present)
        return present
      }
      if (policy === 'Never') {
        const message = `Container image "${image}" is not present with pull policy of Never`
        tell('Warning', 'ErrImageNeverPull', message)
        tell('Warning', 'Failed', 'Error: ErrImageNeverPull')
        throw new StartError('ErrImageNeverPull', message)
      }
    }
    tell('Normal', 'Pulling', `Pulling image "${image}"`)
    const startedMs = this.#options.clock.monotonicMs()
    try {
      const { info, pullMs } = await this.#pull(pod, reference, signal)
      const waitedMs = this.#options.clock.monotonicMs() - startedMs
      const times = `${formatMs(pullMs)} (${formatMs(waitedMs)} including waiting)`
      tell('Normal', 'Pulled', `Successfully pulled image "${image}" in ${times}. Image size: ${info.sizeBytes} bytes.`)
      this.#options.onUse?.(info)
      this.#options.onPulled?.(pod, info, { pullMs, startedMs, endedMs: startedMs + waitedMs })
      return info
    } catch (error) {
      if (signal.aborted) throw error
      const cause = error instanceof Error ? error.message : String(error)
      tell('Warning', 'Failed', `Failed to pull image "${image}": ${cause}`)
      tell('Warning', 'Failed', 'Error: ErrImagePull')
      throw new StartError('ErrImagePull', cause, { cause: error })
    }
  }

  async #inspect(full: string, image: string): Promise<ImageInfo | undefined> {
    try {
      return await this.#options.runtime.image(full)
    } catch (error) {
      const message = `Failed to inspect image "${image}": ${error instanceof Error ? error.message : String(error)}`
      throw new StartError('ImageInspectError', message, { cause: error })
    }
  }

  async #pull(pod: Pod, reference: ImageReference, signal: AbortSignal): Promise<{ info: ImageInfo; pullMs: number }> {
    const full = formatImageReference(reference)
    const { records } = this.#options
    const credentials = await this.#options.credentials(pod, full)
    const attempts: (RegistryAuth | undefined)[] = credentials.length > 0 ? [...credentials] : [undefined]
    let startedMs = this.#options.clock.monotonicMs()
    let failure: unknown
    for (const auth of attempts) {
      try {
        if (auth) records.begin(full)
        const info = await this.#pullOnce(full, auth, signal, () => (startedMs = this.#options.clock.monotonicMs()))
        records.pulled({ id: info.id, reference: full, repository: repositoryOf(reference) }, auth)
        return { info, pullMs: this.#options.clock.monotonicMs() - startedMs }
      } catch (error) {
        if (signal.aborted) throw error
        failure ??= error
        if (error instanceof RuntimeError && error.reason === 'InvalidImageName') break
      }
    }
    records.failed(full)
    throw failure
  }

  #pullOnce(full: string, auth: RegistryAuth | undefined, signal: AbortSignal, onStart: () => void): Promise<ImageInfo> {
    const key = `${full}\n${JSON.stringify(auth ?? null)}`
    const shared = this.#underWay.get(key)
    if (shared) return abortable(shared, signal)
    // The pull itself belongs to every pod that waits for it, so that no single one can abort it; only its own wait ends.
    const pull = this.#slots.run(() => {
      onStart()
      return this.#options.runtime.pullImage(full, auth)
    })
    this.#underWay.set(key, pull)
    const forget = () => void this.#underWay.delete(key)
    pull.then(forget, forget)
    return abortable(pull, signal)
  }
}

/** Rejects with the signal's reason as soon as it aborts; the work itself goes on. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error)
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** As Go prints a duration to the millisecond: `512ms`, `2.345s`, `1m5.3s`. */
function formatMs(ms: number): string {
  const rounded = Math.round(ms)
  if (rounded < 1000) return `${rounded}ms`
  const minutes = Math.floor(rounded / 60_000)
  const seconds = Number(((rounded % 60_000) / 1000).toFixed(3))
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
