import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml, parseYamlDocuments, parseYamlStrict, YamlError } from './yaml.ts'
import { formatYaml } from './yaml-writer.ts'

test('reads scalars as Kubernetes’ tools do', () => {
  const check = (text: string, expected: unknown) => assert.deepEqual(parseYaml(`a: ${text}`), { a: expected }, text)
  check('yes', true)
  check('Off', false)
  check('y', 'y')
  check('~', null)
  check('', null)
  check('014', 12)
  check('0o14', 12)
  check('0x1F', 31)
  check('1_000', 1000)
  check('-7', -7)
  check('1e3', 1000)
  check('1.5', 1.5)
  check('1_0.5_0', 10.5)
  check('0XfF', 255)
  check('2024-01-01', '2024-01-01')
  check('12:30:45', '12:30:45')
  check('"1"', '1')
  check('100m', '100m')
  check('1.2.3', '1.2.3')
})

test('reads streams, leaves empty documents out', () => {
  assert.deepEqual(parseYamlDocuments('---\na: 1\n---\n---\nb: 2\n'), [{ a: 1 }, { b: 2 }])
})

test('what it writes it reads back', () => {
  const value = { a: ['yes', 'no', 1, '1', null, true, '2024-01-01', '0x1', 'x: y', ''], b: { c: 'two\nlines\n' } }
  assert.deepEqual(parseYaml(formatYaml(value)), value)
})

test('quotes what readers of YAML 1.1 take for no text, as kubectl does', () => {
  const quoted = [
    '2026-01-01',
    '2026-01-01T00:00:00Z',
    '2001-12-14 21:59:43.10',
    '1:20',
    '-190:20:30',
    '.inf',
    '-.Inf',
    '.NaN',
    '685_230.15',
    '0X1F',
    '08',
    'y',
    'No',
    'null',
    '~',
    '1_',
    '',
  ]
  for (const text of quoted) assert.equal(formatYaml({ a: text, b: { [text]: 1 } }), `a: "${text}"\nb:\n  "${text}": 1\n`, text)
  for (const text of ['100m', '1.2.3', '12:61', '1,000', '20260101T', '1Gi', 'nan', 'a:b', '2026-01'])
    assert.equal(formatYaml({ a: text }), `a: ${text}\n`, text)
  for (const text of ['- b', ' ', '   ', '---', '--- b', '...']) assert.equal(formatYaml({ a: text }), `a: '${text}'\n`, text)
  for (const text of ['=', '2001-13-45', '2001-02-30']) assert.equal(formatYaml({ a: text }), `a: ${text}\n`, text)
  for (const text of ['a \nb', 'a\n ', '--- \na']) assert.equal(formatYaml({ a: text }), `a: ${JSON.stringify(text)}\n`, text)
  assert.equal(formatYaml({ a: 'b\nc\n' }), 'a: |\n  b\n  c\n')
})

test('folds, escapes and marks as Go’s encoder does', () => {
  const check = (value: unknown, expected: string) => assert.equal(formatYaml(value), expected)
  check({ a: `${'x'.repeat(81)} tail` }, `a: ${'x'.repeat(81)}\n  tail\n`)
  check({ a: `: ${'x'.repeat(81)}  tail` }, `a: ': ${'x'.repeat(81)}  tail'\n`)
  check({ a: `\t${'x'.repeat(81)}  tail` }, `a: "\\t${'x'.repeat(81)}\n  \\ tail"\n`)
  check({ a: 'b😀', '😀': 'é' }, '"\\U0001F600": é\na: "b\\U0001F600"\n')
  check({ 'a\nb': 1 }, '? |-\n  a\n  b\n: 1\n')
  check([[{ a: [1, { b: '\nc\n\n' }] }]], '- - a:\n    - 1\n    - b: |2+\n\n        c\n\n')
  check([1e20, 1_234_567.5, 1e-7, 0.1], '- 1e+20\n- 1.2345675e+06\n- 1e-07\n- 0.1\n')
  check('\ufeff@', '"\\uFEFF\\x40"\n')
  check({ a: '1e400', b: '0xFFFFFFFFFFFFFFFFFF' }, 'a: 1e400\nb: 0xFFFFFFFFFFFFFFFFFF\n')
  assert.deepEqual(parseYaml('a: 1e400\nb: 0xFFFFFFFFFFFFFFFFFF\n'), { a: '1e400', b: '0xFFFFFFFFFFFFFFFFFF' })
})

// As kubectl 1.35, which has the same encoder, sorts what `kubectl label --local` prints.
test('writes keys with numbers in the order of the numbers', () => {
  const keys = [
    '-',
    '.',
    '_',
    '~',
    '1',
    '01',
    '001',
    '2',
    '9.b',
    '10',
    '10.a',
    'AB',
    'Ab',
    'a',
    'a-b',
    'a.b',
    'a0',
    'a00',
    'ab',
    'item2',
    'item02',
  ]
  const sorted = [...keys, 'item10', 'x-1', 'x1', 'x1-', 'x1y', 'é']
  const written = formatYaml(Object.fromEntries(sorted.toReversed().map((key) => [key, 0])))
  assert.deepEqual(
    written.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(0, line.lastIndexOf(':')).replaceAll(/["']/g, '')])),
    sorted,
  )
})

test('tells duplicate keys, of which the last wins', () => {
  const { value, duplicate } = parseYamlStrict('a: 1\na: 2\n')
  assert.deepEqual(value, { a: 2 })
  assert.equal(duplicate, 'yaml: unmarshal errors:\n  line 2: key "a" already set in map')
  assert.equal(parseYamlStrict('a: 1').duplicate, undefined)
})

test('tells every duplicate key as Go does, in its order', () => {
  const check = (text: string, ...lines: readonly string[]) => {
    const said = ['yaml: unmarshal errors:', ...lines.map((line) => `${line} already set in map`)].join('\n  ')
    assert.equal(parseYamlStrict(text).duplicate, lines.length === 0 ? undefined : said, text)
  }
  check(
    'a: 1\nb:\n  unknown: x\n  unknown: y\n  foo: 1\n  foo: 2\n  foo: 3\nl:\n- {k: 1, k: 2}\na: 2\n',
    'line 4: key "unknown"',
    'line 6: key "foo"',
    'line 7: key "foo"',
    'line 9: key "k"',
    'line 10: key "a"',
  )
  check('a: 1\n"a": 2\n', 'line 2: key "a"')
  check('1: a\n1: b\n1.5: c\n1.5: d\ntrue: x\ntrue: y\n', 'line 2: key 1', 'line 4: key 1.5', 'line 6: key true')
  // The line is where the value begins.
  check('? a\n: 1\n? a\n: 2\n', 'line 4: key "a"')
  check('a:\n  x: 1\na:\n  y: 2\n', 'line 4: key "a"')
  check('a: 1\na:\nb: 2\n', 'line 2: key "a"')
  check('a: 1\na:\n- 1\n', 'line 3: key "a"')
  check('a: 1\na: |\n\n  x\n', 'line 2: key "a"')
  check('a: 1\na:   # c\n\n  {x: 1}\n', 'line 4: key "a"')
  check('a: 1\na: &q\n  x: 1\n', 'line 2: key "a"')
  check('a: 1\na: "x\n  y"\n', 'line 2: key "a"')
  check('a: 1\na: !!str\n  x\n', 'line 2: key "a"')
  check('a: {b: 1,\n b: }\n', 'line 2: key "b"')
  check('{"a":1,"b":{"c":1,"c":2},"a":3}', 'line 1: key "c"', 'line 1: key "a"')
  check('a:\n  - b: 1\n    b: 2\n  - c: 1\n    c: 2\n', 'line 3: key "b"', 'line 5: key "c"')
  check('null: 1\nnull: 2\n~: 3\n', 'line 2: key <nil>', 'line 3: key <nil>')
  check('x: &x {b: 1}\nu: *x\nv: *x\nu: 2\n', 'line 4: key "u"')
  check('a: |\n  a: 1\n  a: 2\nb: >-\n  b\n\na: 1\n', 'line 7: key "a"')
  // Only the first document is read.
  check('a: 1\n---\nb: 1\nb: 2\n')
  check('- a: 1\n- a: 2\n- {a: {}, b: {}}\n')
})

test('refuses bad text and exploding aliases', () => {
  assert.throws(() => parseYaml('a: [1'), YamlError)
  const bomb = ['a0: &a0 [x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 9; i++)
    bomb.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(',')}]`,
    )
  assert.throws(() => parseYaml(bomb.join('\n')), YamlError)
  assert.throws(() => parseYaml('a: &a\n  b: *a\n'), YamlError)
  assert.deepEqual(parseYaml('a: &a [1]\nb: [*a, *a]\n'), { a: [1], b: [[1], [1]] })
})
