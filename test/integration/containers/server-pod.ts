import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'

/** Told of what is asked of it over HTTP: for hooks that call somebody. */
export async function hookServer(): Promise<{ readonly port: number; readonly asked: readonly string[]; close(): void }> {
  const asked: string[] = []
  const server: Server = createServer((request: IncomingMessage, response) => {
    asked.push(request.url ?? '')
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A server of the gRPC health protocol that is well until told otherwise. */
export async function healthServer(): Promise<{
  readonly port: number
  isWell: boolean
  untilAsked(times: number): Promise<void>
  close(): void
}> {
  const grpc = new GrpcServer()
  const raw = (bytes: Buffer) => bytes
  let asked = 0
  const waiting = new Set<() => void>()
  const untilAsked = (times: number) =>
    new Promise<void>((resolve) => {
      const look = () => void (asked >= times && waiting.delete(look) && resolve())
      waiting.add(look)
      look()
    })
  const health = { port: 0, isWell: true, untilAsked, close: () => grpc.forceShutdown() }
  const methods = { path: '/grpc.health.v1.Health/Check', requestStream: false as const, responseStream: false as const }
  grpc.addService(
    { check: { ...methods, requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw } },
    {
      check: (_: unknown, answer: (error: null, value: Buffer) => void) => {
        asked++
        for (const look of [...waiting]) look()
        // HealthCheckResponse.status: 1 SERVING, 2 NOT_SERVING.
        answer(null, Buffer.from([0x08, health.isWell ? 1 : 2]))
      },
    },
  )
  health.port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)))
  })
  return health
}
