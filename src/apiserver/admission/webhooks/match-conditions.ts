import type { AdmissionRequest } from '../../contract.ts'
import { refusal } from '../refusal.ts'
import type { CallParts } from './call-webhook.ts'
import type { Invocation } from './hooks.ts'

/** Whether the webhook's match conditions hold of the request. */
export async function matchesConditions(
  _parts: CallParts,
  request: AdmissionRequest,
  { invocation }: { readonly invocation: Invocation; readonly type: 'admit' | 'validating' },
): Promise<boolean> {
  const { matchConditions = [], failurePolicy } = invocation.hook.webhook
  if (matchConditions.length === 0) return true
  if (failurePolicy === 'Ignore') return false
  throw refusal(request, 'match conditions are not evaluated by this server')
}
