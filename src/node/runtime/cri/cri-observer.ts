import type { RuntimeContainer, RuntimePod } from '../contract.ts'
import { isNotFound } from './cri-errors.ts'
import type { ContainerStatus, CriContainer, PodSandbox, PodSandboxStatus } from './cri-messages.ts'
import { annotations, labels } from './cri-specs.ts'
import type { GrpcCaller } from '../../../platform/grpc-caller.ts'

const callTimeoutMs = 30_000
/** Status calls in flight at once: enough to hide latency, few enough not to starve starts. */
const statusConcurrency = 8

/**
 * Reads pods out of the engine. A status does not change within one state of its container (but for an OOM, see `forget`), and a
 * sandbox's addresses never change, so both are asked once and a relist of an unchanged node is two calls.
 */
export type CriObserver = {
  list(): Promise<RuntimePod[]>
  pod(sandboxId: string): Promise<RuntimePod | undefined>
  containerStatus(containerId: string): Promise<ContainerStatus | undefined>
  sandboxStatus(sandboxId: string): Promise<PodSandboxStatus | undefined>
  /** Addresses of a sandbox; asked once. Empty when the sandbox is gone or has none. */
  addresses(sandboxId: string): Promise<readonly string[]>
  /** Has the container's status read anew at the next list: its reason changed within its state. */
  forget(containerId: string): void
}

type CachedContainer = { readonly state: ContainerStatus['state']; readonly container: RuntimeContainer }

export function createCriObserver(caller: GrpcCaller, owner: string): CriObserver {
  const containers = new Map<string, CachedContainer>()
  const ips = new Map<string, readonly string[]>()

  const containerStatus = async (containerId: string): Promise<ContainerStatus | undefined> => {
    try {
      const answer = await caller.unary<{ status: ContainerStatus }>(
        'runtime.v1.RuntimeService/ContainerStatus',
        { containerId },
        { timeoutMs: callTimeoutMs },
      )
      return answer.status
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  const sandboxStatus = async (podSandboxId: string): Promise<PodSandboxStatus | undefined> => {
    try {
      const answer = await caller.unary<{ status: PodSandboxStatus }>(
        'runtime.v1.RuntimeService/PodSandboxStatus',
        { podSandboxId },
        { timeoutMs: callTimeoutMs },
      )
      return answer.status
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  const addresses = async (sandboxId: string): Promise<readonly string[]> => {
    const known = ips.get(sandboxId)
    if (known) return known
    const status = await sandboxStatus(sandboxId)
    if (!status) return []
    ips.set(sandboxId, ipsOf(status))
    return ips.get(sandboxId)!
  }
  const read = async (filter: { id?: string }): Promise<RuntimePod[]> => {
    const labelSelector = { [labels.owner]: owner }
    const [{ items }, { containers: listed }] = await Promise.all([
      caller.unary<{ items: PodSandbox[] }>(
        'runtime.v1.RuntimeService/ListPodSandbox',
        { filter: { ...filter, labelSelector } },
        { timeoutMs: callTimeoutMs },
      ),
      caller.unary<{ containers: CriContainer[] }>(
        'runtime.v1.RuntimeService/ListContainers',
        { filter: { ...(filter.id ? { podSandboxId: filter.id } : {}), labelSelector } },
        { timeoutMs: callTimeoutMs },
      ),
    ])
    await forEachBounded(listed, async ({ id, state }) => {
      if (containers.get(id)?.state === state) return
      const status = await containerStatus(id)
      if (status) containers.set(id, { state: status.state, container: runtimeContainer(status) })
      else containers.delete(id)
    })
    await forEachBounded(items, async ({ id, state }) => {
      if (state === 'SANDBOX_READY') await addresses(id)
    })
    if (!filter.id) forgetAllBut(listed, items)
    return items.map((sandbox) => runtimePod(sandbox, ips.get(sandbox.id) ?? [], containersOf(sandbox.id, listed)))
  }
  const containersOf = (sandboxId: string, listed: readonly CriContainer[]): RuntimeContainer[] =>
    listed
      .filter((container) => container.podSandboxId === sandboxId)
      .flatMap(({ id }) => containers.get(id)?.container ?? [])
      .sort((a, b) => a.createdAtMs - b.createdAtMs)
  const forgetAllBut = (listed: readonly CriContainer[], sandboxes: readonly PodSandbox[]) => {
    const live = new Set([...listed.map((c) => c.id), ...sandboxes.map((s) => s.id)])
    for (const id of containers.keys()) if (!live.has(id)) containers.delete(id)
    for (const id of ips.keys()) if (!live.has(id)) ips.delete(id)
  }
  return {
    list: () => read({}),
    pod: async (sandboxId) => (await read({ id: sandboxId }))[0],
    containerStatus,
    sandboxStatus,
    addresses,
    forget: (containerId) => void containers.delete(containerId),
  }
}

export function runtimeContainer(status: ContainerStatus): RuntimeContainer {
  const state = containerStates[status.state]
  return {
    id: status.id,
    name: status.metadata.name,
    attempt: status.metadata.attempt,
    state,
    createdAtMs: milliseconds(status.createdAt) ?? 0,
    startedAtMs: milliseconds(status.startedAt),
    finishedAtMs: state === 'Exited' ? milliseconds(status.finishedAt) : undefined,
    exitCode: state === 'Exited' ? status.exitCode : undefined,
    reason: status.reason,
    message: status.message,
    image: status.annotations[annotations.userImage] || status.image?.image || '',
    imageId: status.imageRef,
    logPath: status.logPath,
    specHash: status.annotations[annotations.specHash] ?? '',
  }
}

function ipsOf(status: PodSandboxStatus): string[] {
  const first = status.network?.ip
  return first ? [first, ...(status.network?.additionalIps ?? []).map(({ ip }) => ip)] : []
}

/** Nanoseconds as decimal text → milliseconds; "0" (and Go's zero time, which is negative) mean never. */
export function milliseconds(nanoseconds: string): number | undefined {
  const value = BigInt(nanoseconds)
  return value > 0n ? Number(value / 1_000_000n) : undefined
}

const containerStates = {
  CONTAINER_CREATED: 'Created',
  CONTAINER_RUNNING: 'Running',
  CONTAINER_EXITED: 'Exited',
  CONTAINER_UNKNOWN: 'Unknown',
} as const

function runtimePod(sandbox: PodSandbox, ips: readonly string[], containers: readonly RuntimeContainer[]): RuntimePod {
  return {
    namespace: sandbox.metadata.namespace,
    name: sandbox.metadata.name,
    uid: sandbox.metadata.uid,
    sandboxId: sandbox.id,
    state: sandbox.state === 'SANDBOX_READY' ? 'Ready' : 'NotReady',
    attempt: sandbox.metadata.attempt,
    createdAtMs: milliseconds(sandbox.createdAt) ?? 0,
    ips,
    containers,
  }
}

async function forEachBounded<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < items.length) await act(items[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(statusConcurrency, items.length) }, worker))
}
