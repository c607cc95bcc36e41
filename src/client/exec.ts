/**
 * The client's side of exec and attach over WebSocket, subprotocol v5.channel.k8s.io: each message starts with the number of its channel;
 * in version 5 a message on channel 255 names a channel that ends (so standard input can be closed).
 */
import { type Status, StatusError } from '../machinery/status-error.ts'
import type { Client } from './contract.ts'

export type AttachOptions = {
  /** Default: the pod's first, or the one that its annotation names. */
  readonly container?: string
  /** Sent to the command and then closed. */
  readonly stdin?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  readonly tty?: boolean
  /** Called with each piece as it comes; without it the output is gathered into the result: more than 16 MiB of one is an error. */
  readonly onStdout?: (data: Uint8Array) => void
  readonly onStderr?: (data: Uint8Array) => void
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal
}

export type ExecOptions = AttachOptions & { readonly command: readonly string[] }

export type ExecResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const
const gatheredBytesMax = 16 * 1024 * 1024

/** Runs the command to its end. A command that fails is a result; one that could not be run is a StatusError. */
export function execInPod(client: Client, path: string, options: ExecOptions): Promise<ExecResult> {
  return streamInPod(client, path, { ...options, query: { command: options.command } })
}

/** Follows the container's own process until it ends, or the signal aborts. */
export function attachToPod(client: Client, path: string, options: AttachOptions): Promise<ExecResult> {
  return streamInPod(client, path, { ...options, query: {} })
}

type Query = Readonly<Record<string, string | readonly string[]>>

async function streamInPod(client: Client, path: string, options: AttachOptions & { readonly query: Query }): Promise<ExecResult> {
  if (!client.openWebSocket) throw new Error('exec and attach need a client that carries WebSockets (createHttpClient)')
  const query = {
    ...options.query,
    stdout: 'true',
    stderr: String(!options.tty),
    stdin: String(options.stdin !== undefined),
    tty: String(options.tty ?? false),
    ...(options.container ? { container: options.container } : {}),
  }
  const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
  const socket = await client.openWebSocket({ path, query, protocols, ...(options.signal ? { signal: options.signal } : {}) })
  const stdout = gather(options.onStdout)
  const stderr = gather(options.onStderr)
  const sending = options.stdin ? sendAll((data) => socket.send(data), options.stdin, socket.protocol) : Promise.resolve()
  // What ends the command decides; a broken pipe of its input does not.
  sending.catch(() => {})
  let status: Status | undefined
  try {
    for await (const message of socket.messages) {
      const data = message.subarray(1)
      if (message[0] === channel.stdout) stdout.add(data)
      else if (message[0] === channel.stderr) stderr.add(data)
      else if (message[0] === channel.error) status = JSON.parse(new TextDecoder().decode(data)) as Status
    }
  } finally {
    socket.close()
  }
  options.signal?.throwIfAborted()
  return { exitCode: exitCodeOf(status), stdout: stdout.text(), stderr: stderr.text() }
}

async function sendAll(
  send: (data: Uint8Array) => Promise<void>,
  stdin: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  protocol: string,
) {
  for await (const data of stdin) {
    const message = new Uint8Array(data.length + 1)
    message[0] = channel.stdin
    message.set(data, 1)
    await send(message)
  }
  if (protocol === 'v5.channel.k8s.io') await send(Uint8Array.of(channel.close, channel.stdin))
}

const tooMuch = () =>
  new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: 'the command has written more than 16 MiB: take it as it comes, by onStdout and onStderr',
  })

function gather(onData: ((data: Uint8Array) => void) | undefined) {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  return {
    add: (data: Uint8Array) => {
      if (onData) return onData(data)
      bytes += data.length
      if (bytes > gatheredBytesMax) throw tooMuch()
      text += decoder.decode(data, { stream: true })
    },
    text: () => text,
  }
}

/** No status at all means that the connection broke before the command ended. */
function exitCodeOf(status: Status | undefined): number {
  if (status?.status === 'Success') return 0
  const exitCode = status?.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message
  if (exitCode !== undefined) return Number(exitCode)
  const message = status?.message ?? 'the connection ended before the command did'
  throw new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 500,
    reason: 'InternalError',
    ...status,
    metadata: {},
    message,
  } as StatusError['status'])
}
