import type { Container, EphemeralContainer, HTTPGetAction } from '../../kinds/generated/types/core-v1.ts'
import type { HttpTarget } from './probe-transport.ts'

/** A port by number or by its name in the container. Throws an Error with upstream's words. */
export function resolvePort(port: string | number, container: Container | EphemeralContainer): number {
  const number =
    typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : container.ports?.find((p) => p.name === port)?.containerPort
  if (number === undefined) throw new Error(`couldn't find port: ${port} in container "${container.name}"`)
  if (number < 1 || number > 65_535) throw new Error(`invalid port number: ${number}`)
  return number
}

export function httpTarget(action: HTTPGetAction, container: Container | EphemeralContainer, podIp: string): HttpTarget {
  const path = action.path ?? '/'
  return {
    scheme: action.scheme === 'HTTPS' ? 'https' : 'http',
    host: action.host || podIp,
    port: resolvePort(action.port, container),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: (action.httpHeaders ?? []).map(({ name, value }) => ({ name, value })),
  }
}
