import type { Pod, Service } from '../kinds/generated/types/core-v1.ts'
import { podCondition } from '../kinds/pod-status.ts'

/** On endpoints: when that happened which they were last written for, RFC 3339. Absent: something that has no time of its own. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

type Seen = { readonly service: string; readonly pods: ReadonlyMap<string, string> }

/**
 * Of every service, by its key, which changes have been seen: so that who writes its endpoints can tell since when they were due.
 * Holds no more than the services that there are, if each that goes is forgotten.
 */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>()

  /** The earliest change since the last call: a pod became ready or unready, or the service came. Undefined: none of these. */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const created = service.metadata.creationTimestamp ?? ''
    const known = this.#seen.get(key)
    const times = new Map(
      pods.flatMap((pod) => {
        const time = podCondition(pod, 'Ready')?.lastTransitionTime
        return time ? [[pod.metadata.name ?? '', time] as const] : []
      }),
    )
    this.#seen.set(key, { service: created, pods: times })
    if (!known) return created || undefined
    const changed = [...times].filter(([name, time]) => time > (known.pods.get(name) ?? '')).map(([, time]) => time)
    if (created > known.service) changed.push(created)
    return changed.sort()[0]
  }

  forget(key: string): void {
    this.#seen.delete(key)
  }
}

/** The annotations with the time, or without one. */
export function withTriggerTime(
  annotations: Readonly<Record<string, string>> | undefined,
  time: string | undefined,
): { annotations?: Record<string, string> } {
  const { [triggerTimeAnnotation]: _, ...others } = annotations ?? {}
  const result = time === undefined ? others : { ...others, [triggerTimeAnnotation]: time }
  return Object.keys(result).length > 0 ? { annotations: result } : {}
}
