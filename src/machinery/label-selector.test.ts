import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatSelector,
  matches,
  nothing,
  parseLabelSelector,
  SelectorError,
  selectorFrom,
  selectorFromMap,
  validateLabelSelector,
} from './label-selector.ts'

test('parses every operator and formats canonically', () => {
  const check = (text: string, expected: string) => assert.equal(formatSelector(parseLabelSelector(text)), expected, text)
  check('', '')
  check('a', 'a')
  check('!a', '!a')
  check(' a = b , c!=d', 'a=b,c!=d')
  check('a==b', 'a==b')
  check('a=', 'a=')
  check('a=,b', 'a=,b')
  check('z in (b,a,b),y', 'y,z in (a,b)')
  check('a notin (x)', 'a notin (x)')
  check('a in ()', 'a in ()')
  check('a in (,b)', 'a in (,b)')
  check('in in (in,notin)', 'in in (in,notin)')
  check('a=in', 'a=in')
  check('a>1,b<2', 'a>1,b<2')
  check('example.com/a=b', 'example.com/a=b')
})

test('says what is wrong as upstream does', () => {
  const check = (text: string, message: string) =>
    assert.throws(
      () => parseLabelSelector(text),
      (e) => e instanceof SelectorError && (assert.ok(e.message.startsWith(message), e.message), true),
      text,
    )
  check('=a', "found '=', expected: !, identifier, or 'end of string'")
  check('a=b c', "found 'c', expected: ',' or 'end of string'")
  check('a,', "found '', expected: identifier after ','")
  check('a,,b', "found ',', expected: identifier after ','")
  check('a in b', "unable to parse requirement: found 'b' expected: '('")
  check('a ! b', "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt")
  check('!!a', "unable to parse requirement: found '!', expected: identifier")
  check('a in (b', "unable to parse requirement: found '', expected: ',' or ')'")
  check('a=(', "unable to parse requirement: found '(', expected: identifier")
  check('-a=b', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of')
  check('a=b_', 'unable to parse requirement: values[0][a]: Invalid value: "b_": a valid label must be an empty string')
  check('a>b', `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`)
})

test('matches labels', () => {
  const check = (text: string, labels: Record<string, string> | undefined, expected: boolean) =>
    assert.equal(matches(parseLabelSelector(text), labels), expected, `${text} on ${JSON.stringify(labels)}`)
  check('', undefined, true)
  check('a=b', { a: 'b' }, true)
  check('a=b', { a: 'c' }, false)
  check('a!=b', {}, true)
  check('a!=b', { a: 'b' }, false)
  check('a', { a: '' }, true)
  check('!a', { a: '' }, false)
  check('a in (b,c)', { a: 'c' }, true)
  check('a notin (b,c)', undefined, true)
  check('a=', { a: '' }, true)
  check('a=', {}, false)
  check('a>5', { a: '6' }, true)
  check('a>5', { a: 'x' }, false)
  check('a<5', { a: '5' }, false)
  check('toString', {}, false)
})

test('a spec’s selector: none selects nothing, an empty one everything', () => {
  assert.equal(matches(selectorFrom(undefined), {}), false)
  assert.equal(matches(nothing, { a: 'b' }), false)
  assert.equal(matches(selectorFrom({}), { a: 'b' }), true)
  assert.equal(matches(selectorFromMap(undefined), { a: 'b' }), true)
  const selector = selectorFrom({ matchLabels: { b: 'c' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }] })
  assert.equal(formatSelector(selector), 'a in (x,y),b=c')
  assert.equal(matches(selector, { a: 'x', b: 'c' }), true)
  assert.throws(() => selectorFrom({ matchExpressions: [{ key: 'a', operator: 'Is' }] }), SelectorError)
})

test('validates a spec’s selector', () => {
  const errors = validateLabelSelector(
    {
      matchLabels: { '-': 'a b' },
      matchExpressions: [
        { key: 'a', operator: 'In' },
        { key: 'a', operator: 'Exists', values: ['b'] },
        { key: 'a', operator: 'Is' },
      ],
    },
    'spec.selector',
  )
  assert.deepEqual(
    errors.map((e) => [e.field, e.reason]),
    [
      ['spec.selector.matchLabels', 'FieldValueInvalid'],
      ['spec.selector.matchLabels', 'FieldValueInvalid'],
      ['spec.selector.matchExpressions[0].values', 'FieldValueRequired'],
      ['spec.selector.matchExpressions[1].values', 'FieldValueForbidden'],
      ['spec.selector.matchExpressions[2].operator', 'FieldValueInvalid'],
    ],
  )
})

test('any text parses or is refused with a SelectorError; what parses formats to itself', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', ' ', ',', '!', '=', '(', ')', 'in', ' in ', ' notin ', '>', '1', '<')), (parts) => {
      try {
        const formatted = formatSelector(parseLabelSelector(parts.join('')))
        assert.equal(formatSelector(parseLabelSelector(formatted)), formatted)
      } catch (error) {
        assert.ok(error instanceof SelectorError, String(error))
      }
    }),
  )
})
