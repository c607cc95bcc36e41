import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1035Label, dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { validateClientConfig } from '../admissionregistration/webhooks.ts'
import { checkEnum, checkOptionalName, checkRequired, type Errors } from '../checks.ts'
import { approvalAnnotation, approvalOf, isProtectedGroup } from './api-approval.ts'
import { internalVersions } from './internal-form.ts'
import { schemaErrors, schemaOf, selectableFieldErrors } from './schema-validation.ts'
import { isShared, type SharedField, sharedPath } from './shared-fields.ts'
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
export function validateDefinition({ metadata, spec, status }: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = []
  const given: Spec = spec ?? {}
  const { names, group } = given
  const versions = given.versions ?? []
  if (!old && metadata.name && metadata.name !== `${names?.plural ?? ''}.${group ?? ''}`)
    errors.push(fieldErrors.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  validateGroupAndScope(errors, spec ?? {})
  const everyHas = versions.every(schemaOf)
  for (const [i, version] of versions.entries())
    if (!everyHas && !schemaOf(version)) errors.push(fieldErrors.required(`spec.versions[${i}].schema.openAPIV3Schema`))
  validateVersions(errors, spec ?? {}, old?.spec)
  validateNames(errors, spec ?? {})
  validateShared(errors, versions, old?.spec)
  validateConversion(errors, spec ?? {}, mayBundleBeBad(old))
  if (old) errors.push(...changeErrors(spec ?? {}, old))
  errors.push(...validateDefinitionNames(status?.acceptedNames ?? {}, 'status.acceptedNames'))
  errors.push(...storedVersionErrors(status?.storedVersions ?? [], versions))
  validateApproval(errors, metadata.annotations, group ?? '', old)
  if (spec?.preserveUnknownFields && !old?.spec?.preserveUnknownFields) {
    const why = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    errors.push(fieldErrors.invalid('spec.preserveUnknownFields', true, why))
  }
  return errors
}

function validateGroupAndScope(errors: Errors, { group, scope }: Spec): void {
  if (group === undefined) errors.push(fieldErrors.required('spec.group'))
  else if (checkRequired(errors, 'spec.group', group)) {
    const messages = dns1123Subdomain(group)
    if (messages.length > 0) errors.push(fieldErrors.invalid('spec.group', group, messages.join(',')))
    else if (!group.includes('.')) errors.push(fieldErrors.invalid('spec.group', group, 'should be a domain with at least one dot'))
  }
  if (checkRequired(errors, 'spec.scope', scope) && scope !== 'Cluster' && scope !== 'Namespaced')
    errors.push(fieldErrors.notSupported('spec.scope', scope, ['Cluster', 'Namespaced']))
}

/** What is served as it was must stay what it was. */
function changeErrors(spec: Spec, definition: CustomResourceDefinition): FieldError[] {
  const { spec: old } = definition
  return [
    ...(isEstablished(definition)
      ? [...immutableField(spec.scope, old?.scope, 'spec.scope'), ...immutableField(spec.names?.kind, old?.names?.kind, 'spec.names.kind')]
      : []),
    ...immutableField(spec.group, old?.group, 'spec.group'),
    ...immutableField(spec.names?.plural, old?.names?.plural, 'spec.names.plural'),
  ]
}

function storedVersionErrors(stored: readonly (string | null)[], versions: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const path = 'status.storedVersions'
  if (stored.length === 0) return [fieldErrors.invalid(path, null, 'must have at least one stored version')]
  const missing = versions
    .filter(({ storage, name }) => storage && !stored.includes(name))
    .map(({ name }) => fieldErrors.invalid(path, stored, `must have the storage version ${name}`))
  const names = new Set(versions.map(({ name }) => name))
  const gone = stored.flatMap((given, i) => {
    const name = given ?? ''
    if (names.has(name)) return []
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    return [fieldErrors.invalid(`${path}[${i}]`, name, why)]
  })
  return [...missing, ...gone]
}

type Spec = Partial<CustomResourceDefinitionSpec>

/** Whether the schema of a version is what it was. */
function hasKnownSchema(version: CustomResourceDefinitionVersion | undefined, old: Spec | undefined): boolean {
  const before = old?.versions?.find(({ name }) => name === version?.name)
  return before !== undefined && deepEqual(before.schema, version?.schema)
}

function validateVersions(errors: Errors, { versions }: Spec, old: Spec | undefined): void {
  const own = (field: SharedField) => !isShared(versions ?? [], field)
  for (const [i, version] of (versions ?? []).entries()) {
    const at = `spec.versions[${i}]`
    const messages = dns1035Label(version.name ?? '')
    if (messages.length > 0) errors.push(fieldErrors.invalid(`${at}.name`, version.name ?? '', messages.join(',')))
    for (const message of deprecationProblems(version))
      errors.push(fieldErrors.invalid(`${at}.deprecationWarning`, version.deprecationWarning, message))
    const hasStatus = version.subresources?.status !== undefined
    const schema = schemaOf(version)
    if (schema && own('schema'))
      errors.push(...schemaErrors(schema, `${at}.schema.openAPIV3Schema`, { hasStatus, isKnown: hasKnownSchema(version, old) }))
    if (own('subresources')) validateSubresources(errors, version, `${at}.subresources`)
    if (own('additionalPrinterColumns')) validateColumns(errors, version, `${at}.additionalPrinterColumns`)
    if (own('selectableFields')) validateSelectable(errors, version, `${at}.selectableFields`)
  }
  const all = versions ?? []
  const shown = internalVersions(versions)
  if (new Set(all.map(({ name }) => name)).size < all.length)
    errors.push(fieldErrors.invalid('spec.versions', shown, 'must contain unique version names'))
  if (all.filter(({ storage }) => storage).length !== 1)
    errors.push(fieldErrors.invalid('spec.versions', shown, 'must have exactly one version marked as storage version'))
  const [first] = all
  const messages = first?.name ? dns1035Label(first.name) : []
  if (messages.length > 0) errors.push(fieldErrors.invalid('spec.version', first?.name, messages.join(',')))
}

/** What all versions share is judged once. */
function validateShared(errors: Errors, versions: readonly CustomResourceDefinitionVersion[], old: Spec | undefined): void {
  const [first] = versions
  if (!first) return
  const schema = schemaOf(first)
  const hasStatus = versions.some(({ subresources }) => subresources?.status !== undefined)
  if (schema && isShared(versions, 'schema')) {
    const options = { hasStatus, isKnown: hasKnownSchema(first, old) }
    errors.push(...schemaErrors(schema, `${sharedPath('schema')}.openAPIV3Schema`, options))
  }
  if (isShared(versions, 'subresources')) validateSubresources(errors, first, sharedPath('subresources'))
  if (isShared(versions, 'additionalPrinterColumns')) validateColumns(errors, first, sharedPath('additionalPrinterColumns'))
  if (isShared(versions, 'selectableFields')) validateSelectable(errors, first, sharedPath('selectableFields'))
}

function validateSubresources(errors: Errors, { subresources }: CustomResourceDefinitionVersion, path: string): void {
  if (subresources?.scale) validateScale(errors, subresources.scale, `${path}.scale`)
}

function validateColumns(errors: Errors, { additionalPrinterColumns = [] }: CustomResourceDefinitionVersion, path: string): void {
  for (const [i, column] of additionalPrinterColumns.entries()) validateColumn(errors, column, `${path}[${i}]`)
}

function validateSelectable(errors: Errors, version: CustomResourceDefinitionVersion, path: string): void {
  const schema = schemaOf(version)
  if (schema && version.selectableFields?.length) errors.push(...selectableFieldErrors(version.selectableFields, schema, path))
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
  if (checkRequired(errors, `${path}.JSONPath`, column.jsonPath)) checkDotted(errors, column.jsonPath, `${path}.JSONPath`)
}

function validateScale(errors: Errors, scale: CustomResourceSubresourceScale, path: string): void {
  for (const [field, root] of [
    ['specReplicasPath', 'spec'],
    ['statusReplicasPath', 'status'],
  ] as const) {
    const value = scale[field]
    if (!checkRequired(errors, `${path}.${field}`, value) || !checkDotted(errors, value, `${path}.${field}`)) continue
    if (!value.startsWith(`.${root}.`)) errors.push(fieldErrors.invalid(`${path}.${field}`, value, `should be a json path under .${root}`))
  }
  const { labelSelectorPath } = scale
  const at = `${path}.labelSelectorPath`
  if (labelSelectorPath && checkDotted(errors, labelSelectorPath, at) && !/^\.(?:spec|status)\./.test(labelSelectorPath))
    errors.push(fieldErrors.invalid(at, labelSelectorPath, 'should be a json path under either .spec or .status'))
}

/** Upstream asks no more of a JSON path than that it begins with a dot. */
function checkDotted(errors: Errors, path: string, field: string): boolean {
  const isDotted = path.startsWith('.')
  if (!isDotted) errors.push(fieldErrors.invalid(field, path, 'must be a simple json path starting with .'))
  return isDotted
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

function validateNames(errors: Errors, { names }: Spec): void {
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

/** A webhook whose authorities cannot be read is let pass until the definition is established, and where it was so before. */
function mayBundleBeBad(old: CustomResourceDefinition | undefined): boolean {
  const bundle = old?.spec?.conversion?.webhook?.clientConfig?.caBundle
  return !isEstablished(old) || (bundle ? bundleFault(bundle) !== undefined : false)
}

const isEstablished = (definition: CustomResourceDefinition | undefined) =>
  definition?.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false

function bundleFault(bundle: string): string | undefined {
  const isPem = /-----BEGIN [A-Z ]+-----[\s\S]+-----END [A-Z ]+-----/.test(Buffer.from(bundle, 'base64').toString())
  return isPem ? undefined : 'unable to load root certificates: unable to parse bytes as PEM block'
}

function validateConversion(errors: Errors, { conversion }: Spec, allowsBadBundle: boolean): void {
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
  if (clientConfig) {
    validateClientConfig(errors, clientConfig, `${path}.webhookClientConfig`)
    const { caBundle } = clientConfig
    const fault = caBundle && !allowsBadBundle ? bundleFault(caBundle) : undefined
    if (fault !== undefined) errors.push(fieldErrors.invalid(`${path}.webhookClientConfig.caBundle`, caBundle, fault))
  } else errors.push(fieldErrors.required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'))
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
