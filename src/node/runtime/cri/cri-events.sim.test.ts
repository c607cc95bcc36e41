import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrpcCaller } from '../../../platform/grpc-caller.ts'
import { virtualClock } from '../../../platform/virtual-clock.ts'
import { criEvents } from './cri-events.ts'
import type { CriObserver } from './cri-observer.ts'

test('an exit is told when the engine shows it, however long it takes to write it down', async () => {
  const clock = virtualClock()
  const stop = new AbortController()
  async function* exits() {
    yield { topic: '/tasks/exit', event: { typeUrl: 'containerd.events.TaskExit', value: new Uint8Array() } }
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
  }
  const caller = {
    serverStream: () => exits(),
    decode: () => ({ id: 'c', containerId: 'c', exitStatus: 0 }),
  } as unknown as GrpcCaller
  const writtenMs = clock.now() + 5_000
  // A short program has ended before the engine writes down that it runs.
  const startedMs = clock.now() + 1_000
  const state = () => {
    if (clock.now() < startedMs) return 'CONTAINER_CREATED'
    return clock.now() < writtenMs ? 'CONTAINER_RUNNING' : 'CONTAINER_EXITED'
  }
  const observer = { containerStatus: async () => ({ state: state() }) } as unknown as CriObserver
  const told = criEvents({ caller, observer, clock }, stop.signal).next()
  let toldMs: number | undefined
  void told.then(() => (toldMs = clock.now()))
  assert.equal(await clock.runUntil(() => toldMs !== undefined, 30_000), true)
  assert.ok(toldMs! >= writtenMs)
  assert.deepEqual((await told).value, { type: 'ContainerExited', containerId: 'c', exitCode: 0 })
  stop.abort()
})
