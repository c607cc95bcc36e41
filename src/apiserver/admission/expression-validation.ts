import type {
  MutatingAdmissionPolicy,
  ValidatingAdmissionPolicy,
  ValidatingWebhookConfiguration,
} from '../../kinds/generated/types/admissionregistration-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { PlacedExpression } from './policies/expressions-of.ts'

const group = 'admissionregistration.k8s.io'
type Expressions = typeof import('./policies/expressions-of.ts')

const readers: Readonly<Record<string, (all: Expressions, object: KubeObject) => readonly PlacedExpression[]>> = {
  validatingwebhookconfigurations: (all, object) => all.webhookExpressions((object as ValidatingWebhookConfiguration).webhooks ?? []),
  mutatingwebhookconfigurations: (all, object) => all.webhookExpressions((object as ValidatingWebhookConfiguration).webhooks ?? []),
  validatingadmissionpolicies: (all, object) => all.validatingExpressions((object as ValidatingAdmissionPolicy).spec ?? {}),
  mutatingadmissionpolicies: (all, object) => all.mutatingExpressions((object as MutatingAdmissionPolicy).spec ?? {}),
}

/**
 * Refuses webhook configurations and policies whose expressions do not compile. Part of these kinds' validation upstream; here
 * it lies with admission, because the compiler is loaded with the first expression. What was stored already is not refused.
 */
export const expressionValidation: AdmissionPlugin = {
  name: 'ExpressionValidation',
  handles: (operation, kind, subresource) =>
    (operation === 'CREATE' || operation === 'UPDATE') && subresource === '' && kind.group === group && readers[kind.plural] !== undefined,
  validate: ({ object, old, kind, name }) => {
    if (!hasExpressions(object!)) return
    return (async () => {
      const all = await import('./policies/expressions-of.ts')
      const read = readers[kind.plural]!
      const known = new Set((old ? read(all, old) : []).map(({ expression }) => expression.text))
      const errors = read(all, object!).flatMap(({ field, expression }): FieldError[] => {
        const { text, error } = expression
        return error === undefined || known.has(text) ? [] : [fieldErrors.invalid(field, text, error)]
      })
      if (errors.length > 0) throw statusErrors.invalid(kind, name || (object?.metadata.name ?? ''), errors)
    })()
  },
}

/** Policies always have some, webhooks seldom. */
function hasExpressions(object: KubeObject): boolean {
  const { webhooks } = object as ValidatingWebhookConfiguration
  return !webhooks || webhooks.some(({ matchConditions }) => matchConditions?.length)
}
