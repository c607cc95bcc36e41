import type { Library } from './environment.ts'
import { compareValues, equals } from './equality.ts'
import { EvaluationError, spendSteps } from './evaluation-error.ts'
import { listMacros } from './macros.ts'
import { type Overload, overload } from './overload.ts'
import { noneOptional } from './selection.ts'
import { sizeOf, traversal } from './size.ts'
import { ArrayList, CelDuration, type CelList, CelOptional, CelUint, int64Max, int64Min, uint64Max, type Value } from './value.ts'

/** Kubernetes' functions of lists, and those of https://pkg.go.dev/github.com/google/cel-go/ext#Lists. */
export const listLibrary = (): Library => ({ macros: listMacros, overloads: [...kubernetesFunctions(), ...shaping()] })

/** Functions of lists as sets (https://pkg.go.dev/github.com/google/cel-go/ext#Sets). */
export const setLibrary = (): Library => ({
  overloads: [
    overload('sets.contains(list<A>, list<A>): bool', (a: CelList, b: CelList) => itemsOf(b).every((item) => has(a, item)), {
      cost: product,
    }),
    overload(
      'sets.equivalent(list<A>, list<A>): bool',
      (a: CelList, b: CelList) => itemsOf(b).every((item) => has(a, item)) && itemsOf(a).every((item) => has(b, item)),
      { cost: product },
    ),
    overload('sets.intersects(list<A>, list<A>): bool', (a: CelList, b: CelList) => itemsOf(b).some((item) => has(a, item)), {
      cost: product,
    }),
  ],
})

const product = (a: CelList, b: CelList) => 1 + a.size * b.size

export function itemsOf(list: CelList): Value[] {
  spendSteps(list.size)
  return Array.from({ length: list.size }, (_, i) => list.at(i))
}

function has(list: CelList, wanted: Value): boolean {
  for (let i = 0; i < list.size; i++) if (equals(list.at(i), wanted)) return true
  return false
}

const walk = (list: CelList) => traversal(sizeOf(list))
const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']

function kubernetesFunctions(): Overload[] {
  const isSorted = (list: CelList) => itemsOf(list).every((item, i) => i === 0 || compareValues(list.at(i - 1), item) <= 0)
  const extreme = (sign: 1 | -1, name: string) => (list: CelList) => {
    if (list.size === 0) throw new EvaluationError(`${name} called on empty list`)
    return itemsOf(list).reduce((best, item) => (compareValues(item, best) * sign > 0 ? item : best))
  }
  const cost = walk
  return [
    ...comparable.flatMap((type) => [
      overload(`list<${type}>.isSorted(): bool`, isSorted, { cost }),
      overload(`list<${type}>.min(): ${type}`, extreme(-1, 'min'), { cost }),
      overload(`list<${type}>.max(): ${type}`, extreme(1, 'max'), { cost }),
    ]),
    ...(
      [
        ['int', 0n],
        ['uint', new CelUint(0n)],
        ['double', 0],
        ['duration', new CelDuration(0n)],
      ] as const
    ).map(([type, zero]) =>
      overload(`list<${type}>.sum(): ${type}`, (list: CelList) => itemsOf(list).reduce(plus, zero as Value), { cost }),
    ),
    overload('list<A>.indexOf(A): int', (list: CelList, item: Value) => BigInt(itemsOf(list).findIndex((one) => equals(one, item))), {
      cost,
    }),
    overload(
      'list<A>.lastIndexOf(A): int',
      (list: CelList, item: Value) => BigInt(itemsOf(list).findLastIndex((one) => equals(one, item))),
      { cost },
    ),
  ]
}

function plus(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return inside(a + b, int64Min, int64Max)
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a instanceof CelUint && b instanceof CelUint) return new CelUint(inside(a.value + b.value, 0n, uint64Max))
  if (a instanceof CelDuration && b instanceof CelDuration) return new CelDuration(inside(a.nanos + b.nanos, int64Min, int64Max))
  throw new EvaluationError('no such overload')
}

function inside(value: bigint, low: bigint, high: bigint): bigint {
  if (value < low || value > high) throw new EvaluationError(low === 0n ? 'unsigned integer overflow' : 'integer overflow')
  return value
}

const rangeMax = 1_000_000n

function shaping(): Overload[] {
  return [
    overload('list<A>.slice(int, int): list<A>', slice, { cost: (list: CelList) => list.size }),
    overload('list<list<A>>.flatten(): list<A>', (list: CelList) => flatten(list, 1n), { cost: (list: CelList) => list.size }),
    overload('list<dyn>.flatten(int): list<dyn>', flatten, { cost: (list: CelList) => list.size }),
    ...comparable.map((type) =>
      overload(`list<${type}>.sort(): list<${type}>`, (list: CelList) => new ArrayList(itemsOf(list).sort(compareValues)), {
        cost: sortCost,
      }),
    ),
    ...comparable.map((type) => overload(`list<A>.@sortByAssociatedKeys(list<${type}>): list<A>`, sortedBy, { cost: sortCost })),
    overload('lists.range(int): list<int>', range, { cost: (to: bigint) => Math.max(Number(to), 0) }),
    overload('list<A>.reverse(): list<A>', (list: CelList) => new ArrayList(itemsOf(list).reverse()), {
      cost: (list: CelList) => list.size,
    }),
    overload('list<A>.distinct(): list<A>', distinct, { cost: (list: CelList) => list.size ** 2 }),
    overload('list<A>.first(): optional<A>', (list: CelList) => edge(list, 0)),
    overload('list<A>.last(): optional<A>', (list: CelList) => edge(list, list.size - 1)),
  ]
}

const sortCost = (list: CelList) => 1 + list.size * Math.max(Math.ceil(Math.log2(list.size + 1)), 1)
const edge = (list: CelList, i: number) => (list.size === 0 ? noneOptional : new CelOptional(list.at(i)))

function slice(list: CelList, from: bigint, to: bigint): CelList {
  if (from < 0n || to < 0n) throw new EvaluationError(`cannot slice(${from}, ${to}), negative indexes not supported`)
  if (from > to) throw new EvaluationError(`cannot slice(${from}, ${to}), start index must be less than or equal to end index`)
  if (to > BigInt(list.size)) throw new EvaluationError(`cannot slice(${from}, ${to}), list is length ${list.size}`)
  return new ArrayList(itemsOf(list).slice(Number(from), Number(to)))
}

function flatten(list: CelList, depth: bigint): CelList {
  if (depth < 0n) throw new EvaluationError('level must be non-negative')
  const walkInto = (items: CelList, levels: bigint): Value[] =>
    itemsOf(items).flatMap((item) =>
      levels > 0n && typeof item === 'object' && item !== null && item.kind === 'list' ? walkInto(item, levels - 1n) : [item],
    )
  return new ArrayList(walkInto(list, depth))
}

function sortedBy(list: CelList, keys: CelList): CelList {
  if (list.size !== keys.size) throw new EvaluationError('@sortByAssociatedKeys() expected a list of the same size')
  const order = itemsOf(keys).map((key, i) => ({ key, i }))
  return new ArrayList(order.sort((a, b) => compareValues(a.key, b.key)).map(({ i }) => list.at(i)))
}

function range(to: bigint): CelList {
  if (to > rangeMax) throw new EvaluationError(`lists.range: ${to} is more than ${rangeMax}`)
  return new ArrayList(Array.from({ length: Math.max(Number(to), 0) }, (_, i) => BigInt(i)))
}

function distinct(list: CelList): CelList {
  const kept: Value[] = []
  for (const item of itemsOf(list)) if (!kept.some((one) => equals(one, item))) kept.push(item)
  return new ArrayList(kept)
}
