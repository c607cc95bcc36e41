import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../platform/virtual-clock.ts'
import type { Log } from './log.ts'
import { quietLog } from './quiet-log.ts'

function recorder(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const at = (prefix: string): Log => {
    const write = (fields: object, message: string) => void lines.push(`${prefix}${message} ${JSON.stringify(fields)}`)
    return { debug: write, info: write, warn: write, error: write, child: (fields) => at(`${prefix}${JSON.stringify(fields)} `) }
  }
  return { log: at(''), lines }
}

test('the same warning is written once a period, with what was left out', async () => {
  const clock = virtualClock()
  const { log, lines } = recorder()
  const quiet = quietLog(log, clock, 60_000)
  const warn = (target: Log, error: string) => target.warn({ error }, 'no answer')
  warn(quiet, 'refused')
  warn(quiet, 'refused')
  warn(quiet, 'timeout')
  warn(quiet.child({ part: 'lease' }), 'refused')
  await clock.advance(59_999)
  warn(quiet, 'refused')
  await clock.advance(1)
  warn(quiet, 'refused')
  quiet.info({}, 'news')
  quiet.info({}, 'news')
  assert.deepEqual(lines, [
    'no answer {"error":"refused"}',
    'no answer {"error":"timeout"}',
    '{"part":"lease"} no answer {"error":"refused"}',
    'no answer {"error":"refused","repeats":2}',
    'news {}',
    'news {}',
  ])
})
