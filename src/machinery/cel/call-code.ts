import { type Call, qualifiedName } from './ast.ts'
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
  if (codes.length === 1) return unary(codes[0]!, only, fitting)
  if (codes.length === 2) return binary(codes[0]!, codes[1]!, only, fitting)
  return nary(codes, fitting)
}

function unbound(name: string, codes: readonly Code[]): Code {
  return (frame) => {
    for (const code of codes) code(frame)
    throw new EvaluationError(`unbound function: ${name}`)
  }
}

function unary(operand: Code, only: Overload | undefined, fitting: readonly Overload[]): Code {
  return (frame) => {
    const a = operand(frame)
    const overload = only ?? chosen(fitting, [a])
    if (only && !only.accepts([a])) throw noSuchOverload([a])
    frame.charge(overload.cost ? overload.cost(a) : 1)
    return overload.apply(a)
  }
}

function binary(left: Code, right: Code, only: Overload | undefined, fitting: readonly Overload[]): Code {
  return (frame) => {
    const a = left(frame)
    const b = right(frame)
    const overload = only ?? chosen(fitting, [a, b])
    if (only && !only.accepts([a, b])) throw noSuchOverload([a, b])
    frame.charge(overload.cost ? overload.cost(a, b) : 1)
    return overload.apply(a, b)
  }
}

function nary(codes: readonly Code[], fitting: readonly Overload[]): Code {
  return (frame: Frame) => {
    const values = codes.map((code) => code(frame))
    const overload = chosen(fitting, values)
    frame.charge(overload.cost ? overload.cost(...values) : 1)
    return overload.apply(...values)
  }
}

function chosen(fitting: readonly Overload[], values: readonly Value[]): Overload {
  for (const overload of fitting) if (overload.accepts(values)) return overload
  throw noSuchOverload(values)
}

function noSuchOverload(values: readonly Value[]): EvaluationError {
  return new EvaluationError(`no such overload: ${values.map(typeNameOf).join(', ')}`)
}
