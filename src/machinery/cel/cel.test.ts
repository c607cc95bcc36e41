import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AuthorizationAttributes, authorizerValue } from './authorizer.ts'
import { compileCel, describeIssues } from './cel.ts'
import { celTypes } from './cel-type.ts'
import { fromJson, toJson } from './json-value.ts'
import { kubernetesEnvironment } from './kubernetes-environment.ts'

const self = celTypes.object('object', {
  replicas: celTypes.int,
  name: celTypes.string,
  items: celTypes.list(celTypes.string),
  labels: celTypes.map(celTypes.string, celTypes.string),
  any: celTypes.dyn,
  ratio: celTypes.double,
  at: celTypes.timestamp,
})
const environment = kubernetesEnvironment({
  variables: { self, x: celTypes.dyn, authorizer: celTypes.opaque('kubernetes.authorization.Authorizer') },
  structs: (name) =>
    name === 'JSONPatch' ? celTypes.object(name, { op: celTypes.string, path: celTypes.string, value: celTypes.dyn }) : undefined,
  extras: ['bindings', 'jsonPatch'],
})
const asked: AuthorizationAttributes[] = []
const authorizer = authorizerValue({
  check: (attributes) => {
    asked.push(attributes)
    return { allowed: attributes.verb === 'get', reason: 'because' }
  },
})
const object = {
  replicas: 3,
  name: 'web-1',
  items: ['a', 'b'],
  labels: { app: 'x' },
  any: { deep: [1, 2.5, 'z', null] },
  ratio: 1,
  at: '2026-01-02T03:04:05Z',
}

function evaluated(text: string, costMax?: number): unknown {
  const { program, issues } = compileCel(environment, text)
  if (issues) return describeIssues(text, issues)
  const bindings = { self: fromJson(object, self), x: fromJson(object, celTypes.dyn), authorizer }
  const { value, error } = program.evaluate(bindings, costMax === undefined ? {} : { costMax })
  return error ? `error: ${error.message}` : toJson(value)
}

const results: readonly (readonly [text: string, expected: unknown])[] = [
  ['self.replicas + 1', 4],
  ['self.items.all(i, i.size() == 1) && has(self.labels.app) && !has(self.labels.other)', true],
  ['x.any.deep[1] > 2 && type(x.any.deep[0]) == int && type(self.ratio) == double', true],
  ['x.missing == 1', 'error: no such key: missing'],
  ['x.missing == 1 || true', true],
  ['x.?missing.orValue("none")', 'none'],
  ['self.items[?5].hasValue()', false],
  ['self.at.getFullYear() == 2026 && self.at < timestamp("2026-01-02T03:04:06Z")', true],
  ['"%s has %d (%.1f)".format([self.name, dyn(self.replicas), dyn(1.25)])', 'web-1 has 3 (1.2)'],
  ['self.items.map(i, i + "!").join(",")', 'a!,b!'],
  ['[3, 1, 2].isSorted() || [3, 1, 2].sum() == 6 && [3, 1, 2].max() == 3', true],
  ['"abc 123 def".find("[0-9]+") + "abc 12".findAll("[a-z]|[0-9]").join("")', '123abc12'],
  ['url("https://user@example.com:80/path/?a=1&a=2").getHost() + string(url("/x?a=1&a=2").getQuery()["a"].size())', 'example.com:802'],
  ['string(ip("2001:0db8::0:1")) + string(cidr("10.1.2.3/8").masked())', '2001:db8::110.0.0.0/8'],
  ['cidr("192.168.0.0/16").containsIP("192.168.1.1") && !isIP("::ffff:1.2.3.4") && ip("127.0.0.1").isLoopback()', true],
  ['quantity("1.5Gi").isGreaterThan(quantity("1G")) && quantity("50k").add(20).sub(quantity("1k")).asInteger() == 49020', true],
  ['semver("1.2.3-rc.1").isLessThan(semver("1.2.3")) && semver("v1.0", true).compareTo(semver("1.0.0")) == 0', true],
  ['format.dns1123Label().validate("my-label").hasValue() || format.named("dns1123Label").value().validate("No").hasValue()', true],
  [
    'sets.contains([1, 2, 3], [2.0, 3u])',
    "ERROR: <input>:1:32: expected type 'double' but found 'uint'\n | sets.contains([1, 2, 3], [2.0, 3u])\n | ...............................^",
  ],
  ['{"a": 1, "b": 2}.transformMap(k, v, v * 2)', { a: 2, b: 4 }],
  ['[1, 2].exists_one(i, v, v == 2) && cel.bind(a, 2, a + a) == 4', true],
  ['[3, 1].sortBy(e, -e) == [3, 1] && [[1], [2]].flatten() == [1, 2] && lists.range(2) == [0, 1]', true],
  ['optional.unwrap([x.?replicas, x.?none]) == [3] && [x.?none].unwrapOpt().size() == 0', true],
  ['[dyn(1)].unwrapOpt()', 'error: value is not optional'],
  // Go's engine finds nothing right behind what it found.
  ['"12 ab 3".findAll("[0-9]*") == ["12", "", "", "", "3"]', true],
  ['authorizer.group("apps").resource("deployments").namespace("n").check("get").allowed()', true],
  ['JSONPatch{op: "add", path: "/x", value: {"y": [1]}}', { op: 'add', path: '/x', value: { y: [1] } }],
  ['9223372036854775807 + 1', 'error: integer overflow'],
  ['1 / 0', 'error: division by zero'],
  ['self.foo', "ERROR: <input>:1:5: undefined field 'foo'\n | self.foo\n | ....^"],
  ['foo(self)', "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(self)\n | ...^"],
  [
    'self.replicas > "a"',
    "ERROR: <input>:1:15: found no matching overload for '_>_' applied to '(int, string)'\n | self.replicas > \"a\"\n | ..............^",
  ],
  [
    'self.replicas >',
    "ERROR: <input>:1:16: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.replicas >\n | ...............^",
  ],
]

for (const [text, expected] of results) test(`evaluates ${text}`, () => assert.deepEqual(evaluated(text), expected))

test('asks the authorizer for what was built', () => {
  asked.length = 0
  evaluated('authorizer.serviceAccount("ns", "bot").group("").resource("pods").subresource("log").name("p").check("get").reason()')
  evaluated('authorizer.path("/healthz").check("head").allowed()')
  assert.deepEqual(asked, [
    { serviceAccount: { namespace: 'ns', name: 'bot' }, group: '', resource: 'pods', subresource: 'log', name: 'p', verb: 'get' },
    { path: '/healthz', verb: 'head' },
  ])
})

test('refuses results of another type than asked for', () => {
  const { issues } = compileCel(environment, '1', { results: [celTypes.bool] })
  assert.equal(describeIssues('1', issues!), 'must evaluate to bool but got int')
})

const costs: readonly (readonly [text: string, cost: number])[] = [
  ['true', 0],
  ['self.replicas', 2],
  ['self.replicas == 3', 3],
  ['self.name.startsWith("web")', 3],
  ['self.name.contains("web")', 3],
  ['[1, 2].exists(i, i == 2)', 23],
  ['has(self.name)', 1],
  ['self.replicas == 3 ? 1 : 2', 3],
]
for (const [text, cost] of costs)
  test(`counts what ${text} costs`, () => {
    const { program } = compileCel(environment, text)
    assert.equal(program!.evaluate({ self: fromJson(object, self) }).cost, cost)
  })

const heavy: readonly string[] = [
  'lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, a + b + c >= 0)))',
  'lists.range(1000).map(a, lists.range(1000).map(b, lists.range(1000))).size() > 0',
  'lists.range(30).map(i, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("(a+)+(a+)+(a+)+$")).size() == 30',
  'lists.range(60).map(i, [i]).exists(a, false) || cel.bind(a, lists.range(1000), cel.bind(b, a.map(x, a), b == a.map(x, a.map(y, y)) || b.map(x, b) == b.map(x, b)))',
  'cel.bind(s, "aaaaaaaaaa", cel.bind(t, s.replace("", s).replace("", s), t.replace("", t).replace("", t).size() > 0))',
]
for (const text of heavy)
  test(`ends in bounded time: ${text.slice(0, 60)}`, () => {
    const start = performance.now()
    evaluated(text)
    assert.ok(performance.now() - start < 5_000, `${performance.now() - start} ms`)
  })

const atoms = fc.constantFrom(
  'self',
  'x',
  '1',
  '2u',
  '1.5',
  '"a"',
  "b'q'",
  'null',
  'true',
  '[1]',
  '{"a": 1}',
  'x.any',
  'self.items',
  'self.at',
  'duration("1s")',
  'int',
  '-',
)
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    atoms,
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '/', '%', '==', '<', '&&', '||', 'in'), tie('expression'))
      .map((p) => `(${p.join(' ')})`),
    fc
      .tuple(tie('expression'), fc.constantFrom('size', 'getHours', 'trim', 'min', 'flatten', 'value', 'hasValue'))
      .map(([a, f]) => `${a}.${f}()`),
    fc
      .tuple(tie('expression'), fc.constantFrom('all', 'exists', 'map', 'filter', 'exists_one'), tie('expression'))
      .map(([a, m, b]) => `${a}.${m}(i, ${b})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc
      .tuple(fc.constantFrom('string', 'int', 'double', 'bytes', 'type', 'dyn', 'quantity', 'ip', 'has'), tie('expression'))
      .map(([f, a]) => `${f}(${a})`),
  ),
}))

test('no expression crashes or hangs', () => {
  fc.assert(
    fc.property(expression, fc.boolean(), (text, isUnchecked) => {
      const { program } = compileCel(environment, text, { isUnchecked })
      program?.evaluate({ self: fromJson(object, self), x: fromJson(object, celTypes.dyn) })
    }),
    { numRuns: 400 },
  )
})

test('no text crashes the parser', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...'()[]{}.,?:+-!"\'\\`ab01u in &&||=='.split(''))).map((c) => c.join('')),
      ),
      (text) => {
        const { issues } = compileCel(environment, text)
        if (issues) describeIssues(text, issues)
      },
    ),
    { numRuns: 300 },
  )
  for (const text of [
    '('.repeat(10_000),
    '-'.repeat(50_000),
    '!'.repeat(50_000),
    `a${'.a'.repeat(20_000)}`,
    '1+'.repeat(40_000),
    '['.repeat(5_000),
    'a?b:'.repeat(9_000),
  ])
    assert.ok(compileCel(environment, text).issues, text.slice(0, 10))
})

test('an expression has what Kubernetes gives it where it stands, and no more', () => {
  const known = (text: string, ...extras: readonly ('bindings' | 'jsonPatch' | 'math')[]) =>
    compileCel(kubernetesEnvironment({ variables: {}, extras }), text).issues === undefined
  for (const text of [
    'cel.bind(a, 1, a + 1) == 2',
    'math.greatest(1, 2) == 2',
    'jsonpatch.escapeKey("a/b") == "a~1b"',
    '"ab".reverse() == "ba"',
  ])
    assert.equal(known(text), false, text)
  assert.ok(known('cel.bind(a, 1, a + 1) == 2', 'bindings') && known('math.greatest(1, 2) == 2', 'math'))
  assert.ok(known('jsonpatch.escapeKey("a/b") == "a~1b"', 'jsonPatch') && known('[1, 2].reverse() == [2, 1]'))
})
