/**
 * The difference of two texts by lines, with three lines around each change: what upstream shows of a forbidden change.
 * The matching is Python's difflib, as the library that upstream uses is a port of it; its heuristics are kept, for they decide what
 * is shown: the longest block first, the earliest among equals, and lines that are everywhere do not start a block.
 * Source: https://docs.python.org/3/library/difflib.html
 */

const context = 3
const popularFrom = 200

type Range = { readonly aFrom: number; readonly aTo: number; readonly bFrom: number; readonly bTo: number }
type Step = Range & { readonly isSame: boolean }
type Match = { readonly a: number; readonly b: number; readonly size: number }

/** Empty when the texts are equal. */
export function unifiedDiff(before: string, after: string): string {
  const a = before.split('\n')
  const b = after.split('\n')
  let text = ''
  for (const group of groups(steps(a, b))) {
    const first = group[0]!
    const last = group.at(-1)!
    text += `@@ -${shownRange(first.aFrom, last.aTo)} +${shownRange(first.bFrom, last.bTo)} @@\n`
    for (const { isSame, aFrom, aTo, bFrom, bTo } of group) {
      if (isSame) text += marked(a, ' ', aFrom, aTo)
      else text += marked(a, '-', aFrom, aTo) + marked(b, '+', bFrom, bTo)
    }
  }
  return text
}

function marked(lines: readonly string[], mark: string, from: number, to: number): string {
  let text = ''
  for (let i = from; i < to; i++) text += `${mark}${lines[i]!}\n`
  return text
}

function shownRange(from: number, to: number): string {
  const length = to - from
  if (length === 1) return `${from + 1}`
  return `${length === 0 ? from : from + 1},${length}`
}

/** What stays and what changes, in order. */
function steps(a: readonly string[], b: readonly string[]): Step[] {
  const result: Step[] = []
  let [atA, atB] = [0, 0]
  for (const match of [...matchingBlocks(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (atA < match.a || atB < match.b) result.push({ isSame: false, aFrom: atA, aTo: match.a, bFrom: atB, bTo: match.b })
    atA = match.a + match.size
    atB = match.b + match.size
    if (match.size > 0) result.push({ isSame: true, aFrom: match.a, aTo: atA, bFrom: match.b, bTo: atB })
  }
  return result
}

/** Changes with what is around them; far ones apart. */
function groups(all: readonly Step[]): Step[][] {
  const result: Step[][] = []
  let group: Step[] = []
  all.forEach((step, i) => {
    let { aFrom, bFrom } = step
    let { aTo, bTo } = step
    if (step.isSame && i === 0) [aFrom, bFrom] = [Math.max(aFrom, aTo - context), Math.max(bFrom, bTo - context)]
    if (step.isSame && i === all.length - 1) [aTo, bTo] = [Math.min(aTo, aFrom + context), Math.min(bTo, bFrom + context)]
    if (step.isSame && aTo - aFrom > 2 * context) {
      group.push({ isSame: true, aFrom, bFrom, aTo: aFrom + context, bTo: bFrom + context })
      result.push(group)
      group = []
      ;[aFrom, bFrom] = [aTo - context, bTo - context]
    }
    group.push({ isSame: step.isSame, aFrom, aTo, bFrom, bTo })
  })
  if (group.some((step) => !step.isSame)) result.push(group)
  return result.filter((one) => one.some((step) => !step.isSame))
}

function matchingBlocks(a: readonly string[], b: readonly string[]): Match[] {
  const places = placesOf(b)
  const found: Match[] = []
  const open: Range[] = [{ aFrom: 0, aTo: a.length, bFrom: 0, bTo: b.length }]
  for (let range = open.pop(); range; range = open.pop()) {
    const match = longestMatch(a, b, places, range)
    if (match.size === 0) continue
    found.push(match)
    if (range.aFrom < match.a && range.bFrom < match.b) open.push({ ...range, aTo: match.a, bTo: match.b })
    const [aEnd, bEnd] = [match.a + match.size, match.b + match.size]
    if (aEnd < range.aTo && bEnd < range.bTo) open.push({ ...range, aFrom: aEnd, bFrom: bEnd })
  }
  return joined(found.sort((x, y) => x.a - y.a))
}

function joined(blocks: readonly Match[]): Match[] {
  const result: Match[] = []
  for (const block of blocks) {
    const last = result.at(-1)
    if (last && last.a + last.size === block.a && last.b + last.size === block.b)
      result[result.length - 1] = { ...last, size: last.size + block.size }
    else result.push(block)
  }
  return result
}

/** Where each line of `b` is, but for lines that are in more than a hundredth of a long text. */
function placesOf(b: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>()
  b.forEach((line, i) => {
    const known = places.get(line)
    if (known) known.push(i)
    else places.set(line, [i])
  })
  const most = Math.floor(b.length / 100) + 1
  if (b.length >= popularFrom) for (const [line, at] of places) if (at.length > most) places.delete(line)
  return places
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  { aFrom, aTo, bFrom, bTo }: Range,
): Match {
  let best = { a: aFrom, b: bFrom, size: 0 }
  let lengths = new Map<number, number>()
  for (let i = aFrom; i < aTo; i++) {
    const next = new Map<number, number>()
    for (const j of places.get(a[i]!) ?? []) {
      if (j < bFrom) continue
      if (j >= bTo) break
      const size = (lengths.get(j - 1) ?? 0) + 1
      next.set(j, size)
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size }
    }
    lengths = next
  }
  let { a: atA, b: atB, size } = best
  while (atA > aFrom && atB > bFrom && a[atA - 1] === b[atB - 1]) [atA, atB, size] = [atA - 1, atB - 1, size + 1]
  while (atA + size < aTo && atB + size < bTo && a[atA + size] === b[atB + size]) size++
  return { a: atA, b: atB, size }
}
