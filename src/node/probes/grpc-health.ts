import { Client, credentials } from '@grpc/grpc-js'

export type GrpcHealthTarget = { readonly address: string; readonly service: string; readonly userAgent: string }

/** The serving status that a server of the gRPC health protocol answers with. Rejects with grpc-js' ServiceError, or the signal's reason. */
export async function grpcHealth({ address, service, userAgent }: GrpcHealthTarget, signal: AbortSignal): Promise<string> {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.primary_user_agent': userAgent,
    'grpc.enable_retries': 0,
  })
  try {
    return await new Promise<string>((resolve, reject) => {
      const call = client.makeUnaryRequest<Buffer, Buffer>(
        '/grpc.health.v1.Health/Check',
        (message) => message,
        (message) => message,
        encodeService(service),
        (error, answer) => {
          if (error) reject(error)
          else resolve(servingStatuses[decodeStatus(answer!)] ?? 'UNKNOWN')
        },
      )
      signal.addEventListener(
        'abort',
        () => {
          call.cancel()
          reject(signal.reason as Error)
        },
        { once: true },
      )
    })
  } finally {
    client.close()
  }
}

const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const

/** HealthCheckRequest { string service = 1 }, by hand: two messages do not need a schema. */
function encodeService(service: string): Buffer {
  const name = Buffer.from(service)
  if (name.length === 0) return Buffer.alloc(0)
  const length: number[] = []
  for (let rest = name.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}

/** HealthCheckResponse { ServingStatus status = 1 }: a zero is left out. */
function decodeStatus(message: Buffer): number {
  return message[0] === 0x08 ? (message[1] ?? 0) : 0
}
