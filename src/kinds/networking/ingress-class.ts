import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { domainPrefixedPathErrors } from '../../machinery/domain-prefixed-path.ts'
import { dns1123Label, dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkGivenName, checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameOrDefaultColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { IngressClass, IngressClassParametersReference } from '../generated/types/networking-v1.ts'

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
  validate: ({ spec }, old) => {
    const errors: FieldError[] = []
    const controller = spec?.controller ?? ''
    if (old) errors.push(...immutableField(controller, old.spec?.controller ?? '', 'spec.controller'))
    if (controller.length > controllerLengthMax) errors.push(fieldErrors.tooLong('spec.controller', controller, controllerLengthMax))
    errors.push(...domainPrefixedPathErrors(controller, 'spec.controller'))
    if (spec?.parameters) validateParameters(errors, spec.parameters)
    return errors
  },
  columns: [
    nameOrDefaultColumn(['ingressclass.kubernetes.io/is-default-class']),
    column.string('Controller', ({ spec }) => spec?.controller ?? ''),
    column.string('Parameters', ({ spec }) => {
      const parameters = spec?.parameters
      if (!parameters) return '<none>'
      return `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name}`
    }),
    ageColumn,
  ],
})

function validateParameters(errors: Errors, { apiGroup, kind, name, scope, namespace }: IngressClassParametersReference): void {
  const path = 'spec.parameters'
  checkGivenName(errors, `${path}.apiGroup`, apiGroup, dns1123Subdomain)
  checkRequiredName(errors, `${path}.kind`, kind, pathSegmentName)
  checkRequiredName(errors, `${path}.name`, name, pathSegmentName)
  if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(fieldErrors.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    else checkGivenName(errors, `${path}.namespace`, namespace, dns1123Label)
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) errors.push(fieldErrors.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  } else errors.push(fieldErrors.notSupported(`${path}.scope`, scope ?? '', ['Cluster', 'Namespace']))
}
