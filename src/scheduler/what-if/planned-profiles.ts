import type { Random } from '../../base/random.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { nodeUsageAnnotation, parseNodeUsage } from '../../kinds/node-usage.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { keyOf } from '../../machinery/object.ts'
import type { SchedulerProfile } from '../config/scheduler-profile.ts'
import { SchedulerCore, type SharedCluster, sharedCluster } from '../core/scheduler-core.ts'
import type { PodPlugin } from '../core/judgement.ts'
import { isAssigned } from '../core/pod-shape.ts'
import { Snapshot } from '../core/snapshot.ts'
import { reportUsage } from '../plugins/load-aware.ts'
import type { ClusterView } from './cluster-view.ts'
import type { PlannedClaims } from './planned-claims.ts'
import { plannedPodPlugins } from './planned-pod-plugins.ts'

/** A profile over the cluster that a plan plays with. */
export type PlannedProfile = { readonly core: SchedulerCore; readonly podPlugins: readonly PodPlugin[]; readonly preempts: boolean }

/** All profiles of a configuration, over one copy of the cluster; as those of a scheduler at work, by the name in `spec.schedulerName`. */
export class PlannedProfiles {
  readonly cluster: SharedCluster
  readonly #byName: ReadonlyMap<string, PlannedProfile>
  readonly #plugins: SchedulerProfile['plugins']

  constructor(input: {
    readonly profiles: readonly SchedulerProfile[]
    readonly view: ClusterView
    readonly claims: PlannedClaims
    readonly random: Random
  }) {
    const { profiles, random } = input
    this.cluster = sharedCluster(new Snapshot())
    const all = plannedPodPlugins({ ...input, snapshot: this.cluster.snapshot })
    this.#plugins = profiles.flatMap((p) => p.plugins)
    this.#byName = new Map(
      profiles.map(({ schedulerName, plugins, disabled, postFilters }) => [
        schedulerName,
        {
          core: new SchedulerCore({ plugins, random, cluster: this.cluster }),
          podPlugins: all.filter((p) => !disabled.has(p.name)),
          preempts: postFilters.has('DefaultPreemption'),
        },
      ]),
    )
  }

  /** Undefined for a pod that none of the profiles places. */
  of(pod: Pod): PlannedProfile | undefined {
    return this.#byName.get(pod.spec?.schedulerName || 'default-scheduler')
  }

  /** The profile whose eyes see a pod that none of them places. */
  get first(): PlannedProfile {
    return this.#byName.values().next().value!
  }

  /** What nodes wrote of their use, to the plugins that ask for it: the last measurement of each, and nothing of those before. */
  measure(leases: readonly Lease[]): void {
    const asking = this.#plugins.filter((p) => p.onNodeUsage)
    for (const { metadata, spec } of leases) {
      const usage = parseNodeUsage(metadata.annotations?.[nodeUsageAnnotation])
      if (!usage) continue
      reportUsage(asking, this.cluster.snapshot, { nodeName: metadata.name ?? '', usage, atMs: Date.parse(spec?.renewTime ?? '') || 0 })
    }
  }
}

/** Whether one of the profiles looks at what nodes write of their use. */
export const looksAtUse = (profiles: readonly SchedulerProfile[]) => profiles.some((p) => p.plugins.some((plugin) => plugin.onNodeUsage))

/** For a pod that none of the profiles places. */
export const nobodysText = (pod: Pod) =>
  `its scheduler ${JSON.stringify(pod.spec?.schedulerName ?? '')} is none of the profiles that are known here`

/** Everything that runs, on its node. */
export function loadAssigned(snapshot: Snapshot, pods: readonly Pod[]): void {
  for (const pod of pods) if (isAssigned(pod) && !isPodTerminal(pod)) snapshot.addPod(keyOf(pod), pod, pod.spec!.nodeName!)
}
