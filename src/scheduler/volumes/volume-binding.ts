import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { findVolumeForClaim, volumeAnnotations, volumeReachableFrom } from '../../kinds/storage/volume-binding.ts'
import { keyOf } from '../../machinery/object.ts'
import { compareQuantity } from '../../machinery/quantity.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import type { Judged, PodPlugin } from '../core/judgement.ts'
import type { Rejection } from '../core/plugin.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { type ClaimStates, claimStates, type UnboundClaim } from './claim-states.ts'
import type { VolumeBinder } from './volume-binder.ts'
import { claimsOf, type VolumeSources } from './volume-sources.ts'

/** What is to be done for a pod's unbound claims on one node. */
export type VolumePlan = {
  readonly bind: readonly { readonly claim: UnboundClaim['claim']; readonly volume: PersistentVolume }[]
  /** Claims whose class makes a volume for them, on that node. */
  readonly provision: readonly UnboundClaim['claim'][]
}

type Known = Extract<ClaimStates, { kind: 'Known' }>
type Problem = { readonly reason: string; readonly detail: string }

const hostnameLabel = 'kubernetes.io/hostname'
const affinityConflict = "node(s) didn't match PersistentVolume's node affinity"
const volumeGone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'
const nothingToBind = "node(s) didn't find available persistent volumes to bind"
const notEnoughStorage = 'node(s) did not have enough free storage'

/**
 * Places pods where their volumes are or can be: bound volumes must be reachable from the node; claims that wait for their first
 * consumer need an available volume that is reachable from there, or a class that can make one.
 * https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
export function volumeBinding(options: {
  readonly snapshot: Snapshot
  readonly sources: VolumeSources
  readonly binder: VolumeBinder
}): PodPlugin {
  const { snapshot, sources, binder } = options
  return {
    name: 'VolumeBinding',
    judge: (pod) => {
      const claims = claimsOf(pod)
      if (claims.length === 0) return undefined
      const states = claimStates(pod, claims, sources)
      if (states.kind === 'Waits') return { ...states, kind: 'Refused', plugin: 'VolumeBinding' }
      if (states.unbound.length === 0) {
        const bound = boundVolumes(states.bound, sources)
        if (bound) return judgeReach(bound, snapshot)
      }
      const problems = (row: number) => problemsOn(snapshot.nodes[row]!, states, { sources, isTaken: binder.isTaken })
      return {
        kind: 'Judged',
        plugin: {
          name: 'VolumeBinding',
          weight: 0,
          compiled: { staticFilter: (row) => problems(row).length === 0, reject: (row) => rejection(problems(row)) },
        },
        ...(states.unbound.length === 0
          ? {}
          : {
              reserve: (row) => {
                const node = snapshot.nodes[row]!
                const plan = planOn(node, states.unbound, { sources, isTaken: binder.isTaken })
                if (!('bind' in plan)) throw new Error(`volumes of ${keyOf(pod)} fit node ${node.metadata.name} no more`)
                return binder.reserve(plan, node.metadata.name!)
              },
            }),
      }
    },
  }
}

type BoundVolume = { readonly claim: string; readonly volume: PersistentVolume }

/** Undefined: one of them does not exist. */
function boundVolumes(claims: readonly PersistentVolumeClaim[], { volumes }: VolumeSources): readonly BoundVolume[] | undefined {
  const bound: BoundVolume[] = []
  for (const { metadata, spec } of claims) {
    const volume = volumes.get(spec!.volumeName!)
    if (!volume) return undefined
    bound.push({ claim: metadata.name!, volume })
  }
  return bound
}

/** Most volumes can be reached from everywhere, and of the others many from the same nodes: pods that differ in nothing else are judged alike. */
function judgeReach(bound: readonly BoundVolume[], snapshot: Snapshot): Judged | undefined {
  const limited = bound.filter(({ volume }) => volume.spec?.nodeAffinity?.required)
  if (limited.length === 0) return undefined
  const terms = limited.flatMap(({ volume }) => volume.spec!.nodeAffinity!.required!.nodeSelectorTerms)
  // Of a volume that only one node reaches no other pod is to be expected.
  const isLocal = terms.some((term) => term.matchFields?.length || term.matchExpressions?.some(({ key }) => key === hostnameLabel))
  const wanted = new Set(limited.map(({ volume }) => JSON.stringify(volume.spec!.nodeAffinity!.required)))
  return {
    kind: 'Judged',
    plugin: {
      name: 'VolumeBinding',
      weight: 0,
      compiled: {
        staticFilter: (row) => limited.every(({ volume }) => volumeReachableFrom(volume, snapshot.nodes[row]!)),
        reject: (row) => rejection(limited.flatMap((one) => unreachable(one, snapshot.nodes[row]!))),
      },
    },
    ...(isLocal ? {} : { sharedAs: `VolumeBinding ${[...wanted].sort().join(' ')}` }),
  }
}

function unreachable({ claim, volume }: BoundVolume, node: Node): readonly Problem[] {
  if (volumeReachableFrom(volume, node)) return []
  return [{ reason: affinityConflict, detail: `volume ${volume.metadata.name} of claim ${claim} cannot be reached from here` }]
}

type Supply = { readonly sources: VolumeSources; readonly isTaken: (volume: string) => boolean }

function problemsOn(node: Node, { bound, unbound }: Known, supply: Supply): readonly Problem[] {
  const problems: Problem[] = []
  for (const claim of bound) {
    const name = claim.spec!.volumeName!
    const volume = supply.sources.volumes.get(name)
    if (!volume)
      problems.push({ reason: volumeGone, detail: `claim ${claim.metadata.name} is bound to volume ${name}, which does not exist` })
    else problems.push(...unreachable({ claim: claim.metadata.name!, volume }, node))
  }
  if (unbound.length === 0) return problems
  const plan = planOn(node, unbound, supply)
  return 'bind' in plan ? problems : [...problems, plan]
}

/** Smaller claims choose first, so that they leave the larger volumes to those that need them. */
function planOn(node: Node, unbound: readonly UnboundClaim[], supply: Supply): VolumePlan | Problem {
  const bind: VolumePlan['bind'][number][] = []
  const provision: UnboundClaim['claim'][] = []
  const chosen = new Set<string>()
  const free = () => supply.sources.volumes.list().filter(({ metadata }) => !chosen.has(metadata.name!) && !supply.isTaken(metadata.name!))
  const inOrder = [...unbound].sort((a, b) => compareQuantity(requestedStorage(a.claim), requestedStorage(b.claim)))
  for (const of of inOrder) {
    const { claim } = of
    const meant = claim.metadata.annotations?.[volumeAnnotations.selectedNode]
    if (meant !== undefined && meant !== node.metadata.name)
      return { reason: nothingToBind, detail: `a volume for claim ${claim.metadata.name} is being made for node ${meant}` }
    const volume = meant === undefined ? findVolumeForClaim(claim, free(), { node }) : undefined
    if (volume) {
      chosen.add(volume.metadata.name!)
      bind.push({ claim, volume })
      continue
    }
    const problem = provisioningProblem(node, of, supply.sources)
    if (problem) return problem
    provision.push(claim)
  }
  return { bind, provision }
}

const requestedStorage = ({ spec }: UnboundClaim['claim']) => String(spec?.resources?.requests?.storage ?? '0')

function provisioningProblem(node: Node, { claim, storageClass }: UnboundClaim, sources: VolumeSources): Problem | undefined {
  const name = claim.metadata.name!
  const className = storageClass.metadata.name!
  if (storageClass.provisioner === 'kubernetes.io/no-provisioner')
    return { reason: nothingToBind, detail: `no available volume of class ${className} serves claim ${name} (${requestedStorage(claim)})` }
  const terms = storageClass.allowedTopologies
  const labels = node.metadata.labels ?? {}
  const isAllowed =
    !terms?.length || terms.some((t) => (t.matchLabelExpressions ?? []).every((e) => e.values.includes(labels[e.key] ?? '')))
  if (!isAllowed) return { reason: nothingToBind, detail: `class ${className} makes no volumes in this node's topology` }
  if (sources.csiDrivers.get(storageClass.provisioner)?.spec.storageCapacity !== true) return undefined
  const wanted = requestedStorage(claim)
  const hasRoom = sources.storageCapacities.list().some((capacity) => {
    if (capacity.storageClassName !== className || !capacity.nodeTopology) return false
    const most = capacity.maximumVolumeSize ?? capacity.capacity
    return most !== undefined && compareQuantity(most, wanted) >= 0 && matches(selectorFrom(capacity.nodeTopology), labels)
  })
  return hasRoom ? undefined : { reason: notEnoughStorage, detail: `no storage of class ${className} has ${wanted} left for this node` }
}

function rejection(problems: readonly Problem[]): Rejection {
  return {
    reasons: [...new Set(problems.map((p) => p.reason))],
    details: problems.map((p) => p.detail),
    isResolvable: false,
  }
}
