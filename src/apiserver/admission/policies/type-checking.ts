import { compileBase, type PolicySpec } from '../../../kinds/admissionregistration/compiled-policy.ts'
import { compileExpression } from '../../../kinds/admissionregistration/expressions.ts'
import type { NamedRuleWithOperations, ValidatingAdmissionPolicy } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { type CelType, celTypes } from '../../../machinery/cel/cel-type.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import type { Registry, Resource } from '../../registry.ts'
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
    const { group, version, kind } = resource.kind
    for (const { field, issues } of wrongExpressions(spec, { objectType: typeOf(resource, parts.schemas), paramsType })) {
      const line = `${group}/${version}, Kind=${kind}: ${issues}\n`
      warnings.set(field, [...(warnings.get(field) ?? []), line])
    }
  }
  const expressionWarnings = [...warnings].map(([fieldRef, lines]) => ({ fieldRef, warning: lines.join('\n') }))
  return {
    ...status,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {},
  }
}

type Types = { readonly objectType: CelType; readonly paramsType: CelType }

function wrongExpressions({ validations = [], ...spec }: PolicySpec & NonNullable<ValidatingAdmissionPolicy['spec']>, types: Types) {
  const { environment } = compileBase(spec, types)
  const check = (field: string, text: string | undefined) => {
    const { error } = text ? compileExpression(environment, text) : {}
    return error === undefined ? [] : [{ field, issues: error.replace(/^compilation failed: /, '') }]
  }
  return validations.flatMap(({ expression, messageExpression }, i) => [
    ...check(`spec.validations[${i}].expression`, expression),
    ...check(`spec.validations[${i}].messageExpression`, messageExpression),
  ])
}

const hasStar = (texts: readonly string[]) => texts.some((text) => text.includes('*'))

function namedKinds(rules: readonly NamedRuleWithOperations[], registry: Registry): readonly Resource[] {
  const found = new Set<Resource>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if (hasStar(apiGroups) || hasStar(apiVersions)) continue
    for (const group of apiGroups.toSorted())
      for (const version of apiVersions.toSorted())
        for (const plural of resources.toSorted()) {
          const resource = /[*/]/.test(plural) ? undefined : registry.find(group, version, plural)
          if (resource && found.size < kindsMax) found.add(resource)
        }
  }
  const place = ({ kind }: Resource) => `${kind.group}\0${kind.version}\0${kind.kind}`
  return [...found].sort((a, b) => (place(a) < place(b) ? -1 : 1))
}

function typeOf({ kind }: Resource, schemas: SchemaSet): CelType {
  const node = schemas.lookup(kind.schema)
  return node ? schemaNodeType(node, kind.kind) : celTypes.dyn
}
