import { connect } from 'node:tls'
import { steady } from './run-cases.ts'
import { type WireCase, wireCases } from './wire-cases.ts'

/** Where requests go: PEM of the authority, the administrator's token. */
export type WireServer = { readonly host: string; readonly port: number; readonly ca: string; readonly token: string }
export type WireAnswer = { readonly code: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown }
export type WireRecord = { readonly case: string; readonly answers: readonly WireAnswer[] }

/** One connection a case. */
export async function wireRecords(server: WireServer): Promise<WireRecord[]> {
  const records: WireRecord[] = []
  for (const one of wireCases) records.push({ case: one.name, answers: answersIn(await exchanged(server, one), one) })
  return records
}

const answerTimeoutMs = 60_000

/** Everything that comes until the other side closes. */
function exchanged({ host, port, ca, token }: WireServer, { text }: WireCase): Promise<string> {
  const filled = text.replaceAll('\n', '\r\n').replaceAll('$host', `${host}:${port}`).replaceAll('$token', token)
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect({ host, port, ca, ALPNProtocols: ['http/1.1'] }, () => socket.write(filled))
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error(`no end of the answer to ${JSON.stringify(filled.slice(0, 200))}`)))
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(received) : reject(error),
    )
    socket.on('close', () => resolve(received))
  })
}

const kept = ['allow', 'cache-control', 'content-encoding', 'content-type', 'location', 'www-authenticate', 'x-content-type-options']

function answersIn(received: string, { text }: WireCase): WireAnswer[] {
  const answers: WireAnswer[] = []
  let rest = received
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const [status = '', ...lines] = rest.slice(0, end < 0 ? rest.length : end).split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    rest = end < 0 ? '' : rest.slice(end + 4)
    const code = Number(status.split(' ')[1])
    const isBare = code < 200 || text.startsWith('HEAD ')
    const [body, after] = isBare ? ['', rest] : bodyIn(rest, headers)
    rest = after
    answers.push({
      code,
      headers: Object.fromEntries(kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]))),
      body: steady(parsed(body), { withManagedFields: false, withNulls: false }),
    })
  }
  return answers
}

function bodyIn(rest: string, headers: Readonly<Record<string, string>>): readonly [body: string, after: string] {
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = headers['content-length'] === undefined ? rest.length : Number(headers['content-length'])
    return [rest.slice(0, length), rest.slice(length)]
  }
  let body = ''
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at)
    const size = line < 0 ? 0 : Number.parseInt(rest.slice(at, line), 16)
    if (size === 0) return [body, line < 0 ? '' : rest.slice(line + 4)]
    body += rest.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
