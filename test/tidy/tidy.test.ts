import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { layers, realWorld, realWorldExceptions } from './layers.ts'
import { sourceFiles } from './source-files.ts'

const files = sourceFiles()
const code = files.filter((f) => f.path.startsWith('src/'))

const homeOf = (path: string) => layers.filter((l) => path.startsWith(`${l.prefix}/`)).sort((a, b) => b.prefix.length - a.prefix.length)[0]

/** Relative specifiers of static and dynamic imports and of re-exports; code inside template strings does not count. */
function importsOf(text: string): string[] {
  const code = text.replace(/`(?:[^`\\]|\\.)*`/g, '``')
  const patterns = [
    /(?:^|\n)(?:import|export)\b[^;'"`]*?\bfrom\s*['"](\.[^'"]+)['"]/g,
    /(?:^|\n)import\s*['"](\.[^'"]+)['"]/g,
    /\bimport\(\s*['"](\.[^'"]+)['"]/g,
  ]
  return [...new Set(patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((m) => m[1]!)))]
}

test('a module imports only from its own folder or from a lower layer', () => {
  const broken: string[] = []
  for (const file of code) {
    const from = homeOf(file.path)
    if (!from) {
      broken.push(`${file.path} belongs to no layer`)
      continue
    }
    for (const specifier of importsOf(file.text)) {
      const target = normalize(join(dirname(file.path), specifier))
      const to = homeOf(target)
      // A test may stand on the layer that its subject is used from: integration tests run controllers on the API server.
      const ceiling = file.isTest || file.path.endsWith('test-api.ts') ? 7 : from.layer
      if (!to) broken.push(`${file.path} imports ${target}, which belongs to no layer`)
      else if (to.prefix !== from.prefix && to.layer >= ceiling && !file.isTest)
        broken.push(`${file.path} (${from.prefix}) imports ${target} (${to.prefix})`)
    }
  }
  assert.deepEqual(broken, [])
})

test('imports name files that exist, with their extension', () => {
  const broken = files.flatMap((f) =>
    importsOf(f.text)
      .filter((s) => !existsSync(join(dirname(f.path), s)))
      .map((s) => `${f.path} → ${s}`),
  )
  assert.deepEqual(broken, [])
})

const banned: readonly { readonly call: string; readonly pattern: RegExp }[] = [
  { call: 'Date.now', pattern: /\bDate\.now\(/ },
  { call: 'new Date()', pattern: /\bnew Date\(\s*\)/ },
  { call: 'Math.random', pattern: /\bMath\.random\(/ },
  { call: 'setTimeout', pattern: /(?<![.\w])set(?:Timeout|Interval)\(/ },
  { call: 'process.', pattern: /(?<![.\w'"`/-])process\.(?!nextTick|memoryUsage|hrtime|emitWarning)\w/ },
  { call: 'node:fs', pattern: /from 'node:fs(?:\/promises)?'/ },
  { call: 'node:child_process', pattern: /from 'node:child_process'/ },
]

test('real time, randomness, process and files are reached through platform/ only', () => {
  const broken: string[] = []
  for (const file of code.filter((f) => !f.isTest && !f.path.startsWith(realWorld))) {
    const text = file.text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
    for (const { call, pattern } of banned) {
      if (!pattern.test(text)) continue
      if (realWorldExceptions.some((e) => file.path.startsWith(e.prefix) && e.calls.includes(call))) continue
      broken.push(`${file.path}: ${call}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('no file is longer than 600 lines', () => {
  const long = files.map((f) => ({ path: f.path, lines: f.text.split('\n').length - 1 })).filter((f) => f.lines > 600)
  assert.deepEqual(long, [])
})

test('files are named in kebab-case after a domain noun', () => {
  const vague = /(^|[/-])(utils?|helpers?|common|impl|manager|misc)(\.|-|\/)/
  assert.deepEqual(
    files.map((f) => f.path).filter((p) => vague.test(p) || !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*\.ts$/.test(p.split('/').at(-1)!)),
    [],
  )
})

test('no barrels, no default exports, no suppressed types', () => {
  const rules = [/^export default/m, /@ts-(?:ignore|expect-error|nocheck)/, /\bas any\b/, /:\s*any\b(?!')/]
  const publicEntries = ['scripts/failures-reporter.ts', 'scripts/generate-kinds.ts', 'test/tidy/tidy.test.ts']
  const broken = files
    .filter((f) => !publicEntries.includes(f.path))
    .flatMap((f) => rules.filter((r) => r.test(f.text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ''))).map((r) => `${f.path}: ${r}`))
  assert.deepEqual(broken, [])
})

test('nothing is left to do later', () => {
  const marks = /\b(?:TODO|FIXME|XXX|HACK)\b/
  assert.deepEqual(
    files.filter((f) => f.path !== 'test/tidy/tidy.test.ts' && marks.test(f.text)).map((f) => f.path),
    [],
  )
})

const documents = ['README.md', 'ARCHITECTURE.md', ...globSync('docs/**/*.md')]

test('every path that a document names exists', () => {
  const broken: string[] = []
  for (const doc of documents) {
    const text = readFileSync(doc, 'utf8').replace(/```[\s\S]*?```/g, '')
    for (const [, path] of text.matchAll(/`((?:src|test|bench|scripts|docs|examples)\/[\w./-]*)`/g)) {
      if (!existsSync(path!) && globSync(path!).length === 0) broken.push(`${doc}: ${path}`)
    }
    for (const [, link] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
      if (!existsSync(join(dirname(doc), link!))) broken.push(`${doc}: link ${link}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('decisions are numbered without gaps', () => {
  const numbers = readdirSync('docs/decisions')
    .filter((f) => /^\d{4}-/.test(f))
    .map((f) => Number(f.slice(0, 4)))
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => i + 1),
  )
})
