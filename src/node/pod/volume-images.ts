import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ImageInfo } from '../runtime/contract.ts'
import type { ImageSource } from './pod-context.ts'
import type { PodContainer } from './pod-view.ts'

/** Makes the images present that the container's volumes show; by volume. Throws StartError, as for the container's own image. */
export async function volumeImages(
  images: ImageSource,
  pod: Pod,
  { container }: PodContainer,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ImageInfo>> {
  const found = new Map<string, ImageInfo>()
  for (const { name } of container.volumeMounts ?? []) {
    const source = pod.spec?.volumes?.find((volume) => volume.name === name)?.image
    if (!source || found.has(name)) continue
    found.set(
      name,
      await images.ensure(pod, { image: source.reference ?? '', pullPolicy: source.pullPolicy, fieldPath: undefined }, signal),
    )
  }
  return found
}
