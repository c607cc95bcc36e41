import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests } from '../../kinds/pod-requests.ts'
import { qosClass } from '../../kinds/qos.ts'
import { cgroupProcessCount, removeCgroup, readCgroupTree, type CgroupTree } from '../../platform/cgroup.ts'
import { makeCgroup } from '../../platform/cgroup-limits.ts'
import { cpuPeriodUs, cpuShares, podCgroupResources, widest } from './container-resources.ts'

export type PodCgroups = {
  /** The pod's cgroup as the engine takes it, absolute from the root of the tree. */
  path(pod: Pod): string
  /** Makes it with the pod's limits; given the pod in several states, with the least that holds each of them. Idempotent. */
  ensure(...pods: readonly [Pod, ...Pod[]]): void
  /** Tasks that run in it. */
  processCount(pod: Pod): number
  /** Removes the cgroups of the uid, whatever its class was. */
  remove(uid: string): void
}

const classDirectories = ['', 'burstable', 'besteffort'] as const

/** Where a pod lives in the tree: Guaranteed pods beside the two classes that share what those leave. Pure. */
export function podCgroupPath(root: string, pod: Pod): string {
  const name = `pod${pod.metadata.uid}`
  switch (qosClass(pod.spec!)) {
    case 'Guaranteed':
      return `${root}/${name}`
    case 'Burstable':
      return `${root}/burstable/${name}`
    case 'BestEffort':
      return `${root}/besteffort/${name}`
  }
}

/**
 * `root`: absolute path in the cgroup tree, e.g. `/kubepods`; several agents on one machine need one each. The burstable class weighs what
 * its pods request together, so that a Guaranteed pod beside it gets its own share whatever runs there.
 */
export function machinePodCgroups(root: string, tree: CgroupTree = readCgroupTree()): PodCgroups {
  const burstable = new Map<string, number>()
  const open = { cpuQuotaUs: undefined, cpuPeriodUs, memoryLimitBytes: undefined }
  const setClasses = () => {
    const milli = [...burstable.values()].reduce((sum, one) => sum + one, 0)
    makeCgroup(`${root}/burstable`, { ...open, cpuShares: cpuShares(milli) }, tree)
    makeCgroup(`${root}/besteffort`, { ...open, cpuShares: cpuShares(0) }, tree)
  }
  let hasClasses = false
  return {
    path: (pod) => podCgroupPath(root, pod),
    ensure: (pod, ...others) => {
      const milli = podRequests(pod).cpu ?? 0
      const isBurstable = qosClass(pod.spec!) === 'Burstable'
      const isChange = isBurstable && burstable.get(pod.metadata.uid ?? '') !== milli
      if (isBurstable) burstable.set(pod.metadata.uid ?? '', milli)
      if (isChange || !hasClasses) setClasses()
      hasClasses = true
      const { cpuShares: shares = 2, cpuQuotaUs, memoryLimitBytes } = [pod, ...others].map(podCgroupResources).reduce(widest)
      makeCgroup(podCgroupPath(root, pod), { cpuShares: shares, cpuQuotaUs, cpuPeriodUs, memoryLimitBytes }, tree)
    },
    processCount: (pod) => cgroupProcessCount(podCgroupPath(root, pod), tree),
    remove: (uid) => {
      for (const directory of classDirectories) removeCgroup([root, directory, `pod${uid}`].filter((p) => p !== '').join('/'), tree)
      if (burstable.delete(uid)) setClasses()
    },
  }
}
