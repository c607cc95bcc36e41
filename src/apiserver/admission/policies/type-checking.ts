import type { NamedRuleWithOperations, ValidatingAdmissionPolicy } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { type CelType, celTypes } from '../../../machinery/cel/cel-type.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import type { Registry, Resource } from '../../registry.ts'
import { validatingExpressions } from './expressions-of.ts'
import { schemaNodeType } from './schema-node-type.ts'

type Parts = { readonly registry: Registry; readonly schemas: SchemaSet }
type Status = NonNullable<ValidatingAdmissionPolicy['status']>

/** A policy for more kinds than these is checked against the first. */
const kindsMax = 10

/**
 * What is wrong with a policy's validations for the kinds that its rules name, as its status tells it: a field that a kind does not
 * have, a comparison of different types. Rules with a star name no kind (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking).
 */
export function typeCheckedStatus(policy: ValidatingAdmissionPolicy, parts: Parts): Status {
  const { spec = {}, metadata, status } = policy
  const kinds = namedKinds(spec.matchConstraints?.resourceRules ?? [], parts.registry)
  const params = spec.paramKind && parts.registry.findKind(spec.paramKind.apiVersion ?? '', spec.paramKind.kind ?? '')
  const paramsType = params ? typeOf(params, parts.schemas) : celTypes.dyn
  const warnings = new Map<string, string[]>()
  for (const resource of kinds) {
    for (const { field, expression } of validatingExpressions(spec, { objectType: typeOf(resource, parts.schemas), paramsType })) {
      if (!field.startsWith('spec.validations') || expression.error === undefined) continue
      const line = `${resource.apiVersion}, Kind=${resource.kind.kind}: ${expression.error.replace(/^compilation failed: /, '')}\n`
      warnings.set(field, [...(warnings.get(field) ?? []), line])
    }
  }
  const expressionWarnings = [...warnings].map(([fieldRef, lines]) => ({ fieldRef, warning: lines.join('') }))
  return {
    ...status,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {},
  }
}

function namedKinds(rules: readonly NamedRuleWithOperations[], registry: Registry): readonly Resource[] {
  const found = new Set<Resource>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions, ...resources].some((text) => text.includes('*'))) continue
    for (const group of apiGroups)
      for (const version of apiVersions)
        for (const plural of resources) {
          const resource = plural.includes('/') ? undefined : registry.find(group, version, plural)
          if (resource) found.add(resource)
        }
  }
  return [...found].sort((a, b) => (a.apiVersion + a.kind.kind < b.apiVersion + b.kind.kind ? -1 : 1)).slice(0, kindsMax)
}

function typeOf({ kind }: Resource, schemas: SchemaSet): CelType {
  const node = schemas.lookup(kind.schema)
  return node ? schemaNodeType(node, kind.kind) : celTypes.dyn
}
