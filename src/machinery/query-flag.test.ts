import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFlagSet } from './query-flag.ts'

for (const [value, isSet] of [
  ['true', true],
  // As Python's clients write it.
  ['True', true],
  ['1', true],
  ['yes', true],
  ['', true],
  ['false', false],
  ['False', false],
  ['0', false],
  [undefined, false],
  [null, false],
] as const)
  test(`a boolean parameter of ${JSON.stringify(value)} is ${isSet ? '' : 'not '}set`, () => assert.equal(isFlagSet(value), isSet))
