import { createHash } from 'node:crypto'
import type { ApiResponse } from '../contract.ts'
import { jsonLine } from '../encoding/json-line.ts'

/**
 * A document that is built when it is first asked for, kept as bytes, and answered with 304 to whoever has it already.
 */
export type JsonDocument = {
  /** Hash of the content, in hexadecimal. Builds the document. */
  hash(): string
  respond(headers: RequestHeaders, extra?: Readonly<Record<string, string>>): ApiResponse
}

export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>

export function jsonDocument(build: () => unknown): JsonDocument {
  return bytesDocument(() => Buffer.from(JSON.stringify(build())), { contentType: 'application/json' })
}

/** The same with the end of a line, as objects are answered. */
export function lineDocument(build: () => unknown, contentType = 'application/json'): JsonDocument {
  return bytesDocument(() => jsonLine(build()), { contentType })
}

/** The same of bytes in any encoding. `hash`: of what they say, where that is not their own. */
export function bytesDocument(build: () => Buffer, form: { readonly contentType: string; readonly hash?: () => string }): JsonDocument {
  let built: { readonly bytes: Buffer; readonly hash: string } | undefined
  const content = () => {
    if (!built) {
      const bytes = build()
      built = { bytes, hash: form.hash?.() ?? createHash('sha256').update(bytes).digest('hex').slice(0, 40).toUpperCase() }
    }
    return built
  }
  return {
    hash: () => content().hash,
    respond(headers, extra = {}) {
      const { bytes, hash } = content()
      const etag = `"${hash}"`
      const answerHeaders = { etag, vary: 'Accept', 'cache-control': 'public', ...extra }
      if (headerText(headers, 'if-none-match').includes(hash)) return { code: 304, headers: answerHeaders, body: new Uint8Array(0) }
      return {
        code: 200,
        headers: { ...answerHeaders, 'content-type': form.contentType, 'content-length': String(bytes.length) },
        body: bytes,
      }
    },
  }
}

/** A request header as one text; several of the same name are joined. Empty when absent. */
export function headerText(headers: RequestHeaders, name: string): string {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}
