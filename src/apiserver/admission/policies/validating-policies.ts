import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { StatusError } from '../../../machinery/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest, Authorizer } from '../../contract.ts'
import { isExempt, isReview, namespaceOf, objectsIn } from '../dynamic/attributes.ts'
import { type PromptAuthorizer, withSettledAnswers } from '../dynamic/settled-answers.ts'
import { refusal } from '../refusal.ts'
import { checkParamKind, type ParamParts, paramsOf } from './params.ts'
import type { MatchParts } from './policy-matcher.ts'
import type { PolicyMeasuring } from './policy-metrics.ts'
import { type BoundPolicy, matchedBindings, type PolicySet } from './policy-set.ts'
import type { Denial, Judgement } from './validate-by-policy.ts'

export type ValidatingPolicies = PolicySet<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>
type Bound = BoundPolicy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>
type Parts = MatchParts & ParamParts & { readonly authorizer: Authorizer; readonly policies: () => ValidatingPolicies } & PolicyMeasuring

const failureKey = 'validation.policy.admission.k8s.io/validation_failure'
const noteBytesMax = 10 * 1024

/** Judges requests by the expressions of ValidatingAdmissionPolicies (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/). */
export function validatingPolicies(parts: Parts): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    treatsAlike: (request) => parts.policies().isEmpty || parts.policies().candidates(request).length === 0,
    handles: (_operation, kind) => !isExempt(kind) && !isReview(kind),
    validate: (request) => {
      const policies = parts.policies()
      if (policies.isEmpty) return
      const candidates = policies.candidates(request)
      if (candidates.length === 0) return
      return judgeAll(parts, request, candidates)
    },
  }
}

async function judgeAll(parts: Parts, request: AdmissionRequest, candidates: readonly Bound[]): Promise<void> {
  const denied: { readonly message: string; readonly reason: string }[] = []
  for (const bound of candidates) {
    const notes = new Map<string, Set<string>>()
    for (const { judgement, binding, name } of await judge(parts, request, bound)) {
      for (const { key, value } of judgement.annotations) notes.set(key, (notes.get(key) ?? new Set()).add(shortened(value)))
      for (const denial of judgement.denials) {
        const actions = binding?.spec?.validationActions ?? ['Deny']
        if (actions.includes('Deny')) denied.push({ message: denialText(bound.name, name, denial.message), reason: denial.reason })
        if (actions.includes('Warn'))
          request.warn(`Validation failed for ValidatingAdmissionPolicy '${bound.name}' with binding '${name}': ${denial.message}`)
        for (const action of actions)
          parts.policyMetrics.validated({ policy: bound.name, binding: name, action: countedActions[action] ?? 'deny', ...denial.check })
        // Of several, upstream keeps the first.
        if (actions.includes('Audit')) request.annotate(failureKey, JSON.stringify([failureOf(bound.name, name, denial, actions)]))
      }
      for (const check of judgement.ignored) parts.policyMetrics.validated({ policy: bound.name, binding: name, action: 'allow', ...check })
      for (const fault of judgement.faults) denied.push({ message: denialText(bound.name, name, fault), reason: '' })
    }
    for (const [key, values] of notes) request.annotate(`${bound.name}/${key}`, [...values].join(', '))
  }
  if (denied.length > 0) throw denialError(request, denied[0]!)
}

const countedActions: Readonly<Record<string, 'deny' | 'warn' | 'audit'>> = { Deny: 'deny', Warn: 'warn', Audit: 'audit' }

const shortened = (note: string) => (Buffer.byteLength(note) > noteBytesMax ? Buffer.from(note).subarray(0, noteBytesMax).toString() : note)

const denialText = (policy: string, binding: string, message: string) =>
  `ValidatingAdmissionPolicy '${policy}'${binding === '' ? '' : ` with binding '${binding}'`} denied request: ${message}`

function failureOf(policy: string, binding: string, { message, index }: Denial, validationActions: readonly string[]): object {
  return { message, policy, binding, expressionIndex: index, validationActions }
}

type Finding = { readonly judgement: Judgement; readonly binding: ValidatingAdmissionPolicyBinding | undefined; readonly name: string }

/** What one policy says, once for each binding and object of parameters. */
async function judge(parts: Parts, request: AdmissionRequest, bound: Bound): Promise<Finding[]> {
  const { policy } = bound
  const isIgnored = policy.spec?.failurePolicy === 'Ignore'
  const misconfigured = (message: string): Judgement => ({
    denials: [],
    annotations: [],
    ignored: [],
    faults: isIgnored ? [] : [message],
  })
  let matched: ReturnType<typeof matchedBindings<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>>
  try {
    matched = matchedBindings(bound, request, parts)
    if (matched) checkParamKind(parts, policy.spec?.paramKind)
  } catch (error) {
    return [{ judgement: misconfigured(`failed to configure policy: ${(error as Error).message}`), binding: undefined, name: '' }]
  }
  if (!matched) return []
  const [{ validateByPolicy }, { bindingsOf }] = await Promise.all([import('./validate-by-policy.ts'), import('../dynamic/bindings.ts')])
  const { resource } = matched
  const objects = await objectsIn(resource, request, parts.registry)
  const judgeBinding = async ({ binding, name }: (typeof matched.bindings)[number]): Promise<Finding[]> => {
    try {
      const { paramKind } = policy.spec ?? {}
      const params = paramsOf(parts, { paramKind, paramRef: binding.spec?.paramRef, namespace: namespaceOf(request) })
      const validate = (authorizer: PromptAuthorizer): Finding[] =>
        params.map((one) => ({
          judgement: validateByPolicy(policy, bindingsOf({ ...parts, authorizer }, request, { resource, objects, params: one }), () =>
            parts.clock.monotonicMs(),
          ),
          binding,
          name,
        }))
      return await withSettledAnswers(parts.authorizer, validate, request)
    } catch (error) {
      request.signal?.throwIfAborted()
      return [{ judgement: misconfigured(`failed to configure binding: ${(error as Error).message}`), binding: undefined, name }]
    }
  }
  return (await Promise.all(matched.bindings.map(judgeBinding))).flat()
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 }

function denialError(request: AdmissionRequest, { message, reason }: { readonly message: string; readonly reason: string }): StatusError {
  const { status } = refusal(request, message)
  const named = reason === '' ? 'Invalid' : reason
  return new StatusError({
    ...status,
    reason: named,
    code: codes[named] ?? 422,
    details: { ...status.details, causes: [{ message }] },
  })
}
