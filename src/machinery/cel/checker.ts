import {
  type Call,
  type Comprehension,
  type Expr,
  type ListLiteral,
  type MapLiteral,
  operators,
  qualifiedName,
  type Select,
  type StructLiteral,
} from './ast.ts'
import { type CelType, celTypes, fieldNamed, formatType, isDynamic, isOptional, type ObjectType, withoutOptional } from './cel-type.ts'
import type { Environment, Resolved } from './environment.ts'
import type { Issue } from './issues.ts'
import type { Overload } from './overload.ts'
import { moreGeneral, Substitutions, substituted } from './unification.ts'
import { typeNameOf, type Value } from './value.ts'

/** What a check found out about the nodes of an expression, by their ids. */
export type Checked = {
  readonly type: CelType
  readonly types: ReadonlyMap<number, CelType>
  /** The overloads that a call's arguments may fit: one, unless types are dynamic. */
  readonly overloads: ReadonlyMap<number, readonly Overload[]>
  readonly issues: readonly Issue[]
}

/**
 * Checks the types of an expression (https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking). Messages are
 * cel-go's. Costs a walk over the expression.
 */
export function check(environment: Environment, expr: Expr): Checked {
  const checker = new Checker(environment)
  const type = checker.finish(checker.check(expr))
  return { type, ...checker.results() }
}

type Scope = { readonly name: string; readonly type: CelType; readonly outer: Scope } | undefined

class Checker {
  private readonly environment: Environment
  private readonly types = new Map<number, CelType>()
  private readonly overloads = new Map<number, readonly Overload[]>()
  private readonly issues: Issue[] = []
  private readonly substitutions = new Substitutions()
  private scope: Scope
  private variables = 0

  constructor(environment: Environment) {
    this.environment = environment
  }

  results() {
    for (const [id, type] of this.types) this.types.set(id, this.finish(type))
    return { types: this.types, overloads: this.overloads, issues: this.issues }
  }

  finish(type: CelType): CelType {
    return substituted(this.substitutions, type, 'dyn')
  }

  check(expr: Expr): CelType {
    const type = this.typeOf(expr)
    this.types.set(expr.id, type)
    return type
  }

  private typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'constant':
        return constantType(expr.value)
      case 'identifier':
        return this.identifier(expr.name, expr.at)
      case 'select':
        return this.select(expr)
      case 'call':
        return expr.name === operators.optionalSelect ? this.optionalSelect(expr) : this.call(expr)
      case 'list':
        return this.list(expr)
      case 'map':
        return this.map(expr)
      case 'struct':
        return this.struct(expr)
      case 'comprehension':
        return this.comprehension(expr)
    }
  }

  private report(at: number, message: string): CelType {
    this.issues.push({ at, message })
    return celTypes.error
  }

  private current(type: CelType): CelType {
    return substituted(this.substitutions, type, 'kept')
  }

  private isAssignable(given: CelType, wanted: CelType): boolean {
    return this.substitutions.assign([given], [wanted])
  }

  private resolve(name: string): Resolved | undefined {
    const first = name.split('.')[0]!
    for (let scope = this.scope; scope; scope = scope.outer) {
      if (scope.name === name) return { type: 'variable', name, of: scope.type }
      // A local variable hides all that is qualified by its name.
      if (scope.name === first) return undefined
    }
    return this.environment.resolve(name)
  }

  private undeclared(at: number, name: string): CelType {
    return this.report(at, `undeclared reference to '${name}' (in container '${this.environment.container}')`)
  }

  private identifier(name: string, at: number): CelType {
    return this.resolve(name)?.of ?? this.undeclared(at, name)
  }

  private select(expr: Select): CelType {
    const name = qualifiedName(expr)
    const resolved = name === undefined ? undefined : this.resolve(name)
    if (resolved) return resolved.of
    const type = this.field(expr.operand, expr.field, { at: expr.at, isOptional: false })
    return expr.isTest ? celTypes.bool : this.current(type)
  }

  private optionalSelect({ args: [operand, field], at }: Call): CelType {
    if (field?.kind !== 'constant' || typeof field.value !== 'string') return this.report(at, 'unsupported optional field selection')
    this.types.set(field.id, celTypes.string)
    return this.current(this.field(operand!, field.value, { at, isOptional: true }))
  }

  private field(
    operand: Expr,
    field: string,
    { at, isOptional: wantsOptional }: { readonly at: number; readonly isOptional: boolean },
  ): CelType {
    const operandType = this.current(this.check(operand))
    const target = withoutOptional(operandType)
    const type = this.fieldOf(target, field, at)
    return isOptional(operandType) || wantsOptional ? celTypes.optional(type) : type
  }

  private fieldOf(target: CelType, field: string, at: number): CelType {
    switch (target.kind) {
      case 'map':
        return target.value
      case 'object':
        return fieldNamed(target, field)?.type ?? this.report(at, `undefined field '${field}'`)
      case 'parameter':
        this.isAssignable(celTypes.dyn, target)
        return celTypes.dyn
      default:
        if (!isDynamic(target)) this.report(at, `type '${formatType(target)}' does not support field selection`)
        return celTypes.dyn
    }
  }

  private call(expr: Call): CelType {
    const { target, name } = expr
    const argTypes = expr.args.map((arg) => this.check(arg))
    if (!target) {
      const full = this.environment.resolveFunction(name)
      return full === undefined ? this.undeclared(expr.at, name) : this.resolveOverload(expr, full, argTypes)
    }
    const prefix = qualifiedName(target)
    const namespaced = prefix === undefined ? undefined : this.environment.resolveFunction(`${prefix}.${name}`)
    if (namespaced !== undefined) return this.resolveOverload(expr, namespaced, argTypes)
    const targetType = this.check(target)
    const full = this.environment.resolveFunction(name)
    if (full === undefined) return this.undeclared(expr.at, name)
    return this.resolveOverload(expr, full, [targetType, ...argTypes], true)
  }

  private resolveOverload(expr: Call, name: string, given: readonly CelType[], isMember = false): CelType {
    const fitting: Overload[] = []
    let result: CelType | undefined
    for (const overload of this.environment.overloadsOf(name)!) {
      if (overload.isMember !== isMember) continue
      const fresh = new Map(overload.typeParameters.map((parameter) => [parameter, this.freshType()]))
      const wanted = overload.parameters.map((type) => substituted(fresh, type, 'kept'))
      if (!this.substitutions.assign(given, wanted)) continue
      fitting.push(overload)
      const type = this.current(substituted(fresh, overload.result, 'kept'))
      if (result === undefined) result = type
      else if (result.kind !== 'dyn' && formatType(result) !== formatType(type)) result = celTypes.dyn
    }
    this.overloads.set(expr.id, fitting)
    return result ?? this.noOverload(expr.at, name, given, isMember)
  }

  private noOverload(at: number, name: string, given: readonly CelType[], isMember: boolean): CelType {
    const types = given.map((type) => formatType(this.finish(type)))
    const signature = isMember ? `${types[0]}.(${types.slice(1).join(', ')})` : `(${types.join(', ')})`
    return this.report(at, `found no matching overload for '${name}' applied to '${signature}'`)
  }

  private freshType(): CelType {
    return celTypes.parameter(`_var${this.variables++}`)
  }

  private list({ elements, optional }: ListLiteral): CelType {
    let joined: CelType | undefined
    for (const [i, element] of elements.entries()) {
      const type = this.unwrapped(element, this.check(element), optional.has(i))
      joined = this.joined(element.at, joined, type)
    }
    return celTypes.list(joined ?? this.freshType())
  }

  private unwrapped(expr: Expr, type: CelType, wantsOptional: boolean): CelType {
    if (!wantsOptional) return type
    const current = this.current(type)
    if (!isOptional(current) && !isDynamic(current)) this.mismatch(expr.at, celTypes.optional(type), type)
    return withoutOptional(current)
  }

  private mismatch(at: number, wanted: CelType, given: CelType): CelType {
    const show = (type: CelType) => formatType(this.current(type))
    return this.report(at, `expected type '${show(wanted)}' but found '${show(given)}'`)
  }

  private joined(at: number, previous: CelType | undefined, type: CelType): CelType {
    if (!previous) return type
    if (this.isAssignable(previous, type)) return moreGeneral(this.current(previous), this.current(type))
    if (this.environment.allowsMixedLiterals) return celTypes.dyn
    return this.mismatch(at, previous, type)
  }

  private map({ entries }: MapLiteral): CelType {
    let key: CelType | undefined
    let value: CelType | undefined
    for (const entry of entries) {
      key = this.joined(entry.key.at, key, this.check(entry.key))
      value = this.joined(entry.value.at, value, this.unwrapped(entry.value, this.check(entry.value), entry.isOptional))
    }
    return celTypes.map(key ?? this.freshType(), value ?? this.freshType())
  }

  private struct({ type: name, at, fields }: StructLiteral): CelType {
    const type = this.environment.resolveStruct(name)
    if (!type) return this.undeclared(at, name)
    for (const field of fields) {
      const wanted = this.structField(type, field.name, field.at)
      const given = this.unwrapped(field.value, this.check(field.value), field.isOptional)
      if (this.isAssignable(wanted, given)) continue
      const provided = formatType(this.current(given))
      this.report(field.at, `expected type of field '${field.name}' is '${formatType(wanted)}' but provided type is '${provided}'`)
    }
    return type
  }

  private structField(type: ObjectType, name: string, at: number): CelType {
    return type.fields.get(name)?.type ?? this.report(at, `undefined field '${name}'`)
  }

  private comprehension(expr: Comprehension): CelType {
    const rangeType = this.current(this.check(expr.range))
    const accumulatorType = this.check(expr.init)
    const outer = this.scope
    const withAccumulator: Scope = { name: expr.accumulator, type: accumulatorType, outer }
    const [first, second] = this.variableTypes(expr, rangeType)
    this.scope = { name: expr.variable, type: first, outer: withAccumulator }
    if (expr.variable2 !== undefined) this.scope = { name: expr.variable2, type: second, outer: this.scope }
    this.assertType(expr.condition, celTypes.bool)
    this.assertType(expr.step, accumulatorType)
    this.scope = withAccumulator
    const result = this.check(expr.result)
    this.scope = outer
    return this.current(result)
  }

  private variableTypes({ range, variable2 }: Comprehension, type: CelType): [CelType, CelType] {
    switch (type.kind) {
      case 'list':
        return variable2 === undefined ? [type.element, celTypes.error] : [celTypes.int, type.element]
      case 'map':
        return [type.key, type.value]
      case 'dyn':
      case 'error':
      case 'parameter':
        this.isAssignable(celTypes.dyn, type)
        return [celTypes.dyn, celTypes.dyn]
      default:
        this.report(range.at, `expression of type '${formatType(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`)
        return [celTypes.error, celTypes.error]
    }
  }

  private assertType(expr: Expr, wanted: CelType): void {
    const given = this.check(expr)
    if (!this.isAssignable(wanted, given)) this.mismatch(expr.at, wanted, given)
  }
}

const constantTypes: Readonly<Record<string, CelType>> = {
  bool: celTypes.bool,
  int: celTypes.int,
  uint: celTypes.uint,
  double: celTypes.double,
  string: celTypes.string,
  bytes: celTypes.bytes,
  null_type: celTypes.null,
}

const constantType = (value: Value): CelType => constantTypes[typeNameOf(value)] ?? celTypes.dyn
