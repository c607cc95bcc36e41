import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerHealth } from './node-health.ts'

const good = { name: 'ping', check: () => undefined }
const bad = { name: 'syncloop', check: () => 'the engine is away' }

function check(checks: readonly (typeof good | typeof bad)[], url: string, expected: readonly [number, string] | undefined): void {
  const { pathname, searchParams } = new URL(url, 'https://node')
  const answer = answerHealth(checks, pathname, searchParams)
  assert.deepEqual(answer && [answer.code, answer.text], expected)
}

test('a healthy node says so, at length when asked', () => {
  check([good], '/healthz', [200, 'ok'])
  check([good], '/healthz/', [200, 'ok'])
  check([good], '/healthz/ping', [200, 'ok'])
  check([good], '/healthz?verbose', [200, '[+]ping ok\nhealthz check passed\n'])
})

test('one check that fails is a failure, whose reason the whole does not tell', () => {
  check([good, bad], '/healthz', [500, '[+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n'])
  check([good, bad], '/healthz/syncloop', [500, 'internal server error: the engine is away\n'])
})

test('a check can be left out, and one that is not there is told', () => {
  check([good, bad], '/healthz?exclude=syncloop', [200, 'ok'])
  check([good, bad], '/healthz?exclude=syncloop&exclude=x&verbose', [
    200,
    '[+]ping ok\n[+]syncloop excluded: ok\nwarn: some health checks cannot be excluded: no matches for "x"\nhealthz check passed\n',
  ])
})

test('there is no other check', () => {
  check([good], '/healthz/none', undefined)
  check([good], '/healthz/ping/x', undefined)
})
