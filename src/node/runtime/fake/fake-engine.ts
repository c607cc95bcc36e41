import { BoundedStream } from '../../../base/bounded-stream.ts'
import { type Clock, sleep } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { type AddressRange, formatAddress, parseAddress, parseRange } from '../../../machinery/ip-address.ts'
import {
  type ContainerResources,
  type ContainerSpec,
  type ImageInfo,
  type RuntimeContainer,
  RuntimeError,
  type RuntimeErrorReason,
  type RuntimeEvent,
  type RuntimePod,
  type SandboxSpec,
} from '../contract.ts'
import type { FakeBehaviour } from './fake-behaviour.ts'

export type FakeContainer = {
  readonly spec: ContainerSpec
  readonly behaviour: FakeBehaviour
  readonly sandbox: FakeSandbox
  view: RuntimeContainer
  isPaused: boolean
  resources: ContainerResources
  log: string
  cancelExit: (() => void) | undefined
  exited: { readonly promise: Promise<void>; resolve(): void }
}
export type FakeSandbox = { spec: SandboxSpec; view: Omit<RuntimePod, 'containers'>; readonly containers: FakeContainer[] }

export type FakeEngineOptions = { readonly clock: Clock; readonly random: Random; readonly podCidrs: readonly string[] }

const eventsMax = 100_000

/** The state of a simulated engine, and what its operations have in common. */
export class FakeEngine {
  readonly sandboxes = new Map<string, FakeSandbox>()
  readonly containers = new Map<string, FakeContainer>()
  readonly pulled = new Map<string, ImageInfo>()
  readonly logListeners = new Map<string, Set<() => void>>()
  readonly calls = new Map<string, number>()
  readonly addresses: AddressPool
  readonly clock: Clock
  readonly #random: Random
  readonly #streams = new Set<BoundedStream<RuntimeEvent>>()
  isConnected = true

  constructor({ clock, random, podCidrs }: FakeEngineOptions) {
    this.clock = clock
    this.#random = random
    this.addresses = addressPool(podCidrs)
  }

  newId(): string {
    return Array.from({ length: 8 }, () =>
      this.#random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('')
  }

  emit(event: RuntimeEvent): void {
    for (const stream of this.#streams) stream.push(event)
  }

  events(signal: AbortSignal): BoundedStream<RuntimeEvent> {
    const stream: BoundedStream<RuntimeEvent> = new BoundedStream<RuntimeEvent>({
      sizeMax: eventsMax,
      onEnd: () => {
        this.#streams.delete(stream)
      },
    })
    if (this.isConnected) this.#streams.add(stream)
    else stream.fail(disconnected())
    signal.addEventListener('abort', () => stream.close(), { once: true })
    return stream
  }

  endEvents(error?: RuntimeError): void {
    for (const stream of [...this.#streams]) {
      if (error) stream.fail(error)
      else stream.close()
    }
  }

  /** The end of the simulation: no timer of a container is left to keep a process alive. */
  close(): void {
    this.endEvents()
    for (const container of this.containers.values()) container.cancelExit?.()
  }

  /** Counts a call; throws while the engine is disconnected. */
  enter(name: string): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1)
    if (!this.isConnected) throw disconnected()
  }

  /** Lets the time of an operation pass, with a tenth of jitter either way. */
  async take(meanMs: number, signal?: AbortSignal): Promise<void> {
    if (meanMs > 0) await sleep(this.clock, meanMs * (0.9 + 0.2 * this.#random.next()), signal)
  }

  mayFail(rate: number, reason: RuntimeErrorReason, message: string): void {
    if (rate > 0 && this.#random.next() < rate) throw new RuntimeError(reason, message)
  }

  container(id: string): FakeContainer {
    const found = this.containers.get(id)
    if (!found) throw new RuntimeError('NotFound', `container "${id}" not found`)
    return found
  }

  appendLog(container: FakeContainer, line: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
    container.log += `${new Date(this.clock.now()).toISOString().replace('Z', '000000Z')} ${stream} F ${line}\n`
    this.#tellLog(container)
  }

  /** Ends a running container now. */
  finish(container: FakeContainer, exitCode: number, isOom = false): void {
    if (container.view.state !== 'Running') return
    container.cancelExit?.()
    container.cancelExit = undefined
    container.isPaused = false
    const reason = isOom ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error'
    container.view = { ...container.view, state: 'Exited', finishedAtMs: this.clock.now(), exitCode, reason }
    container.exited.resolve()
    if (isOom) this.emit({ type: 'ContainerOOM', containerId: container.view.id })
    this.emit({ type: 'ContainerExited', containerId: container.view.id, exitCode })
    this.#tellLog(container)
  }

  async stop(container: FakeContainer, graceSeconds: number): Promise<void> {
    if (container.view.state !== 'Running') return
    const { exitCodeOnTerm, stopMs } = container.behaviour
    const graceMs = graceSeconds * 1000
    const isGraceful = exitCodeOnTerm !== undefined && stopMs <= graceMs
    const cancel = this.clock.schedule(isGraceful ? stopMs : graceMs, () => this.finish(container, isGraceful ? exitCodeOnTerm : 137))
    await container.exited.promise
    cancel()
  }

  remove(container: FakeContainer): void {
    this.finish(container, 137)
    this.containers.delete(container.view.id)
    const siblings = container.sandbox.containers
    const index = siblings.indexOf(container)
    if (index >= 0) siblings.splice(index, 1)
    this.emit({ type: 'ContainerDeleted', containerId: container.view.id })
  }

  #tellLog({ view }: FakeContainer): void {
    for (const listener of this.logListeners.get(view.logPath) ?? []) listener()
  }
}

export function podView({ view, containers }: FakeSandbox): RuntimePod {
  return { ...view, containers: containers.map((c) => c.view) }
}

export function disconnected(): RuntimeError {
  return new RuntimeError('Unavailable', 'the fake engine is disconnected')
}

export type AddressPool = ReturnType<typeof addressPool>

/**
 * Addresses of one range, or of one of each family alike, in order, the longest free ones first; full ranges wrap, as a simulation may hold
 * more pods than addresses.
 */
function addressPool(initialCidrs: readonly string[]) {
  let ranges: readonly AddressRange[] = []
  let size = 0
  let next = 2
  let freed: number[] = []
  const use = (cidrs: readonly string[]) => {
    ranges = cidrs.map(parseRange).filter((range) => typeof range !== 'string')
    size = Math.min(...ranges.map(({ address, prefix }) => 2 ** Math.min(sizeBitsMax, (address.family === 4 ? 32 : 128) - prefix)))
    next = 2
    freed = []
  }
  use(initialCidrs)
  const texts = (n: number) => ranges.map(({ address: { family, bits } }) => formatAddress({ family, bits: bits + BigInt(n) }))
  return {
    use,
    take: (): string[] => {
      if (next < size - 1) return texts(next++)
      const reused = freed.shift()
      if (reused !== undefined) return texts(reused)
      next = 2
      return texts(next++)
    },
    release: ([ip]: readonly string[]) => {
      const address = ip === undefined ? undefined : parseAddress(ip)
      const base = ranges[0]?.address
      if (!base || address === undefined || typeof address === 'string' || address.family !== base.family) return
      const n = Number(address.bits - base.bits)
      if (n > 0 && n < size) freed.push(n)
    },
  }
}

/** Of a larger range only so many bits are used. */
const sizeBitsMax = 24
