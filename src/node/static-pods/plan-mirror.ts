import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import { configHashAnnotation, configMirrorAnnotation } from '../../kinds/static-pod.ts'

export type MirrorView = {
  /** The static pod that has the name; undefined: none any more. */
  readonly pod: Pod | undefined
  /** What the API has of that name on this node. */
  readonly mirror: Pod | undefined
  /** A static pod of the name is still coming to its end. */
  readonly isEnding: boolean
  readonly node: Node | undefined
}

export type MirrorAction = { readonly type: 'create'; readonly mirror: Pod } | { readonly type: 'delete'; readonly mirror: Pod }

/** What makes the API show the static pods of a node as they are. One that somebody deletes comes again. Pure. */
export function planMirror({ pod, mirror, isEnding, node }: MirrorView): MirrorAction | undefined {
  if (mirror) {
    const isRight = pod !== undefined && isMirrorOf(mirror, pod) && mirror.metadata.deletionTimestamp === undefined
    // What is ending is still there to be seen.
    return isRight || (pod === undefined && isEnding) ? undefined : { type: 'delete', mirror }
  }
  const uid = node?.metadata.uid
  if (!pod || uid === undefined) return undefined
  const { uid: _, ...metadata } = pod.metadata
  const annotations = { ...metadata.annotations, [configMirrorAnnotation]: hashOf(pod) }
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node!.metadata.name!, uid, controller: true }]
  return {
    type: 'create',
    mirror: { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, annotations, ownerReferences }, spec: pod.spec! },
  }
}

export function isMirrorOf(mirror: Pod, pod: Pod): boolean {
  return mirror.metadata.annotations?.[configMirrorAnnotation] === hashOf(pod)
}

function hashOf({ metadata }: Pod): string {
  return metadata.annotations?.[configHashAnnotation] ?? ''
}
