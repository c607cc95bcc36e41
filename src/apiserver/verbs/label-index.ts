import { matches, type Selector } from '../../machinery/label-selector.ts'
import type { Revision, StoreKey } from '../../store/contract.ts'
import type { CacheSelection, Grouping, SelectedEntry, WatchCache } from '../../store/watch-cache-contract.ts'
import type { CachedObject, Labels } from '../cached-object.ts'
import type { Pace } from '../flowcontrol/pace.ts'
import type { Resource } from '../registry.ts'
import type { Selection } from './selection.ts'

/** Among fewer than this, looking at each costs less than an index. */
export const indexedEntriesMin = 1024
/** What a query finds is put in order; past this share of all, looking at all of them in order is cheaper. */
const selectedShareMax = 1 / 4
/** Entries between two looks at whose turn it is. */
const extendedEntries = 256

/** Pods of one workload have equal labels, and equal labels are one object. */
const byLabels: Grouping<CachedObject, Labels> = {
  groupOf: (value) => value.labels,
  termsOf: (labels) => Object.entries(labels).map(([key, value]) => termOf(key, value)),
}

/** What is selected, and where. */
export type LabelSelection = {
  readonly cache: WatchCache<CachedObject>
  readonly resource: Resource
  readonly prefix: string
  readonly selection: Selection | undefined
}

/** To be awaited before `selectByLabels`: the first selection in a big folder makes its index, with turns for others in between. */
export async function prepareLabelIndex(of: LabelSelection, pace: Pace | undefined): Promise<void> {
  if (!queryOf(of)) return
  const index = of.cache.index(of.resource.prefix, byLabels)
  while (index.extend(extendedEntries)) {
    const turn = pace?.slice()
    if (turn) await turn
  }
}

/**
 * Entries whose labels are selected, in key order as of `revision`; what else the selection asks for is not looked at. Undefined:
 * this cannot be told from an index, or not for less than by looking at each entry.
 */
export function selectByLabels(
  of: LabelSelection,
  at: { readonly revision: Revision; readonly after?: StoreKey | undefined },
): readonly SelectedEntry<CachedObject>[] | undefined {
  const query = queryOf(of)
  if (!query) return undefined
  const { cache, resource, prefix } = of
  return cache.index(resource.prefix, byLabels).select({ query, prefix, ...at, max: cache.count(prefix) * selectedShareMax })
}

function queryOf({ cache, prefix, selection }: LabelSelection): CacheSelection<Labels>['query'] | undefined {
  const selector = selection?.labels
  const terms = selector && termsOf(selector)
  if (!terms || terms.length === 0 || cache.count(prefix) < indexedEntriesMin) return undefined
  return { terms, wants: (labels) => matches(selector, labels) }
}

/** One list for each requirement that names the values that it takes. */
function termsOf({ requirements }: Selector): string[][] {
  return requirements.flatMap(({ key, operator, values }) =>
    operator === '=' || operator === '==' || operator === 'in' ? [values.map((value) => termOf(key, value))] : [],
  )
}

const termOf = (key: string, value: string) => `${key}=${value}`
