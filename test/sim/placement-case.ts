import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../../src/scheduler/core/fixtures.ts'

/** A small cluster in which one pod is to be placed, and what Kubernetes 1.36 did with it. */
export type PlacementCase = {
  readonly name: string
  readonly nodes: readonly NodeInput[]
  /** Pods that run already, by node. */
  readonly running: readonly (PodInput & { readonly on: string })[]
  /** Pods that are decided before it and wait for others to leave a node, and who leaves. */
  readonly waiting?: readonly { readonly pod: PodInput; readonly on: string; readonly victims: readonly string[] }[]
  readonly pod: PodInput
  /** Budgets, volumes, claims, devices, services, namespaces: whatever else there is, as the API has it. */
  readonly others?: readonly KubeObject[]
}

export type PlacementOutcome = {
  readonly node?: string
  /** What each plugin adds to each feasible node's total, by node, where it adds something. */
  readonly scores?: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Of the condition PodScheduled; absent: Unschedulable. */
  readonly reason?: string
  readonly message?: string
  readonly nominated?: string
  /** Pods that were told to go. */
  readonly victims?: readonly string[]
  /** `object type reason: message` of the events, without those that repeat the condition or say where the pod went. */
  readonly events?: readonly string[]
}

export type RecordedPlacement = { readonly given: PlacementCase; readonly expected: PlacementOutcome }

type KindRefs = typeof kindRefs
type AnyRef = { [G in keyof KindRefs]: KindRefs[G][keyof KindRefs[G]] }[keyof KindRefs]

/** Where pods are that are not in `default`. */
const otherNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { team: 'x' } } }

/** Something to create; its status is written after it where it has one. */
export type PlacementStep = { readonly ref: AnyRef; readonly object: KubeObject & { readonly status?: unknown } }

const refByKind: Readonly<Record<string, AnyRef>> = {
  Namespace: kindRefs.coreV1.namespaces,
  Service: kindRefs.coreV1.services,
  PersistentVolume: kindRefs.coreV1.persistentVolumes,
  PersistentVolumeClaim: kindRefs.coreV1.persistentVolumeClaims,
  StorageClass: kindRefs.storageV1.storageClasses,
  CSINode: kindRefs.storageV1.csiNodes,
  CSIDriver: kindRefs.storageV1.csiDrivers,
  CSIStorageCapacity: kindRefs.storageV1.csiStorageCapacities,
  PodDisruptionBudget: kindRefs.policyV1.podDisruptionBudgets,
  ResourceClaim: kindRefs.resourceV1.resourceClaims,
  ResourceSlice: kindRefs.resourceV1.resourceSlices,
  DeviceClass: kindRefs.resourceV1.deviceClasses,
  PriorityClass: kindRefs.schedulingV1.priorityClasses,
  RuntimeClass: kindRefs.nodeV1.runtimeClasses,
}

/** All but the pod itself, in an order in which it can be created. */
export function stepsBefore({ nodes, running, waiting = [], pod, others = [] }: PlacementCase): readonly PlacementStep[] {
  const priorities = new Set([pod, ...running, ...waiting.map((w) => w.pod)].flatMap((p) => p.priority ?? []))
  return [
    ...[...priorities].map((value) => ({ ref: kindRefs.schedulingV1.priorityClasses, object: priorityClass(value) })),
    { ref: kindRefs.coreV1.namespaces, object: otherNamespace },
    ...others.map((object) => ({ ref: refByKind[object.kind ?? '']!, object })),
    ...nodes.map((node) => ({ ref: kindRefs.coreV1.nodes, object: testNode(node) })),
    ...running.map(({ on, ...pod }) => ({ ref: kindRefs.coreV1.pods, object: withNode(podOf(pod), on) })),
  ]
}

export const stepOfPod = ({ pod }: Pick<PlacementCase, 'pod'>): PlacementStep => ({ ref: kindRefs.coreV1.pods, object: podOf(pod) })

function withNode(pod: Pod, nodeName: string): Pod {
  return { ...pod, spec: { ...pod.spec!, nodeName } }
}

function podOf({ priority, ...input }: PodInput): Pod {
  const { metadata, spec, ...pod } = testPod(input)
  const { uid: _, ...named } = metadata
  return {
    ...pod,
    metadata: named,
    spec: {
      ...spec!,
      automountServiceAccountToken: false,
      ...(priority === undefined ? {} : { priorityClassName: classNameOf(priority) }),
    },
  }
}

/** Upstream takes priorities from classes only. */
const classNameOf = (value: number) => `priority-${value < 0 ? 'minus-' : ''}${Math.abs(value)}`

const priorityClass = (value: number) => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: classNameOf(value) },
  value,
})
