import { ageColumn, nameColumn } from '../../kinds/columns.ts'
import {
  dropStatusAndStartGeneration,
  keepAllButStatusStrictly,
  keepStatusAndCountGeneration,
  startGeneration,
} from '../../kinds/define-kind.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../kinds/generated/types/apiextensions-v1.ts'
import { age } from '../../kinds/human-duration.ts'
import type { Column, KindDefinition, Subresource } from '../../kinds/kind.ts'
import { specEquals } from '../../kinds/spec-equals.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { goText } from '../../machinery/go-text.ts'
import { dns1123Subdomain, qualifiedName } from '../../machinery/names.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { parseJsonPath } from '../../machinery/structural/json-path.ts'
import { compareVersions } from '../discovery/group-versions.ts'
import type { CustomType } from './custom-type.ts'
import { definitionNameOf } from './published-schema.ts'

/** One served version of a definition as a kind like any other. `isEnding`: the definition is being deleted, so nothing new is made. */
export function customKind(
  { spec, status }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  { type, isEnding }: { readonly type: CustomType; readonly isEnding: boolean },
): KindDefinition {
  const names = status?.acceptedNames ?? spec.names
  const gvk = { group: spec.group, version: version.name, kind: names.kind }
  const hasStatus = version.subresources?.status !== undefined
  const scale = version.subresources?.scale
  const validate = (object: KubeObject, old?: KubeObject) =>
    type.validate(object, old, scale && [...specScaleErrors(object, scale), ...statusScaleErrors(object, scale)])
  return {
    ...gvk,
    listKind: names.listKind ?? `${names.kind}List`,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    scope: spec.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    verbs: isEnding
      ? ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
      : ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
    subresources: subresourcesOf(version, gvk),
    schema: definitionNameOf(gvk),
    persisted: true,
    isUnstructured: true,
    storageVersion: spec.versions.find(({ storage }) => storage)?.name ?? version.name,
    validateName: dns1123Subdomain,
    prepareForCreate: hasStatus ? dropStatusAndStartGeneration : startGeneration,
    prepareForUpdate: hasStatus ? keepStatusAndCountGeneration : countAnyChange,
    prepareForStatusUpdate: keepAllButStatusStrictly,
    validateCreate: (object) => validate(object),
    validateUpdate: validate,
    validateStatusUpdate: (object, old) => type.validateStatus(object, old, scale && statusScaleErrors(object, scale)),
    warnings: (object, old) => [...finalizerWarnings(object, old), ...type.warnings(object)],
    statusWarnings: (object) => [...type.warnings(object)],
    columns: [nameColumn, ...columnsOf(version)],
    selectableFields: Object.fromEntries(
      (version.selectableFields ?? []).map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), reader(jsonPath)]),
    ),
    ...(scale
      ? {
          scale: {
            specReplicas: scale.specReplicasPath.replace(/^\./, ''),
            statusReplicas: scale.statusReplicasPath,
            selector: scale.labelSelectorPath ?? '',
          },
        }
      : {}),
    ...(version.deprecated ? { deprecationWarning: version.deprecationWarning ?? deprecationOf(spec, version.name) } : {}),
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: false,
  }
}

/** Names the version to use instead: the newest that is served and newer than the deprecated one. */
function deprecationOf({ group, names: { kind }, versions }: CustomResourceDefinition['spec'], name: string): string {
  const [instead] = versions
    .filter((other) => other.served && !other.deprecated && compareVersions(other.name, name) < 0)
    .map((other) => other.name)
    .sort(compareVersions)
  return `${group}/${name} ${kind} is deprecated${instead === undefined ? '' : `; use ${group}/${instead} ${kind}`}`
}

function subresourcesOf(
  { subresources }: CustomResourceDefinitionVersion,
  gvk: { group: string; version: string; kind: string },
): Subresource[] {
  const verbs = ['get', 'patch', 'update']
  return [
    ...(subresources?.status ? [{ name: 'status', ...gvk, verbs }] : []),
    ...(subresources?.scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs }] : []),
  ]
}

/** Without a status subresource the status is a field like any other, and its change a new generation. */
function countAnyChange(object: KubeObject, old: KubeObject): void {
  const status = (o: KubeObject) => (o as { status?: unknown }).status
  const isSame = specEquals(object, old) && deepEqual(status(object), status(old))
  object.metadata.generation = (old.metadata.generation ?? 0) + (isSame ? 0 : 1)
}

const standardFinalizers: ReadonlySet<string> = new Set(['orphan', 'foregroundDeletion', 'kubernetes'])

/** Advice about names of new finalizers. */
function finalizerWarnings({ metadata }: KubeObject, old: KubeObject | undefined): string[] {
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old?.metadata.finalizers?.includes(finalizer))
  return [...new Set(added)].sort().flatMap((finalizer) => {
    const told = `metadata.finalizers: ${JSON.stringify(finalizer)}`
    const strange = qualifiedName(finalizer).map((message) => `${told}: ${message}`)
    if (finalizer.includes('/') || standardFinalizers.has(finalizer)) return strange
    const path = finalizer.includes('.') ? ' including a path (/)' : ''
    return [
      ...strange,
      `${told}: prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    ]
  })
}

type Scale = NonNullable<NonNullable<CustomResourceDefinitionVersion['subresources']>['scale']>

const replicasMax = 2_147_483_647

const specScaleErrors = (object: KubeObject, { specReplicasPath }: Scale) => replicaErrors(object, specReplicasPath)

function statusScaleErrors(object: KubeObject, { statusReplicasPath, labelSelectorPath }: Scale): FieldError[] {
  const errors = replicaErrors(object, statusReplicasPath)
  if (labelSelectorPath) {
    const problem = accessorProblem(object, labelSelectorPath, 'string')
    if (problem !== undefined) errors.push(fieldErrors.invalid(labelSelectorPath, '', problem))
  }
  return errors
}

function replicaErrors(object: KubeObject, path: string): FieldError[] {
  const problem = accessorProblem(object, path, 'int64')
  if (problem !== undefined) return [fieldErrors.invalid(path, 0, problem)]
  const value = (valueAt(object, path) as number | undefined) ?? 0
  if (value < 0) return [fieldErrors.invalid(path, value, 'should be a non-negative integer')]
  return value > replicasMax ? [fieldErrors.invalid(path, value, `should be less than or equal to ${replicasMax}`)] : []
}

/** What a path of names in dots leads to. */
function valueAt(object: KubeObject, path: string): unknown {
  const names = path.replace(/^\./, '').split('.')
  return names.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined),
    object,
  )
}

/** Go's words where a path leads to a value of another type, or through one that has no fields. */
function accessorProblem(object: KubeObject, path: string, wanted: 'int64' | 'string'): string | undefined {
  const text = path.replace(/^\./, '')
  const shown = (value: unknown) => `${goText(value)} is of the type ${goTypeOf(value)}`
  let at: unknown = object
  for (const [i, name] of text.split('.').entries()) {
    if (at === null) return undefined
    if (typeof at !== 'object' || Array.isArray(at)) {
      const before = text
        .split('.')
        .slice(0, i + 1)
        .join('.')
      return `.${before} accessor error: ${shown(at)}, expected map[string]interface{}`
    }
    if (!Object.hasOwn(at, name)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return goTypeOf(at) === wanted ? undefined : `.${text} accessor error: ${shown(at)}, expected ${wanted}`
}

function goTypeOf(value: unknown): string {
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'object' ? 'map[string]interface {}' : 'string'
}

/** Columns of which one has a path that is none are none at all, as upstream. */
function columnsOf({ additionalPrinterColumns }: CustomResourceDefinitionVersion): readonly Column<KubeObject>[] {
  const ageAlone = [{ ...ageColumn, type: 'date' as const }]
  try {
    return additionalPrinterColumns?.map(columnOf) ?? ageAlone
  } catch (error) {
    if (error instanceof SyntaxError) return ageAlone
    throw error
  }
}

function columnOf({ name, type, format, description, priority = 0, jsonPath }: CustomResourceColumnDefinition): Column<KubeObject> {
  const path = parseJsonPath(jsonPath)
  return {
    name,
    type: type as Column<KubeObject>['type'],
    ...(format ? { format } : {}),
    ...(description ? { description } : { description: '' }),
    // Whatever is not 0 shows with -o wide only.
    priority: priority as 0 | 1,
    cell: (object, nowMs) => cellOf(type, path.find(object)[0], nowMs),
  }
}

function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | undefined {
  if (value === undefined || value === null) return undefined
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : undefined
    case 'number':
      return typeof value === 'number' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'date':
      if (typeof value !== 'string') return undefined
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value, nowMs)
    default:
      return typeof value === 'string' ? value : JSON.stringify(value)
  }
}

function reader(jsonPath: string): (object: KubeObject) => string {
  return (object) => {
    const value = valueAt(object, jsonPath)
    return value === undefined || value === null || typeof value === 'object' ? '' : String(value as string | number | boolean)
  }
}
