import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { itemsOf } from './list-library.ts'
import { optionalMacros } from './macros.ts'
import { overload } from './overload.ts'
import { noneOptional } from './selection.ts'
import { ArrayList, type CelList, CelOptional, type Value } from './value.ts'

/** Values that may be missing (https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes). `or` and `orValue` are the compiler's. */
export const optionalLibrary = (): Library => ({
  macros: optionalMacros,
  overloads: [
    overload('optional.of(A): optional<A>', (a: Value) => new CelOptional(a)),
    overload('optional.ofNonZeroValue(A): optional<A>', (a: Value) => (isZero(a) ? noneOptional : new CelOptional(a))),
    overload('optional.none(): optional<A>', () => noneOptional),
    overload('optional<A>.hasValue(): bool', (a: CelOptional) => a.value !== undefined),
    overload('optional<A>.value(): A', ({ value }: CelOptional) => {
      if (value === undefined) throw new EvaluationError('optional.none() dereference')
      return value
    }),
    overload('optional<A>.or(optional<A>): optional<A>', (a: CelOptional, b: CelOptional) => (a.value === undefined ? b : a)),
    overload('optional<A>.orValue(A): A', (a: CelOptional, b: Value) => a.value ?? b),
    overload('optional.unwrap(list<optional<A>>): list<A>', unwrapped),
    overload('list<optional<A>>.unwrapOpt(): list<A>', unwrapped),
    overload('_[_](optional<list<A>>, int): optional<A>', (a: Value) => a),
    overload('_[_](optional<map<A, B>>, A): optional<B>', (a: Value) => a),
    overload('_[?_](list<A>, int): optional<A>', (a: Value) => a),
    overload('_[?_](map<A, B>, A): optional<B>', (a: Value) => a),
    overload('_[?_](optional<list<A>>, int): optional<A>', (a: Value) => a),
    overload('_[?_](optional<map<A, B>>, A): optional<B>', (a: Value) => a),
  ],
})

/** The values that are there, in their order. */
function unwrapped(list: CelList): CelList {
  const values = itemsOf(list).map((item) => {
    if (item instanceof CelOptional) return item.value
    throw new EvaluationError('value is not optional')
  })
  return new ArrayList(values.filter((value) => value !== undefined))
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true
  if (typeof value !== 'object') return false
  switch (value.kind) {
    case 'list':
    case 'map':
      return value.size === 0
    case 'struct':
      return value.fields().length === 0
    case 'bytes':
      return value.bytes.length === 0
    case 'uint':
      return value.value === 0n
    case 'duration':
      return value.nanos === 0n
    default:
      return false
  }
}
