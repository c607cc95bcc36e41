import type { Container, Pod } from './generated/types/core-v1.ts'

/** A port of the node that a container asks for. */
export type HostPort = { readonly protocol: string; readonly ip: string; readonly port: number }

const wildcard = '0.0.0.0'

/** The host ports of app containers and sidecars; init containers that end give theirs back before the pod runs. */
export function hostPortsOf(spec: Pick<NonNullable<Pod['spec']>, 'containers' | 'initContainers'> | undefined): HostPort[] {
  const ports: HostPort[] = []
  const add = (containers: readonly Container[] | undefined, onlySidecars: boolean) => {
    if (!containers) return
    for (const container of containers) {
      if (!container.ports || (onlySidecars && container.restartPolicy !== 'Always')) continue
      for (const port of container.ports)
        if (port.hostPort) ports.push({ protocol: port.protocol ?? 'TCP', ip: port.hostIP || wildcard, port: port.hostPort })
    }
  }
  add(spec?.initContainers, true)
  add(spec?.containers, false)
  return ports
}

/** Whether one node cannot give both; the wildcard address collides with every address. */
export function hostPortsCollide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === wildcard || b.ip === wildcard)
}
