import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import protobuf from 'protobufjs/light.js'
import { BoundedStream } from '../base/bounded-stream.ts'
import type { Clock } from '../base/clock.ts'

/** Calls of one gRPC server, described by protobufjs JSON descriptors. */
export type GrpcCaller = {
  /**
   * One request, one answer. `method` is the full name, `package.Service/Method`. Rejects with grpc-js' ServiceError
   * (numeric `code`), code 4 when `timeoutMs` passed, code 1 when the signal aborted.
   */
  unary<Response>(method: string, request: object, options: CallOptions): Promise<Response>
  /** A stream of answers; it ends by throwing ServiceError when the server or the connection goes. At most 4,096 wait unread. */
  serverStream<Response>(
    method: string,
    request: object,
    options: { signal: AbortSignal; metadata?: Record<string, string> },
  ): AsyncIterable<Response>
  /**
   * A call in both directions. `messages` holds the server back when it is read slowly, and throws ServiceError when the server
   * or the connection goes; it ends when the signal aborts.
   */
  duplex<Response>(
    method: string,
    options: { signal: AbortSignal; metadata?: Record<string, string> },
  ): { send(request: object): void; readonly messages: AsyncIterable<Response> }
  /** Decodes the payload of a google.protobuf.Any by its type's name. */
  decode<Message>(typeName: string, bytes: Uint8Array): Message
  close(): void
}

export type CallOptions = {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly metadata?: Readonly<Record<string, string>>
}

export type GrpcCallerOptions = {
  /** `unix:///absolute/path` or `host:port`. */
  readonly address: string
  /** PEM texts; absent: plain text. A certificate with its key shows who calls. */
  readonly tls?: GrpcTls | undefined
  /** protobufjs JSON, merged. */
  readonly descriptors: readonly object[]
  readonly clock: Clock
  /** 64-bit numbers as text with all digits (default), or as numbers, where they are known to stay below 2^53. */
  readonly longs?: 'text' | 'number'
  readonly messageBytesMax?: number
  /** Looks after a connection with calls under way this often; absent: its end is noticed when the system does. */
  readonly keepaliveMs?: number
}

export type GrpcTls = { readonly ca?: string | undefined; readonly certificate?: string | undefined; readonly key?: string | undefined }

const defaultMessageBytesMax = 64 * 1024 * 1024
const unreadEventsMax = 4096
const keepaliveTimeoutMs = 5_000

type Method = { readonly path: string; readonly request: protobuf.Type; readonly response: protobuf.Type }

/** Connects at the first call. */
export function createGrpcCaller(options: GrpcCallerOptions): GrpcCaller {
  const root = new protobuf.Root()
  for (const descriptor of options.descriptors) root.addJSON((descriptor as { nested: Record<string, protobuf.AnyNestedObject> }).nested)
  root.resolveAll()
  const { messageBytesMax = defaultMessageBytesMax, keepaliveMs } = options
  const client = new Client(options.address, credentialsOf(options), {
    ...(options.tls && isIP(hostOf(options.address)) ? { 'grpc.ssl_target_name_override': anyName } : {}),
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.enable_http_proxy': 0,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.min_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 1000,
    ...(keepaliveMs ? { 'grpc.keepalive_time_ms': keepaliveMs, 'grpc.keepalive_timeout_ms': keepaliveTimeoutMs } : {}),
  })
  // Enums are names; absent fields have their default.
  const longs = options.longs === 'number' ? Number : String
  const conversion: protobuf.IConversionOptions = { longs, enums: String, defaults: true, arrays: true, objects: true }
  const methods = new Map<string, Method>()
  const find = (name: string): Method => {
    const known = methods.get(name)
    if (known) return known
    const [serviceName, methodName] = name.split('/') as [string, string]
    const description = root.lookupService(serviceName).methods[methodName]
    if (!description) throw new Error(`no gRPC method ${name}`)
    description.resolve()
    const method = { path: `/${name}`, request: description.resolvedRequestType!, response: description.resolvedResponseType! }
    methods.set(name, method)
    return method
  }
  const serialize = (method: Method) => (request: object) => Buffer.from(method.request.encode(method.request.fromObject(request)).finish())
  const deserialize = (method: Method) => (bytes: Buffer) => method.response.toObject(method.response.decode(bytes), conversion)

  return {
    unary: (name, request, callOptions) =>
      new Promise((resolve, reject) => {
        const method = find(name)
        let isTimedOut = false
        const call = client.makeUnaryRequest(
          method.path,
          serialize(method),
          deserialize(method),
          request,
          toMetadata(callOptions.metadata),
          (error: ServiceError | null, response) => {
            cancelTimer()
            callOptions.signal?.removeEventListener('abort', onAbort)
            if (error)
              reject(
                isTimedOut
                  ? Object.assign(error, { code: status.DEADLINE_EXCEEDED, details: `no answer within ${callOptions.timeoutMs} ms` })
                  : error,
              )
            else resolve(response as never)
          },
        )
        const cancelTimer = options.clock.schedule(callOptions.timeoutMs, () => {
          isTimedOut = true
          call.cancel()
        })
        const onAbort = () => call.cancel()
        if (callOptions.signal?.aborted) call.cancel()
        else callOptions.signal?.addEventListener('abort', onAbort, { once: true })
      }),
    serverStream: (name, request, streamOptions) => {
      const method = find(name)
      const call = client.makeServerStreamRequest(
        method.path,
        serialize(method),
        deserialize(method),
        request,
        toMetadata(streamOptions.metadata),
      )
      const onAbort = () => stream.close()
      const stream = new BoundedStream<never>({
        sizeMax: unreadEventsMax,
        onEnd: () => {
          streamOptions.signal.removeEventListener('abort', onAbort)
          call.cancel()
        },
      })
      call.on('data', (message) => stream.push(message as never))
      call.on('error', (error) => stream.fail(error))
      call.on('end', () => stream.close())
      if (streamOptions.signal.aborted) stream.close()
      else streamOptions.signal.addEventListener('abort', onAbort, { once: true })
      return stream
    },
    duplex: (name, { signal, metadata }) => {
      const method = find(name)
      const call = client.makeBidiStreamRequest<object, object>(method.path, serialize(method), deserialize(method), toMetadata(metadata))
      const onAbort = () => call.cancel()
      if (signal.aborted) call.cancel()
      else signal.addEventListener('abort', onAbort, { once: true })
      const messages = async function* () {
        try {
          for await (const message of call) yield message as never
        } catch (error) {
          if (!signal.aborted) throw error
        } finally {
          signal.removeEventListener('abort', onAbort)
          call.cancel()
        }
      }
      // Without a listener an error before the first read would end the process.
      call.on('error', () => {})
      return { send: (request) => void call.write(request), messages: messages() }
    },
    decode: (typeName, bytes) => {
      const type = root.lookupType(typeName)
      return type.toObject(type.decode(bytes), conversion) as never
    },
    close: () => client.close(),
  }
}

/** TLS has no server names for addresses: a name that is nobody's is sent, and the certificate is held against the address. */
const anyName = 'address.invalid'

const hostOf = (address: string) => address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')

function credentialsOf({ address, tls }: GrpcCallerOptions): ChannelCredentials {
  if (!tls) return credentials.createInsecure()
  const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem))
  return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.certificate), {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(hostOf(address), certificate),
  })
}

function toMetadata(entries: Readonly<Record<string, string>> | undefined): Metadata {
  const metadata = new Metadata()
  for (const [key, value] of Object.entries(entries ?? {})) metadata.set(key, value)
  return metadata
}
