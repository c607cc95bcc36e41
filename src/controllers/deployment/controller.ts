import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { controlledBy, controllerReference, orphansIn, performClaims, planClaims } from '../../control/ownership.ts'
import { keysOfController, watchKind } from '../../control/watch-declaration.ts'
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal, runStateAnnotation } from '../../kinds/pod-status.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import { controllerOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type Action, planDeployment } from './plan.ts'
import { revisionAnnotation } from './replica-set-annotations.ts'
import { pausedByAnnotation, planRunStates } from './run-state.ts'
import { statusAfterFailure } from './status.ts'
import { templatesEqual } from '../../control/template-hash.ts'

const { deployments, replicaSets } = kindRefs.appsV1
const { pods } = kindRefs.coreV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

/** Rolls the pods of Deployments over from one template to the next, through ReplicaSets. */
export const deploymentController: ControllerDefinition = {
  name: 'deployment',
  watches: [watchKind(deployments), watchKind(replicaSets, keysOfReplicaSet), watchKind(pods, keysOfPod)],
  writes: [deployments, replicaSets, pods],
  minIntervalMs: 10,
  reconcile,
}

const keysOfOwner = keysOfController(deployments)

/** The Deployment's key; for an orphan the keys of all that might adopt it. */
function keysOfReplicaSet(change: Change<ReplicaSet>, context: LoopContext): readonly string[] {
  const { current } = change
  if (!current || controllerOf(current)) return keysOfOwner(change)
  return context
    .informer(deployments)
    .list(current.metadata.namespace)
    .filter((deployment) => matches(selectorFrom(deployment.spec?.selector), current.metadata.labels))
    .map((deployment) => `${deployment.metadata.namespace}/${deployment.metadata.name}`)
}

/** Only what a Deployment looks at in pods: their coming and going (Recreate, pause) and their run state. */
function keysOfPod({ current, old }: Change<Pod>, context: LoopContext): readonly string[] {
  const mark = (pod: Pod) =>
    `${isPodTerminal(pod)} ${pod.metadata.annotations?.[runStateAnnotation]} ${pod.metadata.annotations?.[pausedByAnnotation]}`
  if (current && old && mark(current) === mark(old)) return []
  const pod = current ?? old
  const owner = pod && controllerOf(pod)
  if (owner?.kind !== 'ReplicaSet') return []
  const set = context.informer(replicaSets).get(`${pod?.metadata.namespace}/${owner.name}`)
  return set ? keysOfOwner({ current: set, old: undefined }) : []
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const deployment = context.informer(deployments).get(key)
  if (!deployment) return
  const namespace = splitKey(key).namespace ?? ''
  const setInformer = context.informer(replicaSets)
  const claims = planClaims({
    owner: deployment,
    selector: selectorFrom(deployment.spec?.selector),
    controlled: controlledBy(setInformer, deployment.metadata.uid),
    orphans: orphansIn(setInformer, namespace),
  })
  const owned = await performClaims({ client: context.client, ownerKind: deployments, owner: deployment, kind: replicaSets }, claims)
  const podsOf = (set: ReplicaSet) => controlledBy(context.informer(pods), set.metadata.uid)
  const hasRunningPods = (set: ReplicaSet) => podsOf(set).some((pod) => !isPodTerminal(pod))
  const plan = planDeployment({ deployment, replicaSets: owned, hasRunningPods }, context.clock.now())
  await new Performance(context, deployment).perform(plan.actions)
  await propagateRunState(context, deployment, owned.flatMap(podsOf))
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

async function propagateRunState(context: LoopContext, deployment: Deployment, owned: readonly Pod[]): Promise<void> {
  const resource = context.client.resource(pods, deployment.metadata.namespace)
  await Promise.all(
    planRunStates(deployment, owned).map(async ({ pod, annotations }) => {
      try {
        await resource.patch(pod.metadata.name ?? '', { type: 'merge', body: { metadata: { uid: pod.metadata.uid, annotations } } })
      } catch (error) {
        // The pod is gone: it has no run state any more.
        if (!isStatus(error, 'NotFound')) throw error
      }
    }),
  )
}

/** Performs a plan's actions in order; a refused ReplicaSet ends it after the status has said so. */
class Performance {
  readonly #context: LoopContext
  #deployment: Deployment

  constructor(context: LoopContext, deployment: Deployment) {
    this.#context = context
    this.#deployment = deployment
  }

  async perform(actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      if (action.type !== 'create-replica-set') await this.#one(action)
      else if (!(await this.#create(action.set, actions))) return
    }
  }

  async #one(action: Exclude<Action, { type: 'create-replica-set' }>): Promise<void> {
    const { client, event } = this.#context
    const sets = client.resource(replicaSets, this.#deployment.metadata.namespace)
    switch (action.type) {
      case 'update-replica-set':
        await sets.update(action.set)
        return
      case 'delete-replica-set': {
        const { name: setName = '', uid = '' } = action.set.metadata
        await sets.delete(setName, { preconditions: { uid }, propagationPolicy: 'Background' }).catch(ignoreNotFound)
        return
      }
      case 'update-status':
        await this.#writeStatus(action.status, action.revision)
        return
      case 'event':
        event(this.#deployment, action.event)
        return
      default:
        unreachable(action)
    }
  }

  async #writeStatus(status: DeploymentStatus, revision?: string): Promise<void> {
    const { metadata } = this.#deployment
    const annotations = revision === undefined ? metadata.annotations : { ...metadata.annotations, [revisionAnnotation]: revision }
    const resource = this.#context.client.resource(deployments, metadata.namespace)
    this.#deployment = await resource.updateStatus({
      ...this.#deployment,
      metadata: { ...metadata, ...(annotations ? { annotations } : {}) },
      status,
    })
  }

  /** False: the name is taken by a stranger, and the next reconcile tries another one. */
  async #create(set: ReplicaSet, actions: readonly Action[]): Promise<boolean> {
    const { client, clock, event } = this.#context
    const resource = client.resource(replicaSets, this.#deployment.metadata.namespace)
    const withOwner = { ...set, metadata: { ...set.metadata, ownerReferences: [controllerReference(deployments, this.#deployment)] } }
    try {
      await resource.create(withOwner)
      return true
    } catch (error) {
      if (isStatus(error, 'AlreadyExists')) {
        const existing = await resource.get(set.metadata.name ?? '')
        const isOurs =
          controllerOf(existing)?.uid === this.#deployment.metadata.uid && templatesEqual(existing.spec?.template, set.spec?.template)
        if (isOurs) return true
        await this.#writeStatus({ ...this.#deployment.status, collisionCount: (this.#deployment.status?.collisionCount ?? 0) + 1 })
        return false
      }
      const cause = error instanceof Error ? error.message : String(error)
      const message = `Failed to create new replica set "${set.metadata.name}": ${cause}`
      event(this.#deployment, { type: 'Warning', reason: 'ReplicaSetCreateError', message })
      const planned = actions.find((action) => action.type === 'update-status')?.status ?? this.#deployment.status ?? {}
      await this.#writeStatus(statusAfterFailure(planned, message, clock.now()))
      throw error
    }
  }
}

function ignoreNotFound(error: unknown): void {
  if (!isStatus(error, 'NotFound')) throw error
}
