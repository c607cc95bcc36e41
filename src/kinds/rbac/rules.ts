import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { checkOptionalName, checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { PolicyRule, RoleRef, Subject } from '../generated/types/rbac-v1.ts'
import type { Column } from '../kind.ts'

export const rbacGroup = 'rbac.authorization.k8s.io'

/** Rules of a role; only a cluster role may speak of paths. */
export function validateRules(rules: readonly PolicyRule[] | null | undefined, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = []
  rules?.forEach(({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }, i) => {
    const at = `rules[${i}]`
    if (!verbs?.length) errors.push(fieldErrors.required(`${at}.verbs`, 'verbs must contain at least one value'))
    if (nonResourceURLs?.length) {
      if (isNamespaced)
        errors.push(fieldErrors.invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
      if (apiGroups?.length || resources?.length || resourceNames?.length)
        errors.push(
          fieldErrors.invalid(
            `${at}.nonResourceURLs`,
            nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        )
      return
    }
    if (!apiGroups?.length) errors.push(fieldErrors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group'))
    if (!resources?.length) errors.push(fieldErrors.required(`${at}.resources`, 'resource rules must supply at least one resource'))
  })
  return errors
}

type Binding = KubeObject & { roleRef: RoleRef; subjects?: Subject[] }

export function applyBindingDefaults(binding: Binding): void {
  binding.roleRef ??= { apiGroup: rbacGroup, kind: '', name: '' }
  binding.roleRef.apiGroup ||= rbacGroup
  for (const subject of binding.subjects ?? []) {
    if (subject.kind !== 'ServiceAccount') subject.apiGroup ||= rbacGroup
  }
}

/** A binding; `roleKinds` are the kinds that it may refer to. */
export function validateBinding({ roleRef, subjects }: Binding, roleKinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = []
  if (roleRef?.apiGroup !== rbacGroup) errors.push(fieldErrors.notSupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [rbacGroup]))
  if (!roleKinds.includes(roleRef?.kind)) errors.push(fieldErrors.notSupported('roleRef.kind', roleRef?.kind ?? '', roleKinds))
  checkRequiredName(errors, 'roleRef.name', roleRef?.name, pathSegmentName)
  subjects?.forEach((subject, i) => validateSubject(errors, subject, roleKinds.length === 1, `subjects[${i}]`))
  return errors
}

function validateSubject(errors: Errors, subject: Subject, isClusterScoped: boolean, path: string): void {
  checkRequired(errors, `${path}.name`, subject.name)
  const apiGroup = subject.apiGroup ?? ''
  if (subject.kind === 'ServiceAccount') {
    checkOptionalName(errors, `${path}.name`, subject.name, dns1123Subdomain)
    if (apiGroup !== '') errors.push(fieldErrors.notSupported(`${path}.apiGroup`, apiGroup, ['']))
    if (isClusterScoped) checkRequired(errors, `${path}.namespace`, subject.namespace)
  } else if (subject.kind === 'User' || subject.kind === 'Group') {
    if (apiGroup !== rbacGroup) errors.push(fieldErrors.notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]))
  } else {
    errors.push(fieldErrors.notSupported(`${path}.kind`, subject.kind ?? '', ['ServiceAccount', 'User', 'Group']))
  }
}

/** Who is bound may change, what to may not: that would be another binding. */
export function validateBindingUpdate(binding: Binding, old: Binding): FieldError[] {
  if (deepEqual(binding.roleRef, old.roleRef)) return []
  const { apiGroup, kind, name } = binding.roleRef
  return [fieldErrors.invalid('roleRef', { APIGroup: apiGroup, Kind: kind, Name: name }, 'cannot change roleRef')]
}

export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  column.string('Role', ({ roleRef }) => `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`),
  ageColumn,
  column.wide('Users', (binding) => subjectNames(binding, 'User')),
  column.wide('Groups', (binding) => subjectNames(binding, 'Group')),
  column.wide('ServiceAccounts', (binding) => subjectNames(binding, 'ServiceAccount')),
]

function subjectNames({ subjects }: Binding, kind: string): string {
  return (subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ')
}
