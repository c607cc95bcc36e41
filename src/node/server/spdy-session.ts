// A program that takes the embedded cluster in compiles this file without this project's list of files.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./spdy-transport.d.ts" />
import { Duplex } from 'node:stream'
import { constants, createInflate, type Inflate } from 'node:zlib'
import dictionaries from 'spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js'
import { headerBlock } from '../runtime/cri/spdy-client.ts'

/**
 * The server half of SPDY/3.1 as far as kubectl and other clients built on moby/spdystream speak it. Source: the SPDY/3.1 draft,
 * https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/.
 *
 * 1. Flow control is the socket's: that library neither honours nor sends WINDOW_UPDATE, and a sender that kept to the windows would
 *    stop for ever after 64 KiB. While one stream's reader is behind, the whole connection is not read.
 * 2. Frames are handled strictly in order; a compressed header block is unpacked before the next frame is looked at.
 * 3. A stream is answered (SYN_REPLY) at once; what it is for is the handler's to judge.
 */
export type SpdyServerStream = Duplex & { readonly spdyId: number; readonly headers: Readonly<Record<string, string>>; reset(): void }

export type SpdySession = {
  /** Resolves when the connection has ended for whatever reason. */
  readonly closed: Promise<void>
  /** Ends the connection once everything written has gone out. */
  close(): void
}

const flagFin = 0x01
const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goaway: 7 } as const
const dataBytesMax = 32 * 1024
const frameBytesMax = 16 * 1024 * 1024 - 1
const streamsMax = 1_000
const headerBytesMax = 64 * 1024

export function createSpdySession(socket: Duplex, head: Uint8Array, onStream: (stream: SpdyServerStream) => void): SpdySession {
  return new Session(socket, head, onStream)
}

class Session implements SpdySession {
  readonly closed: Promise<void>
  readonly #socket: Duplex
  readonly #onStream: (stream: SpdyServerStream) => void
  readonly #streams = new Map<number, SpdyServerStream>()
  readonly #stalled = new Set<number>()
  readonly #inflate: Inflate
  #pending = Buffer.alloc(0)
  #isReading = false
  #hasReplied = false
  #isEnded = false

  constructor(socket: Duplex, head: Uint8Array, onStream: (stream: SpdyServerStream) => void) {
    this.#socket = socket
    this.#onStream = onStream
    this.#inflate = createInflate({ dictionary: dictionaries['3.1'], flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH })
    this.#inflate.on('error', () => this.#end())
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.once('close', () => this.#end())
    socket.once('end', () => this.#end())
    socket.on('error', () => this.#end())
    if (head.length > 0) this.#receive(head)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  close(): void {
    if (this.#socket.writable) this.#socket.end()
  }

  #receive(chunk: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk])
    if (!this.#isReading) void this.#readFrames()
  }

  async #readFrames(): Promise<void> {
    this.#isReading = true
    try {
      while (!this.#isEnded && this.#pending.length >= 8) {
        const length = this.#pending.readUIntBE(5, 3)
        if (length > frameBytesMax) break
        if (this.#pending.length < 8 + length) break
        const header = this.#pending.subarray(0, 8)
        const payload = this.#pending.subarray(8, 8 + length)
        this.#pending = this.#pending.subarray(8 + length)
        if ((header[0]! & 0x80) === 0) this.#onData(header.readUInt32BE(0), payload, (header[4]! & flagFin) !== 0)
        else await this.#onControl(header, payload)
      }
    } catch {
      // A header block that does not unpack: nothing after it can be understood.
      this.#end()
      this.#socket.destroy()
    } finally {
      this.#isReading = false
    }
  }

  async #onControl(header: Buffer, payload: Buffer): Promise<void> {
    switch (header.readUInt16BE(2)) {
      case frameTypes.synStream:
        return this.#onSynStream(payload, (header[4]! & flagFin) !== 0)
      case frameTypes.rstStream: {
        const id = payload.readUInt32BE(0) & 0x7fffffff
        const stream = this.#streams.get(id)
        this.#forget(id)
        stream?.destroy()
        return
      }
      case frameTypes.ping:
        this.#socket.write(Buffer.concat([header, payload]))
        return
      case frameTypes.goaway:
        // The client opens nothing more; what is open goes on to its end.
        return
      default:
        return
    }
  }

  async #onSynStream(payload: Buffer, isFin: boolean): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff
    const headers = await this.#unpack(payload.subarray(10))
    if (this.#isEnded) return
    if (this.#streams.size >= streamsMax) return this.#sendReset(id)
    const stream = this.#createStream(id, headers)
    this.#streams.set(id, stream)
    this.#sendReply(id)
    this.#onStream(stream)
    if (isFin) this.#finishReading(id)
  }

  async #unpack(block: Buffer): Promise<Record<string, string>> {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
    }
    this.#inflate.on('data', onData)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#inflate.once('error', reject)
        this.#inflate.write(block, () => {
          this.#inflate.off('error', reject)
          resolve()
        })
      })
      // The output is handed over in the turn after the write's callback.
      await new Promise<void>((resolve) => setImmediate(resolve))
    } finally {
      this.#inflate.off('data', onData)
    }
    if (size > headerBytesMax) throw new Error('a header block is too large')
    return parseHeaders(Buffer.concat(chunks))
  }

  #createStream(id: number, headers: Readonly<Record<string, string>>): SpdyServerStream {
    const stream = new Duplex({
      allowHalfOpen: true,
      read: () => this.#resume(id),
      write: (chunk: Buffer, _encoding, callback) => this.#sendData(id, chunk, callback),
      final: (callback) => {
        if (this.#socket.writable) this.#socket.write(dataHeader(id, 0, true), () => callback())
        else callback()
      },
      destroy: (error, callback) => {
        if (this.#streams.has(id) && error) this.#sendReset(id)
        this.#forget(id)
        callback(null)
      },
    })
    // The exchange's outcome tells of a failure; a stream that nobody listens to must not end the process.
    stream.on('error', () => {})
    return Object.assign(stream, { spdyId: id, headers, reset: () => this.#sendReset(id) })
  }

  #sendData(id: number, chunk: Buffer, callback: (error?: Error) => void): void {
    if (!this.#socket.writable) return callback(new Error('the connection is closed'))
    if (chunk.length === 0) return callback()
    for (let start = 0; start < chunk.length; start += dataBytesMax) {
      const part = chunk.subarray(start, start + dataBytesMax)
      this.#socket.write(dataHeader(id, part.length, false))
      this.#socket.write(part, start + dataBytesMax >= chunk.length ? (error) => callback(error ?? undefined) : undefined)
    }
  }

  #onData(id: number, payload: Buffer, isFin: boolean): void {
    const stream = this.#streams.get(id)
    if (!stream || stream.readableEnded) return
    if (payload.length > 0 && !stream.push(Buffer.from(payload))) {
      this.#stalled.add(id)
      this.#socket.pause()
    }
    if (isFin) this.#finishReading(id)
  }

  #finishReading(id: number): void {
    this.#streams.get(id)?.push(null)
    this.#resume(id)
  }

  #resume(id: number): void {
    if (this.#stalled.delete(id) && this.#stalled.size === 0) this.#socket.resume()
  }

  #forget(id: number): void {
    this.#streams.delete(id)
    this.#resume(id)
  }

  #sendReply(id: number): void {
    const block = headerBlock({}, !this.#hasReplied)
    this.#hasReplied = true
    const frame = Buffer.alloc(12)
    frame.writeUInt16BE(0x8003, 0)
    frame.writeUInt16BE(frameTypes.synReply, 2)
    frame.writeUInt32BE(4 + block.length, 4)
    frame.writeUInt32BE(id, 8)
    this.#socket.write(Buffer.concat([frame, block]))
  }

  #sendReset(id: number): void {
    if (!this.#socket.writable) return
    const frame = Buffer.alloc(16)
    frame.writeUInt16BE(0x8003, 0)
    frame.writeUInt16BE(frameTypes.rstStream, 2)
    frame.writeUInt32BE(8, 4)
    frame.writeUInt32BE(id, 8)
    frame.writeUInt32BE(5, 12)
    this.#socket.write(frame)
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const stream of this.#streams.values()) stream.destroy()
    this.#streams.clear()
    this.#inflate.close()
  }
}

function dataHeader(id: number, length: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(id, 0)
  header.writeUInt32BE(length, 4)
  header[4] = isLast ? flagFin : 0
  return header
}

function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {}
  let offset = 4
  const text = () => {
    const length = block.readUInt32BE(offset)
    const value = block.toString('utf8', offset + 4, offset + 4 + length)
    offset += 4 + length
    return value
  }
  for (let count = block.readUInt32BE(0); count > 0; count--) {
    const name = text()
    headers[name.toLowerCase()] = text().split('\0')[0] ?? ''
  }
  return headers
}
