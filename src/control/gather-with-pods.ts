import { kindRefs } from '../client/generated/kind-refs.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { LoopContext } from './contract.ts'
import { controlledBy } from './ownership.ts'

const gatherMs = 20
const gatherMsPerPod = 0.1

/** A look at a workload goes over all of its pods: the more there are, the more changes of theirs are looked at together. */
export function gatherWithPods<T extends KubeObject>(kind: KindRef<T>): (context: LoopContext, key: string) => number {
  return (context, key) =>
    gatherMs + gatherMsPerPod * controlledBy(context.informer(kindRefs.coreV1.pods), context.informer(kind).get(key)?.metadata.uid).length
}
