import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { FlowSchema, PolicyRulesWithSubjects, Subject } from '../generated/types/flowcontrol-v1.ts'

const precedenceDefault = 1000
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const precedenceMax = 10_000

export const flowSchemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  validateName: pathSegmentName,
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
      errors.push(fieldErrors.notSupported('spec.distinguisherMethod', method, ['ByNamespace', 'ByUser']))
    if (spec.priorityLevelConfiguration?.name)
      checkRequiredName(errors, 'spec.priorityLevelConfiguration.name', spec.priorityLevelConfiguration.name, dns1123Subdomain)
    else errors.push(fieldErrors.required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
    spec.rules?.forEach((rule, i) => validateRule(errors, rule, `spec.rules[${i}]`))
    return errors
  },
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
  resourceRules.forEach((rule, i) => {
    const at = `${path}.resourceRules[${i}]`
    if (!rule.verbs?.length) errors.push(fieldErrors.required(`${at}.verbs`, 'verbs must contain at least one value'))
    if (!rule.apiGroups?.length) errors.push(fieldErrors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group'))
    if (!rule.resources?.length) errors.push(fieldErrors.required(`${at}.resources`, 'resource rules must supply at least one resource'))
    if (!rule.namespaces?.length && !rule.clusterScope)
      errors.push(fieldErrors.required(`${at}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'))
  })
  nonResourceRules.forEach((rule, i) => {
    const at = `${path}.nonResourceRules[${i}]`
    if (!rule.verbs?.length) errors.push(fieldErrors.required(`${at}.verbs`, 'verbs must contain at least one value'))
    if (!rule.nonResourceURLs?.length)
      errors.push(fieldErrors.required(`${at}.nonResourceURLs`, 'nonResourceURLs must contain at least one value'))
  })
}

const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function validateSubject(errors: Errors, subject: Subject, path: string): void {
  const field = subjectFields[subject.kind as keyof typeof subjectFields]
  if (field === undefined) {
    errors.push(fieldErrors.notSupported(`${path}.kind`, subject.kind ?? '', Object.keys(subjectFields)))
    return
  }
  const named = subject[field]
  if (!named) errors.push(fieldErrors.required(`${path}.${field}`, `${field} is required when subject kind is '${subject.kind}'`))
  else checkRequired(errors, `${path}.${field}.name`, named.name)
  for (const other of Object.values(subjectFields))
    if (other !== field && subject[other])
      errors.push(fieldErrors.forbidden(`${path}.${other}`, `${other} is forbidden when subject kind is not '${kindOf(other)}'`))
}

function kindOf(field: string): string {
  return Object.entries(subjectFields).find(([, f]) => f === field)![0]
}
