export type IndexRange = readonly [first: number, last: number]

/** The ranges of `1,3-5,7` in rising order below `completions`; text that is none gives what is wrong with it, in upstream's words. */
export function readIndexes(text: string, completions: number): readonly IndexRange[] | string {
  const ranges: IndexRange[] = []
  if (text === '') return ranges
  for (const part of text.split(',')) {
    const range = readRange(part, completions)
    if (typeof range === 'string') return range
    const before = ranges.at(-1)
    if (before && before[1] >= range[0]) return notRising(before[1], range[0])
    ranges.push(range)
  }
  return ranges
}

/** The first index that both name; undefined: none. Ranges rise. */
export function overlapOf(a: readonly IndexRange[], b: readonly IndexRange[]): number | undefined {
  let i = 0
  let k = 0
  while (i < a.length && k < b.length) {
    const [left, right] = [a[i]!, b[k]!]
    if (left[0] <= right[1] && right[0] <= left[1]) return Math.max(left[0], right[0])
    if (left[0] <= right[0]) i++
    else k++
  }
  return undefined
}

function readRange(part: string, completions: number): IndexRange | string {
  const limits = part.split('-')
  if (limits.length > 2)
    return `the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`
  const numbers: number[] = []
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`
    numbers.push(Number(limit))
  }
  const [first = 0, last = first] = numbers
  return numbers.length === 2 && first >= last ? notRising(first, last) : [first, last]
}

const notRising = (previous: number, current: number) => `non-increasing order, previous: ${previous}, current: ${current}`
