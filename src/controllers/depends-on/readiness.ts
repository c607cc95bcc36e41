/** When a dependency counts as ready: as `kubectl rollout status` and `kubectl wait` would say. Pure. */
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type { Job } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import type { DependencyKind } from '../../kinds/keelson/depends-on.ts'
import { isPodReady } from '../../kinds/pod-status.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Readiness } from './plan.ts'

const ready: Readiness = { isReady: true, text: 'is ready' }
const notYet = (text: string): Readiness => ({ isReady: false, text })

/** `object` undefined: there is none of that name. Of a service the slices count. */
export function readinessOf(kind: DependencyKind, object: KubeObject | undefined, slices: readonly EndpointSlice[]): Readiness {
  if (!object) return notYet('is not there')
  switch (kind) {
    case 'service':
      return slices.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready !== false))
        ? ready
        : notYet('has no ready endpoint')
    case 'pod':
      return isPodReady(object as Pod) ? ready : notYet('is not ready')
    case 'job': {
      const { status } = object as Job
      const isTrue = (type: string) => status?.conditions?.some((condition) => condition.type === type && condition.status === 'True')
      if (isTrue('Complete')) return ready
      return notYet(isTrue('Failed') ? 'has failed' : 'is not complete')
    }
    case 'daemonset': {
      const { status } = object as DaemonSet
      return counted(object, status, status?.numberAvailable ?? 0, status?.desiredNumberScheduled ?? 0)
    }
    default: {
      const { spec, status } = object as Deployment | StatefulSet | ReplicaSet
      return counted(object, status, status?.availableReplicas ?? 0, spec?.replicas ?? 1)
    }
  }
}

function counted(
  { metadata }: KubeObject,
  status: { readonly observedGeneration?: number } | undefined,
  available: number,
  wanted: number,
): Readiness {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return notYet('has not been looked at yet')
  if (wanted === 0) return notYet('has no pods')
  return available >= wanted ? ready : notYet(`has ${available} of ${wanted} ready`)
}
