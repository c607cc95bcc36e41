import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecOptions, type ProcessStreams, RuntimeError } from '../contract.ts'
import { createSpdyConnection, type SpdyConnection } from './spdy-client.ts'

/**
 * The client of the engine's streaming server: remote command (v4) and port-forward over SPDY/3.1. SPDY because the
 * WebSocket dialect of containerd 1.6 cannot end standard input. URLs are used once.
 */

const statusBytesMax = 64 * 1024

/** Opens the streams of an exec or attach at `url`. `done` rejects with RuntimeError when the session breaks. */
export async function openProcess(url: string, options: Omit<ExecOptions, 'command'>): Promise<ProcessStreams> {
  const connection = await upgrade(url, 'v4.channel.k8s.io')
  const status = connection.open({ streamType: 'error' })
  const stdin = options.stdin ? connection.open({ streamType: 'stdin' }) : undefined
  const stdout = options.stdout ? connection.open({ streamType: 'stdout' }) : undefined
  // A terminal has one output; the server waits for exactly the streams it was asked for.
  const stderr = options.stderr && !options.tty ? connection.open({ streamType: 'stderr' }) : undefined
  const resize = options.tty ? connection.open({ streamType: 'resize' }) : undefined
  const done = outcome(status).finally(() => stdin?.destroy())
  const close = () => connection.destroy()
  // Outputs are complete when their streams ended, which is before or right after the status; the caller reads them to their end.
  const ends = Promise.all([done.catch(() => {}), ended(stdout), ended(stderr)])
  void ends.then(close)
  done.catch(() => {})
  return {
    stdin,
    stdout,
    stderr,
    resize: (size) => {
      if (resize?.writable) resize.write(JSON.stringify({ Width: size.width, Height: size.height }))
    },
    done,
    close,
  }
}

/** A byte pipe to `port`; it is destroyed with an error when the pod has nothing listening there. */
export async function openPort(url: string, port: number): Promise<Duplex> {
  const connection = await upgrade(url, 'portforward.k8s.io')
  const headers = { port: String(port), requestID: '0' }
  const errors = connection.open({ ...headers, streamType: 'error' })
  errors.end()
  const told = readAll(errors).then((message) => {
    if (message) data.destroy(new RuntimeError('Failed', message))
  })
  const data: Duplex = connection.open({ ...headers, streamType: 'data' }, { emptyEndsAfter: told })
  data.once('close', () => connection.destroy())
  return data
}

function upgrade(url: string, protocol: string): Promise<SpdyConnection> {
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      agent: false,
      headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocol, 'Content-Length': '0' },
    })
    call.once('upgrade', (_response, socket, head) => {
      const tcp = socket as import('node:net').Socket
      tcp.setNoDelay(true)
      resolve(createSpdyConnection(tcp, head))
    })
    call.once('response', (response) => {
      void readAll(response).then((body) =>
        reject(
          new RuntimeError(
            response.statusCode === 404 ? 'NotFound' : 'Failed',
            `streaming server answered ${response.statusCode}: ${body}`,
          ),
        ),
      )
    })
    call.once('error', (error) => reject(new RuntimeError('Unavailable', `streaming server: ${error.message}`, { cause: error })))
    call.end()
  })
}

/** The exit code out of the status stream: empty or Success is 0 for exec; nothing at all means that the session was cut. */
async function outcome(stream: Duplex): Promise<{ exitCode: number | undefined }> {
  const text = await readAll(stream)
  if (text === '') throw new RuntimeError('Unavailable', 'the stream to the container was cut')
  return exitOf(text)
}

/** Exported for tests: a v4 status document → exit code; throws RuntimeError for a failure without one. */
export function exitOf(text: string): { exitCode: number | undefined } {
  type StatusDocument = {
    status?: string
    message?: string
    reason?: string
    details?: { causes?: { reason?: string; message?: string }[] }
  }
  let document: StatusDocument
  try {
    document = JSON.parse(text) as StatusDocument
  } catch {
    throw new RuntimeError('Failed', text)
  }
  if (document.status === 'Success') return { exitCode: 0 }
  const code = document.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message
  if (document.reason === 'NonZeroExitCode' && code !== undefined) return { exitCode: Number(code) }
  throw new RuntimeError('Failed', document.message ?? text)
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      size += chunk.length
      if (size <= statusBytesMax) chunks.push(chunk as Buffer)
    }
  } catch {
    // A cut stream has what it has; the caller judges by that.
  }
  return Buffer.concat(chunks).toString()
}

function ended(stream: Duplex | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!stream) return resolve()
    stream.once('end', resolve)
    stream.once('close', resolve)
    stream.once('error', () => resolve())
  })
}
