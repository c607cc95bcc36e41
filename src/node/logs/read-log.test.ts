import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Runtime } from '../runtime/contract.ts'
import { machineLogFiles } from './log-files.ts'
import { rotateLogs } from './log-rotation.ts'
import { type LogOptions, readLog } from './read-log.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-logs-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const all: LogOptions = { follow: false, tailLines: undefined, sinceMs: undefined, timestamps: false, limitBytes: undefined, stream: 'All' }
const line = (second: number, stream: string, tag: string, text: string) =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.123456789Z ${stream} ${tag} ${text}\n`
const log = [
  line(1, 'stdout', 'F', 'one'),
  line(2, 'stderr', 'F', 'two'),
  line(3, 'stdout', 'P', 'three-'),
  line(3, 'stdout', 'F', 'end'),
  line(4, 'stdout', 'F', ''),
  'torn line without a stream\n',
  line(5, 'stdout', 'F', 'five'),
].join('')
const path = join(directory, '0.log')
writeFileSync(path, log)

async function read(options: Partial<LogOptions>): Promise<string> {
  const source = { files: machineLogFiles(), path, hasEnded: () => true, onEnd: () => () => {} }
  const chunks: Buffer[] = []
  for await (const chunk of readLog(source, { ...all, ...options }, new AbortController().signal)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const cases: readonly { title: string; options: Partial<LogOptions>; expected: string }[] = [
  { title: 'parts are joined, torn entries left out', options: {}, expected: 'one\ntwo\nthree-end\n\nfive\n' },
  { title: 'the last entries', options: { tailLines: 3 }, expected: '\nfive\n' },
  { title: 'no entries at all', options: { tailLines: 0 }, expected: '' },
  { title: 'more entries than there are', options: { tailLines: 99 }, expected: 'one\ntwo\nthree-end\n\nfive\n' },
  { title: 'from a moment on', options: { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3) }, expected: 'three-end\n\nfive\n' },
  { title: 'a bound in bytes', options: { limitBytes: 6 }, expected: 'one\ntw' },
  { title: 'one stream', options: { stream: 'Stderr' }, expected: 'two\n' },
  {
    title: 'with times, once a line',
    options: { timestamps: true, sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3), limitBytes: 41 },
    expected: '2026-01-01T00:00:03.123456789Z three-end\n',
  },
]
for (const { title, options, expected } of cases) test(title, async () => assert.equal(await read(options), expected))

test('the end of a large log is found without reading it from the start', async () => {
  const big = join(directory, 'big.log')
  writeFileSync(big, Array.from({ length: 20_000 }, (_, i) => line(i % 60, 'stdout', 'F', `line ${i}`)).join(''))
  const source = { files: machineLogFiles(), path: big, hasEnded: () => true, onEnd: () => () => {} }
  const chunks: Buffer[] = []
  for await (const chunk of readLog(source, { ...all, tailLines: 2 }, new AbortController().signal)) chunks.push(chunk)
  assert.equal(Buffer.concat(chunks).toString(), 'line 19998\nline 19999\n')
})

test('a followed log goes on in the next file after a rotation and ends with its container', async () => {
  const followed = join(directory, 'follow.log')
  writeFileSync(followed, line(1, 'stdout', 'F', 'first'))
  let hasEnded = false
  let tell: () => void = () => {}
  const source = {
    files: machineLogFiles(),
    path: followed,
    hasEnded: () => hasEnded,
    onEnd: (listener: () => void) => {
      tell = listener
      return () => {}
    },
  }
  const chunks = readLog(source, { ...all, follow: true }, new AbortController().signal)
  const next = async () => (await chunks.next()).value?.toString()
  assert.equal(await next(), 'first\n')
  appendFileSync(followed, line(2, 'stdout', 'F', 'second'))
  assert.equal(await next(), 'second\n')
  renameSync(followed, `${followed}.20260101-000000`)
  writeFileSync(followed, line(3, 'stdout', 'F', 'third'))
  assert.equal(await next(), 'third\n')
  hasEnded = true
  tell()
  assert.equal((await chunks.next()).done, true)
})

test('what was written to a followed log between the last look and its rotation is not lost', async () => {
  const texts = new Map([['old', line(1, 'stdout', 'F', 'first')]])
  let present = 'old'
  const open = async () => {
    const identity = present
    const read = async (offset: number) => Buffer.from(texts.get(identity)!.slice(offset))
    return { identity, size: async () => texts.get(identity)!.length, read, close: async () => {} }
  }
  const files = {
    open,
    watch: () => () => {},
    identity: async () => {
      // The engine writes once more to the old file and only then to the new one.
      if (present === 'old') texts.set('old', texts.get('old') + line(2, 'stdout', 'F', 'second'))
      texts.set('new', line(3, 'stdout', 'F', 'third'))
      return (present = 'new')
    },
  }
  const source = { files, path: 'any', hasEnded: () => true, onEnd: () => () => {} }
  const chunks: Buffer[] = []
  for await (const chunk of readLog(source, { ...all, follow: true }, new AbortController().signal)) chunks.push(chunk)
  assert.equal(Buffer.concat(chunks).toString(), 'first\nsecond\nthird\n')
})

test('times have nine digits though the engine leaves out zeros at their end', async () => {
  const short = join(directory, 'short.log')
  writeFileSync(short, '2026-01-01T00:00:01.5Z stdout F a\n2026-01-01T00:00:02+01:00 stdout F b\n')
  const source = { files: machineLogFiles(), path: short, hasEnded: () => true, onEnd: () => () => {} }
  const chunks: Buffer[] = []
  for await (const chunk of readLog(source, { ...all, timestamps: true }, new AbortController().signal)) chunks.push(chunk)
  assert.equal(Buffer.concat(chunks).toString(), '2026-01-01T00:00:01.500000000Z a\n2026-01-01T00:00:02.000000000+01:00 b\n')
})

test('a log that has grown too large is rotated, and old files are packed and dropped', async () => {
  const own = mkdtempSync(join(directory, 'rotate-'))
  const logPath = join(own, '0.log')
  const reopened: string[] = []
  const runtime = { reopenLog: async (id: string) => (reopened.push(id), writeFileSync(logPath, 'x'.repeat(200))) } as unknown as Runtime
  writeFileSync(logPath, 'x'.repeat(200))
  const clock = virtualClock()
  const stop = new AbortController()
  const running = () => [{ id: 'c1', logPath }]
  const done = rotateLogs({ runtime, clock, log: silentLog, running, bytesMax: 100, filesMax: 3, checkPeriodMs: 1_000 }, stop.signal)
  // Rotating works on files: each round ends with the reopening, not with the clock.
  for (let round = 1; round <= 4; round++) {
    while (reopened.length < round) await clock.advance(1_000)
  }
  stop.abort()
  await clock.advance(1_000)
  await done
  const left = readdirSync(own).sort()
  assert.equal(left.length <= 3 + 1, true, left.join(' '))
  assert.ok(left.includes('0.log'))
  assert.ok(left.some((name) => name.endsWith('.gz')))
})
