import { compileBase } from '../../../kinds/admissionregistration/compiled-policy.ts'
import { compileExpression } from '../../../kinds/admissionregistration/expressions.ts'
import type { NamedRuleWithOperations, ValidatingAdmissionPolicy } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { type CelType, celTypes } from '../../../machinery/cel/cel-type.ts'
import { schemaType } from '../../../machinery/cel/schema-type.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import type { JsonSchema } from '../../../machinery/structural/json-schema.ts'
import type { Registry, Resource } from '../../registry.ts'
import { objectMeta } from '../../custom/published-schema.ts'
import { schemaNodeType } from './schema-node-type.ts'

export type TypeCheckParts = {
  readonly registry: Registry
  readonly schemas: SchemaSet
  /** Of custom kinds, by the name of their schema. */
  readonly customSchema: (name: string) => JsonSchema | undefined
}
type Warnings = NonNullable<NonNullable<NonNullable<ValidatingAdmissionPolicy['status']>['typeChecking']>['expressionWarnings']>

/** Once the rules so far name that many kinds, no further ones are looked at. */
const kindsMax = 10

/**
 * What is wrong with a policy's validations for the kinds that its rules name, as its status tells it: a field that a kind does not
 * have, a comparison of different types. Rules with a star name no kind (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking).
 */
export function typeWarnings({ spec = {} }: ValidatingAdmissionPolicy, parts: TypeCheckParts): Warnings {
  const kinds = namedKinds(spec.matchConstraints?.resourceRules ?? [], parts.registry)
  const params = spec.paramKind && parts.registry.findKind(spec.paramKind.apiVersion ?? '', spec.paramKind.kind ?? '')
  const paramsType = params ? typeOf(params, parts) : celTypes.dyn
  const checks = kinds.map((resource) => {
    const { group, version, kind } = resource.kind
    const { environment } = compileBase(spec, { objectType: typeOf(resource, parts), paramsType })
    return { environment, title: `${group}/${version}, Kind=${kind}` }
  })
  const check = (fieldRef: string, text: string | undefined) => {
    const lines = checks.flatMap(({ environment, title }) => {
      const { error } = text ? compileExpression(environment, text) : {}
      return error === undefined ? [] : [`${title}: ${error.replace(/^compilation failed: /, '')}\n`]
    })
    return lines.length > 0 ? [{ fieldRef, warning: lines.join('\n') }] : []
  }
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, i) => [
    ...check(`spec.validations[${i}].expression`, expression),
    ...check(`spec.validations[${i}].messageExpression`, messageExpression),
  ])
}

const hasStar = (texts: readonly string[]) => texts.some((text) => text.includes('*'))

function namedKinds(rules: readonly NamedRuleWithOperations[], registry: Registry): readonly Resource[] {
  const found = new Set<Resource>()
  for (const rule of rules) {
    let count = 0
    for (const resource of resourcesOf(rule, registry)) {
      found.add(resource)
      if (++count === kindsMax) return inOrder(found)
    }
  }
  return inOrder(found)
}

function resourcesOf({ apiGroups = [], apiVersions = [], resources = [] }: NamedRuleWithOperations, registry: Registry): Resource[] {
  if (hasStar(apiGroups) || hasStar(apiVersions)) return []
  const names = resources.filter((name) => !/[*/]/.test(name)).toSorted()
  return apiGroups
    .toSorted()
    .flatMap((group) => apiVersions.toSorted().flatMap((version) => names.flatMap((name) => matching(registry, { group, version, name }))))
}

/** An empty group stands for every group, as upstream's mapper takes it; a singular names a resource, too. */
function matching(registry: Registry, { group, version, name }: { group: string; version: string; name: string }): Resource[] {
  const wanted = name.toLowerCase()
  return registry
    .all()
    .filter(
      ({ kind }) => kind.version === version && (group === '' || kind.group === group) && [kind.plural, kind.singular].includes(wanted),
    )
}

function inOrder(resources: ReadonlySet<Resource>): readonly Resource[] {
  const place = ({ kind }: Resource) => `${kind.group}\0${kind.version}\0${kind.kind}`
  return [...resources].sort((a, b) => (place(a) < place(b) ? -1 : 1))
}

function typeOf({ kind, isCustom }: Resource, { schemas, customSchema }: TypeCheckParts): CelType {
  if (isCustom) {
    const meta = schemas.lookup(objectMeta)
    const metadata = (name: string) => meta && schemaNodeType(meta, name)
    return schemaType(customSchema(kind.schema) ?? {}, { isResource: true, name: kind.kind, metadata }) ?? celTypes.dyn
  }
  const node = schemas.lookup(kind.schema)
  return (node && schemaNodeType(node, kind.kind)) ?? celTypes.dyn
}
