import { toTime } from '../../base/clock.ts'
import { podDisruptionBudgets } from '../../kinds/policy/pod-disruption-budget.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Eviction, PodDisruptionBudget } from '../../kinds/generated/types/policy-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { isStatus, type Status, StatusError, statusErrors } from '../../machinery/status-error.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import { admitPosted } from '../objects/managed-fields.ts'
import type { Core, RequestContext } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { deleteObject } from '../verbs/delete.ts'
import { withCondition } from '../verbs/change-pods.ts'
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
  if (eviction.metadata.name !== name) throw statusErrors.badRequest('name in URL does not match name in Eviction object')
  const { dryRun: dryRunOption, ...rest } = (eviction.deleteOptions ?? {}) as Record<string, unknown>
  const options: DeletionOptions = checkedDeletion(rest)
  const dryRun = parameters.dryRun || isTrial(dryRunOption)
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
  await admitPosted(core, context, { admission, expected: evictionKind, parameters })
  const refusal = await evict(core, context, { resource, namespace, name, options, dryRun })
  if (refusal) return { type: 'plain', code: 500, object: refusal }
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
  return { type: 'plain', code: 201, object: status }
}

type Evicting = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly options: DeletionOptions
  readonly dryRun: boolean
}

/** Upstream's: how often a pod that changes while it is to go is looked at again. */
const attemptsMax = 20

/**
 * Who needs no budget because of the state that the pod is in takes it in that state only: it may be ready by the time it would go. Gives
 * the failure that has no reason; throws 404, 409, 429.
 */
async function evict(core: Core, context: RequestContext, evicting: Evicting): Promise<Status | undefined> {
  const { resource, namespace, name, options, dryRun } = evicting
  for (let attempt = 1; ; attempt++) {
    const { object } = await getObject(core, context, { resource, namespace, name })
    const pod = object as KubeObject & Pod
    const [budget, another] = isFree(pod) ? [] : budgetsOf(core, pod, namespace)
    if (another) return severalBudgets
    const isIgnored = budget !== undefined && mayIgnore(budget, pod)
    if (budget && !isIgnored) await spend(core, budget, { pod, dryRun })
    const mayChange = isIgnored || (isFree(pod) && !isOver(pod))
    const isPinned = mayChange && !options.preconditions?.resourceVersion
    try {
      return await remove(core, context, isPinned ? { ...evicting, options: pinnedTo(pod, options) } : evicting)
    } catch (error) {
      if (!isPinned || !isStatus(error, 'Conflict')) throw error
      if (budget) throw refused(`The disruption budget ${budget.metadata.name} is still being processed by the server.`, retryAfterSeconds)
      if (attempt >= attemptsMax) throw error
    }
  }
}

async function remove(core: Core, context: RequestContext, evicting: Evicting): Promise<undefined> {
  const now = toTime(core.clock.now())
  await deleteObject(core, context, {
    ...evicting,
    isAdmitted: true,
    change: (pod) => withCondition(pod, { ...evictedByApi, lastTransitionTime: now }),
  })
}

function pinnedTo({ metadata }: KubeObject, options: DeletionOptions): DeletionOptions {
  return { ...options, preconditions: { ...options.preconditions, resourceVersion: metadata.resourceVersion } }
}

/** Whether the options in the body ask for a trial. Throws 422 for what is no way to try. */
function isTrial(dryRun: unknown): boolean {
  if (!Array.isArray(dryRun) || dryRun.length === 0) return false
  if (dryRun.length === 1 && dryRun[0] === 'All') return true
  const error = fieldErrors.notSupported('dryRun', dryRun, ['All'])
  throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [error])
}

/** Pods whose end disrupts nobody: finished, not started, or already leaving. */
function isFree(pod: KubeObject & Pod): boolean {
  return isOver(pod) || pod.status?.phase === 'Pending'
}

/** Finished or leaving: nothing makes it ready any more. */
function isOver({ metadata, status }: KubeObject & Pod): boolean {
  return metadata.deletionTimestamp !== undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

function budgetsOf(core: Core, pod: KubeObject & Pod, namespace: string): (KubeObject & PodDisruptionBudget)[] {
  const reader = createObjectReader(core.registry, core.storage)
  const budgets = reader.list(podDisruptionBudgets, namespace) as (KubeObject & PodDisruptionBudget)[]
  return budgets.filter(({ spec }) => matches(selectorFrom(spec?.selector), pod.metadata.labels ?? {}))
}

/** Upstream answers so, without a reason. */
const severalBudgets: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  code: 500,
}

/** A pod that is not ready guards nothing, when its budget's policy or the budget's health says so. */
function mayIgnore(budget: PodDisruptionBudget, pod: Pod): boolean {
  const isReady = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
  if (isReady) return false
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

/** So many pods may be on their way out before the budget's controller has to catch up. */
const disruptedPodsMax = 2000

/** Takes one disruption from the budget, before the pod goes: a crash between the two costs a disruption, never a pod too many. */
async function spend(
  core: Core,
  budget: KubeObject & PodDisruptionBudget,
  { pod, dryRun }: { readonly pod: KubeObject & Pod; readonly dryRun: boolean },
): Promise<void> {
  const resource = core.registry.find('policy', 'v1', 'poddisruptionbudgets')
  if (!resource) return
  const { namespace = '', name = '' } = budget.metadata
  await mutateObject<KubeObject & PodDisruptionBudget>(core, { resource, namespace, name, dryRun }, (current) => {
    const status = current.status ?? {}
    const now = toTime(core.clock.now())
    demandDisruption(current, status)
    status.disruptionsAllowed = (status.disruptionsAllowed ?? 0) - 1
    if (status.disruptionsAllowed === 0) status.conditions = withNoneAllowed(status, now)
    status.disruptedPods = { ...status.disruptedPods, [pod.metadata.name ?? '']: now }
    current.status = status
  })
}

type BudgetStatus = NonNullable<PodDisruptionBudget['status']>

/** Throws 429 while the budget allows none, 403 where it says what cannot be. */
function demandDisruption({ metadata: { name = '', generation = 0 } }: PodDisruptionBudget, status: BudgetStatus): void {
  const budgets = { group: 'policy', resource: 'poddisruptionbudget' }
  const its = `The disruption budget ${name}`
  if ((status.observedGeneration ?? 0) < generation) throw refused(`${its} is still being processed by the server.`, retryAfterSeconds)
  const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = status
  if (disruptionsAllowed < 0) throw statusErrors.forbidden(budgets, name, 'pdb disruptions allowed is negative')
  if (Object.keys(status.disruptedPods ?? {}).length > disruptedPodsMax)
    throw statusErrors.forbidden(budgets, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed > 0) return
  const condition = status.conditions?.find(({ type, status: holds }) => type === disruptionAllowed && holds === 'False')
  const { reason, message } = condition ?? {}
  if (message && reason === 'SyncFailed')
    throw refused(`${its} does not allow evicting pods currently because it failed sync: ${message}`, 0)
  if (currentHealthy <= desiredHealthy) throw refused(`${its} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`, 0)
  throw refused(`${its} does not allow evicting pods currently${message ? ` (${reason}): ${message}` : ''}`, 0)
}

const disruptionAllowed = 'DisruptionAllowed'

function withNoneAllowed({ conditions = [], observedGeneration }: BudgetStatus, now: string): NonNullable<BudgetStatus['conditions']> {
  const before = conditions.find(({ type }) => type === disruptionAllowed)
  const condition = {
    type: disruptionAllowed,
    status: 'False' as const,
    reason: 'InsufficientPods',
    message: '',
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : now,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
  return [...conditions.filter((one) => one !== before), condition]
}

const evictedByApi = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'Eviction API: evicting',
} as const

function refused(cause: string, retryAfter: number): StatusError {
  const error = statusErrors.tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", retryAfter)
  const causes = [{ reason: 'DisruptionBudget', message: cause }]
  return new StatusError({ ...error.status, details: { ...error.status.details, causes } })
}
