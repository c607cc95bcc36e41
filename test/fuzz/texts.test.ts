/** The small languages inside requests: whatever is written in them is read or refused with a reason, and stays cheap. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeContinue } from '../../src/apiserver/verbs/continue-token.ts'
import { CronError, parseCronSchedule } from '../../src/kinds/batch/cron-schedule.ts'
import { FieldSelectorError, matchesFields, parseFieldSelector } from '../../src/machinery/field-selector.ts'
import { formatSelector, matches, parseLabelSelector, SelectorError } from '../../src/machinery/label-selector.ts'
import { parseQuantity, QuantityError } from '../../src/machinery/quantity.ts'
import { StatusError } from '../../src/machinery/status-error.ts'
import { parseJsonPath } from '../../src/machinery/structural/json-path.ts'

const seed = Number(process.env.KEELSON_FUZZ_SEED ?? 20_260_101)
const numRuns = Number(process.env.KEELSON_FUZZ_RUNS ?? 600)

/** Texts of a language's own pieces, and any other. */
function texts(...pieces: readonly string[]): fc.Arbitrary<string> {
  const own = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 2 })), { maxLength: 12 }).map((parts) => parts.join(''))
  return fc.oneof({ weight: 5, arbitrary: own }, fc.string({ unit: 'binary', maxLength: 40 }))
}

type Refusal = abstract new (...args: never[]) => Error

/** Reads every text; what is thrown is a refusal with words of its own. */
function check(title: string, language: fc.Arbitrary<string>, read: (text: string) => void, refusal: Refusal): void {
  test(title, () =>
    fc.assert(
      fc.property(language, (text) => {
        try {
          read(text)
        } catch (error) {
          assert.ok(error instanceof refusal, `${JSON.stringify(text)}: ${String(error)}`)
          assert.notEqual(error.message, '')
        }
      }),
      { seed, numRuns },
    ),
  )
}

const labels = { app: 'web', 'a.b/c': '', n: '5' }
check(
  'label selectors: what is read says the same when it is written and read again',
  texts('app', 'a.b/c', 'n', '=', '==', '!=', '!', ' in ', ' notin ', '(', ')', ',', ' ', '>', '<', 'web', '5', '-'),
  (text) => {
    const selector = parseLabelSelector(text)
    const again = parseLabelSelector(formatSelector(selector))
    assert.equal(matches(again, labels), matches(selector, labels), text)
  },
  SelectorError,
)
check(
  'field selectors',
  texts('metadata.name', 'spec.nodeName', '=', '==', '!=', ',', '\\', '\\,', 'web', ' '),
  (text) => matchesFields(parseFieldSelector(text), (field) => field),
  FieldSelectorError,
)
check(
  'schedules',
  texts('*', '*/5', '1-5', ' ', ',', '-', '/', '@hourly', '@every ', '1h', '30s', 'mon', 'JAN', '59', '60', '?', '0'),
  parseCronSchedule,
  CronError,
)
check(
  'quantities',
  texts('1', '.', '-', '+', 'Ki', 'Ei', 'm', 'n', 'e', 'E', '3', '0', '999999999999999999999'),
  parseQuantity,
  QuantityError,
)

/** Wide and deep, so that paths that look everywhere find much. */
const tree = (depth: number): unknown => (depth === 0 ? 'leaf' : { a: tree(depth - 1), 'b.c': [tree(depth - 1), 1, null], type: 'x' })
const wide = tree(7)
check(
  'JSON paths',
  texts('.a', '..', '.*', '[*]', '[0]', '[-1:]', '[::2]', "['b.c']", '[?(@.type=="x")]', '[?(@.a)]', '$', '.', '[', ']', '\\.'),
  (text) => assert.ok(parseJsonPath(text).find(wide).length <= 10_000),
  SyntaxError,
)
check(
  'continue tokens',
  fc.oneof(
    fc.string(),
    fc
      .record({ v: fc.constantFrom('meta.k8s.io/v1', 'x'), rv: fc.oneof(fc.integer(), fc.double(), fc.string()), start: fc.string() })
      .map((token) => Buffer.from(JSON.stringify({ ...token, start: `${token.start}\0` })).toString('base64url')),
  ),
  (text) => assert.ok(decodeContinue(text, '/registry/core/pods/').after.startsWith('/registry/core/pods/')),
  StatusError,
)
