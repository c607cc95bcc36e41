import { PassThrough, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { decodeChannel, encodeChannel } from './channel-message.ts'
import { type CommandChannels, type CommandOptions, parseSize } from './remote-command.ts'

/** Channel protocols over WebSocket, best first. Only v5 can close a channel (stdin's end). */
export const webSocketCommandProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
  'channel.k8s.io',
] as const

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** The channels of a remote command over one WebSocket: each message begins with its channel's number. */
export function webSocketCommandChannels(socket: WebSocket, protocol: string, options: CommandOptions): CommandChannels {
  const isBase64 = protocol.includes('base64')
  const isStatus = protocol.startsWith('v4') || protocol.startsWith('v5')
  const gone = new AbortController()
  const stdin = options.stdin ? new PassThrough() : undefined
  let onResize: ((size: { width: number; height: number }) => void) | undefined
  const waiting: { width: number; height: number }[] = []
  const end = () => {
    gone.abort()
    stdin?.destroy()
  }
  socket.once('close', end)
  socket.on('error', end)
  socket.on('message', (data: Buffer) => {
    const message = decodeChannel(data, isBase64)
    if (!message) return
    const { channel, payload } = message
    if (channel === channels.stdin && stdin && !stdin.writableEnded) {
      if (!stdin.write(payload)) {
        socket.pause()
        stdin.once('drain', () => socket.resume())
      }
    } else if (channel === channels.resize) {
      const size = parseSize(payload.toString('utf8'))
      if (size && onResize) onResize(size)
      else if (size) waiting.push(size)
    } else if (channel === channels.close && payload[0] === channels.stdin) stdin?.end()
  })
  const send = (channel: number, payload: Uint8Array) =>
    new Promise<void>((resolve) => {
      if (socket.readyState !== socket.OPEN) return resolve()
      socket.send(encodeChannel(channel, payload, isBase64), { binary: !isBase64 }, () => resolve())
    })
  const output = (channel: number) =>
    new Writable({
      write: (chunk: Buffer, _encoding, callback) => {
        if (socket.readyState !== socket.OPEN) return callback()
        socket.send(encodeChannel(channel, chunk, isBase64), { binary: !isBase64 }, () => callback())
      },
    })
  // An empty message tells the client that the connection stands, before the process writes anything.
  void send(options.stdout ? channels.stdout : options.stderr ? channels.stderr : channels.error, Buffer.alloc(0))
  return {
    stdin,
    stdout: options.stdout ? output(channels.stdout) : undefined,
    stderr: options.stderr && !options.tty ? output(channels.stderr) : undefined,
    gone: gone.signal,
    onResize: (handler) => {
      onResize = handler
      for (const size of waiting.splice(0)) handler(size)
    },
    finish: async (status) => {
      const text = isStatus ? JSON.stringify(status) : status.status === 'Success' ? '' : (status.message ?? '')
      if (text) await send(channels.error, Buffer.from(text))
      socket.close(1000)
    },
  }
}
