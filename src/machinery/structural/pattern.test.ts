import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goPattern, patternProblem } from './pattern.ts'

/** `pattern` matches the first texts and not the second ones. */
function check(pattern: string, matching: readonly string[], others: readonly string[]): void {
  test(`${pattern} is read as Go reads it`, () => {
    assert.equal(patternProblem(pattern), undefined)
    const expression = goPattern(pattern)
    assert.deepEqual(
      [...matching, ...others].filter((text) => expression.test(text)),
      matching,
    )
  })
}

check('^[a-z]([-a-z0-9]*[a-z0-9])?$', ['a', 'a-b'], ['A', 'a-', ''])
check('(?i)^warn$', ['warn', 'WARN'], ['warning'])
// As the definitions of Prometheus rules and of Kueue have it.
check('^(?i)(abort|warn)?$', ['', 'Abort', 'warn'], ['none'])
check('\\Aa\\z', ['a'], ['ba', 'a\n'])
check('^[[:alpha:]]+$', ['ab'], ['a1'])
check('\\Qa.b\\E', ['a.b'], ['axb'])
check('^\\pL+$', ['äb'], ['1'])
check('^\\@(?P<name>x)$', ['@x'], ['x'])

const problems: readonly (readonly [pattern: string, problem: string])[] = [
  ['(', 'missing closing ): `(`'],
  ['a)', 'unexpected ): `a)`'],
  ['[a', 'missing closing ]: `[a`'],
  ['a\\', 'trailing backslash at end of expression: ``'],
  ['(?=x)', 'invalid or unsupported Perl syntax: `(?=`'],
  ['(a)\\1', 'invalid escape sequence: `\\1`'],
  ['a{1001}', 'invalid repeat count: `{1001}`'],
]
for (const [pattern, problem] of problems)
  test(`${pattern} is no expression`, () => assert.equal(patternProblem(pattern), `error parsing regexp: ${problem}`))
