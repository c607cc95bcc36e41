import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

/**
 * The client half of SPDY/3.1 as far as CRI streaming servers speak it: open streams with headers, send and receive data,
 * half-close, reset. Source: the SPDY/3.1 draft, https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/.
 *
 * Why not a library: the server (moby/spdystream) has no flow control and loses data when it is sent WINDOW_UPDATE, which every full
 * implementation does. Without flow control back-pressure is the socket's: while one stream's reader is behind, the
 * connection is not read. A connection serves one session, so no stranger waits.
 *
 * Invariants:
 * 1. Header blocks are zlib "stored" blocks: no compressor state, and the dictionary is never needed.
 * 2. Header blocks of the peer are not read: no answer of the server carries one that matters.
 */
export type SpdyConnection = {
  /** `emptyEndsAfter`: a stream that has brought no byte ends only after this, so that an error told elsewhere comes first. */
  open(headers: Readonly<Record<string, string>>, options?: { readonly emptyEndsAfter?: Promise<void> }): SpdyStream
  /** Resolves when the connection has ended for whatever reason. */
  readonly closed: Promise<void>
  destroy(error?: Error): void
}

/** Reading ends at the peer's half-close or reset; ending the writable half-closes ours. */
export type SpdyStream = Duplex

const flagFin = 0x01
const synStream = 1
const rstStream = 3
const pingFrame = 6
const dataBytesMax = 32 * 1024

export function createSpdyConnection(socket: Socket, head: Uint8Array): SpdyConnection {
  readBeforeDestroying(socket)
  const streams = new Map<number, SpdyStream>()
  const emptyEnds = new Map<number, Promise<void>>()
  const stalled = new Set<number>()
  let nextId = 1
  let headerBlocks = 0
  let pending = Buffer.alloc(0)
  let isEnded = false

  const endAll = (error?: Error) => {
    if (isEnded) return
    isEnded = true
    for (const [id, stream] of streams) {
      const before = error ? undefined : emptyEnds.get(id)
      if (before) void before.then(() => stream.push(null))
      else stream.push(null)
      // A clean end of the connection ends what is written to it as well.
      if (error) stream.destroy(error)
      else if (stream.writable) stream.end()
    }
    streams.clear()
  }
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      endAll()
      resolve()
    })
  })
  socket.on('error', (error) => endAll(error))

  const receive = (chunk: Uint8Array) => {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk])
    let offset = 0
    while (pending.length - offset >= 8) {
      const length = pending.readUIntBE(offset + 5, 3)
      if (pending.length - offset < 8 + length) break
      frame(pending.subarray(offset, offset + 8), pending.subarray(offset + 8, offset + 8 + length))
      offset += 8 + length
    }
    pending = pending.subarray(offset)
  }
  const frame = (header: Buffer, payload: Buffer) => {
    const isControl = (header[0]! & 0x80) !== 0
    if (!isControl) return data(header.readUInt32BE(0), payload, (header[4]! & flagFin) !== 0)
    const type = header.readUInt16BE(2)
    if (type === rstStream) endStream(payload.readUInt32BE(0) & 0x7fffffff)
    else if (type === pingFrame) socket.write(Buffer.concat([header, payload]))
    else if ((header[4]! & flagFin) !== 0 && payload.length >= 4) endStream(payload.readUInt32BE(0) & 0x7fffffff)
  }
  const data = (id: number, payload: Buffer, isLast: boolean) => {
    const stream = streams.get(id)
    if (!stream) return
    if (payload.length > 0) emptyEnds.delete(id)
    if (payload.length > 0 && !stream.push(Buffer.from(payload))) {
      stalled.add(id)
      socket.pause()
    }
    if (isLast) endStream(id)
  }
  const endStream = (id: number) => {
    const stream = streams.get(id)
    streams.delete(id)
    if (stalled.delete(id) && stalled.size === 0) socket.resume()
    const before = emptyEnds.get(id)
    emptyEnds.delete(id)
    if (before) void before.then(() => stream?.push(null))
    else stream?.push(null)
  }
  const open: SpdyConnection['open'] = (headers, options) => {
    const id = nextId
    nextId += 2
    socket.write(synStreamFrame(id, headerBlock(headers, headerBlocks++ === 0)))
    const stream = new Duplex({
      allowHalfOpen: true,
      read: () => {
        if (stalled.delete(id) && stalled.size === 0) socket.resume()
      },
      write: (chunk: Buffer, _encoding, callback) => {
        for (let start = 0; start < chunk.length; start += dataBytesMax) {
          const part = chunk.subarray(start, start + dataBytesMax)
          socket.cork()
          socket.write(dataHeader(id, part.length, false))
          socket.write(part, start + dataBytesMax >= chunk.length ? callback : undefined)
          socket.uncork()
        }
        if (chunk.length === 0) callback()
      },
      final: (callback) => {
        if (socket.writable) socket.write(dataHeader(id, 0, true), () => callback())
        else callback()
      },
    })
    // The session's outcome reports a failure; a stream nobody listens to must not crash the process.
    stream.on('error', () => {})
    streams.set(id, stream)
    if (options?.emptyEndsAfter) emptyEnds.set(id, options.emptyEndsAfter)
    return stream
  }
  if (head.length > 0) receive(head)
  socket.on('data', receive)
  return {
    open,
    closed,
    destroy: (error) => {
      endAll(error)
      socket.destroy()
    },
  }
}

/**
 * A server that ends a session while it is still written to resets the connection. What it said before, the exit code among it, lies in
 * this socket unread, and would be lost with the first write that fails: such a failure is left to the reading side, which meets the
 * end of the connection after the last byte.
 */
function readBeforeDestroying(socket: Socket): void {
  let isBroken = false
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    if (error?.syscall !== 'write' || socket.readableEnded) return destroy(error)
    isBroken = true
    return socket
  }
  // A pipe that is no socket tells of a failed write in no other way than its own.
  const writeAll = socket._writev?.bind(socket)
  if (!writeAll) return
  const write: NonNullable<Socket['_writev']> = (chunks, callback) => {
    if (isBroken) return callback()
    return writeAll(chunks, (error) => {
      isBroken ||= Boolean(error)
      callback()
    })
  }
  socket._writev = write
  socket._write = (chunk, encoding, callback) => write([{ chunk, encoding }], callback)
}

function dataHeader(id: number, length: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(id, 0)
  header.writeUInt32BE(length, 4)
  header[4] = isLast ? flagFin : 0
  return header
}

function synStreamFrame(id: number, block: Buffer): Buffer {
  const frame = Buffer.alloc(18)
  frame.writeUInt16BE(0x8003, 0)
  frame.writeUInt16BE(synStream, 2)
  frame.writeUInt32BE(10 + block.length, 4)
  frame.writeUInt32BE(id, 8)
  return Buffer.concat([frame, block])
}

/**
 * Name/value pairs as a non-final stored deflate block; the first block of a connection opens the zlib stream. The empty
 * block after it is what makes an inflater hand the bytes out (a sync flush).
 */
export function headerBlock(headers: Readonly<Record<string, string>>, isFirst: boolean): Buffer {
  const entries = Object.entries(headers)
  const parts: Buffer[] = [uint32(entries.length)]
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) parts.push(uint32(Buffer.byteLength(text)), Buffer.from(text))
  }
  const content = Buffer.concat(parts)
  const stored = Buffer.alloc(5)
  stored.writeUInt16LE(content.length, 1)
  stored.writeUInt16LE(~content.length & 0xffff, 3)
  return Buffer.concat([isFirst ? Buffer.from([0x78, 0x01]) : Buffer.alloc(0), stored, content, Buffer.from([0, 0, 0, 0xff, 0xff])])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
