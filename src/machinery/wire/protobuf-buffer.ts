/**
 * Reading and writing the protobuf wire format. The writer fills its buffer from the end towards the start, so that the
 * length of a nested message is known when its prefix is written: one pass, no copies.
 */

/** Bytes that are no protobuf, or not the message that they should be. */
export class ProtobufError extends Error {
  override name = 'ProtobufError'
}

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** A cursor over bytes. Every read is bounded by `end`; running past it throws ProtobufError. */
export class ProtobufReader {
  readonly #bytes: Buffer
  position: number
  end: number

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = 0
    this.end = bytes.byteLength
  }

  get isDone(): boolean {
    return this.position >= this.end
  }

  /** An unsigned varint as a number; exact up to 2⁵³. */
  length(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    throw new ProtobufError('varint too long for a length')
  }

  /** A signed 64-bit varint; numbers beyond 2⁵³ lose their lowest bits, as JSON numbers do. */
  int64(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    let wide = BigInt(value)
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = this.#byte()
      wide |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, wide))
    }
    throw new ProtobufError('varint longer than ten bytes')
  }

  bool(): boolean {
    return this.int64() !== 0
  }

  double(): number {
    this.#require(8)
    this.position += 8
    return this.#bytes.readDoubleLE(this.position - 8)
  }

  /** A length-delimited run; the bytes are a view, not a copy. */
  bytes(): Buffer {
    const length = this.length()
    this.#require(length)
    this.position += length
    return this.#bytes.subarray(this.position - length, this.position)
  }

  text(): string {
    const length = this.length()
    this.#require(length)
    this.position += length
    return this.#bytes.toString('utf8', this.position - length, this.position)
  }

  /** Steps over a field that nobody knows. */
  skip(wireType: number): void {
    switch (wireType) {
      case wireTypes.varint:
        while (this.#byte() >= 0x80);
        return
      case wireTypes.fixed64:
        this.#require(8)
        this.position += 8
        return
      case wireTypes.bytes:
        this.bytes()
        return
      case wireTypes.fixed32:
        this.#require(4)
        this.position += 4
        return
      default:
        throw new ProtobufError(`illegal wireType ${wireType}`)
    }
  }

  #byte(): number {
    this.#require(1)
    return this.#bytes[this.position++]!
  }

  #require(length: number): void {
    if (this.position + length > this.end) throw new ProtobufError('unexpected EOF')
  }
}

/** Writes backwards: the last field first. `mark` and `closeMessage` wrap what was written in between. */
export class ProtobufWriter {
  #bytes: Buffer
  #start: number

  constructor(bytesAtFirst = 4096) {
    this.#bytes = Buffer.allocUnsafe(bytesAtFirst)
    this.#start = bytesAtFirst
  }

  /** How many bytes are written so far. */
  get mark(): number {
    return this.#bytes.length - this.#start
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType)
  }

  /** A non-negative integer up to 2⁵³. */
  varint(value: number): void {
    if (value < 0x80) {
      this.#reserve(1)
      this.#bytes[--this.#start] = value
      return
    }
    let size = 1
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++
    this.#reserve(size)
    this.#start -= size
    let rest = value
    for (let i = 0; i < size; i++) {
      this.#bytes[this.#start + i] = (rest % 128) | (i < size - 1 ? 0x80 : 0)
      rest = Math.floor(rest / 128)
    }
  }

  int64(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return this.varint(Math.trunc(value))
    let wide = BigInt.asUintN(64, BigInt(Math.trunc(value)))
    const septets: number[] = []
    for (; wide > 0x7fn; wide >>= 7n) septets.push(Number(wide & 0x7fn) | 0x80)
    septets.push(Number(wide))
    this.#raw(Buffer.from(septets))
  }

  double(value: number): void {
    this.#reserve(8)
    this.#start -= 8
    this.#bytes.writeDoubleLE(value, this.#start)
  }

  bytes(value: Uint8Array): void {
    this.#raw(value)
    this.varint(value.byteLength)
  }

  text(value: string): void {
    const size = Buffer.byteLength(value)
    this.#reserve(size)
    this.#start -= size
    this.#bytes.write(value, this.#start)
    this.varint(size)
  }

  /** Prefixes all that was written since `mark` with its length. */
  closeMessage(mark: number): void {
    this.varint(this.mark - mark)
  }

  raw(value: Uint8Array): void {
    this.#raw(value)
  }

  finish(): Buffer {
    return this.#bytes.subarray(this.#start)
  }

  #raw(value: Uint8Array): void {
    this.#reserve(value.byteLength)
    this.#start -= value.byteLength
    this.#bytes.set(value, this.#start)
  }

  #reserve(size: number): void {
    if (this.#start >= size) return
    const used = this.mark
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, used + size + 4096))
    this.#bytes.copy(grown, grown.length - used, this.#start)
    this.#start = grown.length - used
    this.#bytes = grown
  }
}
