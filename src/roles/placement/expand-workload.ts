import { kindRefs } from '../../client/generated/kind-refs.ts'
import { podFromTemplate } from '../../control/pod-from-template.ts'
import { daemonPod } from '../../controllers/daemonset/daemon-pod.ts'
import { eligibilityOf } from '../../controllers/daemonset/eligibility.ts'
import { claimsOf, newPod } from '../../controllers/statefulset/identity.ts'
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { CronJob, Job } from '../../kinds/generated/types/batch-v1.ts'
import type { Node, PersistentVolumeClaim, Pod, PodTemplateSpec, ReplicationController } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'

/** The pods that a workload's controller would make, with the claims that come with them. */
export type Expansion = { readonly of: string; readonly pods: readonly Pod[]; readonly claims: readonly PersistentVolumeClaim[] }

/** Undefined for kinds that make no pods. Nodes are those that a DaemonSet would meet. */
export function expandWorkload(object: KubeObject, nodes: readonly Node[]): Expansion | undefined {
  const of = `${object.kind?.toLowerCase()}/${object.metadata.name}`
  const copies = (kind: KindRef, template: PodTemplateSpec | undefined, count: number): Expansion => ({
    of,
    pods: Array.from({ length: count }, (_, i) => podFromTemplate(template ?? {}, kind, object, `${object.metadata.name}-${i}`)),
    claims: [],
  })
  switch (`${object.apiVersion}/${object.kind}`) {
    case 'v1/Pod':
      return { of, pods: [object as Pod], claims: [] }
    case 'apps/v1/Deployment': {
      const { spec } = object as Deployment
      return copies(kindRefs.appsV1.deployments, spec?.template, spec?.replicas ?? 1)
    }
    case 'apps/v1/ReplicaSet': {
      const { spec } = object as ReplicaSet
      return copies(kindRefs.appsV1.replicaSets, spec?.template, spec?.replicas ?? 1)
    }
    case 'v1/ReplicationController': {
      const { spec } = object as ReplicationController
      return copies(kindRefs.coreV1.replicationControllers, spec?.template, spec?.replicas ?? 1)
    }
    case 'apps/v1/StatefulSet':
      return expandStatefulSet(object as StatefulSet, of)
    case 'apps/v1/DaemonSet': {
      const set = object as DaemonSet
      const eligible = nodes.filter((node) => eligibilityOf(set, node).shouldRun)
      const pods = eligible.map((node) => named(daemonPod(set, '', node.metadata.name!), `${set.metadata.name}-${node.metadata.name}`))
      return { of, pods, claims: [] }
    }
    case 'batch/v1/Job':
      return expandJob(object as Job, object, of)
    case 'batch/v1/CronJob': {
      const { spec } = object as CronJob
      return spec?.suspend ? undefined : expandJob({ metadata: object.metadata, ...spec?.jobTemplate } as Job, object, of)
    }
    default:
      return undefined
  }
}

function expandStatefulSet(set: StatefulSet, of: string): Expansion {
  const first = set.spec?.ordinals?.start ?? 0
  const ordinals = Array.from({ length: set.spec?.replicas ?? 1 }, (_, i) => first + i)
  const revision = { name: '', template: set.spec?.template ?? {} }
  return {
    of,
    pods: ordinals.map((ordinal) => newPod(set, revision, ordinal)),
    claims: ordinals.flatMap((ordinal) => [...claimsOf(set, ordinal).values()]),
  }
}

/** The pods that run at once. */
function expandJob({ spec }: Job, owner: KubeObject, of: string): Expansion | undefined {
  if (!spec || spec.suspend) return undefined
  const parallelism = spec.parallelism ?? 1
  const count = Math.min(parallelism, spec.completions ?? parallelism)
  const kind = kindRefs.batchV1.jobs
  const pods = Array.from({ length: count }, (_, i) => podFromTemplate(spec.template, kind, owner, `${owner.metadata.name}-${i}`))
  return { of, pods, claims: [] }
}

function named(pod: Pod, name: string): Pod {
  const { generateName: _, ...metadata } = pod.metadata
  return { ...pod, metadata: { ...metadata, name } }
}
