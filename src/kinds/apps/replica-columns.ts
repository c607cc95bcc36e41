import type { KubeObject } from '../../machinery/object.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { containerImages, containerNames } from '../core/pod-template/workload-template.ts'
import type { PodTemplateSpec } from '../generated/types/core-v1.ts'
import type { Column } from '../kind.ts'

type Replicated = KubeObject & {
  spec?: { readonly replicas?: number; readonly template?: PodTemplateSpec }
  status?: { readonly replicas?: number; readonly readyReplicas?: number }
}

/** What ReplicaSets and ReplicationControllers have alike; `selector` is the text of the last column. */
export function replicaColumns<T extends Replicated>(selector: (object: T) => string): readonly Column<T>[] {
  return [
    nameColumn,
    column.integer('Desired', ({ spec }) => spec?.replicas ?? 0),
    column.integer('Current', ({ status }) => status?.replicas ?? 0),
    column.integer('Ready', ({ status }) => status?.readyReplicas ?? 0),
    ageColumn,
    column.wide('Containers', ({ spec }) => containerNames(spec?.template)),
    column.wide('Images', ({ spec }) => containerImages(spec?.template)),
    column.wide('Selector', selector),
  ]
}
