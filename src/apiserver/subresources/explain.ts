import { admitConnect } from '../admission/connect.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { containerOf, nodeOf } from './node-target.ts'
import type { UserInfo } from '../contract.ts'
import type { VerbHandler } from '../dispatch.ts'
import { getObject } from '../verbs/get.ts'

export type ExplainRequest = {
  readonly namespace: string
  readonly name: string
  /** Who asks, and another server asks in his name. */
  readonly user: UserInfo
  readonly isForwarded: boolean
  readonly signal: AbortSignal
}

/** The query parameter by which a server says that it forwards: what is forwarded once is not forwarded again. */
export const forwardedParameter = 'forwarded'

/** GET `pods/NAME/explain`: the last scheduling decision about a pod, with its numbers. 404 while there is none. */
export function explainHandler(
  explainPod: (request: ExplainRequest) => Promise<object | undefined> | object | undefined,
): Readonly<Record<string, VerbHandler>> {
  return {
    get: async (core, context, { resource, namespace, name, query }) => {
      await getObject(core, context, { resource, namespace, name })
      const { user, signal } = context
      const explanation = await explainPod({ namespace, name, user, signal, isForwarded: query.get(forwardedParameter) === 'true' })
      if (!explanation) throw statusErrors.notFound({ group: '', resource: 'pods/explain' }, name)
      return { type: 'plain', code: 200, object: explanation }
    },
  }
}

/** exec, attach and port-forward asked for without an upgrade: what else is wrong is said first. */
export const upgradeRequired: VerbHandler = async (core, context, request) => {
  const { resource, namespace, name, subresource, query } = request
  const { group, version, plural } = resource.kind
  await admitConnect(core, context, { ...request, group, version, resource: plural })
  const pod = (await getObject(core, context, { resource, namespace, name })).object as KubeObject & Pod
  if (subresource !== 'portforward') containerOf(pod, query.get('container'))
  nodeOf(pod)
  throw statusErrors.badRequest('Upgrade request required')
}
