import type { Condition } from '../../kinds/generated/types/meta-v1.ts'
import type { Framework, FrameworkStatus } from '../../kinds/keelson/framework.ts'
import type { Life } from './lease-ages.ts'
import type { Share } from './plan.ts'
import { resourceList } from './views.ts'

const messages: Readonly<Record<Life['reason'], string>> = {
  LeaseRenewed: 'the framework renews its Lease',
  LeaseExpired: 'the framework has not renewed its Lease in time: its offers went back',
  LeaseMissing: 'no Lease of the name of the framework is held: it gets no offers',
}

/** What the status should be; equal to the present one where nothing changed. Pure. */
export function frameworkStatus(input: {
  readonly framework: Framework
  readonly share: Share
  readonly life: Life
  /** RFC 3339. */
  readonly now: string
}): FrameworkStatus {
  const { framework, share, life, now } = input
  const { metadata, status: old } = framework
  const before = old?.conditions?.find((c) => c.type === 'Active')
  const status = life.isActive ? 'True' : 'False'
  const condition: Condition = {
    type: 'Active',
    status,
    reason: life.reason,
    message: messages[life.reason],
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
  }
  return {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    conditions: [...(old?.conditions ?? []).filter((c) => c.type !== 'Active'), condition],
    dominantShare: share.dominantShare.toFixed(3),
    ...(share.dominantResource === undefined ? {} : { dominantResource: share.dominantResource }),
    allocated: resourceList(share.allocated),
    offered: resourceList(share.offered),
    offers: share.offers,
    ...(life.expiredRenewTime === undefined ? {} : { expiredRenewTime: life.expiredRenewTime }),
  }
}
