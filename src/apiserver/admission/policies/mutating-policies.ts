import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import { StatusError } from '../../../machinery/status-error.ts'
import type { AdmissionPass, AdmissionPlugin, AdmissionRequest, Authorizer } from '../../contract.ts'
import { convertObject, isExempt, isReview, namespaceOf, objectsIn, ownResource } from '../dynamic/attributes.ts'
import { replaceContent } from '../dynamic/patched-object.ts'
import { type Reinvocation, reinvocationOf } from '../dynamic/reinvocation.ts'
import { type PromptAuthorizer, withSettledAnswers } from '../dynamic/settled-answers.ts'
import { unshareSpec } from '../../objects/share-spec.ts'
import { refusal } from '../refusal.ts'
import { checkParamKind, type ParamParts, paramsOf } from './params.ts'
import type { MatchParts } from './policy-matcher.ts'
import type { Check, PolicyMeasuring } from './policy-metrics.ts'
import { type BoundPolicy, matchedBindings, type PolicySet } from './policy-set.ts'

export type MutatingPolicies = PolicySet<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>
type Bound = BoundPolicy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>
type Parts = MatchParts &
  ParamParts & { readonly authorizer: Authorizer; readonly schemas: SchemaSet; readonly policies: () => MutatingPolicies } & PolicyMeasuring

/**
 * Changes objects by the expressions of MutatingAdmissionPolicies, one after the other. Where one changes the object, those
 * before it with `reinvocationPolicy: IfNeeded` and the built-in plugins see it once more.
 */
export function mutatingPolicies(parts: Parts): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionPolicy',
    treatsAlike: (request) => parts.policies().isEmpty || parts.policies().candidates(request).length === 0,
    handles: (operation, kind) => operation !== 'DELETE' && !isExempt(kind) && !isReview(kind),
    admit: (request, pass) => {
      const policies = parts.policies()
      if (policies.isEmpty || !request.object) return
      const candidates = policies.candidates(request)
      if (candidates.length === 0) return
      return mutateAll(parts, request, { pass, candidates })
    },
  }
}

type Walk = { readonly pass: AdmissionPass; readonly candidates: readonly Bound[] }

/** `isInvalid`: an expression failed; otherwise what the policy is made of is wrong. */
type Failure = { readonly binding: string; readonly message: string; readonly isInvalid?: boolean }

async function mutateAll(parts: Parts, request: AdmissionRequest, { pass, candidates }: Walk): Promise<void> {
  unshareSpec(request.object)
  const reinvocation = reinvocationOf(pass, mutatingPolicies, request.object)
  const denials: Denial[] = []
  let isChanged = false
  for (const bound of candidates) {
    const { failures, hasChanged } = await mutateBy(parts, request, { bound, reinvocation })
    isChanged ||= hasChanged
    if (bound.policy.spec?.failurePolicy === 'Ignore') continue
    for (const { binding, message, isInvalid = false } of failures) {
      const who = binding === '' ? `policy ${JSON.stringify(bound.name)}` : `policy '${bound.name}' with binding '${binding}'`
      denials.push({ message: `${who} denied request: ${message}`, isInvalid })
    }
  }
  if (isChanged) reinvocation.askAllAgain()
  reinvocation.done(request.object)
  if (denials.length > 0) throw denial(request, denials)
}

/** One policy, once for each binding and object of parameters. Gives what went wrong. */
async function mutateBy(
  parts: Parts,
  request: AdmissionRequest,
  { bound, reinvocation }: { readonly bound: Bound; readonly reinvocation: Reinvocation },
): Promise<{ readonly failures: readonly Failure[]; readonly hasChanged: boolean }> {
  const { policy, name } = bound
  const { paramKind, reinvocationPolicy } = policy.spec ?? {}
  let matched: ReturnType<typeof matchedBindings<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>>
  try {
    matched = matchedBindings(bound, request, parts)
    if (matched) checkParamKind(parts, paramKind)
  } catch (error) {
    return { failures: [{ binding: '', message: `failed to configure policy: ${(error as Error).message}` }], hasChanged: false }
  }
  const failures: Failure[] = []
  let hasChanged = false
  for (const { binding, name: bindingName } of matched?.bindings ?? []) {
    let params: ReturnType<typeof paramsOf>
    try {
      params = paramsOf(parts, { paramKind, paramRef: binding.spec?.paramRef, namespace: namespaceOf(request) })
    } catch (error) {
      failures.push({ binding: bindingName, message: `failed to configure binding: ${(error as Error).message}` })
      continue
    }
    for (const [i, one] of params.entries()) {
      const key = `${name}/${bindingName}/${one?.metadata.uid ?? i}`
      if (!reinvocation.isDue(key)) continue
      const { isChanged, errors, checks } = await mutateOnce(parts, request, { policy, resource: matched!.resource, params: one })
      for (const check of checks) parts.policyMetrics.mutated({ policy: name, binding: bindingName, ...check })
      failures.push(...errors.map((message) => ({ binding: bindingName, message, isInvalid: true })))
      hasChanged ||= isChanged
      reinvocation.asked(key, { isChanged, isReinvocable: reinvocationPolicy === 'IfNeeded' })
    }
  }
  return { failures, hasChanged }
}

type Once = {
  readonly policy: MutatingAdmissionPolicy
  readonly resource: NonNullable<ReturnType<typeof ownResource>>
  readonly params: KubeObject | undefined
}

/** Whether the policy changed the object, and what of it failed. */
async function mutateOnce(
  parts: Parts,
  request: AdmissionRequest,
  { policy, resource, params }: Once,
): Promise<{ readonly isChanged: boolean; readonly errors: readonly string[]; readonly checks: readonly Check[] }> {
  const [{ applyMutations }, { bindingsOf }] = await Promise.all([import('./apply-mutations.ts'), import('../dynamic/bindings.ts')])
  const objects = await objectsIn(resource, request, parts.registry)
  const mutate = (authorizer: PromptAuthorizer) =>
    applyMutations(policy, objects.object!, {
      bindings: bindingsOf({ ...parts, authorizer }, request, { resource, objects, params }),
      resource,
      schemas: parts.schemas,
      nowMs: () => parts.clock.monotonicMs(),
    })
  const mutated = await withSettledAnswers(parts.authorizer, mutate, request)
  const { errors, checks } = mutated
  let next = mutated.object
  if (next === objects.object) return { isChanged: false, errors, checks }
  const own = ownResource(request, parts.registry)
  if (own && own !== resource && next.kind === resource.kind.kind) next = await convertObject(resource, own, next, request)
  return { isChanged: replaceContent(request.object!, next), errors, checks }
}

type Denial = { readonly message: string; readonly isInvalid: boolean }

/** The first failure is the answer, and all are its causes. */
function denial(request: AdmissionRequest, denials: readonly Denial[]): StatusError {
  const { message, isInvalid } = denials[0]!
  const { status } = refusal(request, message)
  const causes = denials.map((one) => ({ message: one.message }))
  return new StatusError({
    ...status,
    message,
    ...(isInvalid ? { reason: 'Invalid' } : {}),
    details: { ...status.details, causes },
  })
}
