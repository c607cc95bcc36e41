/** Random quantities, held beside the library that upstream reads and writes them with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import {
  addQuantity,
  compareQuantity,
  QuantityError,
  quantityMilli,
  quantityValue,
  subtractQuantity,
  writtenQuantity,
} from '../../../src/machinery/quantity.ts'
import { type Answer, askLibrary, missing } from './library.ts'

const cases = 10_000
const random = seededRandom(36)
const oneOf = <T>(all: readonly T[]): T => all[random.below(all.length)]!

const suffixes = 'n u m k M G T P E Ki Mi Gi Ti Pi Ei e0 e3 E3 e-3 e+2 e-9 e9 e10 e18'.split(' ')
const oddSuffixes = ['e-12', 'e100', 'e-100', 'e300', 'e-1000', 'e1000', 'i', 'K', 'mi', 'e', 'E+', 'Kim', 'ni', 'e1.5', 'm3', ' ', 'x']
const oddTexts = [
  ...[
    '',
    '.',
    '+',
    '-',
    '-.',
    '+.5',
    '.5',
    '5.',
    '-0',
    '00',
    '1 ',
    ' 1',
    '1..2',
    '--1',
    '1,5',
    'NaN',
    'Inf',
    '0x10',
    '1_000',
    '0e100',
    '0.1u',
  ],
  ...[
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775809',
    '9223372036854775807.5',
    '999999999999999999',
    '1000000000000000000',
  ],
  ...['0.000000001', '0.0000000001', '1e19', '9.3Ei', '8Ei', '7.999Ei', '-8Ei', '0Ki'],
]
const digits = (max: number) => Array.from({ length: random.below(max + 1) }, () => oneOf('0123456789009'.split(''))).join('')

function quantity(): string {
  if (random.below(20) === 0) return oneOf(oddTexts)
  const fraction = oneOf(['', '', `.${digits(oneOf([1, 3, 9, 12, 20]))}`])
  const suffix = oneOf(random.below(3) === 0 ? oddSuffixes : ['', ...suffixes])
  return oneOf(['', '', '', '', '-', '+']) + digits(oneOf([1, 2, 3, 4, 10, 19, 20, 30])) + fraction + suffix
}

const told = (answer: Answer | undefined) => answer?.text ?? `error: ${answer?.error}`
/** Upstream has no suffix for what is more, and leaves it out: 1000E becomes 1. */
const isBeyondSuffixes = (text: string) => /000E\b/.test(text)

function result(make: () => (string | number)[]): string {
  try {
    return make().join(' ')
  } catch (error) {
    assert.ok(error instanceof QuantityError, String(error))
    return `error: ${error.message}`
  }
}

test('a quantity is read, written, compared and counted as by upstream’s library', { skip: missing }, () => {
  const pairs = Array.from({ length: cases }, () => ({ a: quantity(), b: quantity() }))
  const alone = askLibrary(pairs.map(({ a }) => ({ ask: 'quantity', a })))
  const both = askLibrary(pairs.map((pair) => ({ ask: 'quantities', ...pair })))
  for (const [i, { a, b }] of pairs.entries()) {
    const one = result(() => [writtenQuantity(a)])
    const [written, ...amounts] = told(alone[i]![0]).split(' ')
    if (one.startsWith('error')) assert.equal(one, told(alone[i]![0]), a)
    else if (!isBeyondSuffixes(one)) assert.equal(one, written, a)
    // Beyond it, and below nothing, upstream's numbers are no numbers any more.
    if (amounts.length === 2 && quantityMilli(a) > 1 && quantityMilli(a) < Number.MAX_SAFE_INTEGER)
      assert.deepEqual([quantityValue(a), quantityMilli(a)], amounts.map(Number), a)
    const sums = result(() => [addQuantity(a, b), subtractQuantity(a, b), compareQuantity(a, b)])
    if (!isBeyondSuffixes(sums)) assert.equal(sums, told(both[i]![0]), `${a} and ${b}`)
  }
})
