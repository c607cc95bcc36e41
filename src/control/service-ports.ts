import type { Pod, Service, ServicePort } from '../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import { isPodReady, isPodTerminal, isPodTerminating, podRunState } from '../kinds/pod-status.ts'

/** The number of the pod's port that a service port leads to; undefined when the pod has no port of that name. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target === 0 ? port.port : target
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
  ]
  for (const container of containers)
    for (const candidate of container.ports ?? [])
      if (candidate.name === target && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return candidate.containerPort
  return undefined
}

/** Has an address, has not ended, and is not stopped (Keelson's own state): it can be an endpoint, ready or not. */
export function canBeEndpoint(pod: Pod): boolean {
  return !isPodTerminal(pod) && podRunState(pod) !== 'stopped' && podAddresses(pod).length > 0
}

export function podAddresses(pod: Pod): readonly string[] {
  const { podIP, podIPs } = pod.status ?? {}
  if (podIPs && podIPs.length > 0) return podIPs.flatMap(({ ip }) => ip || none)
  return podIP ? [podIP] : none
}

const none: readonly string[] = []

/** The pod names the service as its subdomain: its host name is then resolvable below the service's. */
export function endpointHostname(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {}
  return hostname && subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace ? hostname : undefined
}

/** Whether two states of a pod give the same endpoints. */
export function givesSameEndpoints(a: Pod, b: Pod): boolean {
  return (
    isPodTerminal(a) === isPodTerminal(b) &&
    isPodTerminating(a) === isPodTerminating(b) &&
    isPodReady(a) === isPodReady(b) &&
    podRunState(a) === podRunState(b) &&
    a.spec?.nodeName === b.spec?.nodeName &&
    a.spec?.hostname === b.spec?.hostname &&
    a.spec?.subdomain === b.spec?.subdomain &&
    podAddresses(a).join() === podAddresses(b).join() &&
    deepEqual(a.metadata.labels, b.metadata.labels)
  )
}
