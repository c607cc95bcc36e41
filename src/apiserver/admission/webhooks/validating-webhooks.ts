import type { AdmissionPlugin, AdmissionRequest, Authorizer } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { isExempt } from '../dynamic/attributes.ts'
import { type CallParts, callWebhook } from './call-webhook.ts'
import type { HookSet, Invocation } from './hooks.ts'
import { matchesConditions } from './match-conditions.ts'

type Parts = CallParts & { readonly reader: ObjectReader; readonly authorizer: Authorizer; readonly hooks: () => HookSet }

/** Asks every webhook that wants to judge the final object, all at once. The first refusal in their order is the answer. */
export function validatingWebhooks(parts: Parts): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    treatsAlike: (request) => parts.hooks().isEmpty || parts.hooks().invocations(request).length === 0,
    handles: (_operation, kind) => !isExempt(kind),
    validate: (request) => {
      const hooks = parts.hooks()
      if (hooks.isEmpty) return
      const invocations = hooks.invocations(request)
      if (invocations.length === 0) return
      return askAll(parts, request, invocations)
    },
  }
}

/** A condition that cannot be told refuses before anybody is asked. */
async function askAll(parts: Parts, request: AdmissionRequest, invocations: readonly Invocation[]): Promise<void> {
  const asked: Invocation[] = []
  for (const invocation of invocations)
    if (await matchesConditions(parts, request, { invocation, type: 'validating' })) asked.push(invocation)
  const calls = asked.map(async (invocation, i) => {
    const isAnswered = await callWebhook(parts, request, { invocation, type: 'validating', use: () => true })
    if (!isAnswered) request.annotate(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${i}`, invocation.hook.webhook.name)
  })
  const refused = (await Promise.allSettled(calls)).find((result) => result.status === 'rejected')
  if (refused) throw refused.reason
}
