/** Stores under load while their processes are killed, hang and come back: what clients saw must still be one order of events. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { noRevision, type StoreEvent, type StoreKey, StoreUnavailable } from '../../src/store/contract.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { startEtcdCluster } from './etcd-cluster.ts'
import type { ChildReply, ChildRequest } from './store-child.ts'
import {
  checkEvents,
  checkOrder,
  client,
  eventsUntil,
  now,
  pause,
  type Recorded,
  recordedKeys as keys,
  type Run,
  runOn,
} from './store-history.ts'

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
    const first = await etcd.leader()
    await etcd.kill(first)
    await pause(1500)
    await etcd.restart(first)
    await pause(700)
    const second = await etcd.leader()
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
