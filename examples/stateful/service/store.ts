// A small replicated key-value store. Pod 0 of the StatefulSet is the primary: it numbers every write and gives it to all peers
// that DNS names before it answers. The others forward writes to it and answer reads themselves. Who starts takes the newest
// state of all peers first. While pod 0 is away reads go on and writes are refused: a fixed primary, no election.
import { lookup } from 'node:dns/promises'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { networkInterfaces } from 'node:os'

type State = { version: number; values: Record<string, string> }
type Write = { version: number; key: string; value: string }

const port = 8080
const file = '/data/state.json'
const name = process.env.POD_NAME ?? ''
const service = process.env.SERVICE ?? 'store'
const setName = name.replace(/-\d+$/, '')
const isPrimary = name === `${setName}-0`
const primaryUrl = `http://${setName}-0.${service}:${port}`
const bytesMax = 65_536

let state: State = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : { version: 0, values: {} }
let isReady = false
/** Writes are made one after the other. */
let lastWrite: Promise<unknown> = Promise.resolve()

function save(next: State): void {
  // A crash leaves the old file or the new one, never half of one.
  writeFileSync(`${file}.new`, JSON.stringify(next))
  renameSync(`${file}.new`, file)
  state = next
}

/** Addresses of the other pods, ready or not. */
async function peers(): Promise<string[]> {
  const own = new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address),
  )
  try {
    return (await lookup(service, { all: true, family: 4 })).map(({ address }) => address).filter((address) => !own.has(address))
  } catch {
    return [] // Nobody but us is known yet.
  }
}

async function ask(url: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2000) })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return response.json()
}

/** Takes over the newest state that a peer has. */
async function catchUp(): Promise<void> {
  const answers = await Promise.allSettled((await peers()).map((address) => ask(`http://${address}:${port}/state`)))
  for (const answer of answers) {
    if (answer.status !== 'fulfilled') continue
    const theirs = answer.value as State
    if (theirs.version > state.version) save(theirs)
  }
}

/** The primary's write: kept once most of the peers have it. */
async function write(key: string, value: string): Promise<Write> {
  const next: Write = { version: state.version + 1, key, value }
  const others = await peers()
  const answers = await Promise.allSettled(others.map((address) => ask(`http://${address}:${port}/replicate`, next)))
  const acknowledged = answers.filter(({ status }) => status === 'fulfilled').length
  if ((acknowledged + 1) * 2 <= others.length + 1) throw new Error(`only ${acknowledged} of ${others.length} peers took the write`)
  save({ version: next.version, values: { ...state.values, [key]: value } })
  return next
}

async function replicate(next: Write): Promise<void> {
  if (next.version > state.version + 1) await catchUp()
  if (next.version > state.version) save({ version: next.version, values: { ...state.values, [next.key]: next.value } })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  const key = path.startsWith('/keys/') ? decodeURIComponent(path.slice('/keys/'.length)) : undefined
  if (path === '/readyz') return send(response, isReady ? 200 : 503, { name, version: state.version })
  if (path === '/state') return send(response, 200, state)
  if (path === '/replicate' && request.method === 'POST') {
    await replicate(JSON.parse(await read(request)) as Write)
    return send(response, 200, { version: state.version })
  }
  if (key === undefined) return send(response, 404, { error: 'try /keys/NAME' })
  if (request.method === 'GET') {
    const value = Object.hasOwn(state.values, key) ? state.values[key] : undefined
    return send(response, value === undefined ? 404 : 200, { key, value, from: name })
  }
  if (request.method !== 'POST') return send(response, 405, { error: 'GET or POST' })
  const value = await read(request)
  if (!isPrimary) {
    const forwarded = await fetch(`${primaryUrl}${path}`, { method: 'POST', body: value, signal: AbortSignal.timeout(5000) })
    return send(response, forwarded.status, await forwarded.json())
  }
  const written = (lastWrite = lastWrite.catch(() => undefined).then(() => write(key, value)))
  send(response, 200, await written)
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json', connection: 'close' })
  response.end(`${JSON.stringify(body)}\n`)
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > bytesMax) throw new Error('the value is too large')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(`${request.method} ${request.url}: ${String(error)}`)
    if (!response.headersSent) send(response, 503, { error: String(error) })
  })
})
process.on('SIGTERM', () => {
  isReady = false
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
server.listen(port, async () => {
  await catchUp()
  isReady = true
  console.log(`${name} (${isPrimary ? 'primary' : 'replica'}) starts at version ${state.version}`)
})
