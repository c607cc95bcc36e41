import type { AdmissionRequest, Authorizer } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { objectsIn } from '../dynamic/attributes.ts'
import { refusal } from '../refusal.ts'
import { type PromptAuthorizer, withSettledAnswers } from '../dynamic/settled-answers.ts'
import type { CallParts } from './call-webhook.ts'
import type { Hook, Invocation } from './hooks.ts'

type Expressions = {
  readonly conditions: typeof import('../dynamic/conditions.ts')
  readonly bindings: typeof import('../dynamic/bindings.ts')
  readonly compiling: typeof import('../../../kinds/admissionregistration/compiled-policy.ts')
  readonly expressions: typeof import('../../../kinds/admissionregistration/expressions.ts')
}

let loading: Promise<Expressions> | undefined

/** Most servers never see an expression: what runs them is loaded for the first. */
function loadExpressions(): Promise<Expressions> {
  return (loading ??= Promise.all([
    import('../dynamic/conditions.ts'),
    import('../dynamic/bindings.ts'),
    import('../../../kinds/admissionregistration/compiled-policy.ts'),
    import('../../../kinds/admissionregistration/expressions.ts'),
  ]).then(([conditions, bindings, compiling, expressions]) => ({ conditions, bindings, compiling, expressions })))
}

const compiled = new WeakMap<Hook, ReturnType<Expressions['compiling']['compileConditions']>>()

/** Whether the webhook's match conditions hold of the request. Throws 403 where they cannot be evaluated and its policy is to fail. */
export async function matchesConditions(
  parts: CallParts & { readonly reader: ObjectReader; readonly authorizer: Authorizer },
  request: AdmissionRequest,
  { invocation, type }: { readonly invocation: Invocation; readonly type: 'admit' | 'validating' },
): Promise<boolean> {
  const { hook, resource } = invocation
  const { name, matchConditions = [], failurePolicy } = hook.webhook
  if (matchConditions.length === 0) return true
  const { conditions, bindings, compiling, expressions } = await loadExpressions()
  let all = compiled.get(hook)
  if (!all)
    compiled.set(hook, (all = compiling.compileConditions(expressions.expressionEnvironment({ hasAuthorizer: true }), matchConditions)))
  const objects = await objectsIn(resource, request, parts.registry)
  const runnable = all
  const run = (authorizer: PromptAuthorizer) =>
    conditions.runConditions(
      runnable,
      bindings.bindingsOf({ reader: parts.reader, authorizer }, request, { resource, objects }),
      failurePolicy,
    )
  const outcome = await withSettledAnswers(parts.authorizer, run, request)
  if (outcome.error !== undefined) throw refusal(request, outcome.error)
  if (!outcome.matches) parts.metrics.excluded({ name, type, operation: request.operation })
  return outcome.matches
}
