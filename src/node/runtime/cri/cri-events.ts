import { BoundedStream } from '../../../base/bounded-stream.ts'
import { type Clock, sleep } from '../../../base/clock.ts'
import type { RuntimeEvent } from '../contract.ts'
import { toRuntimeError } from './cri-errors.ts'
import type { CriObserver } from './cri-observer.ts'
import type { GrpcCaller } from '../../../platform/grpc-caller.ts'

type Envelope = { readonly topic: string; readonly event: { readonly typeUrl: string; readonly value: Uint8Array } | null }

const eventsUnreadMax = 4096
/**
 * How long an exit is held back until the engine's own status shows it; past that the event goes out as it is. Usually milliseconds; an
 * engine whose machine computes has taken seconds, and an exit told too early is never looked at again.
 */
const settleDelaysMs: readonly number[] = [0, 3, 5, 8, 12, 20, 40, 80, 160, 320, 640, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000]

/** A program may end before the engine has written down that it runs. */
const unsettled: ReadonlySet<string> = new Set(['CONTAINER_CREATED', 'CONTAINER_RUNNING'])

/**
 * containerd's event stream in the contract's words. The engine learns of an exit from the same stream and writes it down
 * a few milliseconds later, so an exit is handed on only when a list would already show it: whoever relists on an event
 * never reads the state from before.
 */
export async function* criEvents(
  { caller, observer, clock }: { caller: GrpcCaller; observer: CriObserver; clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<RuntimeEvent> {
  const source = caller.serverStream<Envelope>(
    'containerd.services.events.v1.Events/Subscribe',
    { filters: ['namespace==k8s.io,topic~="^/(tasks|containers)/"'] },
    { signal },
  )
  const ready = new BoundedStream<RuntimeEvent>({ sizeMax: eventsUnreadMax })
  const pump = async () => {
    try {
      for await (const envelope of source) {
        const event = runtimeEvent(envelope, (type, bytes) => caller.decode(type, bytes))
        if (!event) continue
        if (event.type === 'ContainerExited') void settled(event.containerId).finally(() => ready.push(event))
        else if (event.type === 'ContainerOOM') void settledOom(event.containerId).finally(() => ready.push(event))
        else ready.push(event)
      }
      ready.close()
    } catch (error) {
      ready.fail(toRuntimeError(error))
    }
  }
  const settled = async (id: string): Promise<void> => {
    try {
      for (const delayMs of settleDelaysMs) {
        await sleep(clock, delayMs, signal)
        const container = await observer.containerStatus(id)
        if (container && !unsettled.has(container.state)) return
        if (!container && (await observer.sandboxStatus(id))?.state !== 'SANDBOX_READY') return
      }
    } catch {
      // The connection went: the stream itself reports that.
    }
  }
  /** An OOM may be written down after the exit that it caused. */
  const settledOom = async (id: string): Promise<void> => {
    try {
      for (const delayMs of settleDelaysMs) {
        await sleep(clock, delayMs, signal)
        if ((await observer.containerStatus(id))?.reason === 'OOMKilled') break
      }
    } catch {
      // As above.
    }
    observer.forget(id)
  }
  const pumping = pump()
  try {
    yield* ready
  } finally {
    ready.close()
    await source[Symbol.asyncIterator]().return?.()
    await pumping
  }
}

/** Exported for tests: undefined for what the contract has no word for (execs, snapshots, …). */
export function runtimeEvent(envelope: Envelope, decode: <T>(type: string, bytes: Uint8Array) => T): RuntimeEvent | undefined {
  if (!envelope.event) return undefined
  const { value } = envelope.event
  switch (envelope.topic) {
    case '/containers/create':
      return { type: 'ContainerCreated', containerId: decode<{ id: string }>('containerd.events.ContainerCreate', value).id }
    case '/containers/delete':
      return { type: 'ContainerDeleted', containerId: decode<{ id: string }>('containerd.events.ContainerDelete', value).id }
    case '/tasks/start':
      return { type: 'ContainerStarted', containerId: decode<TaskEvent>('containerd.events.TaskStart', value).containerId }
    case '/tasks/oom':
      return { type: 'ContainerOOM', containerId: decode<TaskEvent>('containerd.events.TaskOOM', value).containerId }
    case '/tasks/paused':
      return { type: 'ContainerPaused', containerId: decode<TaskEvent>('containerd.events.TaskPaused', value).containerId }
    case '/tasks/resumed':
      return { type: 'ContainerResumed', containerId: decode<TaskEvent>('containerd.events.TaskResumed', value).containerId }
    case '/tasks/exit': {
      const exit = decode<TaskEvent & { id: string; exitStatus: number }>('containerd.events.TaskExit', value)
      // An exec's exit carries the exec's own id.
      return exit.id === exit.containerId
        ? { type: 'ContainerExited', containerId: exit.containerId, exitCode: exit.exitStatus }
        : undefined
    }
    default:
      return undefined
  }
}

type TaskEvent = { readonly containerId: string }
