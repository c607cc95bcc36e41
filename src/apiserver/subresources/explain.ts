import { statusErrors } from '../../machinery/status-error.ts'
import type { VerbHandler } from '../dispatch.ts'
import { getObject } from '../verbs/get.ts'

/** GET `pods/NAME/explain`: the last scheduling decision about a pod, with its numbers. 404 while there is none. */
export function explainHandler(
  explainPod: (namespace: string, name: string) => Promise<object | undefined> | object | undefined,
): Readonly<Record<string, VerbHandler>> {
  return {
    get: async (core, context, { resource, namespace, name }) => {
      await getObject(core, context, { resource, namespace, name })
      const explanation = await explainPod(namespace, name)
      if (!explanation) throw statusErrors.notFound({ group: '', resource: 'pods/explain' }, name)
      return { type: 'plain', code: 200, object: explanation }
    },
  }
}

/** exec, attach and port-forward asked for without an upgrade. */
export const upgradeRequired: VerbHandler = () => {
  throw statusErrors.badRequest('Upgrade request required')
}
