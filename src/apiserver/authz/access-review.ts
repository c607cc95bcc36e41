/** Questions of authorization as SubjectAccessReviews, the form in which others are asked (https://kubernetes.io/docs/reference/access-authn-authz/webhook/). */
import type { ResourceAttributes, SubjectAccessReviewSpec } from '../../kinds/generated/types/authorization-v1.ts'
import type { FieldTerm } from '../../machinery/field-selector.ts'
import type { Requirement } from '../../machinery/label-selector.ts'
import type { Attributes } from '../contract.ts'

export type ReviewVersion = 'v1' | 'v1beta1'

export function reviewSpec(attributes: Attributes): SubjectAccessReviewSpec {
  const { name, uid, groups, extra } = attributes.user
  const who = { user: name, groups: [...groups], ...(uid ? { uid } : {}), ...(extra ? { extra: plain(extra) } : {}) }
  if (attributes.type === 'path') return { nonResourceAttributes: { path: attributes.path, verb: attributes.verb }, ...who }
  return { resourceAttributes: resourceAttributes(attributes), ...who }
}

/** v1beta1 calls the groups `group`. */
export function reviewDocument(spec: SubjectAccessReviewSpec, version: ReviewVersion): object {
  const { groups, ...rest } = spec
  return {
    kind: 'SubjectAccessReview',
    apiVersion: `authorization.k8s.io/${version}`,
    metadata: {},
    spec: version === 'v1' ? spec : { ...rest, group: groups },
    status: { allowed: false },
  }
}

const plain = (extra: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))

function resourceAttributes(a: Extract<Attributes, { type: 'resource' }>): ResourceAttributes {
  const fields = a.fieldSelector?.map(fieldRequirement) ?? []
  const labels = a.labelSelector?.flatMap(labelRequirement) ?? []
  const all = { namespace: a.namespace, verb: a.verb, group: a.group, version: a.version, resource: a.resource, subresource: a.subresource }
  const set = Object.fromEntries(Object.entries({ ...all, name: a.name }).filter(([, value]) => value !== ''))
  return {
    ...set,
    ...(fields.length > 0 ? { fieldSelector: { requirements: fields } } : {}),
    ...(labels.length > 0 ? { labelSelector: { requirements: labels } } : {}),
  }
}

const fieldRequirement = ({ field, op, value }: FieldTerm) => ({ key: field, operator: op === '=' ? 'In' : 'NotIn', values: [value] })

const operators: Readonly<Partial<Record<Requirement['operator'], string>>> = {
  in: 'In',
  '=': 'In',
  '==': 'In',
  notin: 'NotIn',
  '!=': 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
}

/** What no review can say is left out: the question is then wider, never narrower. */
function labelRequirement({ key, operator, values }: Requirement) {
  const said = operators[operator]
  return said ? [{ key, operator: said, ...(values.length > 0 ? { values: [...values] } : {}) }] : []
}
