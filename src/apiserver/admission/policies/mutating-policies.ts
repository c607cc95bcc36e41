import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { deepClone } from '../../../machinery/deep-clone.ts'
import { deepEqual } from '../../../machinery/deep-equal.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import { StatusError } from '../../../machinery/status-error.ts'
import type { AdmissionPass, AdmissionPlugin, AdmissionRequest, Authorizer } from '../../contract.ts'
import { convertObject, isExempt, namespaceOf, objectsIn, ownResource } from '../dynamic/attributes.ts'
import { replaceContent } from '../dynamic/patched-object.ts'
import { refusal } from '../refusal.ts'
import { type ParamParts, paramsOf } from './params.ts'
import type { MatchParts } from './policy-matcher.ts'
import { type BoundPolicy, matchedBindings, type PolicySet } from './policy-set.ts'

export type MutatingPolicies = PolicySet<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>
type Bound = BoundPolicy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>
type Parts = MatchParts &
  ParamParts & { readonly authorizer: Authorizer; readonly schemas: SchemaSet; readonly policies: () => MutatingPolicies }

/** What the policies know of the request's first pass when plugins are run again. */
type Memory = { readonly reinvocable: Set<string>; readonly pending: Set<string>; output: KubeObject | undefined }

/**
 * Changes objects by the expressions of MutatingAdmissionPolicies, one after the other. Where one changes the object, those
 * before it with `reinvocationPolicy: IfNeeded` and the built-in plugins see it once more.
 */
export function mutatingPolicies(parts: Parts): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionPolicy',
    handles: (operation, kind) => operation !== 'DELETE' && !isExempt(kind),
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

async function mutateAll(parts: Parts, request: AdmissionRequest, { pass, candidates }: Walk): Promise<void> {
  const memory = memoryOf(pass)
  const requireOthers = () => {
    for (const key of memory.reinvocable) memory.pending.add(key)
  }
  if (pass.isReinvocation && !deepEqual(request.object, memory.output)) requireOthers()
  const failures: { readonly message: string; readonly isIgnored: boolean }[] = []
  for (const bound of candidates) {
    const { policy, name } = bound
    const isIgnored = policy.spec?.failurePolicy === 'Ignore'
    const fail = (binding: string, error: unknown) => {
      const who = binding === '' ? `policy ${JSON.stringify(name)}` : `policy '${name}' with binding '${binding}'`
      failures.push({ message: `${who} denied request: ${(error as Error).message}`, isIgnored })
    }
    let matched: ReturnType<typeof matchedBindings<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>>
    try {
      matched = matchedBindings(bound, request, parts)
    } catch (error) {
      fail('', error)
      continue
    }
    for (const { binding, name: bindingName } of matched?.bindings ?? []) {
      try {
        const { paramKind, reinvocationPolicy } = policy.spec ?? {}
        const params = paramsOf(parts, { paramKind, paramRef: binding.spec?.paramRef, namespace: namespaceOf(request) })
        for (const [i, one] of params.entries()) {
          const key = `${name}/${bindingName}/${one?.metadata.uid ?? i}`
          if (pass.isReinvocation && !memory.pending.delete(key)) continue
          if (await mutateOnce(parts, request, { policy, resource: matched!.resource, params: one })) {
            requireOthers()
            pass.reinvoke()
          }
          if (reinvocationPolicy === 'IfNeeded') memory.reinvocable.add(key)
        }
      } catch (error) {
        fail(bindingName, error)
      }
    }
  }
  if (memory.reinvocable.size > 0) memory.output = deepClone(request.object!)
  const [first] = failures.filter(({ isIgnored }) => !isIgnored)
  if (first)
    throw denial(
      request,
      first.message,
      failures.filter(({ isIgnored }) => !isIgnored).map(({ message }) => message),
    )
}

function memoryOf({ state }: AdmissionPass): Memory {
  const known = state.get(mutatingPolicies) as Memory | undefined
  if (known) return known
  const memory: Memory = { reinvocable: new Set(), pending: new Set(), output: undefined }
  state.set(mutatingPolicies, memory)
  return memory
}

type Once = {
  readonly policy: MutatingAdmissionPolicy
  readonly resource: NonNullable<ReturnType<typeof ownResource>>
  readonly params: KubeObject | undefined
}

/** Whether the policy changed the object. */
async function mutateOnce(parts: Parts, request: AdmissionRequest, { policy, resource, params }: Once): Promise<boolean> {
  const [{ applyMutations }, { bindingsOf }] = await Promise.all([import('./apply-mutations.ts'), import('../dynamic/bindings.ts')])
  const objects = await objectsIn(resource, request, parts.registry)
  const bindings = bindingsOf(parts, request, { resource, objects, params })
  let next = applyMutations(policy, objects.object!, { bindings, resource, schemas: parts.schemas })
  if (next === objects.object) return false
  const own = ownResource(request, parts.registry)
  if (own && own !== resource && next.kind === resource.kind.kind) next = await convertObject(resource, own, next)
  return replaceContent(request.object!, next)
}

function denial(request: AdmissionRequest, message: string, all: readonly string[]): StatusError {
  const { status } = refusal(request, message)
  const causes = all.map((one) => ({ message: one }))
  return new StatusError({ ...status, message, reason: 'Invalid', code: 422, details: { ...status.details, causes } })
}
