import { operators } from './ast.ts'
import { conversionOverloads } from './conversions.ts'
import type { Library } from './environment.ts'
import { compareValues, equals } from './equality.ts'
import { EvaluationError } from './evaluation-error.ts'
import { listSum } from './list-sum.ts'
import { standardMacros } from './macros.ts'
import { type Overload, overload } from './overload.ts'
import { matches } from './regex.ts'
import { sizeOf, traversal } from './size.ts'
import { calendarOf, durationOf, nanosOf, timestampOfNanos } from './time.ts'
import {
  CelBytes,
  type CelDuration,
  type CelList,
  type CelMap,
  type CelTimestamp,
  CelUint,
  int64Max,
  int64Min,
  uint64Max,
  type Value,
} from './value.ts'

/** Operators and functions of every expression (https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions). */
export function standardLibrary(): Library {
  return {
    macros: standardMacros,
    overloads: [
      ...arithmetic(),
      ...timeArithmetic(),
      ...comparisons(),
      ...containment(),
      ...texts(),
      ...calendar(),
      ...conversionOverloads(),
    ],
  }
}

function int(value: bigint): bigint {
  if (value > int64Max || value < int64Min) throw new EvaluationError('integer overflow')
  return value
}

function uint(value: bigint): CelUint {
  if (value > uint64Max || value < 0n) throw new EvaluationError('unsigned integer overflow')
  return new CelUint(value)
}

function nonZero(value: bigint, what: 'division' | 'modulus'): bigint {
  if (value === 0n) throw new EvaluationError(what === 'division' ? 'division by zero' : 'modulus by zero')
  return value
}

const smallMax = 2n ** 62n
const isSmall = (value: bigint) => value < smallMax && value > -smallMax
const sumCost = (a: Value, b: Value) => traversal(sizeOf(a) + sizeOf(b))

function arithmetic(): Overload[] {
  return [
    // The sum of two small numbers cannot leave the range, which spares comparing it.
    overload('_+_(int, int): int', (a: bigint, b: bigint) => (isSmall(a) && isSmall(b) ? a + b : int(a + b))),
    overload('_+_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value + b.value)),
    overload('_+_(double, double): double', (a: number, b: number) => a + b),
    overload('_+_(string, string): string', (a: string, b: string) => a + b, { cost: sumCost }),
    overload('_+_(bytes, bytes): bytes', (a: CelBytes, b: CelBytes) => new CelBytes(Buffer.concat([a.bytes, b.bytes])), { cost: sumCost }),
    overload('_+_(list<A>, list<A>): list<A>', listSum),
    overload('_-_(int, int): int', (a: bigint, b: bigint) => int(a - b)),
    overload('_-_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value - b.value)),
    overload('_-_(double, double): double', (a: number, b: number) => a - b),
    overload('_*_(int, int): int', (a: bigint, b: bigint) => int(a * b)),
    overload('_*_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value * b.value)),
    overload('_*_(double, double): double', (a: number, b: number) => a * b),
    overload('_/_(int, int): int', (a: bigint, b: bigint) => int(a / nonZero(b, 'division'))),
    overload('_/_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value / nonZero(b.value, 'division'))),
    overload('_/_(double, double): double', (a: number, b: number) => a / b),
    overload('_%_(int, int): int', (a: bigint, b: bigint) => {
      if (a === int64Min && b === -1n) throw new EvaluationError('integer overflow')
      return a % nonZero(b, 'modulus')
    }),
    overload('_%_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value % nonZero(b.value, 'modulus'))),
    overload('-_(int): int', (a: bigint) => int(-a)),
    overload('-_(double): double', (a: number) => -a),
    overload('!_(bool): bool', (a: boolean) => !a),
    // Evaluated by the compiler; declared for the check.
    overload('_?_:_(bool, A, A): A', (_c: boolean, a: Value, _b: Value) => a),
    overload('_&&_(bool, bool): bool', (a: boolean, b: boolean) => a && b),
    overload('_||_(bool, bool): bool', (a: boolean, b: boolean) => a || b),
    overload(`${operators.notStrictlyFalse}(bool): bool`, (a: boolean) => a),
    overload('_[_](list<A>, int): A', (list: CelList, i: bigint) => list.at(Number(i)), { id: 'index_list' }),
    overload('_[_](map<A, B>, A): B', (map: CelMap, key: Value) => map.get(key) ?? null, { id: 'index_map' }),
  ]
}

function timeArithmetic(): Overload[] {
  const moved = (time: CelTimestamp, by: bigint) => timestampOfNanos(nanosOf(time) + by)
  return [
    overload('_+_(duration, duration): duration', (a: CelDuration, b: CelDuration) => durationOf(a.nanos + b.nanos)),
    overload('_+_(timestamp, duration): timestamp', (a: CelTimestamp, b: CelDuration) => moved(a, b.nanos)),
    overload('_+_(duration, timestamp): timestamp', (a: CelDuration, b: CelTimestamp) => moved(b, a.nanos)),
    overload('_-_(duration, duration): duration', (a: CelDuration, b: CelDuration) => durationOf(a.nanos - b.nanos)),
    overload('_-_(timestamp, duration): timestamp', (a: CelTimestamp, b: CelDuration) => moved(a, -b.nanos)),
    overload('_-_(timestamp, timestamp): duration', (a: CelTimestamp, b: CelTimestamp) => durationOf(nanosOf(a) - nanosOf(b))),
    overload('-_(duration): duration', (a: CelDuration) => durationOf(-a.nanos)),
  ]
}

const smallerCost = (a: Value, b: Value) => traversal(Math.min(sizeOf(a), sizeOf(b)))

function comparisons(): Overload[] {
  const tests = {
    '_<_': (a: Value, b: Value) => compareValues(a, b) < 0,
    '_<=_': (a: Value, b: Value) => compareValues(a, b) <= 0,
    '_>_': (a: Value, b: Value) => compareValues(a, b) > 0,
    '_>=_': (a: Value, b: Value) => compareValues(a, b) >= 0,
  }
  const numeric = ['int', 'uint', 'double']
  return [
    overload('_==_(A, A): bool', equals, { id: 'equals', cost: smallerCost }),
    overload('_!=_(A, A): bool', (a: Value, b: Value) => !equals(a, b), { id: 'not_equals', cost: smallerCost }),
    ...Object.entries(tests).flatMap(([name, test]) => [
      ...['bool', 'int', 'uint', 'double', 'timestamp', 'duration'].map((type) => overload(`${name}(${type}, ${type}): bool`, test)),
      ...['string', 'bytes'].map((type) => overload(`${name}(${type}, ${type}): bool`, test, { cost: smallerCost })),
      ...numeric.flatMap((a) => numeric.filter((b) => b !== a).map((b) => overload(`${name}(${a}, ${b}): bool`, test))),
    ]),
  ]
}

function containment(): Overload[] {
  const inList = (value: Value, list: CelList) => {
    for (let i = 0; i < list.size; i++) if (equals(value, list.at(i))) return true
    return false
  }
  return [
    overload(`${operators.in}(A, list<A>): bool`, inList, { id: 'in_list', cost: (_value: Value, list: CelList) => list.size }),
    overload(`${operators.in}(A, map<A, B>): bool`, (key: Value, map: CelMap) => map.has?.(key) ?? map.get(key) !== undefined, {
      id: 'in_map',
    }),
    ...['string', 'bytes', 'list<A>', 'map<A, B>'].flatMap((type) => [
      overload(`size(${type}): int`, (value: Value) => BigInt(sizeOf(value))),
      overload(`${type}.size(): int`, (value: Value) => BigInt(sizeOf(value))),
    ]),
  ]
}

function texts(): Overload[] {
  const ofFirst = (text: string, _part: string) => traversal(sizeOf(text))
  const regexCost = (text: string, pattern: string) => traversal(sizeOf(text) + 1) * Math.ceil(sizeOf(pattern) * 0.25)
  return [
    overload('string.contains(string): bool', (a: string, b: string) => a.includes(b), {
      cost: (a: string, b: string) => traversal(sizeOf(a)) * traversal(sizeOf(b)),
    }),
    overload('string.startsWith(string): bool', (a: string, b: string) => a.startsWith(b), { id: 'starts_with_string', cost: ofFirst }),
    overload('string.endsWith(string): bool', (a: string, b: string) => a.endsWith(b), { id: 'ends_with_string', cost: ofFirst }),
    overload('string.matches(string): bool', matches, { cost: regexCost }),
    overload('matches(string, string): bool', matches, { cost: regexCost }),
  ]
}

function calendar(): Overload[] {
  const parts: Record<string, (c: ReturnType<typeof calendarOf>) => number> = {
    getFullYear: (c) => c.year,
    getMonth: (c) => c.month,
    getDayOfYear: (c) => c.dayOfYear,
    getDayOfMonth: (c) => c.day - 1,
    getDate: (c) => c.day,
    getDayOfWeek: (c) => c.weekday,
    getHours: (c) => c.hours,
    getMinutes: (c) => c.minutes,
    getSeconds: (c) => c.seconds,
    getMilliseconds: (c) => c.milliseconds,
  }
  const units: Record<string, bigint> = {
    getHours: 3_600_000_000_000n,
    getMinutes: 60_000_000_000n,
    getSeconds: 1_000_000_000n,
  }
  return [
    ...Object.entries(parts).flatMap(([name, part]) => [
      overload(`timestamp.${name}(): int`, (time: CelTimestamp) => BigInt(part(calendarOf(time, 'UTC')))),
      overload(`timestamp.${name}(string): int`, (time: CelTimestamp, zone: string) => BigInt(part(calendarOf(time, zone)))),
    ]),
    ...Object.entries(units).map(([name, unit]) => overload(`duration.${name}(): int`, ({ nanos }: CelDuration) => nanos / unit)),
    overload('duration.getMilliseconds(): int', ({ nanos }: CelDuration) => (nanos / 1_000_000n) % 1_000n),
  ]
}
