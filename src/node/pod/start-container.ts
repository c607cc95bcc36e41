import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { RuntimePod } from '../runtime/contract.ts'
import { containerSpecOf, checkRunAsNonRoot } from './container-spec.ts'
import { fieldPathOf, type PodContext, type WantedImage } from './pod-context.ts'
import { HostError } from './pod-host.ts'
import type { ContainerRecord } from './pod-records.ts'
import type { PodContainer } from './pod-view.ts'
import { computeResources } from './resize.ts'
import { StartError, type StartErrorReason } from './start-error.ts'
import { volumeImages } from './volume-images.ts'

export type StartRequest = {
  readonly context: PodContext
  readonly pod: Pod
  readonly container: PodContainer
  readonly record: ContainerRecord
  readonly sandbox: RuntimePod
  readonly attempt: number
  readonly specHash: string
}

/**
 * Image, configuration, create, start, postStart hook: in upstream's order, with its events. Throws StartError for what users can see
 * and mend; the record then still describes the container before.
 */
export async function startContainer(request: StartRequest, signal: AbortSignal): Promise<void> {
  const { context, pod, container, record, sandbox } = request
  const image = await context.images.ensure(pod, imageOf(container), signal)
  const imagesOfVolumes = await volumeImages(context.images, pod, container, signal)
  delete record.pullFailures
  // Of many pods at once the first are done early when what has been begun is ended before more is; a restart waits for its turn.
  const goesFirst = request.attempt === 0
  const start = async () => {
    const spec = await failAs(request, 'CreateContainerConfigError', async () => {
      checkRunAsNonRoot(pod, container, image)
      const env = await context.environment.of(pod, container, sandbox.ips)
      const mounts = await context.host.containerMounts(pod, container, {
        attempt: request.attempt,
        env,
        podIps: sandbox.ips,
        volumeImages: imagesOfVolumes,
      })
      return containerSpecOf({
        ...request,
        processesOf: targetOf(request),
        image,
        env,
        mounts,
        memoryCapacityBytes: context.memoryCapacityBytes(),
        seccompRoot: context.seccompRoot,
      })
    })
    const sandboxSpec = await context.host.sandboxSpec(pod, sandbox.attempt)
    signal.throwIfAborted()
    const id = await failAs(request, 'CreateContainerError', () => context.runtime.createContainer(sandbox.sandboxId, spec, sandboxSpec))
    tell(request, 'Normal', 'Created', 'Container created')
    await failAs(request, 'RunContainerError', () => context.runtime.startContainer(id))
    return id
  }
  const containerId = await context.starts.run(start, signal, { goesFirst })
  tell(request, 'Normal', 'Started', 'Container started')
  resetHealth(request, containerId)
  await runPostStart(request, containerId, signal)
  record.hasPostStarted = true
  record.isStarted = container.container.startupProbe === undefined
  record.isReady = container.container.readinessProbe === undefined
}

function imageOf(container: PodContainer): WantedImage {
  const { image = '', imagePullPolicy } = container.container
  return { image, pullPolicy: imagePullPolicy, fieldPath: fieldPathOf(container) }
}

/** The running container whose processes an ephemeral one asks to see. */
function targetOf({ container: { container }, sandbox }: StartRequest): string | undefined {
  const name = 'targetContainerName' in container ? container.targetContainerName : undefined
  if (!name) return undefined
  const target = sandbox.containers.find((c) => c.name === name && c.state === 'Running')
  if (!target) throw new StartError('CreateContainerConfigError', `unable to find target container "${name}"`)
  return target.id
}

function resetHealth({ record, container }: StartRequest, containerId: string): void {
  record.healthOf = containerId
  record.hasPostStarted = false
  record.isStarted = false
  record.isReady = false
  record.isPaused = false
  record.applied = computeResources(container.container.resources)
  delete record.waiting
  delete record.kill
  delete record.isStoppedByRunState
}

async function runPostStart(request: StartRequest, containerId: string, signal: AbortSignal): Promise<void> {
  const { context, pod, container, record, sandbox } = request
  const hook = container.container.lifecycle?.postStart
  if (!hook) return
  try {
    await context.hooks.run(hook, { pod, container, containerId, podIp: sandbox.ips[0] ?? '' }, signal)
  } catch (error) {
    if (signal.aborted) throw error
    const message = `PostStartHook failed: ${error instanceof Error ? error.message : String(error)}`
    tell(request, 'Warning', 'FailedPostStartHook', message)
    record.kill = { containerId, message: 'FailedPostStartHook', graceSeconds: undefined }
  }
}

/** Turns any failure of `work` into the waiting reason that users know, with its event. */
async function failAs<T>(request: StartRequest, reason: StartErrorReason, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isConfig = error instanceof StartError || error instanceof HostError
    tell(request, 'Warning', 'Failed', `Error: ${message}`)
    throw error instanceof StartError ? error : new StartError(isConfig ? 'CreateContainerConfigError' : reason, message, { cause: error })
  }
}

function tell({ context, pod, container }: StartRequest, type: 'Normal' | 'Warning', reason: string, message: string): void {
  context.event(pod, { type, reason, message, fieldPath: fieldPathOf(container) })
}
