import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { allCases, allScenarios } from './all-cases.ts'
import { containerCodenames, elsewhere } from './codenames.ts'

test('every conformance test that needs a real container is done once', () => {
  const done = [...allCases, ...allScenarios].flatMap(({ title, covers }) => covers ?? [title])
  assert.deepEqual([...done, ...elsewhere.map(([, , codename]) => codename)].sort(), [...containerCodenames].sort())
})

test('what is said to be done elsewhere has a test of that title there', () => {
  const missing = elsewhere.filter(([file, title]) => !readFileSync(file, 'utf8').includes(title))
  assert.deepEqual(missing, [])
})
