import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { findKind, readScale, type Scale, writeScale } from '../../control/scale-target.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus } from '../../kinds/generated/types/autoscaling-v2.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { matches, parseLabelSelector, type Selector } from '../../machinery/label-selector.ts'
import { type KubeObject, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { AutoscalingSettings } from '../settings.ts'
import { measure, type Measured, toleranceOf } from './measure.ts'
import { MetricsApi } from './metrics-api.ts'
import { needsMetrics, type Plan, planAutoscaler, planFailedScale, rescaled, type SelectorFailure } from './plan.ts'
import { type Memory, noMemory, rememberChange } from './stabilisation.ts'

const { horizontalPodAutoscalers } = kindRefs.autoscalingV2
const { pods } = kindRefs.coreV1
/** Upstream's: how often metrics are read. Without autoscalers nothing is. */
const defaultPeriodMs = 15_000

type Known = { memory: Memory; selector: Selector | undefined }

/** Sets the replicas of what has a `/scale` by what its pods use, or by other metrics. */
export function horizontalPodAutoscalerController(settings: AutoscalingSettings = {}): ControllerDefinition {
  const known = new Map<string, Known>()
  return {
    name: 'horizontal-pod-autoscaler',
    account: 'horizontal-pod-autoscaler',
    eventSource: 'horizontal-pod-autoscaler',
    watches: [
      watchKind(horizontalPodAutoscalers, ({ current, old }) => {
        // What it wrote itself is no reason to look.
        if (current && old && deepEqual(current.spec, old.spec) && current.metadata.uid === old.metadata.uid) return []
        const { namespace, name } = (current ?? old)!.metadata
        return [`${namespace}/${name}`]
      }),
      watchKind(pods, () => []),
    ],
    writes: [horizontalPodAutoscalers],
    rules: [
      { verbs: ['get', 'update'], apiGroups: ['*'], resources: ['*/scale'] },
      { verbs: ['list'], apiGroups: ['metrics.k8s.io'], resources: ['pods'] },
      { verbs: ['get', 'list'], apiGroups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'], resources: ['*'] },
    ],
    reconcile: (context, key) => reconcile(context, key, known, settings),
  }
}

async function reconcile(
  context: LoopContext,
  key: string,
  known: Map<string, Known>,
  settings: AutoscalingSettings,
): Promise<ReconcileResult> {
  const { periodMs = defaultPeriodMs, downscaleWindowMs } = settings
  const autoscaler = context.informer(horizontalPodAutoscalers).get(key)
  if (!autoscaler || autoscaler.metadata.deletionTimestamp) return void known.delete(key)
  const state = known.get(key) ?? { memory: noMemory, selector: undefined }
  known.set(key, state)
  const target = await readTarget(context, autoscaler)
  if ('error' in target) {
    context.event(autoscaler, { type: 'Warning', reason: 'FailedGetScale', message: target.error })
    await writeStatus(context, autoscaler, planFailedScale(autoscaler, 'FailedGetScale', target.error, context.clock.now()))
    return { requeueAfterMs: periodMs }
  }
  const currentReplicas = target.scale.spec?.replicas ?? 0
  const metrics = needsMetrics(autoscaler, currentReplicas)
    ? await observe(context, autoscaler, target.scale, { key, known, settings })
    : undefined
  const plan = planAutoscaler(
    { autoscaler, currentReplicas, metrics, memory: state.memory, ...(downscaleWindowMs === undefined ? {} : { downscaleWindowMs }) },
    context.clock.now(),
  )
  state.memory = plan.memory
  for (const event of plan.events) context.event(autoscaler, event)
  await act(context, autoscaler, { ...target, plan, state })
  return { requeueAfterMs: periodMs }
}

type Target = { readonly kind: KindRef; readonly scale: Scale }

async function readTarget(context: LoopContext, autoscaler: HorizontalPodAutoscaler): Promise<Target | { readonly error: string }> {
  const { kind: name, apiVersion = '', name: targetName } = autoscaler.spec.scaleTargetRef
  try {
    const kind = await findKind(context.client, autoscaler.spec.scaleTargetRef)
    const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['']
    if (!kind) return { error: `no matches for kind ${JSON.stringify(name)} in group ${JSON.stringify(group)}` }
    return { kind, scale: await readScale(context.client, kind, autoscaler.metadata.namespace ?? '', targetName) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

/** Which pods count, and what each metric says of them. */
async function observe(
  context: LoopContext,
  autoscaler: HorizontalPodAutoscaler,
  scale: Scale,
  { key, known, settings }: { readonly key: string; readonly known: ReadonlyMap<string, Known>; readonly settings: AutoscalingSettings },
): Promise<readonly Measured[] | SelectorFailure> {
  const { namespace = '' } = autoscaler.metadata
  const text = scale.status?.selector ?? ''
  const selector = readSelector(text)
  if ('reason' in selector) return selector
  known.get(key)!.selector = selector
  const selected = context
    .informer(pods)
    .list(namespace)
    .filter((pod) => matches(selector, pod.metadata.labels))
  const others = rivals(known, { key, namespace, selected })
  if (others.length > 0) {
    const names = [key, ...others].map((one) => `${namespace}/${splitKey(one).name}`).join(' ')
    const message = `pods by selector ${text} are controlled by multiple HPAs: [${names}]`
    return { reason: 'AmbiguousSelector', message, event: { type: 'Warning', reason: 'AmbiguousSelector', message } }
  }
  const api = new MetricsApi(context.client, namespace)
  const target = {
    pods: selected,
    selector: text,
    currentReplicas: scale.spec?.replicas ?? 0,
    statusReplicas: scale.status?.replicas ?? 0,
    tolerance: toleranceOf(autoscaler, settings.tolerance),
    starting: settings,
  }
  const measured: Measured[] = []
  for (const metric of autoscaler.spec.metrics ?? []) measured.push(await measure(api, metric, target, context.clock.now()))
  return measured
}

function readSelector(text: string): Selector | SelectorFailure {
  if (text === '')
    return {
      reason: 'InvalidSelector',
      message: "the HPA target's scale is missing a selector",
      event: { type: 'Warning', reason: 'SelectorRequired', message: 'selector is required' },
    }
  try {
    return parseLabelSelector(text)
  } catch (error) {
    const message = `couldn't convert selector into a corresponding internal selector object: ${(error as Error).message}`
    return { reason: 'InvalidSelector', message, event: { type: 'Warning', reason: 'InvalidSelector', message } }
  }
}

/** Other autoscalers of the namespace that count some of these pods too. */
function rivals(
  known: ReadonlyMap<string, Known>,
  { key, namespace, selected }: { readonly key: string; readonly namespace: string; readonly selected: readonly Pod[] },
): readonly string[] {
  const found: string[] = []
  for (const [other, { selector }] of known) {
    if (other === key || !selector || splitKey(other).namespace !== namespace) continue
    if (selected.some((pod) => matches(selector, pod.metadata.labels))) found.push(other)
  }
  return found
}

async function act(
  context: LoopContext,
  autoscaler: HorizontalPodAutoscaler & KubeObject,
  { kind, scale, plan, state }: Target & { readonly plan: Plan; readonly state: Known },
): Promise<void> {
  const { rescale } = plan
  if (!rescale) return writeStatus(context, autoscaler, plan.status)
  const { replicas, reason } = rescale
  const { namespace = '' } = autoscaler.metadata
  try {
    await writeScale(context.client, { kind, namespace, name: scale.metadata.name ?? '' }, { ...scale, spec: { ...scale.spec, replicas } })
  } catch (error) {
    const { message } = error as Error
    context.event(autoscaler, {
      type: 'Warning',
      reason: 'FailedRescale',
      message: `New size: ${replicas}; reason: ${reason}; error: ${message}`,
    })
    return writeStatus(
      context,
      autoscaler,
      planFailedScale({ ...autoscaler, status: plan.status }, 'FailedUpdateScale', message, context.clock.now()),
    )
  }
  context.event(autoscaler, { type: 'Normal', reason: 'SuccessfulRescale', message: `New size: ${replicas}; reason: ${reason}` })
  state.memory = rememberChange(state.memory, replicas - (scale.spec?.replicas ?? 0), context.clock.now())
  await writeStatus(context, autoscaler, rescaled(plan.status, replicas, context.clock.now()))
}

async function writeStatus(
  context: LoopContext,
  autoscaler: HorizontalPodAutoscaler,
  status: HorizontalPodAutoscalerStatus,
): Promise<void> {
  if (deepEqual(status, autoscaler.status)) return
  try {
    await context.client.resource(horizontalPodAutoscalers, autoscaler.metadata.namespace).updateStatus({ ...autoscaler, status })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
