import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ContainerImage } from '../../kinds/generated/types/core-v1.ts'
import type { ImageInfo, Runtime } from '../runtime/contract.ts'

/** Shares of the image file system: above `high` images are removed until use is below `low`. Upstream's defaults. */
export type ImageGcPolicy = { readonly highShare: number; readonly lowShare: number; readonly minAgeMs: number }
export const defaultImageGcPolicy: ImageGcPolicy = { highShare: 0.85, lowShare: 0.8, minAgeMs: 120_000 }

export type ImageUse = { readonly image: ImageInfo; readonly firstSeenMs: number; readonly lastUsedMs: number }

/** The images to remove, least recently used first, until `bytesToFree` are freed. Images in use, pinned or too young stay. Pure. */
export function planImageRemoval(
  images: readonly ImageUse[],
  options: { readonly inUse: ReadonlySet<string>; readonly bytesToFree: number; readonly nowMs: number; readonly minAgeMs: number },
): ImageInfo[] {
  const { inUse, bytesToFree, nowMs, minAgeMs } = options
  const candidates = images
    .filter(({ image, firstSeenMs }) => !inUse.has(image.id) && !image.pinned && nowMs - firstSeenMs >= minAgeMs)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.firstSeenMs - b.firstSeenMs)
  const removed: ImageInfo[] = []
  let freed = 0
  for (const { image } of candidates) {
    if (freed >= bytesToFree) break
    removed.push(image)
    freed += image.sizeBytes
  }
  return removed
}

export type ImageGcOptions = {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Log
  readonly policy: ImageGcPolicy
  /** Ids of images that containers of the node were made of. */
  readonly inUse: () => ReadonlySet<string>
  readonly disk: () => { readonly capacityBytes: number; readonly availableBytes: number } | undefined
  readonly onImages: (images: readonly ContainerImage[]) => void
  readonly checkPeriodMs: number
}

/** Images listed on the node object, as upstream bounds them. */
const listedMax = 50

/** Watches over the images of a node: reports them, and frees space when it runs short. */
export class ImageCollector {
  readonly #options: ImageGcOptions
  readonly #known = new Map<string, { firstSeenMs: number; lastUsedMs: number }>()

  constructor(options: ImageGcOptions) {
    this.#options = options
  }

  noteUse(image: ImageInfo): void {
    const nowMs = this.#options.clock.monotonicMs()
    const known = this.#known.get(image.id)
    if (known) known.lastUsedMs = nowMs
    else this.#known.set(image.id, { firstSeenMs: nowMs, lastUsedMs: nowMs })
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, checkPeriodMs, log } = this.#options
    while (!signal.aborted) {
      try {
        await this.#look()
      } catch (error) {
        log.debug({ error: String(error) }, 'images could not be looked at')
      }
      await sleep(clock, checkPeriodMs, signal).catch(() => {})
    }
  }

  /** Removes every image that no container was made of, however young. */
  async reclaim(): Promise<void> {
    const { runtime, clock, inUse } = this.#options
    const images = await runtime.images()
    const uses = images.map((image) => ({ image, firstSeenMs: 0, lastUsedMs: this.#known.get(image.id)?.lastUsedMs ?? 0 }))
    const wanted = { inUse: inUse(), bytesToFree: Number.POSITIVE_INFINITY, nowMs: clock.monotonicMs(), minAgeMs: 0 }
    await this.#remove(planImageRemoval(uses, wanted))
  }

  async #look(): Promise<void> {
    const { runtime, clock, policy, inUse, disk, onImages } = this.#options
    const images = await runtime.images()
    const nowMs = clock.monotonicMs()
    for (const image of images) if (!this.#known.has(image.id)) this.#known.set(image.id, { firstSeenMs: nowMs, lastUsedMs: 0 })
    for (const id of this.#known.keys()) if (!images.some((i) => i.id === id)) this.#known.delete(id)
    onImages(listImages(images))
    const space = disk()
    if (!space || space.capacityBytes === 0) return
    const usedShare = 1 - space.availableBytes / space.capacityBytes
    if (usedShare < policy.highShare) return
    const bytesToFree = Math.ceil(space.capacityBytes * (1 - policy.lowShare) - space.availableBytes)
    const uses = images.map((image) => ({ image, ...this.#known.get(image.id)! }))
    await this.#remove(planImageRemoval(uses, { inUse: inUse(), bytesToFree, nowMs, minAgeMs: policy.minAgeMs }))
  }

  async #remove(images: readonly ImageInfo[]): Promise<void> {
    const { runtime, log } = this.#options
    for (const image of images) {
      log.info({ image: image.repoTags[0] ?? image.id, bytes: image.sizeBytes }, 'removing an unused image to free space')
      await runtime.removeImage(image.id).catch((error: unknown) => log.warn({ error: String(error) }, 'an image could not be removed'))
    }
  }
}

/** The largest first, as the node's status lists them. */
export function listImages(images: readonly ImageInfo[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, listedMax)
    .map((image) => ({ names: [...image.repoDigests, ...image.repoTags].slice(0, 5), sizeBytes: image.sizeBytes }))
}
