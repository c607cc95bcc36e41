import { setTimeout } from 'node:timers/promises'
import type { Answer, Case, Request } from './upstream-case.ts'

/** A request as it goes out: its body is text or bytes, everything is filled in. */
export type Outgoing = Omit<Request, 'body' | 'keeps' | 'asText' | 'until'> & { readonly body?: string | Uint8Array }

/** Header names in lower case. */
export type Received = {
  readonly code: number
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Sends one request as the administrator. */
export type Send = (request: Outgoing) => Promise<Received>

/** The headers of a request, for every transport. */
export const headersOf = ({ method, contentType, accept, as, headers }: Outgoing): Record<string, string> => ({
  'user-agent': 'upstream-case',
  'content-type': contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'),
  ...(accept ? { accept } : {}),
  ...(as ? { 'impersonate-user': as } : {}),
  ...headers,
})

/** The body, or of a watch the lines of its first events. */
export async function collected(blocks: AsyncIterable<Uint8Array>, events: number | undefined): Promise<Uint8Array> {
  let whole: Buffer = Buffer.alloc(0)
  for await (const block of blocks) {
    whole = Buffer.concat([whole, block])
    if (events !== undefined && lines(whole.toString()).length >= events) break
  }
  return whole
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

/** Where cases run, and what is there before them. */
export type Place = {
  readonly namespace: string
  readonly given?: readonly Request[]
  /** Fills in what else stands in requests for something. */
  readonly fill?: (text: string) => string
}

/** Runs the cases one after another in a namespace of their own, takes away what they created, and gives their answers without what differs from run to run. */
export async function runCases(place: Place, cases: readonly Case[], send: Send): Promise<Answer[][]> {
  const { namespace, given = [] } = place
  await send({ method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ metadata: { name: namespace } }) })
  // No controller runs that would make it.
  await send({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    body: JSON.stringify({ metadata: { name: 'default' } }),
  })
  const made: string[] = []
  try {
    for (const step of given) await sendGiven(step, place, made, send)
    const answers: Answer[][] = []
    for (const one of cases) answers.push(await runCase(place, one, send))
    return answers
  } finally {
    for (const path of made.reverse()) await takeAway(path, send)
  }
}

async function sendGiven(step: Request, place: Place, made: string[], send: Send): Promise<void> {
  const { outgoing, received } = await sent(step, { place, values: [] }, send)
  if (!isReached(step.until, received)) throw new Error(`${step.path}: ${Buffer.from(received.body).toString()}`)
  const path = received.code === 201 ? createdPath(outgoing, parsed(received.body)) : undefined
  if (path) made.push(path)
}

async function sent(
  { keeps: _, asText: _asText, until, ...request }: Request,
  { place, values }: { readonly place: Place; readonly values: readonly unknown[] },
  send: Send,
): Promise<{ readonly outgoing: Outgoing; readonly received: Received }> {
  const outgoing = filled(request, place, values)
  return { outgoing, received: await sentUntil(until, outgoing, send) }
}

async function runCase(
  place: Place,
  { given = [], steps, withManagedFields = false, withNulls = false }: Case,
  send: Send,
): Promise<Answer[]> {
  const made: string[] = []
  const answers: Answer[] = []
  const values: unknown[] = []
  for (const step of [...given, ...steps]) {
    const { keeps = [], asText = false } = step
    const { outgoing, received } = await sent(step, { place, values }, send)
    const value = step.events === undefined ? parsed(received.body) : eventsOf(received, step.events)
    if (!given.includes(step)) values.push(value)
    const path = received.code === 201 ? createdPath(outgoing, value) : undefined
    if (path) made.push(path)
    const body = steady(asText ? Buffer.from(received.body).toString() : value, { withManagedFields, withNulls })
    answers.push({ code: received.code, body, ...headersKept(received, keeps) })
  }
  for (const path of made.reverse()) await takeAway(path, send)
  return answers.slice(given.length)
}

const triesMax = 200
const retryMs = 50

const isReached = (until: Request['until'], { code, body }: Received) =>
  until === undefined || (typeof until === 'number' ? code === until : Buffer.from(body).includes(until))

async function sentUntil(until: Request['until'], request: Outgoing, send: Send): Promise<Received> {
  let received = await send(request)
  for (let i = 0; i < triesMax && !isReached(until, received); i++) {
    await setTimeout(retryMs)
    received = await send(request)
  }
  return received
}

function headersKept({ headers }: Received, keeps: readonly string[]): Pick<Answer, 'warnings' | 'headers'> {
  const warnings = [headers['warning'] ?? []].flat()
  const kept = Object.fromEntries(keeps.map((name) => [name, masked(String(headers[name] ?? ''))]))
  return { ...(warnings.length > 0 ? { warnings } : {}), ...(keeps.length > 0 ? { headers: kept } : {}) }
}

/** What is no stream of events (a refusal) is one value. */
function eventsOf({ code, body }: Received, events: number): unknown {
  if (code !== 200) return parsed(body)
  return lines(Buffer.from(body).toString())
    .slice(0, events)
    .map((line) => JSON.parse(line) as unknown)
}

const reference = /\{\{(\d+)\.([\w.]+)\}\}/g

function filled(
  { body, ...request }: Omit<Request, 'keeps' | 'asText' | 'until'>,
  { namespace, fill: fillIn = (text) => text }: Place,
  values: readonly unknown[],
): Outgoing {
  const fill = (text: string, encode: (value: string) => string) =>
    fillIn(text)
      .replaceAll('$ns', namespace)
      .replaceAll(reference, (_, step: string, path: string) => encode(String(valueAt(values[Number(step)], path))))
  const path = fill(request.path, encodeURIComponent)
  if (body === undefined || body instanceof Uint8Array) return { ...request, path, ...(body ? { body } : {}) }
  return { ...request, path, body: fill(typeof body === 'string' ? body : JSON.stringify(body), (value) => value) }
}

const valueAt = (value: unknown, path: string): unknown =>
  path.split('.').reduce((at: unknown, key) => (at as Record<string, unknown> | undefined)?.[key], value)

function parsed(body: Uint8Array): unknown {
  const text = Buffer.from(body).toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function createdPath({ method, path }: Outgoing, json: unknown): string | undefined {
  const [root, query] = path.split('?')
  if (query?.includes('dryRun')) return undefined
  const name = (json as { metadata?: { name?: string } }).metadata?.name
  if (method === 'PATCH' || method === 'PUT') return root
  return method === 'POST' && name ? `${root}/${name}` : undefined
}

/** Also what has finalizers; what cannot be deleted (a subresource) is let be. */
async function takeAway(path: string, send: Send): Promise<void> {
  await send({ method: 'PATCH', path, body: '{"metadata":{"finalizers":null}}' })
  await send({ method: 'DELETE', path, body: '{"gracePeriodSeconds":0,"propagationPolicy":"Background"}' })
  await send({ method: 'PATCH', path, body: '{"metadata":{"finalizers":null}}' })
  // No controller runs that would empty it.
  if (/^\/api\/v1\/namespaces\/[^/]+$/.test(path)) await send({ method: 'PUT', path: `${path}/finalize`, body: namespaceToGo(path) })
}

/** The namespace of the cases, on a server without the controller that would take it away. */
export async function removeNamespace(namespace: string, send: Send): Promise<void> {
  await send({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
  await send({ method: 'PUT', path: `/api/v1/namespaces/${namespace}/finalize`, body: namespaceToGo(namespace) })
}

const namespaceToGo = (path: string) => JSON.stringify({ metadata: { name: path.slice(path.lastIndexOf('/') + 1) }, spec: {} })

const masks: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\b(resource version|ResourceVersion in object meta|current): \d+/g, '$1: <revision>'],
  [/("resourceVersion": ?)"\d+"/g, '$1"<revision>"'],
  [/\bin record \(\d+\)/g, 'in record (<revision>)'],
  // A refused patch shows the whole object that it made, in whatever order its fields stand.
  [/Invalid value: "\{\\"(?:[^"\\]|\\.)*"/g, 'Invalid value: "<object>"'],
  [/(enerated?[-_./]?)[a-z0-9]{5}\b/g, '$1<random>'],
  // Upstream's names for the types of a policy's kinds end in the time at which it looked.
  [/(?<=[( ])([A-Z][A-Za-z]+)\d{5,9}(?=[.),])/g, '$1'],
  [/\blocalhost:\d{4,5}/g, 'localhost:<port>'],
  [/\b127\.0\.0\.1:\d{4,5}->/g, '127.0.0.1:<port>->'],
  [/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<random>'],
]

const masked = (text: string) => masks.reduce((masking, [pattern, mask]) => masking.replaceAll(pattern, mask), text)

const maskedKeys = new Set(['resourceVersion', 'uid', 'continue', 'nodePort', 'healthCheckNodePort'])
/** Those by hand lie where none are drawn. */
const serviceAddress = /^(?:10\.\d+\.\d+\.\d+|fd00:10:96::[1-9a-f][0-9a-f]{2,3})$/

type Kept = { readonly withManagedFields: boolean; readonly withNulls: boolean }

/** What is the server's free choice in an answer: numbers of versions, identities, times, addresses. */
export function steady(value: unknown, kept: Kept, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => steady(item, kept, key))
  if (typeof value === 'object' && value !== null) {
    if ((value as { kind?: unknown }).kind === 'Table') settleTable(value as Table)
    if (isList(value)) for (const item of value.items) settleItem(item)
    const fields = Object.entries(value).filter(
      ([name, item]) =>
        (kept.withManagedFields || name !== 'managedFields') &&
        (kept.withNulls || item !== null) &&
        // Of lists of custom objects upstream writes it always.
        !(name === 'continue' && item === ''),
    )
    return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, steady(item, kept, name)]))
  }
  if (maskedKeys.has(key) && value) return `<${key}>`
  if (typeof value !== 'string') return value
  if (key.startsWith('clusterIP') && serviceAddress.test(value)) return '<address>'
  return masked(value)
}

type Table = {
  readonly columnDefinitions: readonly { name: string; description?: string }[]
  readonly rows?: readonly { cells: unknown[] }[]
}

const agesOfTables = new Set(['Age', 'Duration', 'Last Schedule', 'First Seen', 'Last Seen'])
/** How long ago a day was that a case names: it is more each day. */
const years = /\b\d+y(?:\d+d)?(?=$| ago)/g

/** Ages run, and what a column says of itself is each server's own prose. */
function settleTable({ columnDefinitions, rows }: Table): void {
  for (const [i, column] of columnDefinitions.entries()) {
    delete column.description
    for (const { cells } of rows ?? []) {
      const cell = cells[i]
      if (typeof cell === 'string') cells[i] = agesOfTables.has(column.name) ? '<age>' : cell.replace(years, '<age>')
    }
  }
}

type List = { readonly items: readonly { kind?: string; apiVersion?: string }[] }

const isList = (value: object): value is List =>
  'items' in value && Array.isArray(value.items) && String((value as { kind?: unknown }).kind).endsWith('List')

/** Objects are encoded once, for lists as for single reads: their type is written in both, where upstream leaves it out of lists. */
function settleItem(item: List['items'][number]): void {
  delete item.kind
  delete item.apiVersion
}
