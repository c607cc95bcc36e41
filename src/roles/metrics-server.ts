import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const health = new Set(['/healthz', '/livez', '/readyz'])

/** `/metrics` and health over plain HTTP, for who collects figures: nothing else is told, and nothing can be done. Rejects where the address is taken. */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  text: () => string,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const body = path === '/metrics' ? text() : health.has(path) ? 'ok' : undefined
    response.writeHead(body === undefined ? 404 : isRead ? 200 : 405, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    response.end(isRead ? body : undefined)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
