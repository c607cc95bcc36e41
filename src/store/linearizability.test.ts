import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RegisterOperation, unexplained } from './linearizability.ts'

/** `get a 0 1`: called at 0, answered at 1, found a; `-` is nothing. `put x any 0 1 ok`, `put x =a 0 1 !b`, `delete any 0 ? unknown`. */
function parse(line: string): RegisterOperation {
  const words = line.split(' ')
  const value = (word: string) => (word === '-' ? undefined : word)
  const time = (word: string) => (word === '?' ? Number.POSITIVE_INFINITY : Number(word))
  const type = words[0] as 'get' | 'put' | 'delete'
  if (type === 'get') {
    const [, found = '', called = '', returned = ''] = words
    return { calledAt: time(called), returnedAt: time(returned), input: { type }, output: { type: 'found', value: value(found) } }
  }
  const written = type === 'put' ? words.splice(1, 1)[0]! : ''
  const [, expectation = '', called = '', returned = '', answer = ''] = words
  const expected = expectation.startsWith('=') ? { value: expectation.slice(1) } : (expectation as 'any')
  const output =
    answer === 'ok'
      ? ({ type: 'committed' } as const)
      : answer === 'unknown'
        ? ({ type: 'unknown' } as const)
        : ({ type: 'conflict', value: value(answer.slice(1)) } as const)
  const input = type === 'put' ? { type, value: written, expected } : { type, expected }
  return { calledAt: time(called), returnedAt: time(returned), input, output }
}

function check(title: string, isLinearizable: boolean, ...lines: string[]): void {
  test(`${isLinearizable ? 'explains' : 'finds no order for'} ${title}`, () => {
    assert.equal(unexplained(lines.map(parse)).length === 0, isLinearizable)
  })
}

check('nothing', true)
check(
  'reads after their writes',
  true,
  'put a absent 0 1 ok',
  'get a 2 3',
  'put b =a 4 5 ok',
  'get b 6 7',
  'delete any 8 9 ok',
  'get - 10 11',
)
check('a read that overlaps a write, before or after it', true, 'put a any 0 10 ok', 'get - 1 2', 'get a 3 4')
check('writers that overlap', true, 'put a any 0 9 ok', 'put b any 0 9 ok', 'get a 10 11')
check('a conflict with what was there', true, 'put a absent 0 1 ok', 'put b absent 2 3 !a')
check('an unknown write that happened', true, 'put a any 0 ? unknown', 'get - 1 2', 'get a 3 4')
check('an unknown write that never happened', true, 'put a any 0 ? unknown', 'get - 1 2', 'get - 30 40')
check('an unknown write that came true late', true, 'put a any 0 ? unknown', 'put b any 1 2 ok', 'get b 3 4', 'get a 5 6')

check('a stale read', false, 'put a any 0 1 ok', 'put b any 2 3 ok', 'get a 4 5')
check('a lost write', false, 'put a any 0 1 ok', 'get - 2 3')
check('a read of what nobody wrote', false, 'get x 0 1')
check('two winners of one condition', false, 'put a absent 0 9 ok', 'put b absent 0 9 ok')
check('a lost update', false, 'put a any 0 1 ok', 'put b =a 2 9 ok', 'put c =a 2 9 ok')
check('reads that go back', false, 'put a any 0 1 ok', 'put b any 2 9 ok', 'get b 3 4', 'get a 5 6')
check('a write that failed and happened', false, 'put a any 0 1 ok', 'put b absent 2 3 !a', 'get b 4 5')
check('a write that happened twice', false, 'put a absent 0 ? unknown', 'get a 1 2', 'delete any 3 4 ok', 'get - 5 6', 'get a 7 8')
check('a deletion that came back', false, 'put a any 0 1 ok', 'delete any 2 3 ok', 'get a 4 5')
check('a conflict with what was not there', false, 'put a any 0 1 ok', 'delete =a 2 3 !b')
