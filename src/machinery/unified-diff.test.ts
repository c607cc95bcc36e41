import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unifiedDiff } from './unified-diff.ts'

const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`)

function check(
  title: string,
  { before, after }: { before: readonly string[]; after: readonly string[] },
  expected: readonly string[],
): void {
  test(title, () => assert.deepEqual(unifiedDiff(before.join('\n'), after.join('\n')).split('\n').slice(0, -1), expected))
}

test('equal texts differ in nothing', () => assert.equal(unifiedDiff('a\nb', 'a\nb'), ''))
check('a changed line stands between three others', { before: ['a', 'b', 'c', 'd', 'e', 'f'], after: ['a', 'b', 'c', 'd', 'E', 'f'] }, [
  '@@ -2,5 +2,5 @@',
  ' b',
  ' c',
  ' d',
  '-e',
  '+E',
  ' f',
])
check('an added line leaves the old range as it was', { before: ['a', 'b'], after: ['a', 'x', 'b'] }, ['@@ -1,2 +1,3 @@', ' a', '+x', ' b'])
check('one line alone is not counted', { before: ['a'], after: ['b'] }, ['@@ -1 +1 @@', '-a', '+b'])
check('changes that are far apart stand apart', { before: ['x', ...numbered(1, 9), 'y'], after: ['X', ...numbered(1, 9), 'Y'] }, [
  '@@ -1,4 +1,4 @@',
  '-x',
  '+X',
  ' line 1',
  ' line 2',
  ' line 3',
  '@@ -8,4 +8,4 @@',
  ' line 7',
  ' line 8',
  ' line 9',
  '-y',
  '+Y',
])
check(
  'lines that are everywhere in a long text begin no match of their own',
  { before: ['a', 'x', 'b'], after: [...Array.from({ length: 200 }, () => 'x'), 'c'] },
  ['@@ -1,3 +1,201 @@', '-a', '-x', '-b', ...Array.from({ length: 200 }, () => '+x'), '+c'],
)
