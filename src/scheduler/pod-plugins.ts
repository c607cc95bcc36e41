import type { LoopContext } from '../control/contract.ts'
import type { SchedulerInformers } from './cluster-observer.ts'
import type { PodPlugin } from './core/judgement.ts'
import type { Snapshot } from './core/snapshot.ts'
import { ClaimLedger } from './devices/claim-ledger.ts'
import { createDeviceBinder } from './devices/device-binder.ts'
import { DevicePools } from './devices/device-pools.ts'
import { dynamicResources } from './devices/dynamic-resources.ts'
import { nodeVolumeLimits } from './volumes/node-volume-limits.ts'
import { createVolumeBinder } from './volumes/volume-binder.ts'
import { volumeBinding } from './volumes/volume-binding.ts'
import { volumeRestrictions } from './volumes/volume-restrictions.ts'
import { volumeZone } from './volumes/volume-zone.ts'

export type PodPluginParts = { readonly context: LoopContext; readonly snapshot: Snapshot; readonly informers: SchedulerInformers }

/** The plugins that judge one pod at a time, in upstream's order of filters. */
export function podPlugins({ context, snapshot, informers }: PodPluginParts): readonly PodPlugin[] {
  const sources = informers.storage
  const binder = createVolumeBinder(context, sources)
  const ledger = new ClaimLedger(informers.devices.claims)
  return [
    volumeRestrictions({ snapshot, sources, pods: informers.pods }),
    nodeVolumeLimits({ snapshot, sources }),
    volumeBinding({ snapshot, sources, binder }),
    volumeZone({ snapshot, sources }),
    dynamicResources({
      snapshot,
      sources: informers.devices,
      ledger,
      pools: new DevicePools(informers.devices.slices),
      binder: createDeviceBinder(context, ledger),
      now: () => context.clock.now(),
      shareId: () => context.random.uuid(),
    }),
  ]
}
