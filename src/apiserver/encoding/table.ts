import type { KindDefinition } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import { viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export type TableOptions = {
  readonly version: 'v1' | 'v1beta1'
  readonly include: IncludeObject
  readonly hasHeaders: boolean
  readonly nowMs: number
}

export type Table = {
  readonly kind: 'Table'
  readonly apiVersion: string
  readonly metadata: object
  readonly columnDefinitions: readonly object[]
  readonly rows: readonly object[]
}

/** `metav1.Table` of objects (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables). */
export function tableOf(resource: Resource, values: readonly CachedObject[], metadata: object, options: TableOptions): Table {
  const objects = values.map((value) => viewOf(resource, value))
  return tableOfObjects(resource.kind, objects, metadata, options)
}

/** The same of objects that are stored nowhere. */
export function tableOfObjects(
  { columns, rowConditions }: Pick<KindDefinition, 'columns' | 'rowConditions'>,
  objects: readonly KubeObject[],
  metadata: object,
  options: TableOptions,
): Table {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: options.hasHeaders ? definitions(columns) : [],
    rows: objects.map((object) => {
      const conditions = rowConditions?.(object)
      return {
        cells: columns.map((column) => column.cell(object, options.nowMs) ?? null),
        ...(conditions ? { conditions } : {}),
        object: rowObject(object, options),
      }
    }),
  }
}

/** Whether a resource, or a subresource of it, can be shown as a Table: what is listed and its scale can, reviews and actions cannot. */
export function hasTable({ kind }: Resource, subresource: string): boolean {
  return kind.verbs.includes('list') && (subresource === '' || subresource === 'status' || subresource === 'scale')
}

/** `PartialObjectMetadata` of one object. */
export function partialOf(object: KubeObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}

/** 406 to who asks for one object as a list, or for a list as one object; upstream names the type that it holds there. */
export function notSuch(as: string, { kind }: Resource, isList: boolean): StatusError {
  const { group } = kind
  const suffix = isList ? 'List' : ''
  const type = isBuiltIn(group) ? `${internalPackage(group)}.${kind.kind}${suffix}` : `unstructured.Unstructured${suffix}`
  return statusErrors.notThatForm(`you requested ${as}, but the requested object is ${isList ? 'a list' : 'not a list'} (*${type})`)
}

const isBuiltIn = (group: string) => !group.includes('.') || group.endsWith('.k8s.io')
const internalPackage = (group: string) => (group === '' || group === 'events.k8s.io' ? 'core' : group.split('.', 1)[0]!)

function definitions(columns: KindDefinition['columns']): readonly object[] {
  return columns.map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? (column.name === 'Name' ? 'name' : ''),
    description: column.description ?? '',
    priority: column.priority,
  }))
}

function rowObject(object: KubeObject, { include, version }: TableOptions): object | null {
  if (include === 'None') return null
  return include === 'Object' ? object : partialOf(object, version)
}
