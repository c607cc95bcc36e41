import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests } from '../../kinds/pod-requests.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Judgement, PodPlugin, Refused } from '../core/judgement.ts'
import type { CompiledPlugin } from '../core/plugin.ts'
import { isAssigned } from '../core/pod-shape.ts'
import { defaultNormalise } from '../core/score-formulas.ts'
import { ClaimClasses } from './claim-class.ts'
import { DeviceState } from './device-fit.ts'
import type { DevicePools } from './device-pools.ts'
import { extendedClaimOf, ownerOfExtended } from './extended-resources.ts'
import { podClaims } from './pod-claims.ts'
import { type ExtendedClaim, PodDevices, type PodDevicesOptions } from './pod-devices.ts'

const name = 'DynamicResources'
const ownerIndex = 'extended-resources-of'

export type DynamicResourcesOptions = Omit<PodDevicesOptions, 'classes'> & { readonly pools: DevicePools }

/**
 * Places pods where the devices that they claim are or can be had: a claim that is allocated keeps its pods where its devices can be
 * used; one that is not needs devices that its selectors choose and that nobody else has.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export function dynamicResources(options: DynamicResourcesOptions): PodPlugin {
  const { ledger, pools, snapshot, sources } = options
  const classes = new ClaimClasses({ sources, snapshot, pools, state: new DeviceState(ledger), ledger })
  sources.claims.addIndex(ownerIndex, (claim) => [ownerOfExtended(claim)].filter((uid) => uid !== undefined))
  const madeFor = (pod: Pod) =>
    sources.claims.byIndex(ownerIndex, pod.metadata.uid ?? '').find((claim) => sources.claims.get(keyOf(claim)) === claim)
  const extendedOf = (pod: Pod): ExtendedClaim | undefined => {
    if (classes.byResource.size === 0) return undefined
    const requests = podRequests(pod)
    const resources = Object.keys(requests).filter((resource) => requests[resource]! > 0 && classes.byResource.has(resource))
    if (resources.length === 0) return undefined
    return { claim: madeFor(pod) ?? extendedClaimOf(pod), resources }
  }
  return {
    name,
    idle: 'no new claims to deallocate',
    judge: (pod) => {
      const extended = extendedOf(pod)
      if (!pod.spec?.resourceClaims?.length && !extended) return undefined
      const used = podClaims(pod, (key) => ledger.get(key))
      if ('problem' in used) {
        const { problem, remedy, isInUse } = used
        return { ...refused(problem), ...(remedy === undefined ? {} : { remedy }), ...(isInUse ? {} : { isEarly: true }) }
      }
      // Of a pod that has its place it is told what it was decided by: the claim that was made for it then.
      const made = extended && isAssigned(pod) ? madeFor(pod) : undefined
      const claims = made ? [...used.claims, made] : used.claims
      if (claims.length === 0 && !extended) return undefined
      const pending = claims.find((claim) => ledger.isPending(claim))
      if (pending) return refused(`resource claim ${keyOf(pending)} is in the process of being allocated`)
      const claimClass = classes.classOf(claims.filter((c) => !c.status?.allocation))
      if ('problem' in claimClass) return refused(claimClass.problem)
      return judged(new PodDevices({ ...options, classes }, { pod, claims, claimClass, ...(extended && !made ? { extended } : {}) }))
    },
    close: () => {
      ledger.close()
      pools.close()
      classes.close()
    },
  }
}

const refused = (reason: string): Refused => ({
  kind: 'Refused',
  plugin: name,
  reason,
  relief: { message: 'no new claims to deallocate' },
})

function judged(devices: PodDevices): Judgement {
  const compiled: CompiledPlugin = {
    usageFilter: (row) => devices.fits(row),
    verdict: (row) => devices.verdict(row),
    reject: (row) => devices.rejection(row),
    ...(devices.hasAlternatives
      ? {
          rawScore: (row) => devices.preference(row),
          cellKeys: [(row: number) => devices.preference(row)],
          normalise: (raw, _min, max) => defaultNormalise(raw, max, false),
          explainScore: (row, { raw, max, score }) => `⌊100 × ${raw}/${max}⌋, ${devices.preferenceText(row)} = ${score}`,
        }
      : {}),
  }
  return {
    kind: 'Judged',
    plugin: { name, weight: 2, compiled, isLast: true },
    ...(devices.sharedAs === undefined ? {} : { sharedAs: devices.sharedAs }),
    reserve: (row) => devices.reserve(row),
    relieve: () => devices.relief(),
    failure: () => devices.failure(),
  }
}
