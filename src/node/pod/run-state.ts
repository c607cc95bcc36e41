import type { Pod } from '../../kinds/generated/types/core-v1.ts'

export { podRunState as runStateOf } from '../../kinds/pod-status.ts'

const restartAnnotation = 'keelson.dev/restart-requested-at'

/** Opaque; each new value restarts every app container once. */
export function restartTokenOf(pod: Pod): string {
  return pod.metadata.annotations?.[restartAnnotation] ?? ''
}
