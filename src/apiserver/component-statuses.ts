import { componentStatuses } from '../kinds/core/component-status.ts'
import type { ComponentStatus } from '../kinds/generated/types/core-v1.ts'
import { statusErrors } from '../machinery/status-error.ts'
import type { Store, StoreKey } from '../store/contract.ts'
import type { VerbHandler } from './dispatch.ts'
import type { Answer } from './verb-request.ts'
import { selectorOfNames } from './verbs/selection.ts'

/** A part of the control plane; true is well. */
export type ComponentCheck = { readonly name: string; readonly isHealthy: () => boolean | Promise<boolean> }

/** The store under the name that clients know it by: well when it can be read. */
export function storeCheck(store: Store): ComponentCheck {
  return {
    name: 'etcd-0',
    isHealthy: () =>
      store.get('/health' as StoreKey).then(
        () => true,
        () => false,
      ),
  }
}

/** `componentstatuses`: the parts of the control plane and whether each is well, found out when asked. */
export function componentStatusHandler(checks: readonly ComponentCheck[]): VerbHandler {
  return async (_core, _context, { verb, name, resource, parameters: { labelSelector, fieldSelector } }) => {
    const columns = componentStatuses.columns as Extract<Answer, { type: 'plain' }>['columns']
    if (verb === 'list') {
      const selects = selectorOfNames(resource, labelSelector, fieldSelector)
      const items = await Promise.all(checks.filter((check) => selects(check.name)).map(statusOf))
      const object = { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items }
      return { type: 'plain', code: 200, object, columns }
    }
    const check = checks.find((c) => c.name === name)
    // Upstream's word for it in this one message is the singular.
    if (!check) throw statusErrors.notFound({ group: '', resource: 'componentstatus' }, name)
    return { type: 'plain', code: 200, object: await statusOf(check), columns }
  }
}

async function statusOf({ name, isHealthy }: ComponentCheck): Promise<ComponentStatus> {
  const isWell = await isHealthy()
  const condition = isWell ? { type: 'Healthy', status: 'True', message: 'ok' } : { type: 'Healthy', status: 'False', message: 'not ok' }
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name }, conditions: [condition] }
}
