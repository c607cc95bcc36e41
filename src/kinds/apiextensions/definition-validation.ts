import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1035Label, dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { validateClientConfig } from '../admissionregistration/webhooks.ts'
import { checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import { validateJsonPath, validateSchemas } from './schema-validation.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../generated/types/apiextensions-v1.ts'

const columnTypes = ['integer', 'number', 'string', 'boolean', 'date']

/** A definition as a whole: names, versions, schemas, conversion. */
export function validateDefinition({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = []
  if (!spec) return [fieldErrors.required('spec.group'), fieldErrors.required('spec.versions')]
  const expected = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`
  if (metadata.name !== expected)
    errors.push(fieldErrors.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  if (checkRequired(errors, 'spec.group', spec.group)) {
    for (const message of dns1123Subdomain(spec.group)) errors.push(fieldErrors.invalid('spec.group', spec.group, message))
    if (!spec.group.includes('.')) errors.push(fieldErrors.invalid('spec.group', spec.group, 'should be a domain with at least one dot'))
  }
  if (checkRequired(errors, 'spec.scope', spec.scope) && spec.scope !== 'Cluster' && spec.scope !== 'Namespaced')
    errors.push(fieldErrors.notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']))
  if (spec.preserveUnknownFields)
    errors.push(
      fieldErrors.invalid(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    )
  validateApproval(errors, metadata.annotations, spec.group ?? '')
  validateVersions(errors, spec)
  validateSchemas(errors, spec)
  validateNames(errors, spec)
  validateConversion(errors, spec)
  return errors
}

export function validateDefinitionUpdate(
  { spec }: CustomResourceDefinition,
  { spec: old, status }: CustomResourceDefinition,
): FieldError[] {
  const errors: FieldError[] = []
  const isEstablished = status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false
  errors.push(
    ...immutableField(spec?.group, old?.group, 'spec.group'),
    ...immutableField(spec?.names?.plural, old?.names?.plural, 'spec.names.plural'),
  )
  if (isEstablished)
    errors.push(
      ...immutableField(spec?.scope, old?.scope, 'spec.scope'),
      ...immutableField(spec?.names?.kind, old?.names?.kind, 'spec.names.kind'),
    )
  const names = new Set(spec?.versions?.map((v) => v.name))
  status?.storedVersions?.forEach((version, i) => {
    if (!names.has(version)) errors.push(fieldErrors.invalid(`status.storedVersions[${i}]`, version, 'must appear in spec.versions'))
  })
  return errors
}

function validateVersions(errors: Errors, spec: CustomResourceDefinitionSpec): void {
  const versions = spec.versions ?? []
  versions.forEach((version, i) => {
    const at = `spec.versions[${i}]`
    checkRequiredName(errors, `${at}.name`, version.name, dns1035Label)
    if (versions.findIndex((v) => v.name === version.name) < i)
      errors.push(
        fieldErrors.invalid(
          'spec.versions',
          versions.map((v) => v.name),
          'must contain unique version names',
        ),
      )
    validateVersion(errors, version, at)
  })
  if (versions.filter((v) => v.storage).length !== 1)
    errors.push(
      fieldErrors.invalid(
        'spec.versions',
        versions.map((v) => v.name),
        'must have exactly one version marked as storage version',
      ),
    )
}

function validateVersion(errors: Errors, version: CustomResourceDefinitionVersion, path: string): void {
  if (version.deprecationWarning !== undefined && !version.deprecated)
    errors.push(fieldErrors.invalid(`${path}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions'))
  version.additionalPrinterColumns?.forEach((column, i) => {
    const at = `${path}.additionalPrinterColumns[${i}]`
    checkRequired(errors, `${at}.name`, column.name)
    if (checkRequired(errors, `${at}.type`, column.type, `must be one of ${columnTypes.join(',')}`) && !columnTypes.includes(column.type))
      errors.push(fieldErrors.invalid(`${at}.type`, column.type, `must be one of ${columnTypes.join(',')}`))
    if (checkRequired(errors, `${at}.jsonPath`, column.jsonPath)) validateJsonPath(errors, column.jsonPath, `${at}.jsonPath`)
  })
  const scale = version.subresources?.scale
  if (!scale) return
  for (const [field, root] of [
    ['specReplicasPath', 'spec'],
    ['statusReplicasPath', 'status'],
  ] as const) {
    const value = scale[field]
    const at = `${path}.subresources.scale.${field}`
    if (checkRequired(errors, at, value)) validateJsonPath(errors, value, at, root)
  }
  const { labelSelectorPath } = scale
  if (labelSelectorPath)
    validateJsonPath(
      errors,
      labelSelectorPath,
      `${path}.subresources.scale.labelSelectorPath`,
      labelSelectorPath.startsWith('.spec.') ? 'spec' : 'status',
    )
}

const approval = 'api-approved.kubernetes.io'

/** Groups of the Kubernetes community need its word (https://github.com/kubernetes/enhancements/pull/1111). */
function validateApproval(errors: Errors, annotations: Readonly<Record<string, string>> | undefined, group: string): void {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)) return
  const path = `metadata.annotations[${approval}]`
  const value = annotations?.[approval]
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111'
  if (!value) errors.push(fieldErrors.required(path, `protected groups must have approval annotation "${approval}", ${see}`))
  else if (!value.startsWith('unapproved') && !URL.canParse(value)) {
    const why = `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", ${see}`
    errors.push(fieldErrors.invalid(path, value, why))
  }
}

function validateNames(errors: Errors, { names }: CustomResourceDefinitionSpec): void {
  checkRequiredName(errors, 'spec.names.plural', names?.plural, dns1035Label)
  checkRequiredName(errors, 'spec.names.singular', names?.singular, dns1035Label)
  checkKind(errors, 'spec.names.kind', names?.kind)
  checkKind(errors, 'spec.names.listKind', names?.listKind)
  if (names?.kind && names.kind === names.listKind)
    errors.push(fieldErrors.invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'))
  names?.shortNames?.forEach((name, i) => checkRequiredName(errors, `spec.names.shortNames[${i}]`, name, dns1035Label))
  names?.categories?.forEach((name, i) => checkRequiredName(errors, `spec.names.categories[${i}]`, name, dns1035Label))
}

function checkKind(errors: Errors, path: string, kind: string | undefined): void {
  if (!checkRequired(errors, path, kind)) return
  for (const message of dns1035Label(kind!.toLowerCase()))
    errors.push(fieldErrors.invalid(path, kind, `may have mixed case, but should otherwise match: ${message}`))
}

function validateConversion(errors: Errors, { conversion }: CustomResourceDefinitionSpec): void {
  if (!conversion) return
  const path = 'spec.conversion'
  const { strategy, webhook } = conversion
  if (strategy === 'None') {
    if (webhook) errors.push(fieldErrors.forbidden(`${path}.webhook`, 'should not be set when strategy is not set to Webhook'))
  } else if (strategy !== 'Webhook') {
    errors.push(fieldErrors.notSupported(`${path}.strategy`, strategy ?? '', ['None', 'Webhook']))
  } else if (!webhook) {
    errors.push(fieldErrors.required(`${path}.webhook`, 'required when strategy is set to Webhook'))
  } else {
    if (!webhook.conversionReviewVersions?.length) errors.push(fieldErrors.required(`${path}.webhook.conversionReviewVersions`))
    validateClientConfig(errors, webhook.clientConfig ?? {}, `${path}.webhook.clientConfig`)
  }
}
