import type { LoopContext } from '../control/contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { SchedulerInformers } from './cluster-observer.ts'
import type { SchedulerProfile } from './config/scheduler-profile.ts'
import type { PodPlugin } from './core/judgement.ts'
import { SchedulerCore, type SharedCluster } from './core/scheduler-core.ts'
import { podPlugins } from './pod-plugins.ts'

/** A profile at work: its plugins over the cluster that all profiles share. */
export type ProfileRuntime = {
  readonly core: SchedulerCore
  readonly podPlugins: readonly PodPlugin[]
  /** Names of the plugins whose filters it asks, those of `podPlugins` aside. */
  readonly filters: ReadonlySet<string>
  /** Whether a pod that fits nowhere may push out weaker ones. */
  readonly preempts: boolean
  /** Whether it is then looked, too, which claims could be let go of for it. */
  readonly relieves: boolean
}

/** The name of the profile that is to place the pod. */
export const profileOf = ({ spec }: Pod): string => spec?.schedulerName || 'default-scheduler'

export function profileRuntimes(input: {
  readonly profiles: readonly SchedulerProfile[]
  readonly cluster: SharedCluster
  readonly context: LoopContext
  readonly informers: SchedulerInformers
}): { readonly profiles: ReadonlyMap<string, ProfileRuntime>; readonly close: () => void } {
  const { cluster, context, informers } = input
  const all = podPlugins({ context, snapshot: cluster.snapshot, informers })
  const profiles = new Map(
    input.profiles.map(({ schedulerName, plugins, filters, disabled, postFilters }) => [
      schedulerName,
      {
        core: new SchedulerCore({ plugins, random: context.random, cluster }),
        filters,
        podPlugins: all.filter((p) => !disabled.has(p.name)),
        preempts: postFilters.has('DefaultPreemption'),
        relieves: postFilters.has('DynamicResources'),
      },
    ]),
  )
  return { profiles, close: () => all.forEach((plugin) => plugin.close?.()) }
}
