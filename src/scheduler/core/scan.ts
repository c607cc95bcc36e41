import type { Random } from '../../base/random.ts'
import { type Decision, unplaced } from './decision.ts'
import { beginFilter, emptyRange, isFeasible, localScore, normalised, type Plan, type Range } from './plan.ts'
import { ignoredRaw } from './plugin.ts'
import type { Snapshot } from './snapshot.ts'

/** Every feasible row with its total, and each normalised score's range: the reference that the cell index must agree with. */
export type Scan = { readonly rows: readonly number[]; readonly totals: readonly number[]; readonly ranges: readonly Range[] }

/** Asks every filter and score for every row. `isExcluded` rows count as infeasible. */
export function scan(plan: Plan, snapshot: Snapshot, isExcluded?: (row: number) => boolean): Scan {
  beginFilter(plan)
  const rows: number[] = []
  const ask = (row: number) => {
    if (snapshot.nodes[row] && isFeasible(plan, row) && !isExcluded?.(row)) rows.push(row)
  }
  if (plan.namedNodes) for (const row of rowsOf(plan.namedNodes, snapshot)) ask(row)
  else for (let row = 0; row < snapshot.rowsEnd; row++) ask(row)
  return scoreRows(plan, rows)
}

const rowsOf = (names: ReadonlySet<string>, snapshot: Snapshot) =>
  [...names].flatMap((name) => snapshot.rowOf(name) ?? []).sort((a, b) => a - b)

/** Scores of rows that are all feasible. */
export function scoreRows(plan: Plan, rows: readonly number[]): Scan {
  const groups = { count: rows.length, row: (i: number) => rows[i]!, size: () => 1 }
  for (const begin of plan.beginScores) begin(groups)
  const totals = rows.map((row) => localScore(plan, row))
  const ranges = plan.rawScores.map((score) => {
    const raws = rows.map(score.raw)
    const range = rangeOf(raws)
    raws.forEach((raw, i) => (totals[i]! += score.weight * normalised(score, raw, range)))
    return range
  })
  return { rows, totals, ranges }
}

function rangeOf(raws: readonly number[]): Range {
  const range = emptyRange()
  let isFirst = true
  for (const raw of raws) {
    if (raw === ignoredRaw) continue
    range.min = Math.min(range.min, raw)
    range.max = isFirst ? raw : Math.max(range.max, raw)
    isFirst = false
  }
  return range
}

export type PluginScore = { readonly raw: number; readonly min: number; readonly max: number; readonly score: number }

/** Each plugin's score by itself, for explanations. `rows` are all the feasible ones. */
export function pluginScores(
  plan: Plan,
  rows: readonly number[],
): readonly { readonly name: string; readonly weight: number; readonly of: (row: number) => PluginScore }[] {
  const { ranges } = scoreRows(plan, rows)
  return plan.plugins.flatMap(({ name, weight, compiled }) => {
    const index = plan.rawScores.findIndex((s) => s.name === name)
    const plain = compiled.staticScore ?? compiled.usageScore
    if ((index < 0 || !compiled.normalise) && !plain) return []
    const of = (row: number): PluginScore => {
      if (index < 0) return { raw: plain!(row), min: 0, max: 100, score: plain!(row) }
      const [rawScore, range] = [plan.rawScores[index]!, ranges[index]!]
      const raw = rawScore.raw(row)
      return { raw, ...range, score: normalised(rawScore, raw, range) }
    }
    return [{ name, weight, of }]
  })
}

/** The best total; among equals the first row at or after a drawn one, around the end. Draws once, ties or not. */
export function decideByScan(plan: Plan, snapshot: Snapshot, random: Random, isExcluded?: (row: number) => boolean): Decision {
  const { rows, totals } = scan(plan, snapshot, isExcluded)
  if (rows.length === 0) return unplaced
  const draw = random.below(snapshot.rowsEnd)
  const best = totals.reduce((a, b) => Math.max(a, b))
  const tied = rows.filter((_, i) => totals[i] === best)
  const row = tied.find((r) => r >= draw) ?? tied[0]!
  const byScore = (max: number) =>
    rows
      .map((r, i) => ({ row: r, score: totals[i]! }))
      .sort((a, b) => b.score - a.score || a.row - b.row)
      .slice(0, max)
  return { kind: 'Placed', row, score: best, feasible: rows.length, ties: tied.length, draw, best: byScore }
}
