import type { ContainerStatus } from '../../kinds/generated/types/core-v1.ts'
import { engineId } from '../pod/pod-records.ts'
import { podStatus } from '../pod/pod-status.ts'
import type { PodWorker } from '../pod/pod-worker.ts'
import type { RuntimeContainer } from '../runtime/contract.ts'
import { NotServed } from './log-options.ts'

/** Whose log is shown. */
export type LoggedContainer = Pick<RuntimeContainer, 'id' | 'logPath'>

/**
 * The container whose log is meant by a name: the one of the status's state, or, while it waits and for `previous`, of its last state. Throws
 * NotServed 400 in upstream's words, which users search for.
 */
export function loggedContainer(worker: PodWorker, name: string, previous: boolean): LoggedContainer {
  const refuse = (what: string) => new NotServed(400, what)
  const ofPod = `container "${name}" in pod "${worker.pod.metadata.name}"`
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = podStatus(worker.view(), { hostIPs: [] })
  const lists = [containerStatuses, initContainerStatuses, ephemeralContainerStatuses]
  const status = lists.flatMap((list) => list ?? []).find((c) => c.name === name)
  if (!status) throw refuse(`${ofPod} is not available`)
  const { state, lastState } = status
  const last = engineId(lastState?.terminated?.containerID)
  if (previous) {
    if (!last) throw refuse(`previous terminated ${ofPod} not found`)
    return held(worker, status, last)
  }
  if (state?.running) return held(worker, status, engineId(status.containerID))
  const id = engineId(state?.terminated?.containerID) || last
  if (id) return held(worker, status, id)
  if (state?.terminated ?? lastState?.terminated) throw refuse(`${ofPod} is terminated`)
  const { reason } = state?.waiting ?? {}
  throw refuse(`${ofPod} is waiting to start${reason ? `: ${pullFailures[reason] ?? reason}` : ' - no logs yet'}`)
}

const pullFailures: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
}

/** What the engine has of it; of one that was removed for a restart of all containers, the log that stayed beside the next one's. */
function held(worker: PodWorker, { name, restartCount }: ContainerStatus, id: string): LoggedContainer {
  const all = worker.sandboxes.flatMap((s) => s.containers).filter((c) => c.name === name)
  const found = all.find((c) => c.id === id)
  if (found) return found
  const next = all.find((c) => c.attempt === restartCount && c.logPath.endsWith(`/${restartCount}.log`))
  if (!next) throw new NotServed(400, `unable to retrieve container logs for containerd://${id}`)
  return { id, logPath: next.logPath.replace(/[^/]*$/, `${restartCount - 1}.log`) }
}
