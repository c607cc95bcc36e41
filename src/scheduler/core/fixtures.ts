import type { Node, Pod, PodSpec, Taint } from '../../kinds/generated/types/core-v1.ts'

/** Small builders of nodes and pods for tests and benchmarks of the scheduler. */
export type NodeInput = {
  readonly name: string
  readonly cpu?: string
  readonly memory?: string
  readonly pods?: string
  readonly resources?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly unschedulable?: boolean
  readonly images?: readonly { readonly name: string; readonly sizeBytes: number }[]
}

export function testNode(input: NodeInput): Node {
  const { name, cpu = '4', memory = '16Gi', pods = '110', resources, labels, taints, unschedulable, images } = input
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...(taints ? { taints: [...taints] } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: {
      allocatable: { cpu, memory, pods, 'ephemeral-storage': '100Gi', ...resources },
      ...(images ? { images: images.map((i) => ({ names: [i.name], sizeBytes: i.sizeBytes })) } : {}),
    },
  }
}

export type PodInput = {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly requests?: Readonly<Record<string, string>>
  readonly priority?: number
  readonly hostPort?: number
  readonly image?: string
  readonly startTime?: string
  readonly terminating?: boolean
  readonly uid?: string
  /** uid of the controlling ReplicaSet. */
  readonly owner?: string
  readonly spec?: Partial<PodSpec>
}

export function testPod(input: PodInput): Pod {
  const {
    name,
    namespace = 'default',
    labels = {},
    requests,
    priority,
    hostPort,
    image = 'app',
    startTime,
    terminating,
    uid,
    owner,
    spec,
  } = input
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: uid ?? `uid-${namespace}-${name}`,
      labels: { ...labels },
      ...(owner ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] } : {}),
      ...(terminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      schedulerName: 'default-scheduler',
      ...(priority === undefined ? {} : { priority }),
      containers: [
        {
          name: 'main',
          image,
          ...(requests ? { resources: { requests: { ...requests } } } : {}),
          ...(hostPort ? { ports: [{ containerPort: hostPort, hostPort, protocol: 'TCP' as const }] } : {}),
        },
      ],
      ...spec,
    },
    ...(startTime ? { status: { startTime } } : {}),
  }
}
