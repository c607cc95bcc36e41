import { matchingRestartRule, mayRestartAllContainers } from '../../kinds/restart-rules.ts'
import type { PodAction } from './pod-action.ts'
import type { ContainerRecord } from './pod-records.ts'
import { type ContainerView, isRunning, type PodView } from './pod-view.ts'

/** The end that is told of containers which another one's restart rule took with it. */
export const restartingAll = {
  reason: 'RestartingAllContainers',
  message: 'The container is removed because RestartAllContainers in place',
} as const

/** Whether an end has asked for all containers to run again, and some are still to be cleared away for it. */
export function isRestartingAll({ pod, records }: PodView, views: readonly ContainerView[]): boolean {
  if (!mayRestartAllContainers(pod.spec) || records.terminatingSinceMs !== undefined) return false
  return views.some((view) => view.latest !== undefined && hasAskedForAll(view))
}

/**
 * The pod begins anew in the sandbox that it has: every container but the ephemeral ones is ended without grace and removed, and the init
 * containers run again first. Those that asked for it go last: as long as one is there, what was begun is gone on with, by a new agent,
 * too. Undefined: nobody asks for it. Source: KEP-5532.
 */
export function planRestartAll(view: PodView, views: readonly ContainerView[]): PodAction[] | undefined {
  if (!isRestartingAll(view, views)) return undefined
  const { busy } = view.records
  const clears: PodAction[] = []
  const lasts: PodAction[] = []
  for (const container of views) {
    if (container.role === 'ephemeral') continue
    const { name, history, latest } = container
    if (busy.has(`container/${name}`)) clears.push({ type: 'abort', key: `container/${name}` })
    for (const one of history) {
      const { id: containerId } = one
      if (isRunning(one)) clears.push({ type: 'killContainer', containerId, name, graceSeconds: 0, message: 'killing' })
      else if (one !== latest || one.state !== 'Exited') clears.push({ type: 'removeContainer', containerId, name })
      else if (hasAskedForAll(container)) lasts.push({ type: 'removeContainer', containerId, name, forRestart: 'source' })
      else clears.push({ type: 'removeContainer', containerId, name, forRestart: 'target' })
    }
  }
  return clears.length > 0 ? clears : lasts
}

/** Whether the last end of a container asks for all to run again, be it still there or removed for that already. */
export function hasAskedForAll({ latest, record, role, container }: ContainerView): boolean {
  if (role === 'ephemeral' || record?.isStoppedByRunState) return false
  if (!latest && isCleared({ latest, record })) return false
  const exitCode = latest ? (latest.state === 'Exited' ? (latest.exitCode ?? 137) : undefined) : record?.rememberedEnd?.exitCode
  return exitCode !== undefined && matchingRestartRule(container, exitCode)?.action === 'RestartAllContainers'
}

/** Whether it has been removed so that all run again: its end was not its own. */
export function isCleared({ latest, record }: Pick<ContainerView, 'latest' | 'record'>): boolean {
  return !latest && record?.rememberedEnd?.reason === restartingAll.reason
}

/** A container has been removed so that all run again. */
export function rememberCleared(record: ContainerRecord, containerId: string): void {
  record.clearedContainer = containerId
  record.rememberedEnd = { ...restartingAll, exitCode: 137 }
}
