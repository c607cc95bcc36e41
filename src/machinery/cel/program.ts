import {
  type Call,
  type Comprehension,
  type Expr,
  type ListLiteral,
  type MapLiteral,
  operators,
  qualifiedName,
  type StructLiteral,
} from './ast.ts'
import type { Checked } from './checker.ts'
import type { Environment } from './environment.ts'
import { costExceeded, EvaluationError } from './evaluation-error.ts'
import { callCode } from './call-code.ts'
import { comprehensionCode } from './comprehension-code.ts'
import { type Code, type Frame, indexed, optionalSelected, selected, tested } from './selection.ts'
import { ArrayList, CelOptional, EntryMap, FieldStruct, mapKey, type Value } from './value.ts'

/**
 * Compiles an expression to closures, once; running them costs no look-up of names or functions that the check could tell.
 *
 * Invariants:
 * 1. The cost of a step is counted before the step is made, in cel-go's units: names and selections 1, lists 10, maps 30, objects 40,
 *    calls by their overload; the logical operators and `?:` are free.
 * 2. Every closure returns in bounded time for its cost, or throws.
 */
export function compileCode(
  environment: Environment,
  expr: Expr,
  checked: Checked | undefined,
): { readonly code: Code; readonly slots: number } {
  const compiler: Compiler = {
    environment,
    checked,
    scope: undefined,
    slots: { next: environment.slots.size, max: environment.slots.size },
  }
  const code = compile(compiler, expr)
  return { code, slots: compiler.slots.max }
}

export type Compiler = {
  readonly environment: Environment
  readonly checked: Checked | undefined
  readonly scope: Scope
  /** Shared by all scopes of one expression. */
  readonly slots: { next: number; max: number }
}

export type Scope = { readonly name: string; readonly slot: number; readonly outer: Scope } | undefined

export function compile(compiler: Compiler, expr: Expr): Code {
  switch (expr.kind) {
    case 'constant': {
      const { value } = expr
      return () => value
    }
    case 'identifier':
      return resolved(compiler, expr.name) ?? missing(expr.name)
    case 'select': {
      const name = qualifiedName(expr)
      const whole = name === undefined ? undefined : resolved(compiler, name)
      if (whole) return whole
      const operand = compile(compiler, expr.operand)
      return expr.isTest ? tested(operand, expr.field) : selected(operand, expr.field)
    }
    case 'call':
      return call(compiler, expr)
    case 'list':
      return list(compiler, expr)
    case 'map':
      return map(compiler, expr)
    case 'struct':
      return struct(compiler, expr)
    case 'comprehension':
      return comprehension(compiler, expr)
  }
}

function missing(name: string): Code {
  return () => {
    throw new EvaluationError(`undeclared reference to '${name}' (in container '')`)
  }
}

/** The code of a name: a local variable, one of the environment, or a constant. */
function resolved({ environment, scope }: Compiler, name: string): Code | undefined {
  const first = name.split('.')[0]!
  for (let at = scope; at; at = at.outer) {
    if (at.name === name) return variable(at.slot, name)
    if (at.name === first) return undefined
  }
  const found = environment.resolve(name)
  if (!found) return undefined
  if (found.type === 'variable') return variable(environment.slots.get(found.name)!, name)
  const { value } = found
  return (frame) => {
    frame.charge(1)
    return value
  }
}

function variable(slot: number, name: string): Code {
  return (frame) => {
    if (++frame.cost > frame.costMax) throw costExceeded()
    const value = frame.slots[slot]
    if (value === undefined) throw new EvaluationError(`no such attribute(s): ${name}`)
    if (value instanceof EvaluationError) throw value
    return value
  }
}

function call(compiler: Compiler, expr: Call): Code {
  const { name, args, target } = expr
  const code = (i: number) => compile(compiler, args[i]!)
  switch (name) {
    case operators.and:
      return logical(code(0), code(1), false)
    case operators.or:
      return logical(code(0), code(1), true)
    case operators.conditional:
      return conditional(code(0), branch(compiler, args[1]!), branch(compiler, args[2]!))
    case operators.notStrictlyFalse:
      return notStrictlyFalse(code(0))
    case operators.index:
      return indexed(code(0), code(1), false)
    case operators.optionalIndex:
      return indexed(code(0), code(1), true)
    case operators.optionalSelect:
      return optionalSelected(code(0), (args[1] as Expr & { readonly kind: 'constant' }).value as string)
  }
  if (target && isOptionalChoice(compiler, expr)) return optionalChoice(compile(compiler, target), code(0), name)
  return callCode(compiler, expr)
}

const isOptionalChoice = ({ environment }: Compiler, { name, args }: Call) =>
  (name === 'or' || name === 'orValue') && args.length === 1 && environment.overloadsOf(name) !== undefined

/** `decisive`: the value of one side that settles the whole, whatever the other side is. */
function logical(left: Code, right: Code, decisive: boolean): Code {
  return (frame) => {
    let failure: unknown
    try {
      const value = left(frame)
      if (value === decisive) return decisive
      if (value !== !decisive) failure = noOverload()
    } catch (error) {
      if (!isPassedOver(error)) throw error
      failure = error
    }
    const value = right(frame)
    if (value === decisive) return decisive
    if (failure !== undefined) throw failure
    if (value !== !decisive) throw noOverload()
    return !decisive
  }
}

const noOverload = () => new EvaluationError('no such overload')
const isPassedOver = (error: unknown) => error instanceof EvaluationError && !error.isCostExceeded

function conditional(condition: Code, yes: Code, no: Code): Code {
  return (frame) => {
    const value = condition(frame)
    if (value === true) return yes(frame)
    if (value === false) return no(frame)
    throw noOverload()
  }
}

/** A name that a conditional chooses is free, with the selections on it still counted, as cel-go counts. */
function branch(compiler: Compiler, expr: Expr): Code {
  const code = compile(compiler, expr)
  if (expr.kind !== 'identifier' && expr.kind !== 'select') return code
  return (frame) => {
    frame.cost--
    return code(frame)
  }
}

function notStrictlyFalse(operand: Code): Code {
  return (frame) => {
    frame.charge(1)
    try {
      return operand(frame) !== false
    } catch (error) {
      if (isPassedOver(error)) return true
      throw error
    }
  }
}

/** `or` and `orValue` look at their argument only where there is no value. */
function optionalChoice(target: Code, alternative: Code, name: string): Code {
  return (frame) => {
    frame.charge(1)
    const optional = target(frame)
    if (!(optional instanceof CelOptional)) throw noOverload()
    if (optional.value !== undefined) return name === 'or' ? optional : optional.value
    const other = alternative(frame)
    if (name === 'or' && !(other instanceof CelOptional)) throw noOverload()
    return other
  }
}

function list(compiler: Compiler, { elements, optional }: ListLiteral): Code {
  const codes = elements.map((element) => compile(compiler, element))
  if (optional.size === 0)
    return (frame) => {
      frame.charge(10)
      return new ArrayList(codes.map((code) => code(frame)))
    }
  return (frame) => {
    frame.charge(10)
    const items: Value[] = []
    for (const [i, code] of codes.entries()) {
      const value = code(frame)
      const item = optional.has(i) ? unwrapped(value) : value
      if (item !== undefined) items.push(item)
    }
    return new ArrayList(items)
  }
}

/** Undefined for an optional without a value. */
function unwrapped(value: Value): Value | undefined {
  if (value instanceof CelOptional) return value.value
  throw new EvaluationError(`cannot initialize optional list element from non-optional value`)
}

function map(compiler: Compiler, { entries }: MapLiteral): Code {
  // As the language has it; Kubernetes takes the last.
  const isStrict = compiler.environment.allowsMixedLiterals
  const codes = entries.map(({ key, value, isOptional }) => ({ key: compile(compiler, key), value: compile(compiler, value), isOptional }))
  return (frame) => {
    frame.charge(30)
    const result = new Map<unknown, readonly [Value, Value]>()
    for (const { key, value, isOptional } of codes) {
      const name = key(frame)
      const given = value(frame)
      const entry = isOptional ? unwrapped(given) : given
      const known = mapKey(name)
      if (known === undefined) throw new EvaluationError('unsupported key type')
      if (entry === undefined) continue
      if (isStrict && result.has(known)) throw new EvaluationError(`Failed with repeated key`)
      result.set(known, [name, entry])
    }
    return new EntryMap(result)
  }
}

function struct(compiler: Compiler, { type: name, fields }: StructLiteral): Code {
  const type = compiler.environment.resolveStruct(name)
  if (!type) return missing(name)
  const codes = fields.map((field) => ({ ...field, code: compile(compiler, field.value) }))
  return (frame: Frame) => {
    frame.charge(40)
    const values = new Map<string, Value>()
    for (const field of codes) {
      if (!type.fields.has(field.name)) throw new EvaluationError(`no such field '${field.name}'`)
      const given = field.code(frame)
      const value = field.isOptional ? unwrapped(given) : given
      if (value !== undefined) values.set(field.name, value)
    }
    return new FieldStruct(type, values)
  }
}

function comprehension(compiler: Compiler, expr: Comprehension): Code {
  return comprehensionCode(compiler, expr)
}
