/**
 * Orders the keys of a mapping as Go's YAML encoder does, for which `file2` comes before `file10` and signs before digits before letters.
 * Of three keys each may come before the next in a circle (`v2`, `v10`, `v1a`): upstream's order is then any.
 */
export function compareYamlKeys(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)]
  const common = Math.min(left.length, right.length)
  for (let i = 0; i < common; i++) {
    const [l, r] = [left[i]!, right[i]!]
    if (l === r) continue
    const [isLeftLetter, isRightLetter] = [isLetter(l), isLetter(r)]
    if (isLeftLetter && isRightLetter) return order(l, r)
    if (isLeftLetter || isRightLetter) return isRightLetter ? -1 : 1
    return compareNumbers(left, right, i) || order(l, r)
  }
  return left.length - right.length
}

const isLetter = (char: string) => /\p{L}/u.test(char)
const isDigit = (char: string | undefined) => char !== undefined && char >= '0' && char <= '9'
const order = (l: string, r: string) => l.codePointAt(0)! - r.codePointAt(0)!

/** Numbers that begin at `i`; what differs at a nought within a number continues that number. */
function compareNumbers(left: readonly string[], right: readonly string[], i: number): number {
  const [l, r] = [digitsFrom(left, i), digitsFrom(right, i)]
  const lead = (left[i] === '0' || right[i] === '0') && continuesNumber(left, i) ? '1' : ''
  const [a, b] = [int64(`${lead}${l}`), int64(`${lead}${r}`)]
  return a < b ? -1 : a > b ? 1 : l.length - r.length
}

/** Go's integers wrap around. */
const int64 = (digits: string) => BigInt.asIntN(64, BigInt(digits))

function digitsFrom(chars: readonly string[], from: number): string {
  let end = from
  while (isDigit(chars[end])) end++
  return chars.slice(from, end).join('')
}

function continuesNumber(chars: readonly string[], before: number): boolean {
  for (let i = before - 1; i >= 0 && isDigit(chars[i]); i--) if (chars[i] !== '0') return true
  return false
}
