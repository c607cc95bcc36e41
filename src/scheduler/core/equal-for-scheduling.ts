import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'

/** What plugins read of a node; conditions, heartbeats and addresses are not among it. */
export function equalForScheduling(a: Node, b: Node): boolean {
  return (
    a.spec?.unschedulable === b.spec?.unschedulable &&
    deepEqual(a.status?.allocatable, b.status?.allocatable) &&
    deepEqual(a.metadata.labels, b.metadata.labels) &&
    deepEqual(a.metadata.annotations, b.metadata.annotations) &&
    deepEqual(a.spec?.taints, b.spec?.taints) &&
    deepEqual(a.status?.images, b.status?.images)
  )
}
