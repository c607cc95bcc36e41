export type RawReply = { readonly code: number; readonly body: Buffer }

/**
 * Reads the replies of one HTTP/1.1 connection, one after another, out of the pieces in which they come: each byte is looked at once,
 * however large the reply is and whether it says its length or comes in chunks.
 */
export class ReplyReader {
  #code = 0
  /** What is read next: a head, the line before a chunk, so many bytes of the body and of what follows them, or the lines at the end. */
  #state: 'head' | 'size' | 'body' | 'trailer' = 'head'
  #isChunked = false
  /** Of the body or of its chunk, and behind that of the line feed that ends a chunk. */
  #missing = 0
  #parts: Buffer[] = []
  /** The beginning of a head or of a line. */
  #rest: Buffer = empty

  /** The reply that ends with these bytes; undefined while there is more to come. Nobody asks again before he has been answered. */
  push(bytes: Buffer): RawReply | undefined {
    let at = 0
    while (at < bytes.length || (this.#state === 'body' && this.#missing === 0)) {
      if (this.#state === 'body') {
        at = this.#readBody(bytes, at)
        if (this.#missing > 0) return undefined
        if (!this.#isChunked) return this.#whole()
        this.#state = 'size'
        continue
      }
      const line = this.#readLine(bytes, at)
      if (!line) return undefined
      at = line.end
      if (this.#state === 'head') this.#begin(line.text)
      else if (this.#state === 'trailer') {
        if (line.text === '') return this.#whole()
      } else if (this.#chunk(line.text) === 0) this.#state = 'trailer'
    }
    return undefined
  }

  #begin(head: string): void {
    this.#code = Number(head.slice(9, 12))
    this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    this.#missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    this.#state = this.#isChunked ? 'size' : 'body'
  }

  /** The size of the chunk that follows; 0: none does. */
  #chunk(line: string): number {
    const size = Number.parseInt(line, 16)
    this.#missing = size > 0 ? size + 2 : 0
    this.#state = 'body'
    return size
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#missing)
    const tail = this.#isChunked ? 2 : 0
    const bodyEnd = Math.min(end, at + Math.max(0, this.#missing - tail))
    if (bodyEnd > at) this.#parts.push(bytes.subarray(at, bodyEnd))
    this.#missing -= end - at
    return end
  }

  /** Up to the empty line of a head, or to the end of a line. */
  #readLine(bytes: Buffer, at: number): { readonly text: string; readonly end: number } | undefined {
    const mark = this.#state === 'head' ? '\r\n\r\n' : '\r\n'
    const from = bytes.subarray(at)
    const all = this.#rest.length === 0 ? from : Buffer.concat([this.#rest, from])
    const end = all.indexOf(mark)
    if (end < 0) {
      this.#rest = all
      return undefined
    }
    const before = this.#rest.length
    this.#rest = empty
    return { text: all.toString('latin1', 0, end), end: at + end + mark.length - before }
  }

  #whole(): RawReply {
    const parts = this.#parts
    this.#parts = []
    this.#state = 'head'
    return { code: this.#code, body: parts.length === 1 ? parts[0]! : Buffer.concat(parts) }
  }
}

const empty = Buffer.alloc(0)
