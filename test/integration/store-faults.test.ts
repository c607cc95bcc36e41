/** Stores under load while their processes are killed, hang and come back: what clients saw must still be one order of events. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { noRevision, type Revision, type Store, type StoreEvent, type StoreKey, StoreUnavailable } from '../../src/store/contract.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { type RegisterOperation, unexplained } from '../../src/store/linearizability.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { startEtcdCluster } from './etcd-cluster.ts'
import type { ChildReply, ChildRequest } from './store-child.ts'

type Action = ChildRequest['action']
/** Undefined: no answer. */
type Run = (key: string, action: Action) => Promise<ChildReply | undefined>
type Recorded = { readonly key: string; readonly operation: RegisterOperation; readonly revision: number | undefined }

const keys = ['/registry/a', '/registry/b', '/registry/c']
const now = () => systemClock.monotonicMs()
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** One client after another's answer, until `isOver`; at most `operationsMax` so that the search for an order stays short. */
async function client(
  run: Run,
  options: { name: string; random: Random; isOver: () => boolean; record: (one: Recorded) => void },
): Promise<void> {
  const { name, random, isOver, record } = options
  const read = new Map<string, { value: string; revision: number }>()
  for (let i = 0; i < operationsMax && !isOver(); i++) {
    const key = keys[random.below(keys.length)]!
    const known = read.get(key)
    const action = actionOf(random.below(6), `${name}.${i}`, known?.revision)
    const isConditional = action.type !== 'get' && typeof action.expected === 'number'
    const calledAt = now()
    const reply = await run(key, action)
    const returnedAt = reply ? now() : Number.POSITIVE_INFINITY
    const input =
      action.type === 'get'
        ? action
        : ({ ...action, ...(isConditional ? { expected: { value: known!.value } } : {}) } as RegisterOperation['input'])
    const output: RegisterOperation['output'] = !reply
      ? { type: 'unknown' }
      : reply.type === 'committed'
        ? { type: 'committed' }
        : { type: reply.type, value: reply.entry?.value }
    // A read without an answer says nothing.
    if (reply || action.type !== 'get')
      record({
        key,
        operation: { calledAt, returnedAt, input, output },
        revision: reply?.type === 'committed' ? reply.revision : undefined,
      })
    const entry = reply && reply.type !== 'committed' ? reply.entry : undefined
    if (entry) read.set(key, entry)
    else read.delete(key)
    await pause(5 + random.below(20))
  }
}

const operationsMax = 250

function actionOf(draw: number, value: string, revision: number | undefined): Action {
  if (draw <= 1) return { type: 'get' }
  if (draw === 2) return { type: 'put', value, expected: 'absent' }
  if (draw === 3) return { type: 'delete', expected: revision ?? 'any' }
  return { type: 'put', value, expected: revision ?? 'any' }
}

function checkOrder(history: readonly Recorded[]): void {
  for (const key of keys) {
    const operations = history.filter((one) => one.key === key).map((one) => one.operation)
    const left = unexplained(operations)
    assert.equal(left.length, 0, `${key}: no order explains ${JSON.stringify(left.slice(0, 8))}`)
  }
}

/** Durable, unique, reliable and ordered: the events of a watch from the beginning are the writes that were answered, and no others of theirs. */
function checkEvents(events: readonly StoreEvent[], history: readonly Recorded[]): void {
  const revisions = events.map((event) => event.revision)
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((a, b) => a - b),
    'W1, W2',
  )
  const byRevision = new Map<number, StoreEvent>(events.map((event) => [event.revision, event]))
  for (const { key, operation, revision } of history) {
    if (revision === undefined) continue
    const event = byRevision.get(revision)
    assert.equal(event?.key, key, `W3: revision ${revision}`)
    if (operation.input.type === 'put') assert.equal(event?.type === 'put' && Buffer.from(event.value).toString(), operation.input.value)
    else assert.equal(event?.type, 'delete')
  }
}

async function eventsUntil(store: Store, after: Revision, until: Revision): Promise<StoreEvent[]> {
  const events: StoreEvent[] = []
  const ending = new AbortController()
  for await (const batch of store.watch('', { after, signal: ending.signal, progressMs: 50 })) {
    events.push(...batch.events)
    if (batch.revision >= until) ending.abort()
  }
  return events
}

test('etcd: members killed, restarted and cut off leave one order of events', { timeout: 60_000 }, async () => {
  const etcd = await startEtcdCluster({ members: 3 })
  const open = () => openEtcdStore({ endpoints: etcd.endpoints, tls: undefined, root: '/faults', clock: systemClock, random: systemRandom })
  const stores = [await open(), await open()]
  try {
    const watching = new AbortController()
    const live: StoreEvent[] = []
    const follow = (async () => {
      for await (const batch of stores[1]!.watch('', { after: noRevision, signal: watching.signal })) live.push(...batch.events)
    })()
    const history: Recorded[] = []
    let isOver = false
    const clients = Array.from({ length: 5 }, (_, i) =>
      client(runOn(stores[i % 2]!), {
        name: `c${i}`,
        random: seededRandom(i + 1),
        isOver: () => isOver,
        record: (one) => history.push(one),
      }),
    )
    await pause(700)
    const first = etcd.leader()
    await etcd.kill(first)
    await pause(1500)
    await etcd.restart(first)
    await pause(700)
    const second = etcd.leader()
    etcd.pause(second)
    await pause(2500)
    etcd.resume(second)
    await pause(1200)
    isOver = true
    await Promise.all(clients)
    const unknown = history.filter((one) => one.operation.output.type === 'unknown').length
    assert.ok(history.length > 150, `${history.length} operations`)
    assert.ok(unknown < 20, `${unknown} outcomes are unknown`)
    checkOrder(history)
    const fresh = await stores[0]!.freshRevision()
    const events = await eventsUntil(stores[0]!, noRevision, fresh)
    checkEvents(events, history)
    for (let attempt = 0; attempt < 100 && live.length < events.length; attempt++) await pause(50)
    watching.abort()
    await follow
    assert.deepEqual(
      live.map((event) => event.revision),
      events.map((event) => event.revision),
      'a watch that lived through it missed nothing',
    )
  } finally {
    await Promise.all(stores.map((store) => store.close()))
    await etcd.close()
  }
})

test('etcd: without a majority writes fail with StoreUnavailable in time, and go on when it is back', { timeout: 60_000 }, async () => {
  const etcd = await startEtcdCluster({ members: 3 })
  const store = await openEtcdStore({
    endpoints: etcd.endpoints,
    tls: undefined,
    root: '/quorum',
    clock: systemClock,
    random: systemRandom,
  })
  try {
    const put = () => store.commit([{ type: 'put', key: keys[0] as StoreKey, value: Buffer.from('1'), expected: 'any' }])
    await put()
    await Promise.all([etcd.kill(0), etcd.kill(1)])
    const startedAt = now()
    await assert.rejects(
      put(),
      (error) => error instanceof StoreUnavailable && /may have happened|no etcd member answers/.test(error.message),
    )
    await assert.rejects(store.get(keys[0] as StoreKey), StoreUnavailable)
    assert.ok(now() - startedAt < 30_000)
    await Promise.all([etcd.restart(0), etcd.restart(1)])
    assert.equal((await put()).type, 'committed')
  } finally {
    await store.close()
    await etcd.close()
  }
})

function runOn(store: Store): Run {
  const show = (entry: { value: Uint8Array; revision: number } | undefined) =>
    entry && { value: Buffer.from(entry.value).toString(), revision: entry.revision }
  return async (name, action) => {
    const key = name as StoreKey
    try {
      if (action.type === 'get') return { id: 0, type: 'found', entry: show(await store.get(key)) }
      const expected = action.expected as Revision | 'any'
      const result = await store.commit([
        action.type === 'put'
          ? { type: 'put', key, value: Buffer.from(action.value), expected: action.expected as Revision | 'any' | 'absent' }
          : { type: 'delete', key, expected },
      ])
      if (result.type === 'committed') return { id: 0, type: 'committed', revision: result.revision }
      return { id: 0, type: 'conflict', entry: show(result.current) }
    } catch (error) {
      if (error instanceof StoreUnavailable) return undefined
      throw error
    }
  }
}

test('sqlite: its process killed again and again leaves one order of events', { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'keelson-faults-'))
  const history: Recorded[] = []
  const open = new Map<number, (reply: ChildReply | undefined) => void>()
  let child: ChildProcess | undefined
  let lastId = 0
  const start = async () => {
    const started = fork(join(import.meta.dirname, 'store-child.ts'), [dir], { execArgv: ['--disable-warning=ExperimentalWarning'] })
    await new Promise<void>((resolve) => started.once('message', () => resolve()))
    started.on('message', (reply: ChildReply) => open.get(reply.id)?.(reply))
    child = started
  }
  const run: Run = (key, action) => {
    const id = ++lastId
    return new Promise((resolve) => {
      open.set(id, (reply) => {
        open.delete(id)
        resolve(reply)
      })
      if (!child?.send({ id, key, action } satisfies ChildRequest)) open.get(id)?.(undefined)
    })
  }
  const kill = async () => {
    const killed = child!
    child = undefined
    const ended = new Promise((resolve) => killed.once('exit', resolve))
    killed.kill('SIGKILL')
    await ended
    for (const end of [...open.values()]) end(undefined)
  }
  try {
    for (let round = 0; round < 4; round++) {
      await start()
      let isOver = false
      const clients = Array.from({ length: 5 }, (_, i) =>
        client(run, {
          name: `r${round}c${i}`,
          random: seededRandom(round * 10 + i + 1),
          isOver: () => isOver,
          record: (one) => history.push(one),
        }),
      )
      await pause(350 + round * 60)
      isOver = true
      await kill()
      await Promise.all(clients)
    }
    checkOrder(history)
    assert.ok(history.length > 150, `${history.length} operations`)
    const store = await openSqliteStore({ dir, clock: systemClock, log: silentLog })
    checkEvents(await eventsUntil(store, noRevision, store.revision), history)
    await store.close()
  } finally {
    child?.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  }
})
