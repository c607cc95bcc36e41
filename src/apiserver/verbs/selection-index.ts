import type { KindDefinition } from '../../kinds/kind.ts'
import type { FieldTerm } from '../../machinery/field-selector.ts'
import { matches, type Selector } from '../../machinery/label-selector.ts'
import type { Revision, StoreKey } from '../../store/contract.ts'
import type { GroupQuery, Grouping, SelectedEntry, WatchCache } from '../../store/watch-cache-contract.ts'
import type { CachedObject, Labels } from '../objects/cached-object.ts'
import type { Pace } from '../flowcontrol/pace.ts'
import type { Resource } from '../registry.ts'

/** Among fewer than this, looking at each costs less than an index. */
export const indexedEntriesMin = 1024
/** What a query finds is put in order; past this share of all, looking at all of them in order is cheaper. */
const selectedShareMax = 1 / 4
/** Entries between two looks at whose turn it is. */
const extendedEntries = 256

/** The part of a selection that an index can answer. */
export type IndexedSelection = {
  readonly grouping: Grouping<CachedObject, unknown>
  readonly query: GroupQuery<unknown>
  /** Set when one group alone is wanted, of which there are many. */
  readonly only: unknown
}

/** Pods of one workload have equal labels, and equal labels are one object. */
const byLabels: Grouping<CachedObject, Labels> = {
  groupOf: (value) => value.labels,
  termsOf: (labels) => Object.entries(labels).map(([key, value]) => termOf(key, value)),
}

const byField = new WeakMap<KindDefinition, Grouping<CachedObject, string>>()

/** By the kind's indexed field where one value of it is asked for, else by the labels that are asked for. */
export function indexedSelection(
  resource: Resource,
  labels: Selector | undefined,
  fields: readonly FieldTerm[],
): IndexedSelection | undefined {
  const { kind, conversion } = resource
  const term = conversion ? undefined : fields.find(({ field, op }) => op === '=' && field === kind.indexedField)
  if (term) {
    const { value } = term
    return { grouping: fieldGrouping(kind), query: { terms: [[value]], wants: (group) => group === value }, only: value }
  }
  const terms = labels ? termsOf(labels) : []
  if (terms.length === 0) return undefined
  return {
    // Asked for by a grouping, an index gives that grouping's groups.
    grouping: byLabels as Grouping<CachedObject, unknown>,
    query: { terms, wants: (group) => matches(labels!, group as Labels) },
    only: undefined,
  }
}

function fieldGrouping(kind: KindDefinition): Grouping<CachedObject, unknown> {
  let grouping = byField.get(kind)
  if (!grouping) {
    const read = kind.selectableFields![kind.indexedField!]!
    grouping = { groupOf: (value) => (value.indexedField ??= read(value.lean)), termsOf: (value) => [value] }
    byField.set(kind, grouping)
  }
  return grouping as Grouping<CachedObject, unknown>
}

/** What is selected, and where. */
export type SelectionPlace = {
  readonly cache: WatchCache<CachedObject>
  readonly resource: Resource
  readonly prefix: string
  readonly selection: { readonly indexed: IndexedSelection | undefined } | undefined
}

/** To be awaited before `selectIndexed`: the first selection in a big folder makes its index, with turns for others in between. */
export async function prepareIndex({ cache, resource, prefix, selection }: SelectionPlace, pace: Pace | undefined): Promise<void> {
  if (!selection?.indexed || cache.count(prefix) < indexedEntriesMin) return
  const index = cache.index(resource.prefix, selection.indexed.grouping)
  while (index.extend(extendedEntries)) {
    const turn = pace?.slice()
    if (turn) await turn
  }
}

/**
 * Entries that the indexed part of a selection wants, in key order as of `revision`; what else the selection asks for is not looked
 * at. Undefined: this cannot be told from an index, or not for less than by looking at each entry.
 */
export function selectIndexed(
  { cache, resource, prefix, selection }: SelectionPlace,
  at: { readonly revision: Revision; readonly after?: StoreKey | undefined },
): readonly SelectedEntry<CachedObject>[] | undefined {
  const count = selection?.indexed ? cache.count(prefix) : 0
  if (!selection?.indexed || count < indexedEntriesMin) return undefined
  const { grouping, query } = selection.indexed
  return cache.index(resource.prefix, grouping).select({ query, prefix, ...at, max: count * selectedShareMax })
}

/** One list for each requirement that names the values that it takes. */
function termsOf({ requirements }: Selector): string[][] {
  return requirements.flatMap(({ key, operator, values }) =>
    operator === '=' || operator === '==' || operator === 'in' ? [values.map((value) => termOf(key, value))] : [],
  )
}

const termOf = (key: string, value: string) => `${key}=${value}`
