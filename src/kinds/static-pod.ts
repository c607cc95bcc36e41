import type { Pod } from './generated/types/core-v1.ts'

/** Where a node has a pod from: `file` for static ones; absent or `api` otherwise. */
export const configSourceAnnotation = 'kubernetes.io/config.source'
/** Which definition of its node's a mirror pod shows. */
export const configMirrorAnnotation = 'kubernetes.io/config.mirror'
/** Which definition of its node's a static pod is. */
export const configHashAnnotation = 'kubernetes.io/config.hash'

/** The least priority of pods that a cluster cannot do without. */
export const systemCriticalPriority = 2_000_000_000

/** From a file of its node. */
export function isStaticPod({ metadata: { annotations } }: Pod): boolean {
  const source = annotations?.[configSourceAnnotation]
  return source !== undefined && source !== 'api'
}

/** Shows a static pod in the API. */
export function isMirrorPod({ metadata: { annotations } }: Pod): boolean {
  return annotations?.[configMirrorAnnotation] !== undefined
}

/** Whether a node takes and keeps it whatever runs short. */
export function isCriticalPod(pod: Pod): boolean {
  return isStaticPod(pod) || isMirrorPod(pod) || (pod.spec?.priority ?? 0) >= systemCriticalPriority
}
