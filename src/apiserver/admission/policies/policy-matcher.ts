import type { MatchResources, NamedRuleWithOperations } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import type { Registry, Resource } from '../../registry.ts'
import { objectName, ownResource } from '../dynamic/attributes.ts'
import { matchedResource } from '../dynamic/match-rules.ts'
import { matchesSelectors, type Selectors, selectorsOf } from '../dynamic/match-selectors.ts'

/** What a policy or a binding is for. */
export type PolicyMatcher = { readonly match: MatchResources; readonly selectors: Selectors }

export type MatchParts = { readonly registry: Registry; readonly reader: ObjectReader }

export function policyMatcher(match: MatchResources = {}): PolicyMatcher {
  return { match, selectors: selectorsOf(match) }
}

/** Whether rules could take in some object of the request's resource: the same for all of them. */
export function mayMatch({ match }: PolicyMatcher, request: AdmissionRequest, { registry }: MatchParts): boolean {
  const { resourceRules = [], matchPolicy } = match
  return resourceRules.length === 0 || matchedResource(resourceRules, request, { registry, isExact: matchPolicy === 'Exact' }) !== undefined
}

/** The version of the resource in which the policy wants the request; undefined: it is not for it. Throws 404 for a namespace that is not there. */
export function matchedBy({ match, selectors }: PolicyMatcher, request: AdmissionRequest, parts: MatchParts): Resource | undefined {
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = match
  const options = { registry: parts.registry, isExact: matchPolicy === 'Exact' }
  const named = (rules: readonly NamedRuleWithOperations[]) => rules.filter((rule) => isNamed(rule, request))
  if (matchedResource(named(excludeResourceRules), request, options)) return undefined
  const resource =
    resourceRules.length === 0 ? ownResource(request, parts.registry) : matchedResource(named(resourceRules), request, options)?.resource
  return resource && matchesSelectors(selectors, request, parts.reader) ? resource : undefined
}

function isNamed({ resourceNames = [] }: NamedRuleWithOperations, request: AdmissionRequest): boolean {
  return resourceNames.length === 0 || resourceNames.includes(objectName(request))
}
