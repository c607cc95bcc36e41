import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1035Label, dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { validateClientConfig } from '../admissionregistration/webhooks.ts'
import { checkEnum, checkOptionalName, checkRequired, type Errors } from '../checks.ts'
import { approvalAnnotation, approvalOf, isProtectedGroup } from './api-approval.ts'
import { validateJsonPath, validateSchemas } from './schema-validation.ts'
import { forEachDistinct } from './shared-fields.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from '../generated/types/apiextensions-v1.ts'

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const reviewVersions = ['v1', 'v1beta1']
const warningBytesMax = 256

/**
 * A definition as a whole: names, versions, schemas, conversion. With `old`, what has passed once and has not changed may cost what it costs.
 * Paths are those of upstream's internal version, which its messages show: what all versions share stands once, at the top of the spec.
 */
export function validateDefinition({ metadata, spec }: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
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
  validateApproval(errors, metadata.annotations, spec.group ?? '', old)
  validateVersions(errors, spec)
  validateSchemas(errors, spec, old?.spec)
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
  status?.storedVersions?.forEach((name: string | null, i) => {
    const version = name ?? ''
    if (names.has(version)) return
    const why = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`
    errors.push(fieldErrors.invalid(`status.storedVersions[${i}]`, version, why))
  })
  return errors
}

function validateVersions(errors: Errors, spec: CustomResourceDefinitionSpec): void {
  const versions = spec.versions ?? []
  const names = versions.map((v) => v.name)
  versions.forEach((version, i) => {
    const at = `spec.versions[${i}]`
    for (const message of dns1035Label(version.name ?? '')) errors.push(fieldErrors.invalid(`${at}.name`, version.name ?? '', message))
    for (const message of deprecationProblems(version))
      errors.push(fieldErrors.invalid(`${at}.deprecationWarning`, version.deprecationWarning, message))
  })
  forEachDistinct(versions, 'additionalPrinterColumns', (columns, path) => {
    for (const [i, column] of (columns ?? []).entries()) validateColumn(errors, column, `${path}[${i}]`)
  })
  forEachDistinct(versions, 'subresources', (subresources, path) => {
    if (subresources?.scale) validateScale(errors, subresources.scale, `${path}.scale`)
  })
  if (new Set(names).size < names.length) errors.push(fieldErrors.invalid('spec.versions', names, 'must contain unique version names'))
  if (versions.filter((v) => v.storage).length !== 1)
    errors.push(fieldErrors.invalid('spec.versions', names, 'must have exactly one version marked as storage version'))
}

function deprecationProblems({ deprecated, deprecationWarning: warning }: CustomResourceDefinitionVersion): string[] {
  if (warning === undefined) return []
  if (!deprecated) return ['can only be set for deprecated versions']
  const problems: string[] = []
  if (Buffer.byteLength(warning) > warningBytesMax) problems.push(`must be <= ${warningBytesMax} characters long`)
  if (warning === '') problems.push('must not be an empty string')
  const strange = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(warning)
  if (strange)
    problems.push(
      `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, strange.index))}`,
    )
  return problems
}

function validateColumn(errors: Errors, column: CustomResourceColumnDefinition, path: string): void {
  checkRequired(errors, `${path}.name`, column.name)
  if (checkRequired(errors, `${path}.type`, column.type, `must be one of ${columnTypes.join(',')}`) && !columnTypes.includes(column.type))
    errors.push(fieldErrors.invalid(`${path}.type`, column.type, `must be one of ${columnTypes.join(',')}`))
  if (column.format && !columnFormats.includes(column.format))
    errors.push(fieldErrors.invalid(`${path}.format`, column.format, `must be one of ${columnFormats.join(',')}`))
  if (checkRequired(errors, `${path}.JSONPath`, column.jsonPath)) validateJsonPath(errors, column.jsonPath, `${path}.JSONPath`)
}

function validateScale(errors: Errors, scale: CustomResourceSubresourceScale, path: string): void {
  for (const [field, root] of [
    ['specReplicasPath', 'spec'],
    ['statusReplicasPath', 'status'],
  ] as const) {
    const value = scale[field]
    if (checkRequired(errors, `${path}.${field}`, value)) validateJsonPath(errors, value, `${path}.${field}`, root)
  }
  const { labelSelectorPath } = scale
  if (labelSelectorPath)
    validateJsonPath(errors, labelSelectorPath, `${path}.labelSelectorPath`, labelSelectorPath.startsWith('.spec.') ? 'spec' : 'status')
}

function validateApproval(
  errors: Errors,
  annotations: Readonly<Record<string, string>> | undefined,
  group: string,
  old: CustomResourceDefinition | undefined,
): void {
  if (!isProtectedGroup(group)) return
  const approval = approvalOf(annotations)
  if (approval.reason !== 'MissingAnnotation' && approval.reason !== 'InvalidAnnotation') return
  if (old && approvalOf(old.metadata.annotations).reason === approval.reason) return
  const path = `metadata.annotations[${approvalAnnotation}]`
  errors.push(
    approval.reason === 'MissingAnnotation'
      ? fieldErrors.required(path, approval.message)
      : fieldErrors.invalid(path, annotations?.[approvalAnnotation], approval.message),
  )
}

function validateNames(errors: Errors, { names }: CustomResourceDefinitionSpec): void {
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) checkRequired(errors, `spec.names.${field}`, names?.[field])
  if (names) errors.push(...validateDefinitionNames(names, 'spec.names'))
}

/** Names that a definition asks for or has been given. */
export function validateDefinitionNames(names: Partial<CustomResourceDefinitionNames>, path: string): FieldError[] {
  const errors: FieldError[] = []
  checkOptionalName(errors, `${path}.plural`, names.plural, dns1035Label)
  checkOptionalName(errors, `${path}.singular`, names.singular, dns1035Label)
  checkKind(errors, `${path}.kind`, names.kind)
  checkKind(errors, `${path}.listKind`, names.listKind)
  for (const list of ['shortNames', 'categories'] as const)
    names[list]?.forEach((name, i) => {
      for (const message of dns1035Label(name ?? '')) errors.push(fieldErrors.invalid(`${path}.${list}[${i}]`, name, message))
    })
  if (names.kind && names.kind === names.listKind)
    errors.push(fieldErrors.invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  return errors
}

function checkKind(errors: Errors, path: string, kind: string | undefined): void {
  if (!kind) return
  for (const message of dns1035Label(kind.toLowerCase()))
    errors.push(fieldErrors.invalid(path, kind, `may have mixed case, but should otherwise match: ${message}`))
}

function validateConversion(errors: Errors, { conversion }: CustomResourceDefinitionSpec): void {
  if (!conversion) return
  const path = 'spec.conversion'
  const { strategy, webhook } = conversion
  checkEnum(errors, `${path}.strategy`, strategy, ['None', 'Webhook'])
  const { clientConfig, conversionReviewVersions } = webhook ?? {}
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook'
    if (clientConfig) errors.push(fieldErrors.forbidden(`${path}.webhookClientConfig`, why))
    if (conversionReviewVersions?.length) errors.push(fieldErrors.forbidden(`${path}.conversionReviewVersions`, why))
    return
  }
  if (clientConfig) validateClientConfig(errors, clientConfig, `${path}.webhookClientConfig`)
  else errors.push(fieldErrors.required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'))
  validateReviewVersions(errors, conversionReviewVersions, `${path}.conversionReviewVersions`)
}

function validateReviewVersions(errors: Errors, versions: readonly string[] = [], path: string): void {
  if (versions.length === 0) {
    errors.push(fieldErrors.required(path))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) errors.push(fieldErrors.invalid(`${path}[${i}]`, version, 'duplicate version'))
    else for (const message of dns1035Label(version)) errors.push(fieldErrors.invalid(`${path}[${i}]`, version, message))
  })
  if (!versions.some((version) => reviewVersions.includes(version)))
    errors.push(fieldErrors.invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`))
}
