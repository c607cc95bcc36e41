import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shutdownOf } from './logind.ts'

const signal = (member: string, data: readonly unknown[]) =>
  JSON.stringify({ type: 'signal', path: '/org/freedesktop/login1', member, payload: { type: 'b', data } })

const lines: readonly [string, string, boolean | undefined][] = [
  ['a shutdown that comes', signal('PrepareForShutdown', [true]), true],
  ['one that does not come after all', signal('PrepareForShutdown', [false]), false],
  ['another signal', signal('PrepareForSleep', [true]), undefined],
  ['a message that names it', signal('Other', ['PrepareForShutdown']), undefined],
  ['a signal without a word', signal('PrepareForShutdown', []), undefined],
  ['what is no JSON', 'Monitoring PrepareForShutdown', undefined],
]
for (const [title, line, expected] of lines) test(`reads ${title}`, () => assert.equal(shutdownOf(line), expected))
