/**
 * Volumes of a StatefulSet grow when its volumeClaimTemplates ask for more (beyond upstream, where these never change): the claims of one
 * replica after the other, in the order of their numbers, each when those before it have what they asked for. Pods are left alone.
 */
import { toTime } from '../../base/clock.ts'
import type { StatefulSet, StatefulSetCondition } from '../../kinds/generated/types/apps-v1.ts'
import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { compareQuantity } from '../../machinery/quantity.ts'
import { claimsOf } from './identity.ts'

export const growthCondition = 'VolumesResized'

export type GrowthPlan = {
  /** Claims of the replica whose turn it is, with what they ask for now. */
  readonly grow: readonly PersistentVolumeClaim[]
  /** How far it is; undefined: no volume was ever asked to grow. */
  readonly condition: StatefulSetCondition | undefined
}

type Replica = {
  readonly ordinal: number
  readonly state: 'has' | 'grows' | 'waits' | 'unbound'
  readonly text: string
  readonly grow: PersistentVolumeClaim[]
}

export function planVolumeGrowth(
  set: StatefulSet,
  claimOf: (name: string) => PersistentVolumeClaim | undefined,
  nowMs: number,
): GrowthPlan {
  const start = set.spec?.ordinals?.start ?? 0
  const replicas = Array.from({ length: set.spec?.replicas ?? 1 }, (_, i) => replicaOf(set, start + i, claimOf))
  const behind = replicas.filter(({ state }) => state !== 'has')
  const stored = set.status?.conditions?.find(({ type }) => type === growthCondition)
  if (behind.length === 0)
    return {
      grow: [],
      condition: stored && condition(stored, 'True', 'VolumesResized', 'every volume has the size that its template asks for', nowMs),
    }
  const turn = behind[0]!
  const message = replicas
    .map(({ ordinal, state, text }) => `${set.metadata.name}-${ordinal}: ${state === 'waits' && ordinal !== turn.ordinal ? 'waits' : text}`)
    .join('; ')
  return { grow: turn.grow, condition: condition(stored, 'False', 'ResizingVolumes', message.slice(0, messageMax), nowMs) }
}

const messageMax = 1_024

function replicaOf(set: StatefulSet, ordinal: number, claimOf: (name: string) => PersistentVolumeClaim | undefined): Replica {
  const grow: PersistentVolumeClaim[] = []
  const parts: string[] = []
  let state: Replica['state'] = 'has'
  for (const wanted of claimsOf(set, ordinal).values()) {
    const claim = claimOf(wanted.metadata.name ?? '')
    const size = wanted.spec?.resources?.requests?.storage ?? '0'
    const asked = claim?.spec?.resources?.requests?.storage ?? '0'
    const granted = claim?.status?.capacity?.storage ?? '0'
    // One that does not exist is made in its new size; one that was made larger stays so.
    if (
      !claim ||
      claim.metadata.deletionTimestamp ||
      (isAtLeast(asked, size) && (isAtLeast(granted, size) || claim.status?.phase !== 'Bound'))
    )
      continue
    if (claim.status?.phase !== 'Bound') {
      state = 'unbound'
      parts.push(`${claim.metadata.name} is not bound yet`)
    } else if (isAtLeast(asked, size)) {
      if (state === 'has') state = 'grows'
      parts.push(`${claim.metadata.name} grows from ${granted} to ${size}`)
    } else {
      state = 'waits'
      parts.push(`${claim.metadata.name} is to grow from ${granted} to ${size}`)
      const { resources, ...spec } = claim.spec ?? {}
      grow.push({ ...claim, spec: { ...spec, resources: { ...resources, requests: { ...resources?.requests, storage: size } } } })
    }
  }
  return { ordinal, state, text: parts.join(', ') || 'done', grow }
}

const isAtLeast = (a: string | number, b: string | number) => compareQuantity(a, b) >= 0

function condition(
  stored: StatefulSetCondition | undefined,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): StatefulSetCondition {
  const lastTransitionTime = stored?.status === status && stored.lastTransitionTime ? stored.lastTransitionTime : toTime(nowMs)
  return { type: growthCondition, status, reason, message, lastTransitionTime }
}
