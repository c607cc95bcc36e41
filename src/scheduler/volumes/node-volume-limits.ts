import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { CSINode } from '../../kinds/generated/types/storage-v1.ts'
import type { PodPlugin } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { claimsOf, type VolumeSources } from './volume-sources.ts'

const limitedDriverIndex = 'limited-driver'
const tooMany = 'node(s) exceed max volume count'

/** Keeps the number of CSI volumes on a node within what its driver says that the node can attach (CSINode's allocatable count). */
export function nodeVolumeLimits({ snapshot, sources }: { readonly snapshot: Snapshot; readonly sources: VolumeSources }): PodPlugin {
  sources.csiNodes.addIndex(limitedDriverIndex, ({ spec }) => limitedDrivers(spec).map(({ name }) => name))
  return {
    name: 'NodeVolumeLimits',
    judge: (pod) => {
      const all = csiVolumesOf(pod, sources)
      if (all.length === 0) return undefined
      const own = all.filter(({ driver }) => sources.csiNodes.byIndex(limitedDriverIndex, driver).length > 0)
      if (own.length === 0) return undefined
      const excess = (row: number) => {
        const drivers = limitedDrivers(sources.csiNodes.get(snapshot.nodeName(row))?.spec)
        if (!drivers.some(({ name }) => own.some(({ driver }) => driver === name))) return undefined
        const there = new Map<string, Set<string>>()
        for (const entry of snapshot.podsOf(row)) collect(there, csiVolumesOf(entry.pod, sources))
        for (const { name, allocatable } of drivers) {
          const attached = there.get(name) ?? new Set<string>()
          const added = new Set(own.filter((v) => v.driver === name && !attached.has(v.id)).map((v) => v.id)).size
          if (added > 0 && attached.size + added > allocatable.count)
            return { name, attached: attached.size, added, count: allocatable.count }
        }
        return undefined
      }
      return {
        kind: 'Judged',
        plugin: {
          name: 'NodeVolumeLimits',
          weight: 0,
          compiled: {
            usageFilter: (row) => excess(row) === undefined,
            reject: (row) => {
              const { name, attached, added, count } = excess(row)!
              return { reasons: [tooMany], details: [`driver ${name}: ${attached} attached + ${added} new > ${count}`], isResolvable: true }
            },
          },
        },
      }
    },
  }
}

type Driver = NonNullable<CSINode['spec']['drivers']>[number]
type LimitedDriver = Driver & { readonly allocatable: { readonly count: number } }

const isLimited = (driver: Driver): driver is LimitedDriver => driver.allocatable?.count !== undefined
const limitedDrivers = (spec: CSINode['spec'] | undefined) => spec?.drivers?.filter(isLimited) ?? []

type CsiVolume = { readonly driver: string; readonly id: string }

/** Of claims without a volume yet, the driver is the class's provisioner and the claim itself stands for the volume. */
function csiVolumesOf(pod: Pod, sources: VolumeSources): readonly CsiVolume[] {
  const claims = claimsOf(pod)
  // Of most pods there is nothing to gather.
  if (claims.length === 0) return noVolumes
  return claims.flatMap(({ key }): CsiVolume[] => {
    const claim = sources.claims.get(key)
    const csi = sources.volumes.get(claim?.spec?.volumeName ?? '')?.spec?.csi
    if (csi) return [{ driver: csi.driver, id: csi.volumeHandle }]
    const provisioner = claim?.spec?.volumeName ? undefined : sources.storageClasses.get(claim?.spec?.storageClassName ?? '')?.provisioner
    return provisioner === undefined ? [] : [{ driver: provisioner, id: key }]
  })
}

const noVolumes: readonly CsiVolume[] = []

function collect(into: Map<string, Set<string>>, volumes: readonly CsiVolume[]): void {
  for (const { driver, id } of volumes) {
    let ids = into.get(driver)
    if (!ids) into.set(driver, (ids = new Set()))
    ids.add(id)
  }
}
