import type { Value } from './value.ts'

/**
 * An expression as it was written, with macros expanded. `at` is an offset into the text (UTF-16 units) where messages point to;
 * `id` is unique within one expression.
 */
export type Expr = Constant | Identifier | Select | Call | ListLiteral | MapLiteral | StructLiteral | Comprehension

type Node = { readonly id: number; readonly at: number }

export type Constant = Node & { readonly kind: 'constant'; readonly value: Value }
/** A leading dot is kept in the name: it asks for the root of all names. */
export type Identifier = Node & { readonly kind: 'identifier'; readonly name: string }
/** `isTest`: the macro has(). */
export type Select = Node & { readonly kind: 'select'; readonly operand: Expr; readonly field: string; readonly isTest: boolean }
/** Operators are calls of functions with names like `_+_`. */
export type Call = Node & {
  readonly kind: 'call'
  readonly name: string
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
}
export type ListLiteral = Node & { readonly kind: 'list'; readonly elements: readonly Expr[]; readonly optional: ReadonlySet<number> }
export type MapLiteral = Node & { readonly kind: 'map'; readonly entries: readonly MapEntry[] }
export type MapEntry = Node & { readonly key: Expr; readonly value: Expr; readonly isOptional: boolean }
export type StructLiteral = Node & { readonly kind: 'struct'; readonly type: string; readonly fields: readonly StructField[] }
export type StructField = Node & { readonly name: string; readonly value: Expr; readonly isOptional: boolean }
/** A loop over a list or over a map's keys that folds into an accumulator. */
export type Comprehension = Node & {
  readonly kind: 'comprehension'
  readonly range: Expr
  readonly variable: string
  /** The second variable of two: the element, or the map's value. */
  readonly variable2: string | undefined
  readonly accumulator: string
  readonly init: Expr
  readonly condition: Expr
  readonly step: Expr
  readonly result: Expr
}

/** The name of an accumulator that no text can write. */
export const hiddenAccumulator = '@result'

export const operators = {
  conditional: '_?_:_',
  and: '_&&_',
  or: '_||_',
  not: '!_',
  negate: '-_',
  equals: '_==_',
  notEquals: '_!=_',
  add: '_+_',
  index: '_[_]',
  optionalIndex: '_[?_]',
  optionalSelect: '_?._',
  in: '@in',
  notStrictlyFalse: '@not_strictly_false',
} as const

/** `a.b.c` as one name; undefined for anything else. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'identifier') return expr.name
  if (expr.kind !== 'select' || expr.isTest) return undefined
  const operand = qualifiedName(expr.operand)
  return operand === undefined ? undefined : `${operand}.${expr.field}`
}
