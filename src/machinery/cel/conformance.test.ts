import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js'
import { compileCel } from './cel.ts'
import { type CelType, celTypes, formatType } from './cel-type.ts'
import { twoVariableLibrary } from './comprehension-code.ts'
import { celEnvironment, type Environment, type Library, withVariables } from './environment.ts'
import { equals } from './equality.ts'
import { listLibrary } from './list-library.ts'
import { bindingMacros } from './macros.ts'
import { mathLibrary } from './math-library.ts'
import { networkLibrary } from './network-library.ts'
import { optionalLibrary } from './optional-library.ts'
import { standardLibrary } from './standard-library.ts'
import { stringLibrary } from './string-library.ts'
import { ArrayList, CelBytes, CelTypeValue, CelUint, EntryMap, mapKey, typeNameOf, type Value } from './value.ts'

const undeclared =
  /^type_deductions\/(?:functions\/function_result_type|type_parameters\/multiple_parameters_(?:generality|parameterized_ovl))/

/**
 * The conformance suite of the language (https://github.com/google/cel-spec/tree/master/tests/simple), all of it but what needs what
 * Kubernetes' expressions have not.
 */
const notApplicable: readonly { readonly suite: RegExp; readonly why: string }[] = [
  { suite: /^(?:proto2|proto2_ext|proto3|dynamic|enums|wrappers)\//, why: 'messages and enums of protobuf: values are JSON here' },
  { suite: /^(?:encoders_ext|block_ext|network_ext)\//, why: 'libraries that Kubernetes does not offer' },
  { suite: /^string_ext\/reverse\//, why: "from version 3 of the library of strings: Kubernetes' is version 2" },
  { suite: /^fields\/qualified_identifier_resolution\//, why: 'names of protobuf packages' },
  { suite: undeclared, why: 'functions that the test declares, with no meaning that could be evaluated' },
  { suite: /^unknowns\//, why: 'partial evaluation: the API server has all values' },
]
/** Single tests that need a message, by what their text or their expectation names. */
const needsMessages = /TestAllTypes|google\.protobuf\.(?!Timestamp|Duration)|objectValue|enumValue|type\.googleapis|NestedEnum|GlobalEnum/

type Original = {
  readonly name?: string
  readonly expr: string
  readonly value?: Json
  readonly evalError?: unknown
  readonly typedResult?: { readonly result?: Json; readonly deducedType?: Json }
  readonly typeEnv?: readonly { readonly name: string; readonly ident?: { readonly type?: Json }; readonly function?: Json }[]
  readonly bindings?: Readonly<Record<string, { readonly value?: Json }>>
  readonly container?: string
  readonly disableCheck?: boolean
  readonly disableMacros?: boolean
  readonly checkOnly?: boolean
}
type Json = Readonly<Record<string, unknown>>
type Suite = { readonly name: string; readonly suites?: readonly Suite[]; readonly tests?: readonly { readonly original: Original }[] }

const libraries = [
  standardLibrary(),
  optionalLibrary(),
  stringLibrary(),
  listLibrary(),
  mathLibrary(),
  networkLibrary(),
  twoVariableLibrary(),
  { macros: bindingMacros },
]
const base = celEnvironment({ libraries })
const withoutMacros = celEnvironment({ libraries: libraries.map(({ overloads = [] }: Library) => ({ overloads })) })

function* each(suite: Suite, path: string): Generator<{ readonly path: string; readonly original: Original }> {
  for (const { original } of suite.tests ?? []) yield { path: `${path}${original.name ?? original.expr}`, original }
  for (const inner of suite.suites ?? []) yield* each(inner, `${path}${inner.name}/`)
}

function typeOf(json: Json): CelType {
  if ('primitive' in json)
    return {
      INT64: celTypes.int,
      UINT64: celTypes.uint,
      DOUBLE: celTypes.double,
      BOOL: celTypes.bool,
      STRING: celTypes.string,
      BYTES: celTypes.bytes,
    }[json['primitive'] as string]!
  if ('listType' in json) return celTypes.list(typeOf((json['listType'] as Json)['elemType'] as Json))
  if ('mapType' in json) {
    const { keyType, valueType } = json['mapType'] as { keyType: Json; valueType: Json }
    return celTypes.map(typeOf(keyType), typeOf(valueType))
  }
  if ('wellKnown' in json)
    return { TIMESTAMP: celTypes.timestamp, DURATION: celTypes.duration }[json['wellKnown'] as string] ?? celTypes.dyn
  if ('wrapper' in json) return celTypes.wrapper(typeOf({ primitive: json['wrapper'] }) as never)
  if ('null' in json) return celTypes.null
  if ('type' in json) return celTypes.type(typeOf(json['type'] as Json))
  if ('abstractType' in json) {
    const { name, parameterTypes = [] } = json['abstractType'] as { name: string; parameterTypes?: Json[] }
    return celTypes.opaque(name, ...parameterTypes.map(typeOf))
  }
  return celTypes.dyn
}

function valueOf(json: Json): Value {
  const [[kind, value] = ['', undefined]] = Object.entries(json)
  switch (kind) {
    case 'int64Value':
      return BigInt(value as string)
    case 'uint64Value':
      return new CelUint(BigInt(value as string))
    case 'doubleValue':
      return Number(value === 'Infinity' || value === '-Infinity' || value === 'NaN' ? value : value)
    case 'bytesValue':
      return new CelBytes(Buffer.from(value as string, 'base64'))
    case 'nullValue':
      return null
    case 'typeValue':
      return new CelTypeValue(value as string)
    case 'listValue':
      return new ArrayList(((value as { values?: Json[] }).values ?? []).map(valueOf))
    case 'mapValue': {
      const entries = (value as { entries?: { key: Json; value: Json }[] }).entries ?? []
      return new EntryMap(new Map(entries.map((entry) => [mapKey(valueOf(entry.key)), [valueOf(entry.key), valueOf(entry.value)]])))
    }
    default:
      return value as string | boolean
  }
}

function isSame(a: Value, b: Value): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b) || a === b
  return typeNameOf(a) === typeNameOf(b) && equals(a, b)
}

function problemOf(original: Original): string | undefined {
  const { expr, typeEnv = [], container = '', bindings = {} } = original
  const variables = Object.fromEntries(typeEnv.flatMap(({ name, ident }) => (ident ? [[name, typeOf(ident.type ?? {})]] : [])))
  for (const name of Object.keys(bindings)) variables[name] ??= celTypes.dyn
  const environment: Environment = withVariables(original.disableMacros ? withoutMacros : base, {
    variables,
    container,
    allowsMixedLiterals: true,
  })
  const compiled = compileCel(environment, expr, { isUnchecked: original.disableCheck ?? false })
  const expected = original.value ?? original.typedResult?.result ?? (original.evalError ? undefined : { boolValue: true })
  if (compiled.issues) return expected || original.checkOnly ? `issues: ${compiled.issues.map((i) => i.message).join('; ')}` : undefined
  const { deducedType } = original.typedResult ?? {}
  if (deducedType && formatType(typeOf(deducedType)) !== formatType(compiled.program.type))
    return `type ${formatType(compiled.program.type)}`
  if (original.checkOnly) return undefined
  const values = Object.fromEntries(Object.entries(bindings).map(([name, { value }]) => [name, valueOf(value ?? {})]))
  const { value, error } = compiled.program.evaluate(values)
  if (error) return expected ? `error: ${error.message}` : undefined
  if (!expected) return `no error but ${typeNameOf(value)}`
  return isSame(value, valueOf(expected))
    ? undefined
    : `${JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part))} instead of ${JSON.stringify(expected)}`
}

test('the conformance suite of the language passes', () => {
  const failures: string[] = []
  let passed = 0
  for (const { path, original } of each(tests as unknown as Suite, '')) {
    if (notApplicable.some(({ suite }) => suite.test(path)) || needsMessages.test(JSON.stringify(original))) continue
    const problem = problemOf(original)
    if (problem === undefined) passed++
    else failures.push(`${path}: ${original.expr} → ${problem}`)
  }
  assert.deepEqual(failures, [])
  assert.ok(passed > 1_000, `${passed} tests ran`)
})
