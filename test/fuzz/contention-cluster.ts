/** A cluster in this process under the virtual clock whose clients meet: every commit takes a while, of random length. */
import assert from 'node:assert/strict'
import { withCommit } from '../../src/apiserver/overtaken-store.ts'
import { sleep } from '../../src/base/clock.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Client } from '../../src/client/contract.ts'
import { createRestClient } from '../../src/client/rest-client.ts'
import { type VirtualClock, virtualClock } from '../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../src/roles/embedded.ts'
import type { Store } from '../../src/store/contract.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

export type ContentionCluster = {
  readonly clock: VirtualClock
  readonly cluster: Cluster
  /** Through the whole pipeline, as from outside. */
  client(): Client
  /** What the server logged as an error. */
  readonly logged: readonly string[]
  /** Moves time until the work is done. */
  whole<T>(work: Promise<T>): Promise<T>
  close(): Promise<void>
}

const commitMsMax = 4

export async function startContentionCluster(seed: number): Promise<ContentionCluster> {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const logged: string[] = []
  const log: Log = {
    ...silentLog,
    error: (fields, message) => void logged.push(`${message} ${JSON.stringify(fields)} ${String((fields as { error?: unknown }).error)}`),
    child: () => log,
  }
  const store = slow(createMemoryStore({ clock, historyEventsMax: 1_000_000 }), clock, random)
  const cluster = await within(clock, startCluster({ clock, random, log, nodes: 2, store }))
  await clock.advance(5_000)
  return {
    clock,
    cluster,
    logged,
    client: () => clientOf(cluster, clock),
    whole: (work) => within(clock, work),
    close: async () => {
      await within(clock, cluster.close())
      await store.close()
    },
  }
}

/** Every commit waits a moment before it is made, and another before it is answered. */
function slow(store: Store, clock: VirtualClock, random: Random): Store {
  const commit: Store['commit'] = async (operations) => {
    await sleep(clock, random.next() * commitMsMax)
    const result = await store.commit(operations)
    await sleep(clock, random.next() * commitMsMax)
    return result
  }
  return withCommit(store, commit)
}

function clientOf({ controlPlane }: Cluster, clock: VirtualClock): Client {
  const credentials = { clientCertificate: { commonName: 'contender', organizations: ['system:masters'] }, bearerToken: undefined }
  return createRestClient({
    clock,
    retriesMax: 0,
    transport: async ({ method, path, headers = {}, body, signal = new AbortController().signal }) => {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      const answer = await controlPlane.api.handle({
        method,
        url: path,
        headers,
        body: bytes,
        credentials,
        remoteAddress: '127.0.0.1',
        signal,
      })
      const chunks = answer.body
      return {
        code: answer.code,
        headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), String(value)])),
        body: chunks instanceof Uint8Array ? oneOf(chunks) : chunks,
      }
    },
  })
}

async function* oneOf(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk
}

const virtualMsMax = 3_600_000

async function within<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isDone = false
  const settled = work.finally(() => (isDone = true))
  settled.catch(() => {})
  assert.ok(await clock.runUntil(() => isDone, virtualMsMax), 'no end within an hour')
  return settled
}
