import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { controllersCoverage } from './controllers-coverage.ts'
import { customCoverage } from './custom-coverage.ts'
import { coverage as ofOthers } from './coverage.ts'

const coverage = [...ofOthers, ...controllersCoverage, ...customCoverage]

/** A codename without its tags: `[sig-node] Secrets should patch a secret [Conformance]` → `Secrets should patch a secret`. */
const withoutTags = (codename: string) =>
  codename
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\s+/g, ' ')
    .trim()

const titlesOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/'([^'\n]{16,})'|"([^"\n]{16,})"/g)].map((match) => match[1] ?? match[2]!)

test('every conformance test that is listed has a test of its title', () => {
  const missing = coverage
    .map(([file, codename]) => ({ path: `test/conformance/${file}`, title: withoutTags(codename) }))
    .filter(({ path, title }) => !existsSync(path) || !titlesOf(path).some((t) => title.endsWith(t)))
  assert.deepEqual(missing, [])
})

test('every file of conformance tests is listed, and no codename twice', () => {
  const listed = new Set(coverage.map(([file]) => `test/conformance/${file}`))
  const files = globSync('test/conformance/**/*.test.ts').filter((f) => f !== 'test/conformance/coverage.test.ts')
  assert.deepEqual(
    files.filter((f) => !listed.has(f)),
    [],
  )
  const codenames = coverage.map(([, codename]) => codename)
  assert.equal(new Set(codenames).size, codenames.length)
})
