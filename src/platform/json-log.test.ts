import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Log } from '../base/log.ts'
import { jsonLog, type LogLevel } from './json-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-json-log-'))
after(() => rmSync(dir, { recursive: true }))

/** The lines without their times. */
function linesOf(level: LogLevel, body: (log: Log) => void): Record<string, unknown>[] {
  const path = join(dir, 'log')
  const fd = openSync(path, 'w')
  body(jsonLog({ level, fd }))
  closeSync(fd)
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const { time, ...rest } = JSON.parse(line) as Record<string, unknown>
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    return rest
  })
}

test('a line has its level, the fields of its ancestors and its own', () => {
  const lines = linesOf('debug', (log) => {
    log.debug({}, 'one')
    log.child({ component: 'store' }).child({ part: 'a"b' }).warn({ count: 2, left: undefined }, 'two\nlines')
    log.error({ none: null, list: [1, { a: 'ü' }] }, '')
  })
  assert.deepEqual(lines, [
    { level: 20, msg: 'one' },
    { level: 40, component: 'store', part: 'a"b', count: 2, msg: 'two\nlines' },
    { level: 50, none: null, list: [1, { a: 'ü' }], msg: '' },
  ])
})

test('what is below its level is not written, and a silent log writes nothing', () => {
  const all = (log: Log) => (['debug', 'info', 'warn', 'error'] as const).forEach((name) => log.child({})[name]({}, name))
  assert.deepEqual(
    linesOf('warn', all).map(({ msg }) => msg),
    ['warn', 'error'],
  )
  assert.deepEqual(linesOf('silent', all), [])
})

test('secrets are not shown, errors are, and what is no JSON does no harm', () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  const [line] = linesOf('info', (log) =>
    log.child({ token: 't' }).info({ password: 'p', circle, big: 1n, error: new Error('broken') }, 'x'),
  )
  assert.deepEqual(
    { ...line, error: undefined },
    { ...line, token: '[Redacted]', password: '[Redacted]', circle: '[object Object]', big: '1', error: undefined },
  )
  assert.match(String(line?.error), /Error: broken\n\s+at /)
})

test('a reader that has gone does not end the process', () => {
  const module = JSON.stringify(new URL('./json-log.ts', import.meta.url).href)
  const program = `const { jsonLog } = await import(${module}); for (let i = 0; i < 2000; i++) jsonLog({ level: 'info' }).info({ i }, 'x'.repeat(100)); console.log('went on')`
  const { stdout } = spawnSync('bash', ['-c', '"$0" --input-type=module -e "$1" 2> >(head -c 10 >/dev/null)', process.execPath, program], {
    encoding: 'utf8',
  })
  assert.equal(stdout, 'went on\n')
})
