import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { isStatus } from '../../machinery/status-error.ts'

const { namespaces, serviceAccounts } = kindRefs.coreV1

/** The account that every pod of a namespace has unless it names another. */
const defaultName = 'default'

/** Keeps a ServiceAccount `default` in every namespace. */
export const serviceAccountController: ControllerDefinition = {
  name: 'service-account',
  watches: [
    watchKind(namespaces),
    // Only the loss of one matters.
    watchKind(serviceAccounts, ({ current, old }) =>
      !current && old?.metadata.name === defaultName ? [old.metadata.namespace ?? ''] : [],
    ),
  ],
  writes: [serviceAccounts],
  reconcile,
}

async function reconcile(context: LoopContext, name: string): Promise<void> {
  const namespace = context.informer(namespaces).get(name)
  if (!namespace || namespace.metadata.deletionTimestamp) return
  if (context.informer(serviceAccounts).get(`${name}/${defaultName}`)) return
  try {
    await context.client
      .resource(serviceAccounts, name)
      .create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: defaultName, namespace: name } })
  } catch (error) {
    // Somebody else made it, or the namespace has begun to end.
    const isSettled = isStatus(error, 'AlreadyExists') || isStatus(error, 'NotFound') || isNamespaceTerminating(error)
    if (!isSettled) throw error
  }
}
