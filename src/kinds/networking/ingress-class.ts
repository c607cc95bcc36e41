import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain, domainPrefixedPath } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkOptionalName, checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { IngressClass } from '../generated/types/networking-v1.ts'

const controllerLengthMax = 250

export const ingressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  applyDefaults: ({ spec }) => {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster'
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    const controller = spec?.controller ?? ''
    if (controller.length > controllerLengthMax) errors.push(fieldErrors.tooLong('spec.controller', controller, controllerLengthMax))
    if (checkRequired(errors, 'spec.controller', controller))
      for (const message of domainPrefixedPath(controller)) errors.push(fieldErrors.invalid('spec.controller', controller, message))
    const parameters = spec?.parameters
    if (!parameters) return errors
    checkOptionalName(errors, 'spec.parameters.apiGroup', parameters.apiGroup, dns1123Subdomain)
    checkRequired(errors, 'spec.parameters.kind', parameters.kind, 'kind is required')
    checkRequired(errors, 'spec.parameters.name', parameters.name, 'name is required')
    if (parameters.scope !== 'Cluster' && parameters.scope !== 'Namespace')
      errors.push(fieldErrors.notSupported('spec.parameters.scope', parameters.scope ?? '', ['Cluster', 'Namespace']))
    if (parameters.scope === 'Namespace' && !parameters.namespace)
      errors.push(fieldErrors.required('spec.parameters.namespace', "`parameters.scope` is set to 'Namespace'"))
    if (parameters.scope === 'Cluster' && parameters.namespace !== undefined)
      errors.push(fieldErrors.forbidden('spec.parameters.namespace', "`parameters.scope` is set to 'Cluster'"))
    return errors
  },
  validateUpdate: ({ spec }, old) => immutableField(spec?.controller, old.spec?.controller, 'spec.controller'),
  columns: [
    nameColumn,
    column.string('Controller', ({ spec }) => spec?.controller ?? ''),
    column.string('Parameters', ({ spec }) => {
      const parameters = spec?.parameters
      if (!parameters) return '<none>'
      return `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name}`
    }),
    ageColumn,
  ],
})
