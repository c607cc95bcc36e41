import type { Pod } from '../../kinds/generated/types/core-v1.ts'

export { podRunState as runStateOf } from '../../kinds/pod-status.ts'

const restartAnnotation = 'keelson.dev/restart-requested-at'
const stopGraceAnnotation = 'keelson.dev/stop-grace-period-seconds'

/** Opaque; each new value restarts every app container once. */
export function restartTokenOf(pod: Pod): string {
  return pod.metadata.annotations?.[restartAnnotation] ?? ''
}

/** Seconds that containers get when the run state ends them: as the request asked, else the pod's own grace. */
export function stopGraceOf(pod: Pod): number {
  const asked = Number(pod.metadata.annotations?.[stopGraceAnnotation] ?? Number.NaN)
  return Number.isInteger(asked) && asked >= 0 ? asked : (pod.spec?.terminationGracePeriodSeconds ?? 30)
}
