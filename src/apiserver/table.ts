import type { KindDefinition } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { CachedObject } from './cached-object.ts'
import { viewOf } from './object-storage.ts'
import type { Resource } from './registry.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export type TableOptions = {
  readonly version: 'v1' | 'v1beta1'
  readonly include: IncludeObject
  readonly hasHeaders: boolean
  readonly nowMs: number
}

/** `metav1.Table` of objects (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables). */
export function tableOf(resource: Resource, values: readonly CachedObject[], metadata: object, options: TableOptions): object {
  const { kind } = resource
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: options.hasHeaders ? definitions(kind) : [],
    rows: values.map((value) => {
      const object = viewOf(resource, value)
      return { cells: kind.columns.map((column) => column.cell(object, options.nowMs) ?? null), object: rowObject(object, options) }
    }),
  }
}

/** `PartialObjectMetadata` of one object. */
export function partialOf(object: KubeObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}

function definitions(kind: KindDefinition): readonly object[] {
  return kind.columns.map((column) => ({
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
