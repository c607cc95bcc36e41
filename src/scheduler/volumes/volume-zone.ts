import type { PodPlugin } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { claimsOf, type VolumeSources } from './volume-sources.ts'

const topologyLabels = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
] as const
const conflict = 'node(s) had no available volume zone'

/** Keeps pods in the zones and regions that their bound volumes carry as labels; a label may name several, joined by `__`. */
export function volumeZone({ snapshot, sources }: { readonly snapshot: Snapshot; readonly sources: VolumeSources }): PodPlugin {
  return {
    name: 'VolumeZone',
    judge: (pod) => {
      const claims = claimsOf(pod)
      if (claims.length === 0) return undefined
      const names = claims.flatMap(({ key }) => sources.claims.get(key)?.spec?.volumeName ?? [])
      const missing = names.find((volume) => !sources.volumes.get(volume))
      if (missing !== undefined)
        return {
          kind: 'Refused',
          plugin: 'VolumeZone',
          reason: `persistentvolume ${JSON.stringify(missing)} not found`,
          remedy: `create the PersistentVolume ${missing}`,
        }
      const wanted = claims.flatMap(({ key }) => {
        const volume = sources.volumes.get(sources.claims.get(key)?.spec?.volumeName ?? '')
        return topologyLabels.flatMap((label) => {
          const value = volume?.metadata.labels?.[label]
          return value === undefined ? [] : [{ volume: volume!.metadata.name!, label, values: value.split('__') }]
        })
      })
      if (wanted.length === 0) return undefined
      const missed = (row: number) => {
        const labels = snapshot.nodes[row]!.metadata.labels ?? {}
        // A cluster of one zone labels no node: upstream lets such nodes pass.
        if (!topologyLabels.some((label) => labels[label] !== undefined)) return undefined
        return wanted.find(
          ({ label, values }) => !values.includes(labels[label] ?? labels[label.replace('failure-domain.beta', 'topology')] ?? ''),
        )
      }
      const asked = new Set(wanted.map(({ label, values }) => `${label}=${values.join('__')}`))
      return {
        kind: 'Judged',
        sharedAs: `VolumeZone ${[...asked].sort().join(' ')}`,
        plugin: {
          name: 'VolumeZone',
          weight: 0,
          compiled: {
            staticFilter: (row) => missed(row) === undefined,
            reject: (row) => {
              const { volume, label, values } = missed(row)!
              return { reasons: [conflict], details: [`volume ${volume} is in ${label}=${values.join(' or ')}`], isResolvable: false }
            },
          },
        },
      }
    },
  }
}
