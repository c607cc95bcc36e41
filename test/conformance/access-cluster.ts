/** The API server with the cluster's own authentication and authorization, driven by bare requests with a bearer token or none. */
import { startCluster, seededRandom, virtualClock } from '../../src/roles/embedded.ts'
import type { TestJson } from '../../src/apiserver/test-requests.ts'

export type AccessCluster = Awaited<ReturnType<typeof startAccessCluster>>
export type Answer = { readonly code: number; readonly json: TestJson }

/** The administrator's requests, or those of a token, or those of somebody whom the administrator speaks for. */
export type Caller = { readonly token?: string; readonly as?: string }

export async function startAccessCluster() {
  const cluster = await startCluster({ nodes: 0, clock: virtualClock(), random: seededRandom(5) })
  await cluster.controlPlane.ready
  const send = async (method: string, path: string, body?: object, caller: Caller = {}): Promise<Answer> => {
    const headers = { 'content-type': 'application/json', ...(caller.as ? { 'impersonate-user': caller.as } : {}) }
    const bytes = body && Buffer.from(JSON.stringify(body))
    if (caller.token === undefined) {
      const response = await cluster.client.raw({ method, path, headers, body: bytes && bytes.toString() })
      return { code: response.code, json: await read(response.body) }
    }
    const response = await cluster.controlPlane.api.handle({
      method,
      url: path,
      headers,
      body: bytes,
      credentials: { clientCertificate: undefined, bearerToken: caller.token },
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    })
    const { body: answered } = response
    return { code: response.code, json: await read(answered instanceof Uint8Array ? [answered] : answered) }
  }
  return { cluster, send, close: () => cluster.close() }
}

async function read(blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<TestJson> {
  let text = ''
  for await (const block of blocks) text += Buffer.from(block).toString()
  return JSON.parse(text) as TestJson
}
