import type { Duplex } from 'node:stream'

/** What is no HTTP, or no HTTP that is spoken here, in the words of upstream's server. */
type Refusal = { readonly code: number; readonly phrase: string; readonly text: string }

const badRequest: Refusal = { code: 400, phrase: 'Bad Request', text: '400 Bad Request' }
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { code: 431, phrase: 'Request Header Fields Too Large', text: '431 Request Header Fields Too Large' },
  HPE_INVALID_HEADER_TOKEN: { ...badRequest, text: '400 Bad Request: invalid header name' },
  HPE_INVALID_TRANSFER_ENCODING: { code: 501, phrase: 'Not Implemented', text: 'Unsupported transfer encoding' },
  HPE_INVALID_VERSION: {
    code: 505,
    phrase: 'HTTP Version Not Supported',
    text: '505 HTTP Version Not Supported: unsupported protocol version',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 408, phrase: 'Request Timeout', text: '408 Request Timeout' },
}

export const refusalType = 'text/plain; charset=utf-8'

/** Answers a connection on which no request could be read, and ends it. */
export function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const { code, phrase, text } = refusals[error.code ?? ''] ?? badRequest
  socket.end(`HTTP/1.1 ${code} ${phrase}\r\ncontent-type: ${refusalType}\r\nconnection: close\r\n\r\n${text}`)
}

/** Path and query of a request's target, which may be a whole address; undefined where it is none. */
export function targetOf(url: string): string | undefined {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '')
  if (!target.includes('%')) return target
  return badEscape.test(target.split('?', 1)[0]!) ? undefined : target
}
const badEscape = /%(?![0-9a-f]{2})/i
