import { toMicroTime, toTime } from '../../base/clock.ts'
import type { Deployment } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { replicaSets } from '../../kinds/apps/replica-set.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { RunAction } from '../../kinds/keelson/run-action.ts'
import { runActions } from '../../kinds/keelson/run-action.ts'
import { controllerOf, type KubeObject } from '../../machinery/object.ts'
import { isStatus, type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Core, RequestContext } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import type { VerbRequest } from '../verb-request.ts'
import { mutateObject } from '../verbs/mutate.ts'
import { runActionKind } from './expected-kinds.ts'

/**
 * Stop and start, which no Kubernetes has: POST `pods/NAME/{start,stop,restart,pause,resume}` and the same on Deployments.
 * The wanted state is an annotation; the node agent makes it so. What makes no sense in the present state is a 409 whose
 * message says what the state is and what to do instead.
 */
export const runStateAnnotation = 'keelson.dev/run-state'
export const restartAnnotation = 'keelson.dev/restart-requested-at'
/** Seconds that containers get at the next stop or restart, when the request said. */
export const stopGraceAnnotation = 'keelson.dev/stop-grace-period-seconds'
export const stoppedReplicasAnnotation = 'keelson.dev/stopped-replicas'
const rolloutRestartAnnotation = 'kubectl.kubernetes.io/restartedAt'

type Action = 'start' | 'stop' | 'restart' | 'pause' | 'resume'
type RunState = 'running' | 'stopped' | 'paused'

export function podRunAction(action: Action): Readonly<Record<string, VerbHandler>> {
  return {
    create: async (core, context, request) => {
      const { resource, namespace, name, parameters } = request
      const { gracePeriodSeconds } = readBody(context, request)
      const now = toMicroTime(core.clock.now())
      const value = await mutateObject<KubeObject & Pod>(core, { resource, namespace, name, dryRun: parameters.dryRun }, (pod) =>
        changePod(pod, action, { gracePeriodSeconds, now }),
      )
      return { type: 'object', code: 200, resource, value }
    },
  }
}

export function deploymentRunAction(action: Action): Readonly<Record<string, VerbHandler>> {
  return {
    create: async (core, context, request) => {
      const { resource, namespace, name, parameters } = request
      readBody(context, request)
      const now = toTime(core.clock.now())
      const value = await mutateObject<KubeObject & Deployment>(
        core,
        { resource, namespace, name, dryRun: parameters.dryRun },
        (deployment) => changeDeployment(deployment, action, now),
      )
      if ((action === 'pause' || action === 'resume') && !parameters.dryRun)
        await changePodsOf(core, { namespace, uid: value.object.metadata.uid ?? '', action })
      return { type: 'object', code: 200, resource, value }
    },
  }
}

function readBody(context: RequestContext, request: VerbRequest): RunAction {
  if (request.body.isEmpty) return { metadata: {} }
  const body = request.body.object(runActionKind, context, request.parameters.fieldValidation) as RunAction
  const errors = runActions.validate?.(body) ?? []
  if (errors.length > 0) throw statusErrors.invalid(runActionKind, request.name, errors)
  return body
}

function changePod(pod: KubeObject & Pod, action: Action, request: { gracePeriodSeconds: number | undefined; now: string }): void {
  const { metadata, status } = pod
  const refuse = refusal('pods', metadata.name ?? '', action)
  if (metadata.deletionTimestamp !== undefined) throw refuse('the pod is being deleted')
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') {
    throw refuse(`the pod has finished (phase ${status.phase}); create a new one to run it again`)
  }
  const state = stateOf(pod)
  const wrong = misuse(state, action)
  if (wrong) throw refuse(`the pod is ${wrong}`)
  const annotations = { ...metadata.annotations }
  delete annotations[stopGraceAnnotation]
  if (request.gracePeriodSeconds !== undefined) annotations[stopGraceAnnotation] = String(request.gracePeriodSeconds)
  if (action === 'restart') annotations[restartAnnotation] = request.now
  else annotations[runStateAnnotation] = stateAfter[action]
  metadata.annotations = annotations
}

const stateAfter = { start: 'running', stop: 'stopped', pause: 'paused', resume: 'running' } as const satisfies Record<
  Exclude<Action, 'restart'>,
  RunState
>

function stateOf({ metadata }: KubeObject): RunState {
  const state = metadata.annotations?.[runStateAnnotation]
  return state === 'stopped' || state === 'paused' ? state : 'running'
}

/** Why an action makes no sense in a state; undefined when it does. */
function misuse(state: RunState, action: Action): string | undefined {
  switch (action) {
    case 'start':
      return state === 'stopped' ? undefined : state === 'paused' ? 'paused: resume it' : 'already running'
    case 'stop':
      return state === 'stopped' ? 'already stopped' : undefined
    case 'restart':
      return state === 'running' ? undefined : state === 'stopped' ? 'stopped: start it' : 'paused: resume it first'
    case 'pause':
      return state === 'running' ? undefined : state === 'stopped' ? 'stopped: it cannot be paused' : 'already paused'
    case 'resume':
      return state === 'paused' ? undefined : state === 'stopped' ? 'stopped: start it' : 'already running'
  }
}

function changeDeployment(deployment: KubeObject & Deployment, action: Action, now: string): void {
  const { metadata, spec } = deployment
  const refuse = refusal('deployments', metadata.name ?? '', action)
  if (metadata.deletionTimestamp !== undefined) throw refuse('the deployment is being deleted')
  const wrong = misuse(stateOf(deployment), action)
  if (wrong) throw refuse(`the deployment is ${wrong}`)
  const annotations = { ...metadata.annotations }
  if (action !== 'restart') annotations[runStateAnnotation] = stateAfter[action]
  if (action === 'stop') {
    annotations[stoppedReplicasAnnotation] = String(spec!.replicas ?? 1)
    spec!.replicas = 0
  } else if (action === 'start') {
    const remembered = Number(annotations[stoppedReplicasAnnotation] ?? 1)
    spec!.replicas = Number.isSafeInteger(remembered) && remembered >= 0 ? remembered : 1
    delete annotations[stoppedReplicasAnnotation]
  } else if (action === 'restart') {
    const template = spec!.template
    template.metadata = { ...template.metadata, annotations: { ...template.metadata?.annotations, [rolloutRestartAnnotation]: now } }
  }
  metadata.annotations = annotations
  const isSpecChange = action === 'stop' || action === 'start' || action === 'restart'
  if (isSpecChange) metadata.generation = (metadata.generation ?? 0) + 1
}

/** Pauses or resumes the pods that a deployment owns through its replica sets. Pods in another state are left alone. */
async function changePodsOf(core: Core, { namespace, uid, action }: { namespace: string; uid: string; action: Action }): Promise<void> {
  const resource = core.registry.find('', 'v1', 'pods')
  if (!resource) return
  const reader = createObjectReader(core.registry, core.storage)
  const owners = new Set(
    reader
      .list(replicaSets, namespace)
      .filter((rs) => controllerOf(rs)?.uid === uid)
      .map((rs) => rs.metadata.uid),
  )
  const now = toMicroTime(core.clock.now())
  for (const pod of reader.list(pods, namespace)) {
    if (!owners.has(controllerOf(pod as KubeObject)?.uid)) continue
    const name = pod.metadata?.name ?? ''
    try {
      await mutateObject<KubeObject & Pod>(core, { resource, namespace, name }, (current) =>
        changePod(current, action, { gracePeriodSeconds: undefined, now }),
      )
    } catch (error) {
      // Gone, finished or already there: the deployment's wish does not apply to it.
      if (!isStatus(error, 'NotFound') && !isStatus(error, 'Conflict')) throw error
    }
  }
}

function refusal(resource: string, name: string, action: Action): (why: string) => StatusError {
  const group = resource === 'pods' ? '' : 'apps'
  return (why) => statusErrors.conflict({ group, resource }, name, `cannot ${action}: ${why}`)
}
