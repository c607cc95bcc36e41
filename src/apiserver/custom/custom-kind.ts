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
import { dns1123Subdomain } from '../../machinery/names.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { parseJsonPath } from '../../machinery/structural/json-path.ts'
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
  const validate = (object: KubeObject, old?: KubeObject): FieldError[] => [
    ...type.validate(object, old),
    ...(scale ? replicaErrors(object, scale) : []),
  ]
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
      : ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    subresources: subresourcesOf(version, gvk),
    schema: definitionNameOf(gvk),
    persisted: true,
    validateName: dns1123Subdomain,
    prepareForCreate: hasStatus ? dropStatusAndStartGeneration : startGeneration,
    prepareForUpdate: hasStatus ? keepStatusAndCountGeneration : countAnyChange,
    prepareForStatusUpdate: keepAllButStatusStrictly,
    validateCreate: (object) => validate(object),
    validateUpdate: validate,
    validateStatusUpdate: validate,
    columns: [nameColumn, ...(version.additionalPrinterColumns?.map(columnOf) ?? [{ ...ageColumn, type: 'date' }])],
    selectableFields: Object.fromEntries(
      (version.selectableFields ?? []).map(({ jsonPath }) => [jsonPath.replace(/^\./, ''), reader(jsonPath)]),
    ),
    ...(scale
      ? {
          scale: {
            specReplicas: scale.specReplicasPath,
            statusReplicas: scale.statusReplicasPath,
            selector: scale.labelSelectorPath ?? '',
          },
        }
      : {}),
    ...(version.deprecated
      ? { deprecationWarning: version.deprecationWarning ?? `${spec.group}/${version.name} ${names.kind} is deprecated` }
      : {}),
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: false,
  }
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

const replicasMax = 2_147_483_647

function replicaErrors(object: KubeObject, scale: { specReplicasPath: string; statusReplicasPath: string }): FieldError[] {
  return [scale.specReplicasPath, scale.statusReplicasPath].flatMap((path) => {
    const [value] = parseJsonPath(path).find(object)
    // What is no number is the schema's to judge.
    if (typeof value !== 'number') return []
    if (value < 0) return [fieldErrors.invalid(path, value, 'should be a non-negative integer')]
    return value > replicasMax ? [fieldErrors.invalid(path, value, `should be less than or equal to ${replicasMax}`)] : []
  })
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
  const path = parseJsonPath(jsonPath)
  return (object) => {
    const [value] = path.find(object)
    return value === undefined || value === null || typeof value === 'object' ? '' : String(value as string | number | boolean)
  }
}
