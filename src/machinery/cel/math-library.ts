import type { Expr } from './ast.ts'
import type { Library } from './environment.ts'
import { compareNumbers, isNumeric } from './equality.ts'
import { EvaluationError } from './evaluation-error.ts'
import { type Macros, namespaceMacro } from './macros.ts'
import { type Overload, overload } from './overload.ts'
import { type CelList, CelUint, int64Min, type Value } from './value.ts'

/** Functions of numbers (https://pkg.go.dev/github.com/google/cel-go/ext#Math). */
export const mathLibrary = (): Library => ({ macros: extremeMacros(), overloads: [...extremes(), ...rounding(), ...bits()] })

const argumentsMax = 20
const numeric = ['int', 'uint', 'double']

/** `math.greatest(a, b, c)` compares the items of a list; one and two arguments are compared as they are. */
function extremeMacros(): Macros {
  return new Map(
    [...Array(argumentsMax).keys()].flatMap((i) =>
      (['greatest', 'least'] as const).map((name) => [
        `.${name}/${i + 1}`,
        namespaceMacro('math', (args: readonly Expr[], build) =>
          build.call(name === 'greatest' ? 'math.@max' : 'math.@min', args.length <= 2 ? args : [build.list(...args)]),
        ),
      ]),
    ),
  )
}

function extremes(): Overload[] {
  const best = (sign: 1 | -1, a: Value, b: Value): Value => {
    if (!isNumeric(a) || !isNumeric(b)) throw new EvaluationError('no such overload')
    return compareNumbers(b, a) * sign > 0 ? b : a
  }
  return (
    [
      ['math.@max', 1],
      ['math.@min', -1],
    ] as const
  ).flatMap(([name, sign]) => [
    ...numeric.flatMap((a) => [
      overload(`${name}(${a}): ${a}`, (value: Value) => value),
      ...numeric.map((b) => overload(`${name}(${a}, ${b}): ${a === b ? a : 'dyn'}`, (x: Value, y: Value) => best(sign, x, y))),
      overload(`${name}(list<${a}>): ${a}`, (list: CelList) => bestOf(list, (x, y) => best(sign, x, y), name), {
        cost: (list: CelList) => list.size,
      }),
    ]),
  ])
}

function bestOf(list: CelList, better: (a: Value, b: Value) => Value, name: string): Value {
  if (list.size === 0) throw new EvaluationError(`${name}(list) argument must not be empty`)
  let result = list.at(0)
  for (let i = 1; i < list.size; i++) result = better(result, list.at(i))
  return result
}

function rounding(): Overload[] {
  const round = (value: number) => (Number.isFinite(value) ? Math.sign(value) * Math.round(Math.abs(value)) : value)
  return [
    overload('math.ceil(double): double', Math.ceil),
    overload('math.floor(double): double', Math.floor),
    overload('math.round(double): double', round),
    overload('math.trunc(double): double', Math.trunc),
    overload('math.isInf(double): bool', (value: number) => Math.abs(value) === Number.POSITIVE_INFINITY),
    overload('math.isNaN(double): bool', Number.isNaN),
    overload('math.isFinite(double): bool', Number.isFinite),
    overload('math.abs(double): double', Math.abs),
    overload('math.abs(uint): uint', (value: CelUint) => value),
    overload('math.abs(int): int', (value: bigint) => {
      if (value === int64Min) throw new EvaluationError('integer overflow')
      return value < 0n ? -value : value
    }),
    overload('math.sign(double): double', Math.sign),
    overload('math.sign(int): int', (value: bigint) => BigInt(Number(value > 0n) - Number(value < 0n))),
    overload('math.sign(uint): uint', ({ value }: CelUint) => new CelUint(value > 0n ? 1n : 0n)),
    overload('math.sqrt(double): double', Math.sqrt),
    overload('math.sqrt(int): double', (value: bigint) => Math.sqrt(Number(value))),
    overload('math.sqrt(uint): double', ({ value }: CelUint) => Math.sqrt(Number(value))),
  ]
}

function bits(): Overload[] {
  const both = (name: string, of: (a: bigint, b: bigint) => bigint) => [
    overload(`math.${name}(int, int): int`, (a: bigint, b: bigint) => BigInt.asIntN(64, of(a, b))),
    overload(`math.${name}(uint, uint): uint`, (a: CelUint, b: CelUint) => new CelUint(BigInt.asUintN(64, of(a.value, b.value)))),
  ]
  const shift = (name: string, of: (a: bigint, by: bigint) => bigint) => [
    overload(`math.${name}(int, int): int`, (a: bigint, by: bigint) =>
      shifted(by, 0n, () => BigInt.asIntN(64, of(BigInt.asUintN(64, a), by))),
    ),
    overload(`math.${name}(uint, int): uint`, (a: CelUint, by: bigint) =>
      shifted(by, new CelUint(0n), () => new CelUint(BigInt.asUintN(64, of(a.value, by)))),
    ),
  ]
  return [
    ...both('bitAnd', (a, b) => a & b),
    ...both('bitOr', (a, b) => a | b),
    ...both('bitXor', (a, b) => a ^ b),
    overload('math.bitNot(int): int', (a: bigint) => ~a),
    overload('math.bitNot(uint): uint', (a: CelUint) => new CelUint(BigInt.asUintN(64, ~a.value))),
    ...shift('bitShiftLeft', (a, by) => a << by),
    ...shift('bitShiftRight', (a, by) => a >> by),
  ]
}

function shifted(by: bigint, empty: Value, shift: () => Value): Value {
  if (by < 0n) throw new EvaluationError(`math.bitShift() negative offset: ${by}`)
  return by >= 64n ? empty : shift()
}
