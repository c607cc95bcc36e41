import { toTime } from '../../base/clock.ts'
import { podDisruptionBudgets } from '../../kinds/policy/pod-disruption-budget.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Eviction, PodDisruptionBudget } from '../../kinds/generated/types/policy-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Status, StatusError, statusErrors } from '../../machinery/status-error.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import type { Core } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { createObjectReader } from '../object-reader.ts'
import { checkPreconditions, deleteObject } from '../verbs/delete.ts'
import { getObject } from '../verbs/get.ts'
import { mutateObject } from '../verbs/mutate.ts'
import type { DeletionOptions } from '../verbs/deletion-rules.ts'
import { checkedDeletion } from '../verb-request.ts'
import type { Resource } from '../registry.ts'
import { evictionKind } from './expected-kinds.ts'

const retryAfterSeconds = 10

/**
 * POST `pods/NAME/eviction`: a delete that asks the pod's disruption budget first
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/). 429 while the budget allows no disruption.
 */
export const podEviction: VerbHandler = async (core, context, request) => {
  const { resource, namespace, name, parameters, body } = request
  const eviction = body.object(evictionKind, context, parameters.fieldValidation) as KubeObject & Eviction
  if (eviction.metadata.name && eviction.metadata.name !== name) {
    throw statusErrors.badRequest(`name in URL does not match name in Eviction object: ${name} != ${eviction.metadata.name}`)
  }
  const { dryRun: dryRunOption, ...rest } = (eviction.deleteOptions ?? {}) as Record<string, unknown>
  const options: DeletionOptions = checkedDeletion(rest)
  const dryRun = parameters.dryRun || (Array.isArray(dryRunOption) && dryRunOption.length > 0)
  const admission = admissionRequest(context, {
    operation: 'CREATE',
    resource,
    subresource: 'eviction',
    namespace,
    name,
    object: eviction,
    old: undefined,
    dryRun,
    options: writeOptions('CreateOptions', { ...parameters, dryRun }),
  })
  await core.admission.admit(admission)
  await core.admission.validate(admission)
  const { object } = await getObject(core, context, { resource, namespace, name })
  const pod = object as KubeObject & Pod
  if (!isFree(pod)) {
    const budget = budgetOf(core, pod, namespace)
    if (budget && !mayIgnore(budget, pod) && !dryRun) await spend(core, budget, pod)
  }
  const told = dryRun ? options : await tellWhy(core, { resource, namespace, name }, options)
  await deleteObject(core, context, { resource, namespace, name, options: told, dryRun, isAdmitted: true })
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
  return { type: 'plain', code: 201, object: status }
}

/** Pods whose end disrupts nobody: finished, not started, or already leaving. */
function isFree({ metadata, status }: KubeObject & Pod): boolean {
  const phase = status?.phase
  return metadata.deletionTimestamp !== undefined || phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending'
}

function budgetOf(core: Core, pod: KubeObject & Pod, namespace: string): (KubeObject & PodDisruptionBudget) | undefined {
  const reader = createObjectReader(core.registry, core.storage)
  const found = reader
    .list(podDisruptionBudgets, namespace)
    .filter((b) => matches(selectorFrom(b.spec?.selector), pod.metadata.labels ?? {}))
  if (found.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    throw new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: '', message, code: 500 })
  }
  return found[0] as (KubeObject & PodDisruptionBudget) | undefined
}

/** A pod that is not ready guards nothing, when its budget's policy or the budget's health says so. */
function mayIgnore(budget: PodDisruptionBudget, pod: Pod): boolean {
  const isReady = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
  if (isReady) return false
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

/** Takes one disruption from the budget, before the pod goes: a crash between the two costs a disruption, never a pod too many. */
async function spend(core: Core, budget: KubeObject & PodDisruptionBudget, pod: KubeObject & Pod): Promise<void> {
  const resource = core.registry.find('policy', 'v1', 'poddisruptionbudgets')
  if (!resource) return
  const { namespace = '', name = '' } = budget.metadata
  await mutateObject<KubeObject & PodDisruptionBudget>(core, { resource, namespace, name }, (current) => {
    const { status } = current
    if ((status?.observedGeneration ?? 0) < (current.metadata.generation ?? 0)) {
      throw refused(`The disruption budget ${name} is still being processed by the server.`)
    }
    const allowed = status?.disruptionsAllowed ?? 0
    if (!status || allowed <= 0) {
      throw refused(
        `The disruption budget ${name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`,
      )
    }
    status.disruptionsAllowed = allowed - 1
    status.disruptedPods = { ...status.disruptedPods, [pod.metadata.name ?? '']: toTime(core.clock.now()) }
  })
}

/** Puts the reason of its end into the pod; the options' resource version, where they name one, becomes that of the pod which knows it. */
async function tellWhy(
  core: Core,
  target: { readonly resource: Resource; readonly namespace: string; readonly name: string },
  options: DeletionOptions,
): Promise<DeletionOptions> {
  const told = await mutateObject<KubeObject & Pod>(core, target, (pod) => {
    checkPreconditions(target.resource, pod, options)
    const { conditions = [] } = pod.status ?? {}
    const before = conditions.find(({ type }) => type === disruption.type)
    const lastTransitionTime = before?.status === 'True' ? before.lastTransitionTime : toTime(core.clock.now())
    const condition = { ...disruption, ...(lastTransitionTime ? { lastTransitionTime } : {}) }
    pod.status = { ...pod.status, conditions: [...conditions.filter((c) => c !== before), condition] }
  })
  const { preconditions } = options
  if (!preconditions?.resourceVersion) return options
  return { ...options, preconditions: { ...preconditions, resourceVersion: told.object.metadata.resourceVersion } }
}

const disruption = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'Eviction API: evicting',
} as const

function refused(cause: string): StatusError {
  const error = statusErrors.tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", retryAfterSeconds)
  const causes = [{ reason: 'DisruptionBudget', message: cause }]
  return new StatusError({ ...error.status, details: { ...error.status.details, causes } })
}
