import { createServer, type Server } from 'node:http'
import type { Log } from '../base/log.ts'

export type HealthCheck = { readonly namespace: string; readonly name: string; readonly localEndpoints: number }

/**
 * Answers a load balancer's question how many endpoints of a service with `externalTrafficPolicy: Local` run here: 200 when
 * there are some, 503 when none. One server a service, on its healthCheckNodePort.
 */
export type HealthServers = {
  /** Port → what to say there; ports that are no longer named stop listening. */
  apply(checks: ReadonlyMap<number, HealthCheck>): void
  close(): Promise<void>
}

export function createHealthServers(options: { readonly log: Log }): HealthServers {
  const servers = new Map<number, Server>()
  let current: ReadonlyMap<number, HealthCheck> = new Map()
  const start = (port: number): Server => {
    const server = createServer((_request, response) => {
      const check = current.get(port)
      const localEndpoints = check?.localEndpoints ?? 0
      response.writeHead(localEndpoints > 0 ? 200 : 503, {
        'Content-Type': 'application/json',
        'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
      })
      response.end(
        JSON.stringify({ service: { namespace: check?.namespace, name: check?.name }, localEndpoints, serviceProxyHealthy: true }),
      )
    })
    server.on('error', (error) => options.log.warn({ port, error: error.message }, 'health check port of a service cannot be opened'))
    server.listen(port)
    return server
  }
  return {
    apply: (checks) => {
      current = checks
      for (const [port, server] of servers) {
        if (checks.has(port)) continue
        servers.delete(port)
        server.close()
        server.closeAllConnections()
      }
      for (const port of checks.keys()) if (!servers.has(port)) servers.set(port, start(port))
    },
    close: async () => {
      const open = [...servers.values()]
      servers.clear()
      await Promise.all(
        open.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve())
              server.closeAllConnections()
            }),
        ),
      )
    },
  }
}
