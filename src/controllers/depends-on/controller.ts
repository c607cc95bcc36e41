import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { PodTemplateSpec, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import {
  declaredFor,
  type Dependency,
  dependencyKey,
  type DependencyKind,
  dependsOnAnnotation,
  isGated,
  parseDependencies,
} from '../../kinds/keelson/depends-on.ts'
import { controllerOf, keyOf, type KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { isOutdated, planGate } from './plan.ts'
import { readinessOf } from './readiness.ts'

const { pods, services } = kindRefs.coreV1
const { deployments, statefulSets, daemonSets, replicaSets } = kindRefs.appsV1
const { jobs } = kindRefs.batchV1
const { endpointSlices } = kindRefs.discoveryV1

const kinds: Readonly<Record<DependencyKind, KindRef>> = {
  deployment: deployments,
  statefulset: statefulSets,
  daemonset: daemonSets,
  replicaset: replicaSets,
  job: jobs,
  pod: pods,
  service: services,
}
const waitingIndex = 'waits-for'
const serviceLabel = 'kubernetes.io/service-name'

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

/** Lets pods be placed when what they depend on is ready (see docs/depends-on.md). Pods that wait for nothing cost nothing. */
export const dependsOnController: ControllerDefinition = {
  name: 'depends-on',
  watches: [
    watchKind(pods, ({ current, old }: Change<Pod>, context) => [
      ...(current && isGated(current) ? [keyOf(current)] : []),
      ...waitersOf(context, 'pod', (current ?? old)!),
    ]),
    ...(['deployment', 'statefulset', 'daemonset', 'replicaset', 'job'] as const).map((kind) =>
      watchKind(kinds[kind], ({ current, old }: Change<KubeObject>, context) => [
        ...waitersOf(context, kind, (current ?? old)!),
        ...(current && old && textOf(current) !== textOf(old) ? gatedOf(context, kind, current) : []),
      ]),
    ),
    watchKind(endpointSlices, keysOfSlice),
    readKind(services),
  ],
  writes: [pods],
  minIntervalMs: 200,
  reconcile,
}

/** Keys of the gated pods that name the object. */
function waitersOf(context: LoopContext, kind: DependencyKind, { metadata }: KubeObject): readonly string[] {
  const { namespace = '', name = '' } = metadata
  return waiting(context, { kind, namespace, name })
}

function waiting(context: LoopContext, dependency: Dependency): readonly string[] {
  const informer = context.informer(pods)
  informer.addIndex(waitingIndex, (pod) => (isGated(pod) ? readOf(pod).dependencies.map(dependencyKey) : []))
  // Nearly always nobody waits, and every change of a pod or a workload asks.
  if (informer.indexValues(waitingIndex)[Symbol.iterator]().next().done) return []
  return informer.byIndex(waitingIndex, dependencyKey(dependency)).map(keyOf)
}

/** Keys of the gated pods that are of the workload. */
function gatedOf(context: LoopContext, kind: DependencyKind, { metadata }: KubeObject): readonly string[] {
  const gated = context.informer(pods).list(metadata.namespace).filter(isGated)
  const isOf = (self: Dependency | undefined) => self?.kind === kind && self.name === metadata.name
  return gated.filter((pod) => isOf(workloadOf(context, pod))).map(keyOf)
}

function keysOfSlice({ current, old }: Change<EndpointSlice>, context: LoopContext): readonly string[] {
  const { namespace = '', labels } = (current ?? old)!.metadata
  const name = labels?.[serviceLabel]
  return name ? waiting(context, { kind: 'service', namespace, name }) : []
}

function readOf({ metadata }: KubeObject) {
  return parseDependencies(metadata.annotations?.[dependsOnAnnotation] ?? '', metadata.namespace ?? '')
}

/** What the workload has the pod wait for: of a Deployment's pods the template is that of their ReplicaSet. */
function declaredBy(context: LoopContext, pod: Pod, workload: KubeObject | undefined): { readonly text: string | undefined } | undefined {
  const owner = controllerOf(pod)
  if (!owner || !workload) return undefined
  const set = owner.kind === 'ReplicaSet' ? context.informer(replicaSets).get(`${pod.metadata.namespace}/${owner.name}`) : undefined
  return { text: declaredFor({ workload: workload.metadata, template: templateOf(set ?? workload)?.metadata }) }
}

const templateOf = (workload: KubeObject) => (workload as { spec?: { template?: PodTemplateSpec } }).spec?.template
const textOf = (workload: KubeObject) => declaredFor({ workload: workload.metadata, template: templateOf(workload)?.metadata })

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const pod = context.informer(pods).get(key)
  if (!pod || !isGated(pod)) return
  const self = workloadOf(context, pod)
  const workload = self && find(context, self)
  const plan = planGate(
    {
      pod,
      self,
      declared: declaredBy(context, pod, workload),
      ...readOf(pod),
      readinessOf: (dependency) => readinessOf(dependency.kind, find(context, dependency), slicesOf(context, dependency)),
      dependenciesOf: (dependency) => dependenciesOfWorkload(find(context, dependency)),
    },
    context.clock.now(),
  )
  const resource = context.client.resource(pods, pod.metadata.namespace)
  if (plan.follow) return follow(context, pod, self!)
  if (plan.event) context.event(pod, plan.event)
  try {
    if (plan.condition) {
      const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [plan.condition] } }
      await resource.patch(pod.metadata.name ?? '', { type: 'strategic', body }, { subresource: 'status' })
    }
    if (plan.release) {
      const newest = context.informer(pods).get(key) ?? pod
      await resource.update({ ...newest, spec: plan.release.spec! })
    }
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

/** The watch of workloads may be behind that of pods, and what it does not know yet would let the pod go: the workload itself is asked. */
async function follow(context: LoopContext, pod: Pod, { kind, namespace, name }: Dependency): Promise<void> {
  try {
    const declared = declaredBy(context, pod, await context.client.resource(kinds[kind], namespace).get(name))
    if (!isOutdated(pod, declared)) return
    const body = { metadata: { uid: pod.metadata.uid, annotations: { [dependsOnAnnotation]: declared?.text ?? null } } }
    await context.client.resource(pods, pod.metadata.namespace).patch(pod.metadata.name ?? '', { type: 'merge', body })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

function find(context: LoopContext, { kind, namespace, name }: Dependency): KubeObject | undefined {
  return context.informer(kinds[kind]).get(`${namespace}/${name}`)
}

function slicesOf(context: LoopContext, { kind, namespace, name }: Dependency): readonly EndpointSlice[] {
  if (kind !== 'service') return []
  const informer = context.informer(endpointSlices)
  informer.addIndex('service-of-slice', ({ metadata }) => {
    const service = metadata.labels?.[serviceLabel]
    return service ? [`${metadata.namespace}/${service}`] : []
  })
  return informer.byIndex('service-of-slice', `${namespace}/${name}`)
}

function dependenciesOfWorkload(object: KubeObject | undefined): readonly Dependency[] {
  if (!object) return []
  return parseDependencies(textOf(object) ?? '', object.metadata.namespace ?? '').dependencies
}

/** The Deployment of a ReplicaSet's pod, the pod's controller otherwise, or a pod without one. */
function workloadOf(context: LoopContext, pod: Pod): Dependency | undefined {
  const { namespace = '', name = '' } = pod.metadata
  const owner = controllerOf(pod)
  if (!owner) return { kind: 'pod', namespace, name }
  const set = owner.kind === 'ReplicaSet' ? context.informer(replicaSets).get(`${namespace}/${owner.name}`) : undefined
  const top = (set && controllerOf(set)) ?? owner
  const kind = top.kind.toLowerCase()
  return kind in kinds ? { kind: kind as DependencyKind, namespace, name: top.name } : undefined
}
