import type { Answer, Case, Request } from './upstream-case.ts'

/** A request as it goes out: its body is text, `$ns` is filled in. */
export type Outgoing = Omit<Request, 'body'> & { readonly body?: string }

/** Sends one request as the administrator. */
export type Send = (
  request: Outgoing,
) => Promise<{ readonly code: number; readonly body: Uint8Array; readonly warnings: readonly string[] }>

/** Runs the cases one after another in a namespace of their own, takes away what they created, and gives their answers without what differs from run to run. */
export async function runCases(namespace: string, cases: readonly Case[], send: Send): Promise<Answer[][]> {
  await send({ method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ metadata: { name: namespace } }) })
  // No controller runs that would make it.
  await send({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    body: JSON.stringify({ metadata: { name: 'default' } }),
  })
  const answers: Answer[][] = []
  for (const one of cases) answers.push(await runCase(namespace, one, send))
  return answers
}

async function runCase(namespace: string, { steps, withManagedFields }: Case, send: Send): Promise<Answer[]> {
  const made: string[] = []
  const answers: Answer[] = []
  for (const step of steps) {
    const request = filled(step, namespace)
    const { code, body, warnings } = await send(request)
    const json = parsed(body)
    const path = code === 201 ? createdPath(request, json) : undefined
    if (path) made.push(path)
    answers.push({ code, body: steady(json, withManagedFields ?? false), ...(warnings.length ? { warnings } : {}) })
  }
  for (const path of made.reverse()) await takeAway(path, send)
  return answers
}

const fill = (text: string, namespace: string) => text.replaceAll('$ns', namespace)

function filled({ body, ...request }: Request, namespace: string): Outgoing {
  const text = body === undefined ? undefined : fill(typeof body === 'string' ? body : JSON.stringify(body), namespace)
  return { ...request, path: fill(request.path, namespace), ...(text === undefined ? {} : { body: text }) }
}

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
  if (method === 'PATCH') return root
  return method === 'POST' && name ? `${root}/${name}` : undefined
}

/** Also what has finalizers; what cannot be deleted (a subresource) is let be. */
async function takeAway(path: string, send: Send): Promise<void> {
  await send({ method: 'PATCH', path, body: '{"metadata":{"finalizers":null}}' })
  await send({ method: 'DELETE', path, body: '{"gracePeriodSeconds":0,"propagationPolicy":"Background"}' })
  await send({ method: 'PATCH', path, body: '{"metadata":{"finalizers":null}}' })
}

const masks: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<random>'],
]

const maskedKeys = new Set(['resourceVersion', 'uid', 'continue', 'nodePort', 'healthCheckNodePort'])
const serviceAddress = /^10\.\d+\.\d+\.\d+$/

/** What is the server's free choice in an answer: numbers of versions, identities, times, addresses. */
function steady(value: unknown, withManagedFields: boolean, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => steady(item, withManagedFields, key))
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([name]) => withManagedFields || name !== 'managedFields')
    return Object.fromEntries(
      fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, steady(item, withManagedFields, name)]),
    )
  }
  if (maskedKeys.has(key) && value) return `<${key}>`
  if (typeof value !== 'string') return value
  if (key.startsWith('clusterIP') && serviceAddress.test(value)) return '<address>'
  return masks.reduce((text, [pattern, mask]) => text.replaceAll(pattern, mask), value)
}
