/**
 * What the pods of the network's tests run: a server that says who it is, and calls others when it is asked to, so that a test sees
 * the network as the pod does. It listens as its environment says: HTTP_PORTS, UDP_PORTS, TLS_PORTS (with TLS_CERT and TLS_KEY).
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { lookup, promises as dns } from 'node:dns'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request as httpRequest, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { hostname } from 'node:os'
import type { Duplex } from 'node:stream'

type Query = URLSearchParams
type Answer = string | object

const ports = (name: string) => (process.env[name] ?? '').split(',').filter(Boolean).map(Number)
const withinMs = 2000
const withoutFamily = (address: string | undefined) => (address ?? '').replace('::ffff:', '')
const entries = new Map<string, string>()

const answers: Record<string, (query: Query, request: IncomingMessage) => Answer | Promise<Answer>> = {
  '/hostname': () => hostname(),
  '/client': (_query, { socket }) => withoutFamily(socket.remoteAddress),
  '/page': () => '<a href="/rewriteme">test</a>',
  /** `tries` calls one after the other, each on a connection of its own. */
  '/dial': async (query) => {
    const results: string[] = []
    for (let i = 0; i < Number(query.get('tries') ?? 1); i++)
      results.push(await (query.get('protocol') === 'udp' ? dialUdp : dialHttp)(query))
    return results
  },
  '/resolve': (query) => dns.resolve(query.get('name')!, query.get('type')!).catch(codeOf) as Promise<Answer>,
  '/lookup': (query) =>
    new Promise<Answer>((resolve) =>
      lookup(query.get('name')!, { family: 4 }, (error, address) => resolve(error ? codeOf(error) : address)),
    ),
  '/file': (query) => readFileSync(query.get('path')!, 'utf8'),
  '/issuer': judgeOwnToken,
  '/guestbook': keepOrAsk,
}

const codeOf = (error: NodeJS.ErrnoException) => String(error.code)

function dialHttp(query: Query): Promise<string> {
  return new Promise((resolve) => {
    const sent = httpRequest({
      host: query.get('host')!,
      port: query.get('port')!,
      path: query.get('path') ?? '/hostname',
      ...(query.get('from') ? { localAddress: query.get('from')! } : {}),
      agent: false,
      timeout: withinMs,
    })
    sent.once('response', (response) => void response.toArray().then((blocks) => resolve(Buffer.concat(blocks as Buffer[]).toString())))
    sent.once('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'timeout' })))
    sent.once('error', (error) => resolve(codeOf(error)))
    sent.end()
  })
}

function dialUdp(query: Query): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const timer = setTimeout(() => finish('timeout'), withinMs)
    const finish = (answer: string) => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    socket.once('message', (message) => finish(message.toString()))
    socket.once('error', (error) => finish(codeOf(error)))
    // Connected, so that an ICMP error comes back as one; from a port of the caller's choice, so that one flow can be kept up.
    socket.bind(Number(query.get('localPort') ?? 0), () =>
      socket.connect(Number(query.get('port')), query.get('host')!, () => socket.send(query.get('path') ?? '/hostname')),
    )
  })
}

/** Whether the issuer of this pod's token, found as the token says and nowhere else, has signed it. */
async function judgeOwnToken(): Promise<Answer> {
  const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8')
  const [head, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  const { alg, kid } = JSON.parse(head!) as { alg: string; kid: string }
  const { iss } = JSON.parse(claims!) as { iss: string }
  const read = async (url: string) => (await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()) as unknown
  const { issuer, jwks_uri } = (await read(`${iss}/.well-known/openid-configuration`)) as { issuer: string; jwks_uri: string }
  const { keys } = (await read(jwks_uri)) as { keys: Record<string, string>[] }
  const key = createPublicKey({ key: keys.find((k) => k.kid === kid)!, format: 'jwk' })
  const [signed, signature] = [token.slice(0, token.lastIndexOf('.')), Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')]
  const isSigned = verify(
    alg === 'ES256' ? 'sha256' : 'RSA-SHA256',
    Buffer.from(signed),
    alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key,
    signature,
  )
  return { isSigned, isIssuer: issuer === iss }
}

/** The guestbook's back end keeps an entry; its front end (with BACKEND) asks there. */
async function keepOrAsk(query: Query): Promise<Answer> {
  const backend = process.env.BACKEND
  if (backend) return (await (await fetch(`http://${backend}/guestbook?${query.toString()}`)).json()) as Answer
  if (query.get('set')) entries.set(query.get('key')!, query.get('set')!)
  return { data: entries.get(query.get('key')!) ?? '' }
}

const handle: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
  if (pathname === '/moved') return void response.writeHead(302, { location: '/there' }).end()
  const known = answers[pathname] ?? ((): Answer => ({ method: request.method, path: request.url }))
  Promise.resolve(known(searchParams, request)).then(
    (answer) => write(response, 200, pathname, answer),
    (error: unknown) => write(response, 500, pathname, String((error as Error).cause ?? error)),
  )
}

function write(response: ServerResponse, code: number, path: string, answer: Answer): void {
  const type = path === '/page' ? 'text/html' : 'text/plain'
  response.writeHead(code, { 'content-type': type })
  response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
}

/** A WebSocket that sends one short message back. */
function echo(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const protocol = request.headers['sec-websocket-protocol']?.split(',')[0]
  const named = protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ''
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${named}\r\n`,
  )
  socket.once('data', (frame: Buffer) => {
    const payload = frame.subarray(6, 6 + (frame[1]! & 127)).map((byte, i) => byte ^ frame[2 + (i % 4)]!)
    socket.write(Buffer.concat([Buffer.from([frame[0]!, payload.length]), payload]))
  })
  socket.on('error', () => socket.destroy())
}

for (const port of ports('HTTP_PORTS')) createServer(handle).on('upgrade', echo).listen(port, process.env.HOST_IP)
for (const port of ports('TLS_PORTS')) createTlsServer({ cert: process.env.TLS_CERT, key: process.env.TLS_KEY }, handle).listen(port)
for (const port of ports('UDP_PORTS')) {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) =>
    socket.send(message.toString() === '/client' ? from.address : hostname(), from.port, from.address),
  )
  socket.bind(port)
}
process.once('SIGTERM', () => process.exit(0))
