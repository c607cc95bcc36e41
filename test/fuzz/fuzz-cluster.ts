/** A whole cluster under the virtual clock that fuzzed requests are sent into, and what must hold of every answer. */
import assert from 'node:assert/strict'
import type { ApiServer } from '../../src/apiserver/api-server.ts'
import type { ApiResponse } from '../../src/apiserver/contract.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { customResourceDefinitions } from '../../src/kinds/apiextensions/custom-resource-definition.ts'
import type { CustomResourceDefinition } from '../../src/kinds/generated/types/apiextensions-v1.ts'
import { parseYaml } from '../../src/machinery/yaml.ts'
import { type VirtualClock, virtualClock } from '../../src/platform/virtual-clock.ts'
import { startCluster } from '../../src/roles/embedded.ts'
import { type FuzzRequest, protobuf } from './request-maker.ts'
import { customDefinition } from './valid-objects.ts'

const answerMsMax = 3_000
/** Virtual. */
const streamMsMax = 5_000

export type FuzzCluster = {
  readonly clock: VirtualClock
  /** Sends one request and checks its answer. */
  send(request: FuzzRequest): Promise<{ readonly code: number; readonly text: string }>
  /** The probe object is as it was, and nothing was logged as an error since the last call. */
  assertUnharmed(): Promise<void>
  /** Writes so far. */
  writes(): number
  close(): Promise<void>
}

export async function startFuzzCluster(): Promise<FuzzCluster> {
  const clock = virtualClock()
  const unexpected: string[] = []
  const log: Log = {
    ...silentLog,
    error: (fields, message) => {
      const { error } = fields as { error?: unknown }
      unexpected.push(`${message} ${JSON.stringify(fields)} ${error instanceof Error ? error.stack : ''}`)
    },
    child: () => log,
  }
  const cluster = await startCluster({ clock, random: seededRandom(1), nodes: 1, log })
  await clock.advance(2_000)
  const core = cluster.clientset.coreV1()
  for (const name of ['fuzz', 'probe']) await core.namespaces().create({ metadata: { name } })
  await core.configMaps('probe').create({ metadata: { name: 'probe' }, data: { a: 'b' } })
  await cluster.clientset.resource(customResourceDefinitions, '').create(customDefinition as unknown as CustomResourceDefinition)
  return {
    clock,
    send: (request) => send(clock, cluster.controlPlane.api, request),
    assertUnharmed: async () => {
      const probe = await withTime(clock, core.configMaps('probe').get('probe'), 'the probe')
      assert.deepEqual(probe.data, { a: 'b' })
      assert.deepEqual(({} as { a?: unknown }).a, undefined, 'prototypes are clean')
      assert.deepEqual(unexpected.splice(0), [])
    },
    writes: () => cluster.controlPlane.api.core.storage.store.revision,
    close: async () => {
      const closing = cluster.close()
      await withTime(clock, closing, 'closing')
    },
  }
}

/** Moves virtual time until the promise settles: requests that wait (for a revision, a watch's end) wait for the clock. */
async function withTime<T>(clock: VirtualClock, promise: Promise<T>, what: string): Promise<T> {
  let isDone = false
  const settled = promise.finally(() => (isDone = true))
  settled.catch(() => {})
  for (let i = 0; i < 4 && !isDone; i++) await Promise.resolve()
  for (let waitedMs = 0; !isDone; waitedMs += 1_000) {
    assert.ok(waitedMs < 120_000, `no answer within two minutes: ${what}`)
    await clock.settle()
    if (!isDone) await clock.advance(1_000)
  }
  return settled
}

/** The body, or the beginning of a long one. */
async function bodyOf(
  clock: VirtualClock,
  response: ApiResponse,
  abort: AbortController,
  what: string,
): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  if (response.body instanceof Uint8Array) return { bytes: Buffer.from(response.body), isWhole: true }
  const blocks: Uint8Array[] = []
  const iterator = response.body[Symbol.asyncIterator]()
  // A watch that has nothing to say: the client leaves.
  const cancel = clock.schedule(streamMsMax, () => abort.abort())
  for (let i = 0; i < 3; i++) {
    const next = await withTime(clock, iterator.next(), what).catch((error: unknown) => {
      if (!abort.signal.aborted) throw error
      return { done: true as const, value: undefined }
    })
    if (next.done) {
      cancel()
      return { bytes: Buffer.concat(blocks), isWhole: !abort.signal.aborted }
    }
    blocks.push(next.value)
  }
  cancel()
  abort.abort()
  await withTime(clock, Promise.resolve(iterator.return?.()), what)
  return { bytes: Buffer.concat(blocks), isWhole: false }
}

const describe = ({ method, url, headers, body }: FuzzRequest) =>
  `${method} ${url.slice(0, 300)} ${JSON.stringify(headers)} ${Buffer.from(body ?? [])
    .toString()
    .slice(0, 1_500)}`

async function send(clock: VirtualClock, api: Pick<ApiServer, 'handle'>, request: FuzzRequest): Promise<{ code: number; text: string }> {
  const abort = new AbortController()
  const credentials = { clientCertificate: { commonName: 'fuzz', organizations: ['system:masters'] }, bearerToken: undefined }
  const what = describe(request)
  const startedMs = performance.now()
  const response = await withTime(clock, api.handle({ ...request, credentials, remoteAddress: '127.0.0.1', signal: abort.signal }), what)
  const { bytes: body, isWhole } = await bodyOf(clock, response, abort, what)
  const spentMs = performance.now() - startedMs
  assert.ok(spentMs < answerMsMax, `${Math.round(spentMs)} ms: ${what}`)
  assert.ok(
    response.code >= 200 && (response.code < 500 || mayFail(request, response.code, body)),
    `${response.code} ${body.toString()} to ${what}`,
  )
  if (isWhole) checkForm(request, response, body, what)
  return { code: response.code, text: body.toString() }
}

/** What really cannot be answered now: streams without a node to reach, and revisions that are yet to come. */
function mayFail({ url }: FuzzRequest, code: number, body: Buffer): boolean {
  if (code === 503) return /\/(?:log|exec|attach|portforward|proxy)\b/.test(url)
  return code === 504 && body.includes('Too large resource version')
}

/** A body is what its type says, and a failure is a Status with the same code. */
function checkForm({ method, url }: FuzzRequest, { code, headers, body: source }: ApiResponse, body: Buffer, what: string): void {
  const type = String(headers['content-type'] ?? headers['Content-Type'] ?? '')
  if (method === 'HEAD' || body.length === 0 || headers['content-encoding']) return
  // Watches are documents one after the other.
  const isWhole = source instanceof Uint8Array || !url.includes('watch')
  if (type.startsWith('application/json') && isWhole && code >= 400) {
    const status = JSON.parse(body.toString()) as { kind?: string; code?: number; reason?: string; message?: unknown }
    assert.deepEqual([status.kind, status.code, typeof status.message], ['Status', code, 'string'], what)
  } else if (type.startsWith('application/json') && isWhole) JSON.parse(body.toString())
  else if (type.startsWith('application/yaml')) parseYaml(body.toString())
  else if (type.startsWith('application/vnd.kubernetes.protobuf') && isWhole && !type.includes('as=')) protobuf.decode(body)
}
