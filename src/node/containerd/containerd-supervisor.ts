import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import { backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { type BackgroundProcess, commandLineOf, signalProcess, startBackground } from '../../platform/background-process.ts'
import { readTextFile, writeTextFile } from '../../platform/text-file.ts'
import { createCriRuntime, sandboxImageOf } from '../runtime/cri/cri-runtime.ts'
import type { Runtime } from '../runtime/contract.ts'
import { bridgeName, cniConfig, cniConfigFile } from '../cni/cni-config.ts'
import { type ContainerdPaths, containerdConfig, detectTraits } from './containerd-config.ts'
import { importImages } from './import-images.ts'
import { ociLayoutTar } from './oci-image.ts'
import { pauseImage, pauseImageName } from './pause-image.ts'

/**
 * Keeps one containerd of our own alive. Invariants:
 * 1. Containers never depend on containerd's or our life: each has a shim that is no child of either, and containerd is only
 *    ever sent SIGTERM or found dead, never together with its process group.
 * 2. One containerd a state folder: an older one left by a killed agent is ended before ours starts.
 * 3. While it restarts, calls fail with 'Unavailable' and event streams end; the agent relists when it is back.
 */
export type ContainerdSupervisor = {
  readonly socket: string
  readonly paths: ContainerdPaths
  /** Starts it, waits until it answers and the pause image is in place. Throws when it does not come up in 30 s. */
  start(signal?: AbortSignal): Promise<void>
  /** Ends containerd; its containers run on. */
  stop(): Promise<void>
  /** Ends and removes every sandbox of `owner` first, then containerd; with `deleteData` its files as well. */
  stopAll(owner: string, options?: { deleteData?: boolean }): Promise<void>
  /** Every time it has come back after dying, with what it died of. */
  onRestart(handler: (cause: string) => void): () => void
}

export type ContainerdOptions = {
  /** Data folder of the node; containerd's root is `containerd/` below it. */
  readonly dataDirectory: string
  /** e.g. /run/keelson/ab12cd34: short and on tmpfs. */
  readonly stateDirectory: string
  readonly cniConfigDirectory: string
  readonly cniPluginDirectory?: string
  readonly registryDirectory?: string
  /** Path or name of the program. */
  readonly program?: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const readyTimeoutMs = 30_000
const stopTimeoutMs = 10_000
const externalRetryMs = 250
const readyRetryMs = 15
const restartBackoff = { initialMs: 100, maxMs: 10_000, factor: 2, jitter: 0.2 } as const
/** A containerd that lived this long has recovered: the next death starts the back-off anew. */
const stableMs = 60_000

export function containerdPaths(options: ContainerdOptions): ContainerdPaths {
  return {
    root: join(options.dataDirectory, 'containerd'),
    state: join(options.stateDirectory, 'containerd'),
    socket: join(options.stateDirectory, 'containerd.sock'),
    configFile: join(options.stateDirectory, 'containerd.toml'),
    logFile: join(options.dataDirectory, 'containerd.log'),
    cniConfigDirectory: options.cniConfigDirectory,
    cniPluginDirectory: options.cniPluginDirectory ?? '/usr/lib/cni',
    registryDirectory: options.registryDirectory ?? join(options.dataDirectory, 'certs.d'),
  }
}

export function createContainerdSupervisor(options: ContainerdOptions): ContainerdSupervisor {
  const { clock, log } = options
  const paths = containerdPaths(options)
  const pidFile = join(options.stateDirectory, 'containerd.pid')
  const handlers = new Set<(cause: string) => void>()
  const stopped = new AbortController()
  let current: BackgroundProcess | undefined
  let keeping: Promise<void> | undefined

  const launch = async (signal: AbortSignal): Promise<BackgroundProcess> => {
    await endPredecessor(pidFile, paths.configFile, clock)
    rmSync(paths.socket, { force: true })
    const launched = await startBackground(options.program ?? 'containerd', ['--config', paths.configFile], { logFile: paths.logFile })
    writeTextFile(pidFile, `${launched.pid}\n`)
    current = launched
    try {
      await untilReady(paths.socket, launched, clock, log, signal)
    } catch (error) {
      launched.kill('SIGTERM')
      throw new Error(`containerd did not come up: ${(error as Error).message} (log: ${paths.logFile})`, { cause: error })
    }
    return launched
  }
  const keepAlive = async (first: BackgroundProcess): Promise<void> => {
    let alive = first
    let failures = 0
    for (;;) {
      const since = clock.monotonicMs()
      const exit = await alive.exited
      if (stopped.signal.aborted) return
      const cause = `containerd exited: ${exit.signal ?? `code ${exit.code}`}`
      failures = clock.monotonicMs() - since > stableMs ? 0 : failures + 1
      log.warn({ failures }, cause)
      const restarted = await relaunch(Math.max(0, failures - 1))
      if (!restarted) return
      alive = restarted
      for (const handler of handlers) handler(cause)
    }
  }
  const relaunch = async (failures: number): Promise<BackgroundProcess | undefined> => {
    for (let attempt = failures; ; attempt++) {
      try {
        await sleep(clock, backoffMs(restartBackoff, attempt, options.random), stopped.signal)
        return await launch(stopped.signal)
      } catch (error) {
        if (stopped.signal.aborted) return undefined
        log.error({ error: (error as Error).message }, 'containerd does not restart')
      }
    }
  }
  const stop = async () => {
    stopped.abort()
    current?.kill('SIGTERM')
    await endPredecessor(pidFile, paths.configFile, clock)
    await current?.exited
    await keeping
    rmSync(pidFile, { force: true })
  }
  return {
    socket: paths.socket,
    paths,
    start: async (signal = stopped.signal) => {
      for (const directory of [paths.root, paths.state, paths.cniConfigDirectory, paths.registryDirectory, dirname(paths.configFile)]) {
        mkdirSync(directory, { recursive: true })
      }
      // Everyone may pass (sockets of pods live below), only root may look.
      chmodSync(options.stateDirectory, 0o711)
      const config = containerdConfig(paths, detectTraits(), pauseImageName)
      if (readTextFile(paths.configFile) !== config) writeTextFile(paths.configFile, config)
      const first = await launch(signal)
      keeping = keepAlive(first)
      await ensurePauseImage(paths.socket, options)
    },
    stop,
    stopAll: async (owner, { deleteData = false } = {}) => {
      const runtime = createCriRuntime({ socket: paths.socket, owner, clock, log })
      try {
        await untilNetworkCanEnd(runtime, paths.cniConfigDirectory, clock)
        await removeAllSandboxes(runtime)
      } finally {
        await runtime.close()
      }
      await stop()
      rmSync(options.stateDirectory, { recursive: true, force: true })
      if (deleteData) for (const path of [paths.root, paths.logFile]) rmSync(path, { recursive: true, force: true })
    },
    onRestart: (handler) => {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
  }
}

/**
 * containerd ends no sandbox before it has read a CNI configuration, and after a reboot there is none: any will do then, for
 * what it would take away went with the reboot.
 */
async function untilNetworkCanEnd(runtime: Runtime, cniConfigDirectory: string, clock: Clock): Promise<void> {
  if ((await runtime.list()).length === 0) return
  const file = join(cniConfigDirectory, cniConfigFile)
  const network = { podCidr: '10.244.0.0/24', bridge: bridgeName, mtu: 1450, addressDirectory: join(cniConfigDirectory, 'none') }
  if (!existsSync(file)) writeTextFile(file, cniConfig(network), 0o644)
  const deadline = clock.monotonicMs() + readyTimeoutMs
  while (!(await runtime.status()).networkReady.status && clock.monotonicMs() < deadline) await sleep(clock, readyRetryMs)
}

/** Ends every pod that the runtime's owner has, four at once. */
export async function removeAllSandboxes(runtime: Runtime): Promise<void> {
  const pods = await runtime.list()
  const remove = async () => {
    for (let pod = pods.pop(); pod; pod = pods.pop()) {
      await runtime.stopSandbox(pod.sandboxId)
      await runtime.removeSandbox(pod.sandboxId)
    }
  }
  await Promise.all([remove(), remove(), remove(), remove()])
}

/**
 * Takes a containerd that somebody else runs (`--runtime-endpoint`): waits until it answers, and gives it the pause image under
 * the name that its own configuration asks for, so that it needs no registry for that. It is never started, stopped or configured.
 */
export async function useExternalContainerd(
  socket: string,
  options: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = options.clock.monotonicMs() + readyTimeoutMs
  while (!(await answers(socket, options.clock, options.log))) {
    if (options.clock.monotonicMs() > deadline) throw new Error(`no container engine answers at ${socket}`)
    await sleep(options.clock, externalRetryMs, options.signal)
  }
  const name = await sandboxImageOf(socket, options)
  if (name) await ensurePauseImage(socket, { ...options, name })
}

/** Puts the pause image in place when the engine lacks it. */
export async function ensurePauseImage(
  socket: string,
  options: { readonly clock: Clock; readonly log: Log; readonly name?: string },
): Promise<void> {
  const name = options.name ?? pauseImageName
  const runtime = createCriRuntime({ socket, owner: '', clock: options.clock, log: options.log })
  try {
    if (await runtime.image(name)) return
    const architecture = arch() === 'arm64' ? 'arm64' : 'amd64'
    await importImages(socket, ociLayoutTar([{ name, image: pauseImage(architecture) }]))
  } finally {
    await runtime.close()
  }
}

async function untilReady(socket: string, daemon: BackgroundProcess, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonicMs() + readyTimeoutMs
  let exit: string | undefined
  void daemon.exited.then(({ code, signal: by }) => (exit = `it exited with ${by ?? `code ${code}`}`))
  for (;;) {
    if (exit) throw new Error(exit)
    if (existsSync(socket) && (await answers(socket, clock, log))) return
    if (clock.monotonicMs() > deadline) throw new Error(`no answer in ${readyTimeoutMs} ms`)
    await sleep(clock, readyRetryMs, signal)
  }
}

async function answers(socket: string, clock: Clock, log: Log): Promise<boolean> {
  const runtime = createCriRuntime({ socket, owner: '', clock, log })
  try {
    await runtime.version()
    return true
  } catch {
    return false
  } finally {
    await runtime.close()
  }
}

/** Ends the containerd that the pid file names, if it is still that one (its command line has our configuration). */
async function endPredecessor(pidFile: string, configFile: string, clock: Clock): Promise<void> {
  const pid = Number(readTextFile(pidFile) ?? Number.NaN)
  const isOurs = () => Number.isInteger(pid) && commandLineOf(pid)?.includes(configFile) === true
  if (!isOurs()) return
  signalProcess(pid, 'SIGTERM')
  const deadline = clock.monotonicMs() + stopTimeoutMs
  while (isOurs()) {
    // containerd keeps nothing in memory that its shims and its database do not have: killing it is safe, only less tidy.
    if (clock.monotonicMs() > deadline) signalProcess(pid, 'SIGKILL')
    await sleep(clock, 10)
  }
}
