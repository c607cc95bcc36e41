import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/contract.ts'
import { dayOf, lastUsedLabel } from '../controllers/service-account-token/plan.ts'
import type { Secret } from '../kinds/generated/types/core-v1.ts'
import { secrets } from '../kinds/core/secret.ts'

const underWayMax = 1000

/** Notes the day on which a token from a Secret was used last, as a label of the Secret: once a day, and nobody waits for it. */
export function noteLegacyUse(parts: {
  readonly client: () => Client | undefined
  readonly clock: Clock
  readonly log: Log
}): (secret: Secret) => void {
  const underWay = new Set<string>()
  return ({ metadata }) => {
    const { namespace, name = '', uid = '' } = metadata
    const today = dayOf(parts.clock.now())
    const client = parts.client()
    if (!client || metadata.labels?.[lastUsedLabel] === today || underWay.has(uid) || underWay.size >= underWayMax) return
    underWay.add(uid)
    client
      .resource(secrets, namespace)
      .patch(name, { type: 'merge', body: { metadata: { uid, labels: { [lastUsedLabel]: today } } } })
      .catch((error: unknown) => parts.log.warn({ namespace, name, error: String(error) }, 'the use of a token could not be noted'))
      .finally(() => underWay.delete(uid))
  }
}
