import { PassThrough, type Duplex } from 'node:stream'
import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import {
  type ContainerSpec,
  type ContainerStats,
  type ExecOptions,
  type ExecResult,
  type ImageInfo,
  type ProcessStreams,
  type Runtime,
  type RuntimeContainer,
  RuntimeError,
  type SandboxSpec,
} from '../contract.ts'
import { type FakeBehaviour, fakeBehaviourOf } from './fake-behaviour.ts'
import { cpuWork, usageAt } from './usage-curve.ts'
import { disconnected, type FakeContainer, FakeEngine, podView } from './fake-engine.ts'

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
  /** Where pod addresses come from until setPodCidrs is called; default 10.244.0.0/24. */
  readonly podCidr?: string
  readonly behaviourOf?: (spec: ContainerSpec, sandbox: SandboxSpec) => FakeBehaviour
  /** Answers an exec; undefined falls back to echoing the command with the behaviour's exit code. */
  readonly onExec?: (
    container: RuntimeContainer,
    command: readonly string[],
  ) => { exitCode: number; stdout?: string; stderr?: string } | undefined
  /** Images that a pull finds; default: every one but those whose name contains `missing`. */
  readonly hasImage?: (image: string) => boolean
  /** Memory and CPU that every running container reports whose behaviour says nothing of them. */
  readonly usage?: { readonly memoryBytes: number; readonly cpuMilli: number }
}

/** The contract, plus what a test or a simulation does to the engine from outside. */
export type FakeRuntime = Runtime & {
  setPodCidrs(cidrs: readonly string[]): void
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

const defaultTimes: FakeTimes = { runSandbox: 100, create: 10, start: 60, stop: 40, pull: 200 }
const noFailures: FakeFailureRates = { runSandbox: 0, create: 0, start: 0, pull: 0 }

type Parts = {
  readonly engine: FakeEngine
  readonly options: FakeRuntimeOptions
  readonly times: FakeTimes
  readonly rates: FakeFailureRates
}

/**
 * A container engine in memory, deterministic for a given clock and seed, cheap enough for thousands of nodes in one process.
 * It keeps every promise of the contract that a test can observe: attempts, exit codes, timestamps, events, idempotence.
 */
export function createFakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  const { clock, random, podCidr = '10.244.0.0/24' } = options
  const engine = new FakeEngine({ clock, random, podCidrs: [podCidr] })
  const parts = { engine, options, times: { ...defaultTimes, ...options.times }, rates: { ...noFailures, ...options.failureRates } }
  return {
    version: async () => ({ name: 'fake', version: '1.0.0', apiVersion: 'v1' }),
    status: async () => {
      const ready = { status: engine.isConnected, reason: engine.isConnected ? '' : 'Disconnected', message: '' }
      return { runtimeReady: ready, networkReady: ready }
    },
    list: async () => {
      engine.enter('list')
      return [...engine.sandboxes.values()].map(podView)
    },
    pod: async (sandboxId) => {
      engine.enter('pod')
      const sandbox = engine.sandboxes.get(sandboxId)
      return sandbox ? podView(sandbox) : undefined
    },
    events: (signal) => engine.events(signal),
    stats: async (): Promise<ContainerStats[]> =>
      [...engine.containers.values()].filter((c) => c.view.state === 'Running').map((c) => statsOf(c, options, clock.now())),
    close: async () => engine.close(),
    ...sandboxMethods(parts),
    ...makingMethods(parts),
    ...containerMethods(parts),
    ...processMethods(parts),
    ...imageMethods(parts),
    ...outsideMethods(parts),
  }
}

function sandboxMethods({ engine, times, rates }: Parts): Pick<Runtime, 'runSandbox' | 'stopSandbox' | 'removeSandbox'> {
  const { sandboxes, addresses } = engine
  return {
    runSandbox: async (spec, signal) => {
      engine.enter('runSandbox')
      await engine.take(times.runSandbox, signal)
      engine.mayFail(rates.runSandbox, 'Failed', 'failed to set up the network of the sandbox')
      const sandboxId = engine.newId()
      const ips = spec.hostNetwork ? [] : addresses.take()
      const { namespace, name, uid, attempt } = spec
      const view = { namespace, name, uid, attempt, sandboxId, state: 'Ready' as const, createdAtMs: engine.clock.now(), ips }
      sandboxes.set(sandboxId, { spec, view, containers: [] })
      engine.emit({ type: 'ContainerStarted', containerId: sandboxId })
      return { sandboxId, ips }
    },
    stopSandbox: async (sandboxId) => {
      engine.enter('stopSandbox')
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox) return
      await engine.take(times.stop)
      for (const container of sandbox.containers) engine.finish(container, 137)
      if (sandbox.view.state === 'NotReady' && sandbox.view.ips.length === 0) return
      addresses.release(sandbox.view.ips)
      sandbox.view = { ...sandbox.view, state: 'NotReady', ips: [] }
      engine.emit({ type: 'ContainerExited', containerId: sandboxId, exitCode: 0 })
    },
    removeSandbox: async (sandboxId) => {
      engine.enter('removeSandbox')
      const sandbox = sandboxes.get(sandboxId)
      if (!sandbox) return
      for (const container of [...sandbox.containers]) engine.remove(container)
      addresses.release(sandbox.view.ips)
      sandboxes.delete(sandboxId)
      engine.emit({ type: 'ContainerDeleted', containerId: sandboxId })
    },
  }
}

function makingMethods({ engine, options, times, rates }: Parts): Pick<Runtime, 'createContainer' | 'startContainer'> {
  const behaviourOf = options.behaviourOf ?? fakeBehaviourOf
  return {
    createContainer: async (sandboxId, spec, sandboxSpec) => {
      engine.enter('createContainer')
      await engine.take(times.create)
      engine.mayFail(rates.create, 'Failed', 'failed to create the container')
      const sandbox = engine.sandboxes.get(sandboxId)
      if (!sandbox || sandbox.view.state !== 'Ready') throw new RuntimeError('NotFound', `sandbox "${sandboxId}" not found`)
      if (![...engine.pulled].some(([name, image]) => name === spec.image || name === spec.userImage || image.id === spec.image))
        throw new RuntimeError('NotFound', `image "${spec.image}" not found`)
      const view = createdView(engine.newId(), spec, sandboxSpec, engine.clock.now())
      const container: FakeContainer = {
        spec,
        behaviour: behaviourOf(spec, sandboxSpec),
        sandbox,
        view,
        isPaused: false,
        resources: spec.resources,
        log: '',
        cancelExit: undefined,
        exited: Promise.withResolvers<void>(),
      }
      engine.containers.set(view.id, container)
      sandbox.containers.push(container)
      engine.emit({ type: 'ContainerCreated', containerId: view.id })
      return view.id
    },
    startContainer: async (containerId) => {
      engine.enter('startContainer')
      const container = engine.container(containerId)
      await engine.take(times.start)
      engine.mayFail(rates.start, 'Failed', 'failed to start the container')
      const { startError, exitAfterMs, exitCode, oomKilled, output } = container.behaviour
      const nowMs = engine.clock.now()
      if (startError !== undefined) {
        const end = { state: 'Exited' as const, startedAtMs: nowMs, finishedAtMs: nowMs, exitCode: 128, reason: 'StartError' }
        container.view = { ...container.view, ...end, message: startError }
        throw new RuntimeError('Failed', startError)
      }
      container.view = { ...container.view, state: 'Running', startedAtMs: nowMs }
      for (const line of output) engine.appendLog(container, line)
      engine.emit({ type: 'ContainerStarted', containerId })
      if (exitAfterMs === undefined) return
      container.cancelExit = engine.clock.schedule(exitAfterMs, () => engine.finish(container, exitCode, oomKilled))
    },
  }
}

function createdView(id: string, spec: ContainerSpec, sandbox: SandboxSpec, nowMs: number): RuntimeContainer {
  return {
    id,
    name: spec.name,
    attempt: spec.attempt,
    state: 'Created',
    createdAtMs: nowMs,
    startedAtMs: undefined,
    finishedAtMs: undefined,
    exitCode: undefined,
    reason: '',
    message: '',
    image: spec.userImage,
    imageId: fakeImageId(spec.userImage),
    logPath: `${sandbox.logDirectory}/${spec.logPath}`,
    specHash: spec.specHash,
  }
}

type ContainerMethod = 'stopContainer' | 'removeContainer' | 'pauseContainer' | 'resumeContainer' | 'updateResources' | 'reopenLog'

function containerMethods({ engine }: Parts): Pick<Runtime, ContainerMethod> {
  return {
    stopContainer: async (containerId, graceSeconds) => {
      engine.enter('stopContainer')
      const container = engine.containers.get(containerId)
      if (container) await engine.stop(container, graceSeconds)
    },
    removeContainer: async (containerId) => {
      engine.enter('removeContainer')
      const container = engine.containers.get(containerId)
      if (container) engine.remove(container)
    },
    pauseContainer: async (containerId) => {
      engine.enter('pauseContainer')
      engine.container(containerId).isPaused = true
      engine.emit({ type: 'ContainerPaused', containerId })
    },
    resumeContainer: async (containerId) => {
      engine.enter('resumeContainer')
      engine.container(containerId).isPaused = false
      engine.emit({ type: 'ContainerResumed', containerId })
    },
    updateResources: async (containerId, resources) => {
      engine.enter('updateResources')
      engine.container(containerId).resources = resources
    },
    reopenLog: async () => engine.enter('reopenLog'),
  }
}

function processMethods({ engine, options }: Parts): Pick<Runtime, 'execSync' | 'exec' | 'attach' | 'portForward'> {
  const runProcess = (containerId: string, exec: ExecOptions): ProcessStreams =>
    fakeProcess(exec, answerExec(options, engine.container(containerId), exec.command))
  return {
    execSync: async (containerId, command): Promise<ExecResult> => {
      engine.enter('execSync')
      const container = engine.container(containerId)
      if (container.view.state !== 'Running') throw new RuntimeError('Failed', `container "${containerId}" is not running`)
      const { exitCode, stdout, stderr } = answerExec(options, container, command)
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) }
    },
    exec: async (containerId, exec) => {
      engine.enter('exec')
      return runProcess(containerId, exec)
    },
    attach: async (containerId, attach) => {
      engine.enter('attach')
      return runProcess(containerId, { ...attach, command: [] })
    },
    portForward: async (sandboxId, port): Promise<Duplex> => {
      engine.enter('portForward')
      if (!engine.sandboxes.has(sandboxId)) throw new RuntimeError('NotFound', `sandbox "${sandboxId}" not found`)
      if (port === 0) throw new RuntimeError('Failed', 'connection refused')
      return new PassThrough()
    },
  }
}

function imageMethods({
  engine,
  options,
  times,
  rates,
}: Parts): Pick<Runtime, 'pullImage' | 'image' | 'images' | 'removeImage' | 'imageFilesystem'> {
  const { pulled } = engine
  const hasImage = options.hasImage ?? ((image) => !image.includes('missing'))
  return {
    pullImage: async (image, _auth, signal) => {
      engine.enter('pullImage')
      await engine.take(times.pull, signal)
      engine.mayFail(rates.pull, 'RegistryUnavailable', `failed to pull and unpack image "${image}": connection reset`)
      if (!hasImage(image)) throw new RuntimeError('ImagePull', `failed to resolve reference "${image}": ${image}: not found`)
      const user = { uid: undefined, username: '' }
      const info: ImageInfo = { id: fakeImageId(image), repoTags: [image], repoDigests: [], sizeBytes: 1_000_000, pinned: false, ...user }
      pulled.set(image, info)
      return info
    },
    image: async (image) => {
      engine.enter('image')
      return pulled.get(image)
    },
    images: async () => [...pulled.values()],
    removeImage: async (image) => {
      for (const [name, info] of pulled) if (name === image || info.id === image) pulled.delete(name)
    },
    imageFilesystem: async () => ({ usedBytes: pulled.size * 1_000_000, mountpoint: '' }),
  }
}

function outsideMethods({ engine }: Parts): Omit<FakeRuntime, keyof Runtime> {
  return {
    calls: engine.calls,
    setPodCidrs: (cidrs) => engine.addresses.use(cidrs),
    exitContainer: (containerId, exitCode, { oomKilled = false } = {}) => engine.finish(engine.container(containerId), exitCode, oomKilled),
    failSandbox: (sandboxId) => {
      const sandbox = engine.sandboxes.get(sandboxId)
      if (!sandbox) return
      sandbox.view = { ...sandbox.view, state: 'NotReady' }
      engine.emit({ type: 'ContainerExited', containerId: sandboxId, exitCode: 137 })
    },
    disconnect: () => {
      engine.isConnected = false
      engine.endEvents(disconnected())
    },
    connect: () => {
      engine.isConnected = true
    },
    writeLog: (containerId, line, stream) => engine.appendLog(engine.container(containerId), line, stream),
    readLog: (logPath) => {
      for (const container of engine.containers.values()) if (container.view.logPath === logPath) return container.log
      return ''
    },
    onLogChange: (logPath, listener) => {
      const listeners = engine.logListeners.get(logPath) ?? new Set()
      engine.logListeners.set(logPath, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) engine.logListeners.delete(logPath)
      }
    },
  }
}

function statsOf(container: FakeContainer, options: FakeRuntimeOptions, nowMs: number): ContainerStats {
  const { namespace, name, uid } = container.sandbox.view
  const { cpuMilli = options.usage?.cpuMilli ?? 1, memoryBytes = options.usage?.memoryBytes ?? 8 << 20 } = container.behaviour
  const curve = container.behaviour.usage ?? { points: [{ atMs: 0, cpuMilli, memoryBytes }] }
  const ranMs = nowMs - (container.view.startedAtMs ?? nowMs)
  const usedBytes = usageAt(curve, ranMs).memoryBytes
  return {
    namespace,
    name,
    uid,
    containerId: container.view.id,
    containerName: container.view.name,
    timestampMs: nowMs,
    // A thousandth of a CPU over a millisecond is a microsecond of work.
    cpuUsageNanoseconds: Math.round(cpuWork(curve, ranMs) * 1000),
    memoryWorkingSetBytes: usedBytes,
    memoryRssBytes: usedBytes,
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
