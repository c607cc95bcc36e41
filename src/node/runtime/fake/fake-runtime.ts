import { PassThrough, type Duplex } from 'node:stream'
import { BoundedStream } from '../../../base/bounded-stream.ts'
import { type Clock, sleep } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import {
  type ContainerResources,
  type ContainerSpec,
  type ContainerStats,
  type ExecOptions,
  type ExecResult,
  type ImageInfo,
  type ProcessStreams,
  type Runtime,
  type RuntimeContainer,
  RuntimeError,
  type RuntimeErrorReason,
  type RuntimeEvent,
  type RuntimePod,
  type SandboxSpec,
} from '../contract.ts'
import { type FakeBehaviour, fakeBehaviourOf } from './fake-behaviour.ts'

/** Mean virtual milliseconds of each operation; a fifth of jitter is drawn on top. Zero: done at once. */
export type FakeTimes = {
  readonly runSandbox: number
  readonly create: number
  readonly start: number
  readonly stop: number
  readonly pull: number
}
/** Chance in [0, 1] that the operation fails. */
export type FakeFailureRates = { readonly runSandbox: number; readonly create: number; readonly start: number; readonly pull: number }

export type FakeRuntimeOptions = {
  readonly clock: Clock
  readonly random: Random
  readonly times?: Partial<FakeTimes>
  readonly failureRates?: Partial<FakeFailureRates>
  /** Where pod addresses come from until setPodCidr is called; default 10.244.0.0/24. */
  readonly podCidr?: string
  readonly behaviourOf?: (spec: ContainerSpec, sandbox: SandboxSpec) => FakeBehaviour
  /** Answers an exec; undefined falls back to echoing the command with the behaviour's exit code. */
  readonly onExec?: (
    container: RuntimeContainer,
    command: readonly string[],
  ) => { exitCode: number; stdout?: string; stderr?: string } | undefined
  /** Images that a pull finds; default: every one but those whose name contains `missing`. */
  readonly hasImage?: (image: string) => boolean
  /** Memory and CPU that every running container reports. */
  readonly usage?: { readonly memoryBytes: number; readonly cpuMilli: number }
}

/** The contract, plus what a test or a simulation does to the engine from outside. */
export type FakeRuntime = Runtime & {
  setPodCidr(cidr: string): void
  /** Ends a running container by itself, as a crash would. */
  exitContainer(containerId: string, exitCode: number, options?: { oomKilled?: boolean }): void
  /** The sandbox's own process dies; its containers run on. */
  failSandbox(sandboxId: string): void
  /** Breaks every event stream, and every call until `connect`. */
  disconnect(): void
  connect(): void
  writeLog(containerId: string, line: string, stream?: 'stdout' | 'stderr'): void
  /** CRI log text of a container, by the path its RuntimeContainer gives. */
  readLog(logPath: string): string
  onLogChange(logPath: string, listener: () => void): () => void
  readonly calls: ReadonlyMap<string, number>
}

type FakeContainer = {
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
type FakeSandbox = { spec: SandboxSpec; view: Omit<RuntimePod, 'containers'>; readonly containers: FakeContainer[] }

const defaultTimes: FakeTimes = { runSandbox: 100, create: 10, start: 60, stop: 40, pull: 200 }
const noFailures: FakeFailureRates = { runSandbox: 0, create: 0, start: 0, pull: 0 }

/**
 * A container engine in memory, deterministic for a given clock and seed, cheap enough for thousands of nodes in one process.
 * It keeps every promise of the contract that a test can observe: attempts, exit codes, timestamps, events, idempotence.
 */
export function createFakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  const { clock, random } = options
  const times = { ...defaultTimes, ...options.times }
  const rates = { ...noFailures, ...options.failureRates }
  const behaviourOf = options.behaviourOf ?? fakeBehaviourOf
  const hasImage = options.hasImage ?? ((image) => !image.includes('missing'))
  const sandboxes = new Map<string, FakeSandbox>()
  const containers = new Map<string, FakeContainer>()
  const pulled = new Map<string, ImageInfo>()
  const streams = new Set<BoundedStream<RuntimeEvent>>()
  const logListeners = new Map<string, Set<() => void>>()
  const calls = new Map<string, number>()
  const addresses = addressPool(options.podCidr ?? '10.244.0.0/24')
  let isConnected = true

  const newId = () =>
    Array.from({ length: 8 }, () =>
      random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('')
  const emit = (event: RuntimeEvent) => {
    for (const stream of streams) stream.push(event)
  }
  const count = (name: string) => calls.set(name, (calls.get(name) ?? 0) + 1)
  const enter = (name: string) => {
    count(name)
    if (!isConnected) throw new RuntimeError('Unavailable', 'the fake engine is disconnected')
  }
  const take = async (meanMs: number, signal?: AbortSignal) => {
    if (meanMs > 0) await sleep(clock, meanMs * (0.9 + 0.2 * random.next()), signal)
  }
  const mayFail = (rate: number, reason: RuntimeErrorReason, message: string) => {
    if (rate > 0 && random.next() < rate) throw new RuntimeError(reason, message)
  }
  const containerOf = (id: string): FakeContainer => {
    const found = containers.get(id)
    if (!found) throw new RuntimeError('NotFound', `container "${id}" not found`)
    return found
  }
  const podView = (sandbox: FakeSandbox): RuntimePod => ({ ...sandbox.view, containers: sandbox.containers.map((c) => c.view) })

  const appendLog = (container: FakeContainer, line: string, stream: 'stdout' | 'stderr' = 'stdout') => {
    container.log += `${new Date(clock.now()).toISOString().replace('Z', '000000Z')} ${stream} F ${line}\n`
    for (const listener of logListeners.get(container.view.logPath) ?? []) listener()
  }
  const finish = (container: FakeContainer, exitCode: number, isOom = false) => {
    if (container.view.state !== 'Running') return
    container.cancelExit?.()
    container.cancelExit = undefined
    container.isPaused = false
    const reason = isOom ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error'
    container.view = { ...container.view, state: 'Exited', finishedAtMs: clock.now(), exitCode, reason }
    container.exited.resolve()
    if (isOom) emit({ type: 'ContainerOOM', containerId: container.view.id })
    emit({ type: 'ContainerExited', containerId: container.view.id, exitCode })
    for (const listener of logListeners.get(container.view.logPath) ?? []) listener()
  }
  const stop = async (container: FakeContainer, graceSeconds: number) => {
    if (container.view.state !== 'Running') return
    const { exitCodeOnTerm, stopMs } = container.behaviour
    const graceMs = graceSeconds * 1000
    const isGraceful = exitCodeOnTerm !== undefined && stopMs <= graceMs
    const cancel = clock.schedule(isGraceful ? stopMs : graceMs, () => finish(container, isGraceful ? exitCodeOnTerm : 137))
    await container.exited.promise
    cancel()
  }
  const removeContainer = (container: FakeContainer) => {
    finish(container, 137)
    containers.delete(container.view.id)
    const siblings = container.sandbox.containers
    const index = siblings.indexOf(container)
    if (index >= 0) siblings.splice(index, 1)
    emit({ type: 'ContainerDeleted', containerId: container.view.id })
  }
  const runProcess = (containerId: string, exec: ExecOptions): ProcessStreams => {
    const container = containerOf(containerId)
    const answer = answerExec(options, container, exec.command)
    return fakeProcess(exec, answer)
  }

  return {
    calls,
    version: async () => ({ name: 'fake', version: '1.0.0', apiVersion: 'v1' }),
    status: async () => {
      const ready = { status: isConnected, reason: isConnected ? '' : 'Disconnected', message: '' }
      return { runtimeReady: ready, networkReady: ready }
    },
    list: async () => {
      enter('list')
      return [...sandboxes.values()].map(podView)
    },
    pod: async (sandboxId) => {
      enter('pod')
      const sandbox = sandboxes.get(sandboxId)
      return sandbox ? podView(sandbox) : undefined
    },
    events: (signal) => {
      const stream = new BoundedStream<RuntimeEvent>({
        sizeMax: 100_000,
        onEnd: () => {
          streams.delete(stream)
        },
      })
      if (isConnected) streams.add(stream)
      else stream.fail(new RuntimeError('Unavailable', 'the fake engine is disconnected'))
      signal.addEventListener('abort', () => stream.close(), { once: true })
      return stream
    },
    runSandbox: async (spec, signal) => {
      enter('runSandbox')
      await take(times.runSandbox, signal)
      mayFail(rates.runSandbox, 'Failed', 'failed to set up the network of the sandbox')
      const sandboxId = newId()
      const ips = spec.hostNetwork ? [] : [addresses.take()]
      const { namespace, name, uid, attempt } = spec
      const view = { namespace, name, uid, attempt, sandboxId, state: 'Ready' as const, createdAtMs: clock.now(), ips }
      sandboxes.set(sandboxId, { spec, view, containers: [] })
      emit({ type: 'ContainerStarted', containerId: sandboxId })
      return { sandboxId, ips }
    },
    stopSandbox: async (sandboxId) => {
      enter('stopSandbox')
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox) return
      await take(times.stop)
      for (const container of sandbox.containers) finish(container, 137)
      if (sandbox.view.state === 'NotReady' && sandbox.view.ips.length === 0) return
      for (const ip of sandbox.view.ips) addresses.release(ip)
      sandbox.view = { ...sandbox.view, state: 'NotReady', ips: [] }
      emit({ type: 'ContainerExited', containerId: sandboxId, exitCode: 0 })
    },
    removeSandbox: async (sandboxId) => {
      enter('removeSandbox')
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox) return
      for (const container of [...sandbox.containers]) removeContainer(container)
      for (const ip of sandbox.view.ips) addresses.release(ip)
      sandboxes.delete(sandboxId)
      emit({ type: 'ContainerDeleted', containerId: sandboxId })
    },
    createContainer: async (sandboxId, spec, sandboxSpec) => {
      enter('createContainer')
      await take(times.create)
      mayFail(rates.create, 'Failed', 'failed to create the container')
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox || sandbox.view.state !== 'Ready') throw new RuntimeError('NotFound', `sandbox "${sandboxId}" not found`)
      if (!pulled.has(spec.image) && !pulled.has(spec.userImage) && ![...pulled.values()].some((i) => i.id === spec.image))
        throw new RuntimeError('NotFound', `image "${spec.image}" not found`)
      const id = newId()
      const view: RuntimeContainer = {
        id,
        name: spec.name,
        attempt: spec.attempt,
        state: 'Created',
        createdAtMs: clock.now(),
        startedAtMs: undefined,
        finishedAtMs: undefined,
        exitCode: undefined,
        reason: '',
        message: '',
        image: spec.userImage,
        imageId: fakeImageId(spec.userImage),
        logPath: `${sandboxSpec.logDirectory}/${spec.logPath}`,
        specHash: spec.specHash,
      }
      const behaviour = behaviourOf(spec, sandboxSpec)
      const exited = Promise.withResolvers<void>()
      const container: FakeContainer = {
        spec,
        behaviour,
        sandbox,
        view,
        isPaused: false,
        resources: spec.resources,
        log: '',
        cancelExit: undefined,
        exited,
      }
      containers.set(id, container)
      sandbox.containers.push(container)
      emit({ type: 'ContainerCreated', containerId: id })
      return id
    },
    startContainer: async (containerId) => {
      enter('startContainer')
      const container = containerOf(containerId)
      await take(times.start)
      mayFail(rates.start, 'Failed', 'failed to start the container')
      const { startError, exitAfterMs, exitCode, oomKilled, output } = container.behaviour
      if (startError !== undefined) {
        const now = clock.now()
        container.view = {
          ...container.view,
          state: 'Exited',
          startedAtMs: now,
          finishedAtMs: now,
          exitCode: 128,
          reason: 'StartError',
          message: startError,
        }
        throw new RuntimeError('Failed', startError)
      }
      container.view = { ...container.view, state: 'Running', startedAtMs: clock.now() }
      for (const line of output) appendLog(container, line)
      emit({ type: 'ContainerStarted', containerId })
      if (exitAfterMs !== undefined) container.cancelExit = clock.schedule(exitAfterMs, () => finish(container, exitCode, oomKilled))
    },
    stopContainer: async (containerId, graceSeconds) => {
      enter('stopContainer')
      const container = containers.get(containerId)
      if (container) await stop(container, graceSeconds)
    },
    removeContainer: async (containerId) => {
      enter('removeContainer')
      const container = containers.get(containerId)
      if (container) removeContainer(container)
    },
    pauseContainer: async (containerId) => {
      enter('pauseContainer')
      containerOf(containerId).isPaused = true
      emit({ type: 'ContainerPaused', containerId })
    },
    resumeContainer: async (containerId) => {
      enter('resumeContainer')
      containerOf(containerId).isPaused = false
      emit({ type: 'ContainerResumed', containerId })
    },
    updateResources: async (containerId, resources) => {
      enter('updateResources')
      containerOf(containerId).resources = resources
    },
    execSync: async (containerId, command): Promise<ExecResult> => {
      enter('execSync')
      const container = containerOf(containerId)
      if (container.view.state !== 'Running') throw new RuntimeError('Failed', `container "${containerId}" is not running`)
      const { exitCode, stdout, stderr } = answerExec(options, container, command)
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) }
    },
    exec: async (containerId, exec) => {
      enter('exec')
      return runProcess(containerId, exec)
    },
    attach: async (containerId, attach) => {
      enter('attach')
      return runProcess(containerId, { ...attach, command: [] })
    },
    portForward: async (sandboxId, port): Promise<Duplex> => {
      enter('portForward')
      if (!sandboxes.has(sandboxId)) throw new RuntimeError('NotFound', `sandbox "${sandboxId}" not found`)
      if (port === 0) throw new RuntimeError('Failed', 'connection refused')
      return new PassThrough()
    },
    reopenLog: async () => enter('reopenLog'),
    pullImage: async (image, _auth, signal) => {
      enter('pullImage')
      await take(times.pull, signal)
      mayFail(rates.pull, 'RegistryUnavailable', `failed to pull and unpack image "${image}": connection reset`)
      if (!hasImage(image)) throw new RuntimeError('ImagePull', `failed to resolve reference "${image}": ${image}: not found`)
      const info: ImageInfo = {
        id: fakeImageId(image),
        repoTags: [image],
        repoDigests: [],
        sizeBytes: 1_000_000,
        uid: undefined,
        username: '',
        pinned: false,
      }
      pulled.set(image, info)
      return info
    },
    image: async (image) => {
      enter('image')
      return pulled.get(image)
    },
    images: async () => [...pulled.values()],
    removeImage: async (image) => {
      for (const [name, info] of pulled) if (name === image || info.id === image) pulled.delete(name)
    },
    imageFilesystem: async () => ({ usedBytes: pulled.size * 1_000_000, mountpoint: '' }),
    stats: async (): Promise<ContainerStats[]> =>
      [...containers.values()].filter((c) => c.view.state === 'Running').map((c) => statsOf(c, options, clock.now())),
    close: async () => {
      for (const stream of [...streams]) stream.close()
    },

    setPodCidr: (cidr) => addresses.use(cidr),
    exitContainer: (containerId, exitCode, { oomKilled = false } = {}) => finish(containerOf(containerId), exitCode, oomKilled),
    failSandbox: (sandboxId) => {
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox) return
      sandbox.view = { ...sandbox.view, state: 'NotReady' }
      emit({ type: 'ContainerExited', containerId: sandboxId, exitCode: 137 })
    },
    disconnect: () => {
      isConnected = false
      for (const stream of [...streams]) stream.fail(new RuntimeError('Unavailable', 'the fake engine is disconnected'))
    },
    connect: () => {
      isConnected = true
    },
    writeLog: (containerId, line, stream) => appendLog(containerOf(containerId), line, stream),
    readLog: (logPath) => {
      for (const container of containers.values()) if (container.view.logPath === logPath) return container.log
      return ''
    },
    onLogChange: (logPath, listener) => {
      const listeners = logListeners.get(logPath) ?? new Set()
      logListeners.set(logPath, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) logListeners.delete(logPath)
      }
    },
  }
}

function statsOf(container: FakeContainer, options: FakeRuntimeOptions, nowMs: number): ContainerStats {
  const { namespace, name, uid } = container.sandbox.view
  const usage = options.usage ?? { memoryBytes: 8 << 20, cpuMilli: 1 }
  const ranMs = nowMs - (container.view.startedAtMs ?? nowMs)
  return {
    namespace,
    name,
    uid,
    containerId: container.view.id,
    containerName: container.view.name,
    timestampMs: nowMs,
    cpuUsageNanoseconds: ranMs * usage.cpuMilli * 1000,
    memoryWorkingSetBytes: usage.memoryBytes,
    memoryRssBytes: usage.memoryBytes,
    rootfsUsedBytes: 4096,
  }
}

function answerExec(options: FakeRuntimeOptions, container: FakeContainer, command: readonly string[]) {
  const answer = options.onExec?.(container.view, command)
  if (answer) return { exitCode: answer.exitCode, stdout: answer.stdout ?? '', stderr: answer.stderr ?? '' }
  const words = command[0] === 'echo' ? command.slice(1) : command
  return { exitCode: container.behaviour.execExitCode, stdout: `${words.join(' ')}\n`, stderr: '' }
}

/** With stdin, what comes in goes out again until its end (as `cat` does); without, the answer is written and the process ends. */
function fakeProcess(exec: ExecOptions, answer: { exitCode: number; stdout: string; stderr: string }): ProcessStreams {
  const stdout = exec.stdout ? new PassThrough() : undefined
  const stderr = exec.stderr && !exec.tty ? new PassThrough() : undefined
  const stdin = exec.stdin ? new PassThrough() : undefined
  const done = Promise.withResolvers<{ exitCode: number | undefined }>()
  const end = () => {
    if (answer.stderr) stderr?.write(answer.stderr)
    stdout?.end()
    stderr?.end()
    done.resolve({ exitCode: answer.exitCode })
  }
  if (stdin) {
    stdin.on('data', (chunk: Buffer) => stdout?.write(chunk))
    stdin.on('end', end)
  } else {
    if (answer.stdout) stdout?.write(answer.stdout)
    end()
  }
  return { stdin, stdout, stderr, resize() {}, done: done.promise, close: () => stdin?.end() }
}

function fakeImageId(image: string): string {
  let hash = 0xcbf29ce484222325n
  for (let i = 0; i < image.length; i++) hash = BigInt.asUintN(64, (hash ^ BigInt(image.charCodeAt(i))) * 0x100000001b3n)
  return `sha256:${hash.toString(16).padStart(16, '0').repeat(4)}`
}

/** Addresses of one IPv4 range in order, the longest free one first; a full range wraps, as a simulation may hold more pods than addresses. */
function addressPool(initialCidr: string) {
  let base = 0
  let size = 0
  let next = 2
  let freed: number[] = []
  const use = (cidr: string) => {
    const [address = '', bits = '24'] = cidr.split('/')
    base = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    size = 2 ** (32 - Number(bits))
    next = 2
    freed = []
  }
  use(initialCidr)
  const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
  return {
    use,
    take: () => {
      if (next < size - 1) return text(base + next++)
      const reused = freed.shift()
      if (reused !== undefined) return text(base + reused)
      next = 2
      return text(base + next++)
    },
    release: (ip: string) => {
      const value = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
      if (value > base && value < base + size) freed.push(value - base)
    },
  }
}
