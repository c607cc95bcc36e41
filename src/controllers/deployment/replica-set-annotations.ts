import { dependsOnAnnotation } from '../../kinds/keelson/depends-on.ts'
import type { Deployment, ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'

type Annotations = Readonly<Record<string, string>>

/** The oldest revisions leave a history that grows longer than this. */
const historyCharactersMax = 2_000

/** What a ReplicaSet does not take over from its Deployment. */
function isOwn(key: string): boolean {
  return (
    key === revisionAnnotation ||
    key === revisionHistoryAnnotation ||
    key === desiredReplicasAnnotation ||
    key === maxReplicasAnnotation ||
    key === 'kubectl.kubernetes.io/last-applied-configuration' ||
    key === 'deprecated.deployment.rollback.to' ||
    // What its pods wait for is theirs; all else of ours is the Deployment's.
    (key.startsWith('keelson.dev/') && key !== dependsOnAnnotation)
  )
}

/** A 64-bit number: a user may start it anywhere. */
export function revisionOf(set: ReplicaSet): bigint {
  return parseRevision(set.metadata.annotations?.[revisionAnnotation]) ?? 0n
}

function parseRevision(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9]{1,19}$/.test(text) ? BigInt(text) : undefined
}

export function replicasAnnotations(desired: number, maximum: number): Annotations {
  return { [desiredReplicasAnnotation]: String(desired), [maxReplicasAnnotation]: String(maximum) }
}

/** The annotations that the newest ReplicaSet should have: the Deployment's, and the revision, which never falls. */
export function newestAnnotations(deployment: Deployment, current: Annotations, revision: bigint): Annotations {
  const result: Record<string, string> = { ...current }
  // Others stay when the Deployment has lost them, as upstream has it; by this one new pods would wait for ever.
  delete result[dependsOnAnnotation]
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!isOwn(key)) result[key] = value
  const old = parseRevision(current[revisionAnnotation])
  if (old === undefined || old < revision) {
    result[revisionAnnotation] = String(revision)
    if (old !== undefined) result[revisionHistoryAnnotation] = appendHistory(current[revisionHistoryAnnotation] ?? '', old)
  }
  return result
}

function appendHistory(history: string, revision: bigint): string {
  const revisions = history === '' ? [] : history.split(',')
  revisions.push(String(revision))
  while (revisions.length > 1 && revisions.join(',').length > historyCharactersMax) revisions.shift()
  return revisions.join(',')
}

export function annotationsEqual(a: Annotations, b: Annotations): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
