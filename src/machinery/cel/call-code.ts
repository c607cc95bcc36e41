import { type Call, qualifiedName } from './ast.ts'
import { runtimeName } from './cel-type.ts'
import { EvaluationError } from './evaluation-error.ts'
import type { Overload } from './overload.ts'
import { type Compiler, compile } from './program.ts'
import type { Code, Frame } from './selection.ts'
import { typeNameOf, type Value } from './value.ts'

/** A call of a function: of its one overload that the check found, or of the first whose parameters take the arguments. */
export function callCode(compiler: Compiler, expr: Call): Code {
  const { environment, checked } = compiler
  const { name, args, target } = expr
  const prefix = target && qualifiedName(target)
  const namespaced = prefix === undefined ? undefined : environment.resolveFunction(`${prefix}.${name}`)
  const isMember = target !== undefined && namespaced === undefined
  const full = namespaced ?? environment.resolveFunction(name)
  const candidates =
    checked?.overloads.get(expr.id) ??
    (full === undefined ? [] : environment.overloadsOf(full)!.filter((overload) => overload.isMember === isMember))
  const operands = isMember ? [target, ...args] : args
  const codes = operands.map((operand) => compile(compiler, operand))
  const fitting = candidates.filter((overload) => overload.parameters.length === codes.length)
  if (fitting.length === 0) return unbound(name, codes)
  const only = fitting.length === 1 ? fitting[0] : undefined
  const functionCode = { name: full ?? name, all: full === undefined ? [] : environment.overloadsOf(full)!, only, fitting }
  if (codes.length === 1) return unary(codes[0]!, functionCode)
  if (codes.length === 2) return binary(codes[0]!, codes[1]!, functionCode)
  return nary(codes, functionCode)
}

function unbound(name: string, codes: readonly Code[]): Code {
  return (frame) => {
    for (const code of codes) code(frame)
    throw new EvaluationError(`unbound function: ${name}`)
  }
}

type Function = {
  readonly name: string
  /** Of all arguments, also those that the check ruled out. */
  readonly all: readonly Overload[]
  readonly only: Overload | undefined
  readonly fitting: readonly Overload[]
}

function unary(operand: Code, called: Function): Code {
  const { only } = called
  return (frame) => {
    const a = operand(frame)
    const overload = only ?? chosen(called, [a])
    if (only && !only.accepts([a])) throw noSuchOverload(called, [a])
    frame.charge(overload.cost ? overload.cost(a) : 1)
    return overload.apply(a)
  }
}

function binary(left: Code, right: Code, called: Function): Code {
  const { only } = called
  return (frame) => {
    const a = left(frame)
    const b = right(frame)
    const overload = only ?? chosen(called, [a, b])
    if (only && !only.accepts([a, b])) throw noSuchOverload(called, [a, b])
    frame.charge(overload.cost ? overload.cost(a, b) : 1)
    return overload.apply(a, b)
  }
}

function nary(codes: readonly Code[], called: Function): Code {
  return (frame: Frame) => {
    const values = codes.map((code) => code(frame))
    const overload = chosen(called, values)
    frame.charge(overload.cost ? overload.cost(...values) : 1)
    return overload.apply(...values)
  }
}

function chosen(called: Function, values: readonly Value[]): Overload {
  for (const overload of called.fitting) if (overload.accepts(values)) return overload
  throw noSuchOverload(called, values)
}

/** Of an operator upstream asks the first operand, which says no more than that it does not know the other; or the operator itself is none of its. */
function noSuchOverload({ name, all }: Function, values: readonly Value[]): EvaluationError {
  if (!/^(?:[@_!-]|size$|matches$)/.test(name))
    return new EvaluationError(`no such overload: ${name}(${values.map(typeNameOf).join(', ')})`)
  const first = typeNameOf(values[0]!)
  const knowsFirst = all.some(({ parameters: [type] }) => type && runtimeName(type) === first)
  return new EvaluationError(knowsFirst ? 'no such overload' : `no such overload: ${name}`)
}
