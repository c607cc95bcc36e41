import type { Random } from '../../base/random.ts'
import type { PodPlugin } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { ClaimLedger } from '../devices/claim-ledger.ts'
import { DevicePools } from '../devices/device-pools.ts'
import { dynamicResources } from '../devices/dynamic-resources.ts'
import { nodeVolumeLimits } from '../volumes/node-volume-limits.ts'
import { volumeBinding } from '../volumes/volume-binding.ts'
import { volumeRestrictions } from '../volumes/volume-restrictions.ts'
import { volumeZone } from '../volumes/volume-zone.ts'
import { type ClusterView, fixedInformer } from './cluster-view.ts'
import type { PlannedClaims } from './planned-claims.ts'

/** The plugins that judge one pod at a time, on a cluster that stands still: what they reserve is only remembered. */
export function plannedPodPlugins(input: {
  readonly view: ClusterView
  readonly snapshot: Snapshot
  readonly claims: PlannedClaims
  readonly random: Random
}): readonly PodPlugin[] {
  const { view, snapshot, claims, random } = input
  const sources = {
    claims: fixedInformer(view.claims),
    volumes: fixedInformer(view.volumes),
    storageClasses: fixedInformer(view.storageClasses),
    csiNodes: fixedInformer(view.csiNodes),
    csiDrivers: fixedInformer(view.csiDrivers),
    storageCapacities: fixedInformer(view.storageCapacities),
  }
  const taken = new Set<string>()
  const binder = {
    isTaken: (volume: string) => taken.has(volume),
    reserve: (plan: { readonly bind: readonly { readonly volume: { readonly metadata: { readonly name?: string } } }[] }) => {
      for (const { volume } of plan.bind) taken.add(volume.metadata.name!)
      const release = () => {
        for (const { volume } of plan.bind) taken.delete(volume.metadata.name!)
      }
      return { plugin: 'VolumeBinding', prepare: async () => {}, release }
    },
  }
  const slices = fixedInformer(view.resourceSlices)
  const ledger = new ClaimLedger(claims.informer)
  return [
    volumeRestrictions({ snapshot, sources, pods: fixedInformer(view.pods) }),
    nodeVolumeLimits({ snapshot, sources }),
    volumeBinding({ snapshot, sources, binder }),
    volumeZone({ snapshot, sources }),
    dynamicResources({
      snapshot,
      sources: { claims: claims.informer, classes: fixedInformer(view.deviceClasses), slices },
      ledger,
      pools: new DevicePools(slices),
      binder: claims.binder(ledger),
      now: () => 0,
      shareId: () => random.uuid(),
    }),
  ]
}
