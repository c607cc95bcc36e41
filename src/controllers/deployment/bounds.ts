import type { Deployment, ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'

/** How far a rollout may leave the number asked for, in pods. */
export type Bounds = { readonly replicas: number; readonly maxSurge: number; readonly maxUnavailable: number }

/** Percentages of the surge are rounded up, those of what may be missing down; both zero would stand still, so one may be missing. */
export function boundsOf(deployment: Deployment): Bounds {
  const replicas = deployment.spec?.replicas ?? 1
  const { type = 'RollingUpdate', rollingUpdate } = deployment.spec?.strategy ?? {}
  if (type !== 'RollingUpdate') return { replicas, maxSurge: 0, maxUnavailable: 0 }
  const maxSurge = absolute(rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil)
  const maxUnavailable = absolute(rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor)
  const atLeastOne = maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable
  return { replicas, maxSurge, maxUnavailable: Math.min(atLeastOne, replicas) }
}

function absolute(value: number | string, of: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value
  const percent = Number.parseInt(value, 10)
  return Number.isNaN(percent) ? 0 : round((percent * of) / 100)
}

export const specReplicas = (set: ReplicaSet): number => set.spec?.replicas ?? 0

export function sum(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + of(set), 0)
}
