import type { AdmissionPlugin, Authorizer } from '../../contract.ts'
import type { ObjectReader } from '../../object-reader.ts'
import { isExempt } from '../dynamic/attributes.ts'
import { type CallParts, callWebhook } from './call-webhook.ts'
import type { HookSet } from './hooks.ts'
import { matchesConditions } from './match-conditions.ts'

/** Asks every webhook that wants to judge the final object, all at once. The first refusal in their order is the answer. */
export function validatingWebhooks(
  parts: CallParts & { readonly reader: ObjectReader; readonly authorizer: Authorizer; readonly hooks: () => HookSet },
): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    treatsAlike: (request) => parts.hooks().isEmpty || parts.hooks().invocations(request).length === 0,
    handles: (_operation, kind) => !isExempt(kind),
    validate: (request) => {
      const hooks = parts.hooks()
      if (hooks.isEmpty) return
      const invocations = hooks.invocations(request)
      if (invocations.length === 0) return
      return (async () => {
        const calls = invocations.map(async (invocation) => {
          if (!(await matchesConditions(parts, request, { invocation, type: 'validating' }))) return
          await callWebhook(parts, request, { invocation, type: 'validating', use: () => {} })
        })
        const refused = (await Promise.allSettled(calls)).find((result) => result.status === 'rejected')
        if (refused) throw refused.reason
      })()
    },
  }
}
