import type { Service } from '../../kinds/generated/types/core-v1.ts'

/**
 * The variables that announce services to a container, as Docker links did.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
export function serviceEnvironment(services: readonly Service[], namespace: string, enableServiceLinks: boolean): Map<string, string> {
  const result = new Map<string, string>()
  for (const service of services) {
    const { name = '', namespace: home } = service.metadata
    const isMaster = home === 'default' && name === 'kubernetes'
    if (!isMaster && (home !== namespace || !enableServiceLinks)) continue
    // A service of the pod's own namespace hides the one of the cluster with the same name.
    if (
      isMaster &&
      namespace !== 'default' &&
      enableServiceLinks &&
      services.some((s) => s.metadata.name === name && s.metadata.namespace === namespace)
    )
      continue
    addService(service, result)
  }
  return result
}

function addService(service: Service, result: Map<string, string>): void {
  const ip = service.spec?.clusterIP
  const ports = service.spec?.ports ?? []
  const first = ports[0]
  if (!ip || ip === 'None' || !first) return
  const prefix = variableName(service.metadata.name ?? '')
  const host = ip.includes(':') ? `[${ip}]` : ip
  result.set(`${prefix}_SERVICE_HOST`, ip)
  result.set(`${prefix}_SERVICE_PORT`, String(first.port))
  for (const port of ports) if (port.name) result.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port))
  const protocolOf = (protocol: string | undefined) => (protocol ?? 'TCP').toLowerCase()
  result.set(`${prefix}_PORT`, `${protocolOf(first.protocol)}://${host}:${first.port}`)
  for (const { port, protocol } of ports) {
    const own = `${prefix}_PORT_${port}_${(protocol ?? 'TCP').toUpperCase()}`
    result.set(own, `${protocolOf(protocol)}://${host}:${port}`)
    result.set(`${own}_PROTO`, protocolOf(protocol))
    result.set(`${own}_PORT`, String(port))
    result.set(`${own}_ADDR`, ip)
  }
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}
