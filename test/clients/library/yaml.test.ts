/** Random values written as YAML, held beside the library that upstream's server writes them with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import { formatYaml } from '../../../src/machinery/yaml-writer.ts'
import { askLibrary, missing } from './library.ts'

const cases = 10_000
const random = seededRandom(36)
const oneOf = <T>(all: readonly T[]): T => all[random.below(all.length)]!
const many = <T>(max: number, make: () => T): T[] => Array.from({ length: random.below(max + 1) }, make)

const words = [
  ...'yes no on off y n Y N true True tRue null Null nUll ~ = << < Off - -- --- ... ? : | > %a @a `a` "a" \'a\' [ ] { } , &a *a !a #a'.split(
    ' ',
  ),
  ...'0 1 -1 +1 00 01 010 0o10 0o8 0x1F 0b11 0b2 0b 0x 1_000 1_ _1 1.5 .5 5. . -.5 1e3 1e 1e+3 1.e3 1e400 1e5_0 -0 0777 0888'.split(' '),
  ...'.inf -.inf +.Inf .INF .nan .NaN 12:30 1:2:3 190:20:30.15 12:60 9223372036854775808 0xFFFFFFFFFFFFFFFFFF -0x1 -0b1'.split(' '),
  ...'2020-01-02 2020-1-2 2020-02-30 20200102 2020-01-02T03:04:05Z 2001-12-14t21:59:43.10-05:00 2001-2-3T1:2:3 1-2-3'.split(' '),
  ...[
    '',
    ' ',
    ' a',
    'a ',
    'a  b',
    '\n',
    'a\n',
    '\na',
    'a\nb',
    'a\n\nb',
    ' a\nb',
    'a \nb',
    'a\n\n',
    '\t',
    'a\tb',
    'a\r\nb',
    '- a',
    '--- a',
    '? a',
  ],
  ...[
    '2020-01-02 03:04:05',
    'a: b',
    'a:b',
    'a #b',
    'a#b',
    ': a',
    'a:',
    "it's",
    'a"b',
    'a, b',
    '\\',
    'é',
    '日本',
    '😀',
    '\u0000',
    'a\u0001b',
  ],
  ...['\u2028', 'a\u2029b', '\u00a0', '? \u00a0', '\ufeff', 'a\ufeff', '\ufeff@é', '\u{10ffff}', 'http://a/b?c=d#e', 'x'.repeat(90)],
  ...[
    'word '.repeat(30).trim(),
    `long line ${'y'.repeat(100)} tail`,
    'a b\n'.repeat(30),
    'lorem ipsum: '.repeat(12),
    `${'word '.repeat(30)} `,
  ],
]
const chars = Array.from('ab1 -:#?,[]{}&*!|>\'"%@`=~<.\\_+/  a\n\t\ré日😀\u2028\u00a0\ufeff\u000702exonyT')

function text(): string {
  const kind = random.below(10)
  if (kind < 4) return oneOf(words)
  if (kind < 6) return oneOf(words) + oneOf(['', ' ', '\n', ':', ' #', '-']) + oneOf(words)
  const letters = kind < 8 ? chars : Array.from('abc  \n')
  return many(oneOf([3, 6, 12, 100]), () => oneOf(letters)).join('')
}

const numbers = [0, 1, -1, 1.5, 1e6, 1e20, 1e21, 1e-7, 123456.789, 1234567.5, 2 ** 53, 9.5e18, 1e100, -1.5e-10]

function value(depth: number): unknown {
  const kind = random.below(depth > 0 ? 10 : 6)
  if (kind < 3) return text()
  if (kind === 3) return oneOf(numbers)
  if (kind < 6) return oneOf([true, false, null, [], {}, ''])
  return kind < 8 ? many(3, () => value(depth - 1)) : Object.fromEntries(many(3, () => [text(), value(depth - 1)]))
}

/** As Go writes JSON, of which upstream's server makes its YAML. */
const goJson = (made: unknown) => JSON.stringify(made).replaceAll(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`)

test('a value is written as by upstream’s library', { skip: missing }, () => {
  const made = Array.from({ length: cases }, () => value(3))
  const answers = askLibrary(made.map((one) => ({ ask: 'yaml', a: goJson(one) })))
  for (const [i, one] of made.entries()) assert.equal(formatYaml(one), answers[i]![0]!.text, goJson(one))
})
