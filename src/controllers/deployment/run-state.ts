import type { Deployment } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodActive, podRunState, runStateAnnotation } from '../../kinds/pod-status.ts'

/** On a pod that its Deployment paused, the Deployment's uid: so a pod that someone paused by hand is not resumed with the others. */
export const pausedByAnnotation = 'keelson.dev/paused-by'

export type RunStatePatch = { readonly pod: Pod; readonly annotations: Readonly<Record<string, string | null>> }

/** Which pods must be paused because their Deployment is, and which resumed because it no longer is. */
export function planRunStates(deployment: Deployment, pods: readonly Pod[]): RunStatePatch[] {
  const uid = deployment.metadata.uid ?? ''
  const isPaused = deployment.metadata.annotations?.[runStateAnnotation] === 'paused'
  return pods.flatMap((pod): RunStatePatch[] => {
    // Annotations first: the status is parsed for who reads it.
    const isOurs = pod.metadata.annotations?.[pausedByAnnotation] === uid
    if ((!isPaused && !isOurs) || !isPodActive(pod)) return []
    if (isPaused)
      return podRunState(pod) === 'running' ? [{ pod, annotations: { [runStateAnnotation]: 'paused', [pausedByAnnotation]: uid } }] : []
    const resumed: Record<string, string> = podRunState(pod) === 'paused' ? { [runStateAnnotation]: 'running' } : {}
    return [{ pod, annotations: { ...resumed, [pausedByAnnotation]: null } }]
  })
}
