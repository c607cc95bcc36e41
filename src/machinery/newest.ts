import type { KubeObject } from './object.ts'

/** The youngest by creation, then the first by name. */
export function newest<T extends KubeObject>(objects: readonly T[]): T | undefined {
  const created = ({ metadata }: T) => metadata.creationTimestamp ?? ''
  return objects.toSorted((a, b) => {
    if (created(a) !== created(b)) return created(a) > created(b) ? -1 : 1
    return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
  })[0]
}
