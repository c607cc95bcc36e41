import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  isQuantity,
  parseQuantity,
  QuantityError,
  quantityMilli,
  quantityValue,
  subtractQuantity,
  writtenQuantity,
} from './quantity.ts'

const wrongFormat = /must match the regular expression/

test('writes every amount in its one canonical form', () => {
  const check = (text: string | number, expected: string) => assert.equal(canonicalQuantity(text), expected, String(text))
  check('0', '0')
  check('0n', '0')
  check('0Ki', '0')
  check('-0', '0')
  check('1', '1')
  check('+1', '1')
  check('1000', '1k')
  check('1000m', '1')
  check('1500m', '1500m')
  check('0.5', '500m')
  check('.5', '500m')
  check('5.', '5')
  check('1.G', '1G')
  check('100k', '100k')
  check('1000k', '1M')
  check('1024', '1024')
  check('1Ki', '1Ki')
  check('1024Ki', '1Mi')
  check('0.5Gi', '512Mi')
  check('1.5Gi', '1536Mi')
  check('512Ki', '512Ki')
  check('1000Ki', '1000Ki')
  check('0.1Ki', '102400m')
  check('0.5Ki', '512')
  check('1e3', '1e3')
  check('1E3', '1e3')
  check('12e6', '12e6')
  check('1e4', '10e3')
  check('1e-3', '1e-3')
  check('100e-3', '100e-3')
  check('1E', '1E')
  check('0.001n', '1n')
  check('1.1n', '2n')
  check('-1.1n', '-2n')
  check('9223372036854775807', '9223372036854775807')
  check('100Ei', '9223372036854775807')
  check('1000000E', '1000000E')
  check('0.0000000000000001', '1n')
  check(2, '2')
  check(0.1, '100m')
  check('1u', '1u')
  check('1000000u', '1')
  // Upstream reads a zero where no digit is.
  for (const text of ['m', 'G', '+', '.', '-Ki', '0E999']) check(text, '0')
})

test('refuses what is no quantity, in upstream’s words', () => {
  const check = (text: string, message: RegExp) => {
    assert.throws(
      () => parseQuantity(text),
      (e) => e instanceof QuantityError && message.test(e.message),
      text,
    )
    assert.equal(isQuantity(text), false)
  }
  for (const text of ['', ' ', ' 1', '1 ', '1.1.M', '1+1.0M', '0.1mi ', 'aoeu', '1_0', '0x10', '1,5', '1'.repeat(1025)])
    check(text, /regular expression/)
  for (const text of ['.5i', '1i', '-3.01i', '0.1mi', '1K', '1KI', '1kiki', '1e', '1ee3', '1e99999'])
    check(text, /unable to parse quantity's suffix|regular expression/)
  for (const text of ['Ei', '+Pi', '.Ei', 'e-12']) check(text, /unable to parse numeric part/)
  check('1.1.M', wrongFormat)
})

test('writes what upstream’s server writes: the text itself where only its clothes are not canonical', () => {
  const check = (texts: string, expected = texts) => assert.equal(texts.split(' ').map(writtenQuantity).join(' '), expected)
  check('+3k 03Gi 3E3 -9.G 4.m 1.123456789 1000.500 -3.234890T 11Ti 1e300')
  check('1024Mi 1000m +1000 1.5k 3.0k 30e2 0.123 +8Ki 101Ti', '1Gi 1 1k 1500 3k 3e3 123m 8Ki 101Ti')
  check('+0 00 1e-1000 113e9999', '0 0 1e-9 113e9999')
})

test('rounds away from zero to whole and to thousandths', () => {
  const check = (text: string | number, whole: number, milli: number) => {
    assert.equal(quantityValue(text), whole, String(text))
    assert.equal(quantityMilli(text), milli, String(text))
  }
  check('1', 1, 1000)
  check(3, 3, 3000)
  check('1m', 1, 1)
  check('1u', 1, 1)
  check('1001m', 2, 1001)
  check('-1001m', -2, -1001)
  check('1Ki', 1024, 1_024_000)
  check('1.5Gi', 1_610_612_736, 1_610_612_736_000)
})

test('adds exactly and keeps the first operand’s family', () => {
  assert.equal(addQuantity('1Gi', '512Mi'), '1536Mi')
  assert.equal(addQuantity('100m', '0.9'), '1')
  assert.equal(addQuantity('0', '1Ki'), '1Ki')
  assert.equal(subtractQuantity('1', '100m'), '900m')
  assert.equal(subtractQuantity('1Gi', '1Gi'), '0')
})

test('orders by amount whatever the suffix', () => {
  assert.equal(compareQuantity('1', '1000m'), 0)
  assert.equal(compareQuantity('1G', '1Gi'), -1)
  assert.equal(compareQuantity('1e3', '999'), 1)
})

// Two of them stay below 2^63 - 1, where upstream cuts amounts off.
const quantityText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.nat({ max: 4_000_000 }),
    fc.option(fc.nat({ max: 999 })),
    fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'e3', 'e-3', 'E2'),
  )
  .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`)

test('the canonical form is a fixed point and keeps the amount', () => {
  fc.assert(
    fc.property(quantityText, (text) => {
      const canonical = canonicalQuantity(text)
      assert.equal(canonicalQuantity(canonical), canonical)
      assert.equal(parseQuantity(canonical).nano, parseQuantity(text).nano)
    }),
  )
})

test('addition commutes in amount and subtraction undoes it', () => {
  fc.assert(
    fc.property(quantityText, quantityText, (a, b) => {
      assert.equal(compareQuantity(addQuantity(a, b), addQuantity(b, a)), 0)
      assert.equal(compareQuantity(subtractQuantity(addQuantity(a, b), b), a), 0)
    }),
  )
})
