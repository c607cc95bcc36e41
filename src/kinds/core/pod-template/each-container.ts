import type { Container, EphemeralContainer, PodSpec } from '../../generated/types/core-v1.ts'

const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const

/** Every container of a spec with its path, in upstream's order: init, app, ephemeral. */
export function forEachContainer(
  spec: Pick<PodSpec, (typeof lists)[number]>,
  path: string,
  visit: (container: Container | EphemeralContainer, path: string) => void,
): void {
  for (const list of lists) {
    const containers = spec[list]
    if (containers) for (let i = 0; i < containers.length; i++) visit(containers[i]!, `${path}.${list}[${i}]`)
  }
}
