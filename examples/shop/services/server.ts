import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

/**
 * One service of the shop: routes by "METHOD /path", health at /healthz, readiness at /readyz. On SIGTERM it turns unready,
 * goes on answering while the cluster takes it out of its endpoints, then closes.
 */
export function serve(options: { name: string; port: number; routes: Readonly<Record<string, Handler>>; isReady?: () => boolean }): void {
  let isStopping = false
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0]
    if (path === '/healthz') return sendJson(response, 200, { ok: true })
    if (path === '/readyz') return sendJson(response, !isStopping && (options.isReady?.() ?? true) ? 200 : 503, { service: options.name })
    const handler = options.routes[`${request.method} ${path}`]
    if (!handler) return sendJson(response, 404, { error: `no ${request.method} ${path} here` })
    Promise.resolve(handler(request, response)).catch((error: unknown) => {
      console.error(`${options.name}: ${request.method} ${path}: ${String(error)}`)
      if (!response.headersSent) sendJson(response, 502, { error: String(error) })
    })
  })
  server.listen(options.port, () => console.log(`${options.name} listens on ${options.port}, version ${process.env.SHOP_VERSION ?? '1'}`))
  process.on('SIGTERM', () => {
    isStopping = true
    console.log(`${options.name} is stopping`)
    setTimeout(() => {
      server.close(() => process.exit(0))
      server.closeIdleConnections()
    }, 2000)
  })
}

export function sendJson(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json', connection: 'close' })
  response.end(`${JSON.stringify(body)}\n`)
}

/** The body as JSON; at most 64 KiB. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > 65_536) throw new Error('the body is too large')
    chunks.push(chunk as Buffer)
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
