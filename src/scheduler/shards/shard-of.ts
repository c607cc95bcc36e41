import type { Pod } from '../../kinds/generated/types/core-v1.ts'

/**
 * Which of several schedulers a pod is for. Every scheduler computes it alone from the pod and the members' names; when a member comes or
 * goes only the pods move that it gets or had (rendezvous hashing, Thaler and Ravishankar 1998). Pure.
 */

/**
 * Pods with one key are for one scheduler: a group as a whole, since its pods are placed at once, and all pods of a namespace whose place
 * depends on other pods (required inter-pod terms, hard spread), since two schedulers that decide at the same moment could break their
 * rules; and all pods of the cluster that claim devices, which only their scheduler knows to be promised. All others go each by itself.
 */
export function shardKeyOf({ metadata, spec }: Pod): string {
  const group = spec?.schedulingGroup?.podGroupName
  if (group) return `group/${metadata.namespace}/${group}`
  if ((spec?.resourceClaims?.length ?? 0) > 0) return 'devices'
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {}
  const dependsOnPods =
    (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0 ||
    (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0 ||
    (spec?.topologySpreadConstraints?.some((c) => c.whenUnsatisfiable === 'DoNotSchedule') ?? false)
  return dependsOnPods ? `namespace/${metadata.namespace}` : (metadata.uid ?? `${metadata.namespace}/${metadata.name}`)
}

/** The member with the highest hash of (member, key); undefined when there is none. Ties, which are rare, go to the first name. */
export function ownerOf(key: string, members: readonly string[]): string | undefined {
  const keyHash = hashOf(key)
  let best: string | undefined
  let bestHash = -1
  for (const member of members) {
    const hash = mix(keyHash ^ mix(hashOf(member)))
    if (hash > bestHash || (hash === bestHash && member < best!)) [best, bestHash] = [member, hash]
  }
  return best
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The finaliser of MurmurHash3: every bit of the input moves half of the output's. */
function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
