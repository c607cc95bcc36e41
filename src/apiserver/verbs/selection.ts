import { apiVersionOf } from '../../machinery/object.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { type FieldTerm, FieldSelectorError, matchesFields, parseFieldSelector } from '../../machinery/field-selector.ts'
import { matches, parseLabelSelector, type Selector, SelectorError, selectsEverything } from '../../machinery/label-selector.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import { viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import { type IndexedSelection, indexedSelection } from './selection-index.ts'

/** Which objects of a resource a list, watch or deletecollection means. Undefined instead: all of them. */
export type Selection = {
  matches(value: CachedObject): boolean
  /** What of it an index can answer. */
  readonly indexed: IndexedSelection | undefined
  /** Equal selections have equal keys. */
  readonly key: string
  /** Whether views of the objects have to be prepared before they are matched. */
  readonly readsFields: boolean
  /** Set when at most this one name can match. */
  readonly name: string | undefined
}

/** Throws 400 for selectors that do not parse and for fields that the kind does not offer. */
export function parseSelection(resource: Resource, labelText: string | undefined, fieldText: string | undefined): Selection | undefined {
  const labels = labelText ? labelSelector(labelText) : undefined
  const fields = fieldText ? fieldTerms(resource.kind, fieldText) : []
  if (labels === undefined && fields.length === 0) return undefined
  const readers = new Map(fields.map(({ field }) => [field, fieldReader(resource, field)]))
  return {
    indexed: indexedSelection(resource, labels, fields),
    key: `${labelText ?? ''}|${fieldText ?? ''}`,
    readsFields: fields.length > 0,
    name: fields.find((t) => t.field === 'metadata.name' && t.op === '=')?.value,
    matches: (value) =>
      (labels === undefined || matches(labels, value.labels)) &&
      (fields.length === 0 || matchesFields(fields, (field) => readers.get(field)!(value))),
  }
}

/** The same of objects that have a name and nothing else. */
export function selectorOfNames(
  resource: Resource,
  labelText: string | undefined,
  fieldText: string | undefined,
): (name: string) => boolean {
  const labels = labelText ? labelSelector(labelText) : undefined
  const fields = fieldText ? fieldTerms(resource.kind, fieldText) : []
  return (name) =>
    (labels === undefined || matches(labels, undefined)) && matchesFields(fields, (field) => (field === 'metadata.name' ? name : ''))
}

function labelSelector(text: string): Selector | undefined {
  try {
    const selector = parseLabelSelector(text)
    return selectsEverything(selector) ? undefined : selector
  } catch (error) {
    if (error instanceof SelectorError) throw statusErrors.badRequest(error.message)
    throw error
  }
}

function fieldTerms(kind: KindDefinition, text: string): FieldTerm[] {
  try {
    const terms = parseFieldSelector(text)
    for (const { field } of terms) {
      if (!isCommon(kind, field) && !Object.hasOwn(kind.selectableFields ?? {}, field)) {
        throw statusErrors.badRequest(unknownField(kind, field))
      }
    }
    return terms
  } catch (error) {
    if (error instanceof FieldSelectorError) throw statusErrors.badRequest(error.message)
    throw error
  }
}

/** Kinds of the cluster that name fields of their own do not offer the namespace. */
const isCommon = ({ selectableFields, scope }: KindDefinition, field: string) =>
  field === 'metadata.name' || (field === 'metadata.namespace' && !(selectableFields && scope === 'Cluster'))

/** Kinds that name no fields of their own say which there are. */
const unknownField = (kind: KindDefinition, field: string) =>
  kind.group === 'batch' && kind.selectableFields
    ? `field label ${JSON.stringify(field)} not supported for ${kind.kind}`
    : kind.selectableFields
      ? `field label not supported${kind.group === 'resource.k8s.io' ? ` for ${apiVersionOf(kind)}, Kind=${kind.kind}` : ''}: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`

function fieldReader(resource: Resource, field: string): (value: CachedObject) => string {
  if (field === 'metadata.name') return (value) => value.object.metadata.name ?? ''
  if (field === 'metadata.namespace') return (value) => value.object.metadata.namespace ?? ''
  const read = resource.kind.selectableFields![field]!
  return (value) => read(viewOf(resource, value))
}
