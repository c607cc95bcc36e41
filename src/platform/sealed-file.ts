/**
 * A file of frames that is whole or refused: compressed, with a checksum over all of it, and encrypted where a passphrase is given.
 *
 * Layout: a line that names the format, a line of JSON (how the key is made of the passphrase, or nothing), then frames: one byte that
 * says whether it is the last, four bytes of length (big-endian), the frame. The last frame is the SHA-256 of all bytes before it.
 * Encrypted frames are AES-256-GCM under a key of the file's own, numbered by their nonces, so that none can be taken out, put in
 * or exchanged; the last one cannot be left out.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { fileFault } from './file-fault.ts'

const formatLine = Buffer.from('KEELSON-BACKUP 1\n')
/** A frame before and after it is compressed, at most. */
const frameBytesMax = 64 << 20
const headBytesMax = 1024
const tagBytes = 16
/** The cost of a guess: about 64 MiB and a fifth of a second (RFC 7914). */
const scryptCost = { N: 1 << 16, r: 8, p: 1, maxmem: 128 << 20 } as const

/** What cannot be used, in words for who gave it. */
export class SealedFileError extends Error {
  override name = 'SealedFileError'
}

type Head = { readonly kdf: 'none' } | { readonly kdf: 'scrypt'; readonly salt: string }

/** Written beside and renamed, mode 0600: `path` is the old file or the whole new one. Frames have at most 64 MiB. */
export async function writeSealedFile(path: string, frames: AsyncIterable<Uint8Array>, passphrase: string | undefined): Promise<number> {
  const staging = `${path}.new`
  const file = await open(staging, 'w', 0o600)
  try {
    await file.chmod(0o600)
    const head: Head = passphrase === undefined ? { kdf: 'none' } : { kdf: 'scrypt', salt: randomBytes(16).toString('base64') }
    const headLine = Buffer.from(`${JSON.stringify(head)}\n`)
    const sealer = sealerOf(head, passphrase, headLine)
    const digest = createHash('sha256')
    let bytes = 0
    const write = async (block: Uint8Array) => {
      digest.update(block)
      await file.writeFile(block)
      bytes += block.byteLength
    }
    await write(formatLine)
    await write(headLine)
    let index = 0
    for await (const frame of frames) await write(framed(0, sealer.seal(deflateRawSync(frame), index++, 0)))
    await write(framed(1, sealer.seal(digest.copy().digest(), index, 1)))
    await file.sync()
    await file.close()
    await rename(staging, path)
    return bytes
  } catch (error) {
    await file.close().catch(() => {})
    await rm(staging, { force: true })
    throw error
  }
}

function framed(kind: 0 | 1, body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(kind, 0)
  prefix.writeUInt32BE(body.byteLength, 1)
  return Buffer.concat([prefix, body])
}

/** The frames in order. Throws SealedFileError for what is no such file, is cut short, was changed, or has another passphrase. */
export async function* readSealedFile(path: string, passphrase: string | undefined): AsyncGenerator<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new SealedFileError(`cannot read ${path}: ${fileFault(error)}`, { cause: error })
  })
  try {
    const reader = new Reader(path, file)
    if (!(await reader.take(formatLine.byteLength)).equals(formatLine)) throw new SealedFileError(`${path} is no backup of Keelson`)
    const headLine = await reader.line()
    const head = JSON.parse(headLine.toString()) as Head
    if (head.kdf === 'scrypt' && passphrase === undefined) throw new SealedFileError(`${path} is encrypted: it needs its passphrase`)
    const sealer = sealerOf(head, passphrase, headLine)
    for (let index = 0; ; index++) {
      const before = reader.digest()
      const prefix = await reader.take(5)
      const kind = prefix.readUInt8(0) === 1 ? 1 : 0
      const length = prefix.readUInt32BE(1)
      if (length > frameBytesMax) throw damaged(path)
      const body = opened(path, sealer, await reader.take(length), { index, kind, isEncrypted: head.kdf !== 'none' })
      if (kind === 0) {
        yield inflated(path, body)
        continue
      }
      if (!body.equals(before)) throw damaged(path)
      if (!(await reader.isAtEnd())) throw damaged(path)
      return
    }
  } finally {
    await file.close()
  }
}

const damaged = (path: string, cause?: unknown) => new SealedFileError(`${path} is damaged: its checksum does not hold`, { cause })

function opened(path: string, sealer: Sealer, body: Buffer, at: { index: number; kind: 0 | 1; isEncrypted: boolean }): Buffer {
  try {
    return sealer.open(body, at.index, at.kind)
  } catch (error) {
    if (at.index === 0 && at.isEncrypted)
      throw new SealedFileError(`the passphrase is not that of ${path}, or the file is damaged`, { cause: error })
    throw damaged(path, error)
  }
}

function inflated(path: string, body: Buffer): Buffer {
  try {
    return inflateRawSync(body, { maxOutputLength: frameBytesMax })
  } catch (error) {
    throw damaged(path, error)
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>

class Reader {
  readonly #path: string
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')

  constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Of all that was taken. */
  digest(): Buffer {
    return this.#hash.copy().digest()
  }

  async take(length: number): Promise<Buffer> {
    const block = Buffer.alloc(length)
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#file.read(block, at, length - at)
      if (bytesRead === 0) throw new SealedFileError(`${this.#path} is cut short`)
      at += bytesRead
    }
    this.#hash.update(block)
    return block
  }

  async line(): Promise<Buffer> {
    const bytes: Buffer[] = []
    while (bytes.length < headBytesMax) {
      const byte = await this.take(1)
      bytes.push(byte)
      if (byte[0] === 0x0a) return Buffer.concat(bytes)
    }
    throw damaged(this.#path)
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.#file.read(Buffer.alloc(1), 0, 1)).bytesRead === 0
  }
}

type Sealer = { seal(plain: Uint8Array, index: number, kind: 0 | 1): Uint8Array; open(body: Buffer, index: number, kind: 0 | 1): Buffer }

function sealerOf(head: Head, passphrase: string | undefined, headLine: Uint8Array): Sealer {
  if (head.kdf === 'none') return { seal: (plain) => plain, open: (body) => body }
  const key = scryptSync((passphrase ?? '').normalize('NFKC'), Buffer.from(head.salt, 'base64'), 32, scryptCost)
  const nonceOf = (index: number) => {
    const nonce = Buffer.alloc(12)
    nonce.writeBigUInt64BE(BigInt(index), 4)
    return nonce
  }
  const associated = (kind: 0 | 1) => Buffer.concat([headLine, Buffer.of(kind)])
  return {
    seal: (plain, index, kind) => {
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index))
      cipher.setAAD(associated(kind))
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open: (body, index, kind) => {
      if (body.byteLength < tagBytes) throw new Error('too short for its tag')
      const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index))
      decipher.setAAD(associated(kind))
      decipher.setAuthTag(body.subarray(body.byteLength - tagBytes))
      return Buffer.concat([decipher.update(body.subarray(0, body.byteLength - tagBytes)), decipher.final()])
    },
  }
}
