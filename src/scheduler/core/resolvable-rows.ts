import type { PluginVerdict } from './plan.ts'
import type { RowVerdicts } from './row-verdicts.ts'

/** The rows that reject a pod for what evicting others could mend. */
export type ResolvableRows = {
  readonly count: number
  has(row: number): boolean
  /** All of them. */
  list(): Iterable<number>
}

export const noRows: ResolvableRows = { count: 0, has: () => false, list: () => [] }

export function resolvableRowsOf(rows: ReadonlySet<number>): ResolvableRows {
  return { count: rows.size, has: (row) => rows.has(row), list: () => rows }
}

/** Those of verdicts that are kept current, and of rows that are kept for others: nobody walks over all rows to know them. */
export function rowsByVerdicts(
  verdicts: RowVerdicts,
  reserved: ReadonlyMap<number, PluginVerdict> | undefined,
  { rowsEnd, count }: { readonly rowsEnd: number; readonly count: number },
): ResolvableRows {
  const has = (row: number) => (reserved?.get(row) ?? verdicts.at(row))?.verdict.isResolvable === true
  return {
    count,
    has,
    *list() {
      for (let row = 0; row < rowsEnd; row++) if (has(row)) yield row
    },
  }
}
