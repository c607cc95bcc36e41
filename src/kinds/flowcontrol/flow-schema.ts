import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type {
  FlowSchema,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  ServiceAccountSubject,
  Subject,
} from '../generated/types/flowcontrol-v1.ts'
import { conditionTypeErrors } from './condition-types.ts'
import { mandatorySchema } from './mandatory.ts'
import { shownSchemaSpec } from './shown-spec.ts'

const precedenceDefault = 1000
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const precedenceMax = 10_000

export const flowSchemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  validateName: dns1123Subdomain,
  applyDefaults: ({ spec }) => {
    if (spec) spec.matchingPrecedence ||= precedenceDefault
  },
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ metadata, spec }) => {
    const errors: FieldError[] = []
    if (!spec) return [fieldErrors.required('spec.priorityLevelConfiguration.name')]
    const precedence = spec.matchingPrecedence ?? 0
    if (precedence <= 0) errors.push(fieldErrors.invalid('spec.matchingPrecedence', precedence, 'must be a positive value'))
    if (precedence > precedenceMax)
      errors.push(fieldErrors.invalid('spec.matchingPrecedence', precedence, `must not be greater than ${precedenceMax}`))
    if (precedence === 1 && metadata.name !== 'exempt')
      errors.push(
        fieldErrors.invalid('spec.matchingPrecedence', precedence, "only the schema named 'exempt' may have matchingPrecedence 1"),
      )
    const method = spec.distinguisherMethod
    if (method && method.type !== 'ByNamespace' && method.type !== 'ByUser')
      errors.push(fieldErrors.notSupported('spec.distinguisherMethod.type', { Type: method.type ?? '' }, ['ByNamespace', 'ByUser']))
    if (spec.priorityLevelConfiguration?.name)
      checkRequiredName(errors, 'spec.priorityLevelConfiguration.name', spec.priorityLevelConfiguration.name, dns1123Subdomain)
    else errors.push(fieldErrors.required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
    spec.rules?.forEach((rule, i) => validateRule(errors, rule, `spec.rules[${i}]`))
    const fixed = mandatorySchema(metadata.name ?? '')
    if (fixed && !deepEqual(spec, fixed))
      errors.push(fieldErrors.invalid('spec', shownSchemaSpec(spec), `spec of '${metadata.name}' must equal the fixed value`))
    return errors
  },
  validateStatusUpdate: ({ status }) => conditionTypeErrors(status?.conditions),
  // First asked comes first.
  compareRows: (a, b) =>
    (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) || compareText(a.metadata.name ?? '', b.metadata.name ?? ''),
  columns: [
    nameColumn,
    column.string('PriorityLevel', ({ spec }) => spec?.priorityLevelConfiguration?.name ?? ''),
    column.string('MatchingPrecedence', ({ spec }) => spec?.matchingPrecedence ?? 0),
    column.string('DistinguisherMethod', ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    column.string('MissingPL', ({ status }) => status?.conditions?.find((c) => c.type === 'Dangling')?.status ?? '?'),
  ],
})

function validateRule(
  errors: Errors,
  { subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects,
  path: string,
): void {
  if (!subjects?.length) errors.push(fieldErrors.required(`${path}.subjects`, 'subjects must contain at least one value'))
  subjects?.forEach((subject, i) => validateSubject(errors, subject, `${path}.subjects[${i}]`))
  if (resourceRules.length === 0 && nonResourceRules.length === 0)
    errors.push(fieldErrors.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  resourceRules.forEach((rule, i) => validateResourceRule(errors, rule, `${path}.resourceRules[${i}]`))
  nonResourceRules.forEach((rule, i) => {
    const at = `${path}.nonResourceRules[${i}]`
    validateVerbs(errors, rule.verbs, at)
    const urls = rule.nonResourceURLs ?? []
    if (urls.length === 0) errors.push(fieldErrors.required(`${at}.nonResourceURLs`, 'nonResourceURLs must contain at least one value'))
    else if (!checkWildcard(errors, urls, { path: `${at}.nonResourceURLs`, others: 'non-resource URLs' }))
      urls.forEach((url, k) => validateUrl(errors, url, `${at}.nonResourceURLs[${k}]`))
  })
}

function validateResourceRule(errors: Errors, rule: Partial<ResourcePolicyRule>, path: string): void {
  const { verbs, apiGroups = [], resources = [], clusterScope } = rule
  const namespaces = rule.namespaces ?? []
  validateVerbs(errors, verbs, path)
  if (apiGroups.length === 0) errors.push(fieldErrors.required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  checkWildcard(errors, apiGroups, { path: `${path}.apiGroups`, others: 'api groups' })
  if (resources.length === 0) errors.push(fieldErrors.required(`${path}.resources`, 'resource rules must supply at least one resource'))
  checkWildcard(errors, resources, { path: `${path}.resources`, others: 'resources' })
  const at = `${path}.namespaces`
  if (namespaces.length === 0 && !clusterScope)
    errors.push(fieldErrors.required(at, 'resource rules that are not cluster scoped must supply at least one namespace'))
  if (checkWildcard(errors, namespaces, { path: at, others: 'namespaces' })) return
  namespaces.forEach((namespace, i) => {
    for (const message of dns1123Label(namespace))
      errors.push(fieldErrors.invalid(`${at}[${i}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`))
  })
}

const verbsSupported = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

function validateVerbs(errors: Errors, verbs: readonly string[] = [], path: string): void {
  if (verbs.length === 0) errors.push(fieldErrors.required(`${path}.verbs`, 'verbs must contain at least one value'))
  else if (
    !checkWildcard(errors, verbs, { path: `${path}.verbs`, others: 'verbs' }) &&
    !verbs.every((verb) => verbsSupported.includes(verb))
  )
    errors.push(fieldErrors.notSupported(`${path}.verbs`, verbs, verbsSupported))
}

/** Whether the list says `*`, which must then be alone. */
function checkWildcard(errors: Errors, list: readonly string[], { path, others }: { path: string; others: string }): boolean {
  if (!list.includes('*')) return false
  if (list.length > 1) errors.push(fieldErrors.invalid(path, list, `if '*' is present, must not specify other ${others}`))
  return true
}

function validateUrl(errors: Errors, url: string, path: string): void {
  const complain = (detail: string) => errors.push(fieldErrors.invalid(path, url, detail))
  const stars = url.split('*').length - 1
  if (url === '') complain('must not be empty')
  else if (!url.startsWith('/')) complain('must start with slash')
  else if (url.includes(' ')) complain('must not contain white-space')
  else if (url.includes('//')) complain('must not contain double slash')
  else if (stars > 1 || (stars === 1 && !url.endsWith('/*'))) complain('wildcard can only do suffix matching')
}

const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function validateSubject(errors: Errors, subject: Subject, path: string): void {
  const field = Object.hasOwn(subjectFields, subject.kind ?? '') ? subjectFields[subject.kind as keyof typeof subjectFields] : undefined
  if (field === undefined) {
    errors.push(fieldErrors.notSupported(`${path}.kind`, subject.kind ?? '', ['Group', 'ServiceAccount', 'User']))
    return
  }
  const named = subject[field]
  if (!named) errors.push(fieldErrors.required(`${path}.${field}`, `${field} is required when subject kind is '${subject.kind}'`))
  else if (field === 'serviceAccount') validateAccount(errors, subject.serviceAccount!, `${path}.${field}`)
  else checkRequired(errors, `${path}.${field}.name`, named.name)
  for (const other of foreignFields[field])
    if (subject[other])
      errors.push(fieldErrors.forbidden(`${path}.${other}`, `${other} is forbidden when subject kind is not '${kindOf(other)}'`))
}

function validateAccount(errors: Errors, { name, namespace }: ServiceAccountSubject, path: string): void {
  if (name !== '*') checkRequiredName(errors, `${path}.name`, name, dns1123Subdomain)
  if (namespace) checkRequiredName(errors, `${path}.namespace`, namespace, dns1123Label)
  else errors.push(fieldErrors.required(`${path}.namespace`, 'must specify namespace for service account'))
}

/** What a subject of a field may not say besides, in upstream's order. */
const foreignFields = {
  serviceAccount: ['user', 'group'],
  user: ['serviceAccount', 'group'],
  group: ['serviceAccount', 'user'],
} as const

function kindOf(field: string): string {
  return Object.entries(subjectFields).find(([, f]) => f === field)![0]
}
