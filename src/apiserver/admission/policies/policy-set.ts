import type { MatchResources, ParamKind, ParamRef } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { Resource } from '../../registry.ts'
import { matchedBy, type MatchParts, mayMatch, type PolicyMatcher, policyMatcher } from './policy-matcher.ts'

export type PolicyObject = KubeObject & {
  readonly spec?: { readonly matchConstraints?: MatchResources; readonly failurePolicy?: 'Fail' | 'Ignore'; readonly paramKind?: ParamKind }
}
export type BindingObject = KubeObject & {
  readonly spec?: { readonly policyName?: string; readonly matchResources?: MatchResources; readonly paramRef?: ParamRef }
}

/** A policy with the bindings that put it into force. */
export type BoundPolicy<P extends PolicyObject, B extends BindingObject> = {
  readonly policy: P
  readonly name: string
  readonly matcher: PolicyMatcher
  readonly bindings: readonly { readonly binding: B; readonly name: string; readonly matcher: PolicyMatcher }[]
}

export type PolicySet<P extends PolicyObject, B extends BindingObject> = {
  readonly isEmpty: boolean
  /** Policies that may be for the request, by name; which of them are is asked when their turn comes, as the object may change meanwhile. */
  candidates(request: AdmissionRequest): readonly BoundPolicy<P, B>[]
}

/** Policies that nothing binds do nothing and are left out. */
export function policySet<P extends PolicyObject, B extends BindingObject>(
  policies: readonly P[],
  bindings: readonly B[],
  parts: MatchParts,
): PolicySet<P, B> {
  const byName = <T extends KubeObject>(objects: readonly T[]) =>
    objects.toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  const bound = byName(policies).flatMap((policy): BoundPolicy<P, B>[] => {
    const name = policy.metadata.name ?? ''
    const own = byName(bindings.filter(({ spec }) => spec?.policyName === name)).map((binding) => ({
      binding,
      name: binding.metadata.name ?? '',
      matcher: policyMatcher(binding.spec?.matchResources),
    }))
    return own.length > 0 ? [{ policy, name, matcher: policyMatcher(policy.spec?.matchConstraints), bindings: own }] : []
  })
  let memo = new Map<string, readonly BoundPolicy<P, B>[]>()
  let served = 0
  return {
    isEmpty: bound.length === 0,
    candidates: (request) => {
      if (served !== parts.registry.generation) {
        memo = new Map()
        served = parts.registry.generation
      }
      const { operation, kind, subresource } = request
      const key = `${operation}/${kind.group}/${kind.version}/${kind.plural}/${subresource}`
      let found = memo.get(key)
      if (!found) memo.set(key, (found = bound.filter(({ matcher }) => mayMatch(matcher, request, parts))))
      return found
    },
  }
}

/** The bindings of a policy that are for the request, and the version in which the policy wants it; undefined: none. */
export function matchedBindings<P extends PolicyObject, B extends BindingObject>(
  bound: BoundPolicy<P, B>,
  request: AdmissionRequest,
  parts: MatchParts,
): { readonly resource: Resource; readonly bindings: BoundPolicy<P, B>['bindings'] } | undefined {
  const resource = matchedBy(bound.matcher, request, parts)
  if (!resource) return undefined
  const bindings = bound.bindings.filter(({ matcher }) => matchedBy(matcher, request, parts))
  return bindings.length > 0 ? { resource, bindings } : undefined
}
