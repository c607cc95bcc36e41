import { type Call, type Comprehension, type Expr, operators, type Select } from './ast.ts'
import type { CelType } from './cel-type.ts'
import type { CelProgram } from './cel.ts'
import { sizeOf } from './size.ts'

/**
 * What an expression costs at most, before it is run: cel-go's estimate, from the sizes that its types are bounded by. In the units of
 * the evaluator's own count.
 */
export function estimatedCost(program: Pick<CelProgram, 'expr' | 'types' | 'overloads'>): number {
  return new Estimator(program).cost(program.expr).max
}

type Range = { readonly min: number; readonly max: number }
type EntrySizes = { readonly key: Range; readonly value: Range }
type Local = { readonly size: Range | undefined; readonly entries: EntrySizes | undefined }

const unbounded = 2 ** 64
const cap = (value: number) => Math.min(value, unbounded)
const range = (min: number, max = min): Range => ({ min, max })
const plus = (a: Range, b: Range): Range => ({ min: cap(a.min + b.min), max: cap(a.max + b.max) })
const times = (a: Range, b: Range): Range => ({ min: cap(a.min * b.min), max: cap(a.max * b.max) })
const scaled = (a: Range, factor: number): Range => ({ min: cap(Math.ceil(a.min * factor)), max: cap(Math.ceil(a.max * factor)) })
const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })
const unknown = range(0, unbounded)
const walked = 0.1

class Estimator {
  private readonly types: ReadonlyMap<number, CelType>
  private readonly overloads: CelProgram['overloads']
  private readonly sizes = new Map<number, Range>()
  private readonly entries = new Map<number, EntrySizes>()
  private readonly locals = new Map<string, Local[]>()

  constructor({ types, overloads }: Pick<CelProgram, 'types' | 'overloads'>) {
    this.types = types
    this.overloads = overloads
  }

  cost(expr: Expr): Range {
    switch (expr.kind) {
      case 'constant':
        return range(0)
      case 'identifier':
        return range(1)
      case 'select':
        return this.select(expr)
      case 'call':
        return this.call(expr)
      case 'list':
        return this.list(expr.elements, expr.id)
      case 'map':
        return this.map(expr)
      case 'struct':
        return expr.fields.reduce((sum, { value }) => plus(sum, this.cost(value)), range(40))
      case 'comprehension':
        return this.comprehension(expr)
    }
  }

  private select({ operand, isTest }: Select): Range {
    const cost = this.cost(operand)
    const kind = this.types.get(operand.id)?.kind
    return !isTest && (kind === 'map' || kind === 'object' || kind === 'parameter') ? plus(cost, range(1)) : cost
  }

  private list(elements: readonly Expr[], id: number): Range {
    const cost = elements.reduce((sum, element) => plus(sum, this.cost(element)), range(10))
    const sizes = elements.map((element) => this.sizeOrUnknown(element))
    this.entries.set(id, { key: range(1), value: sizes.length > 0 ? sizes.reduce(union) : range(0) })
    return cost
  }

  private map({ entries, id }: Expr & { readonly kind: 'map' }): Range {
    let cost = range(30)
    for (const { key, value } of entries) cost = plus(plus(cost, this.cost(key)), this.cost(value))
    const all = (part: 'key' | 'value') =>
      entries.length > 0 ? entries.map((entry) => this.sizeOrUnknown(entry[part])).reduce(union) : range(0)
    this.entries.set(id, { key: all('key'), value: all('value') })
    return cost
  }

  private sizeOrUnknown(expr: Expr): Range {
    return this.size(expr) ?? unknown
  }

  private size(expr: Expr): Range | undefined {
    const known = this.sizes.get(expr.id)
    if (known) return known
    if (expr.kind === 'constant') return range(sizeOf(expr.value))
    if (expr.kind === 'list') return range(expr.elements.length)
    if (expr.kind === 'map') return range(expr.entries.length)
    const local = expr.kind === 'identifier' ? this.locals.get(expr.name)?.at(-1) : undefined
    return typeSize(this.types.get(expr.id)) ?? local?.size
  }

  private entrySizes(expr: Expr): EntrySizes | undefined {
    const local = expr.kind === 'identifier' ? this.locals.get(expr.name)?.at(-1) : undefined
    return this.entries.get(expr.id) ?? local?.entries
  }

  private within<T>(names: readonly (readonly [name: string, local: Local])[], run: () => T): T {
    for (const [name, local] of names) this.locals.set(name, [...(this.locals.get(name) ?? []), local])
    const result = run()
    for (const [name] of names) this.locals.get(name)?.pop()
    return result
  }

  private comprehension(expr: Comprehension): Range {
    const { range: over, init, condition, step, result, accumulator, variable, variable2 } = expr
    const before = plus(this.cost(over), this.cost(init))
    const held: Local = { size: this.size(init), entries: this.entrySizes(init) }
    if (condition.kind === 'constant' && condition.value === false)
      return plus(
        before,
        this.within([[accumulator, held]], () => this.remember(expr, result, this.cost(result))),
      )
    const items = this.entrySizes(over)
    const isList = this.types.get(over.id)?.kind === 'list'
    const first = variable2 === undefined && isList ? items?.value : items?.key
    const variables: (readonly [string, Local])[] = [
      [accumulator, held],
      [variable, { size: first, entries: undefined }],
    ]
    if (variable2 !== undefined) variables.push([variable2, { size: items?.value, entries: undefined }])
    const [loop, end] = this.within(variables, () => [plus(this.cost(condition), this.cost(step)), this.cost(result)] as const)
    const count = this.sizeOrUnknown(over)
    if (init.kind === 'list' || init.kind === 'map') {
      this.sizes.set(expr.id, count)
      const grown = this.entrySizes(step)
      if (grown) this.entries.set(expr.id, grown)
    }
    return plus(plus(before, end), times(count, loop))
  }

  private remember(expr: Expr, from: Expr, cost: Range): Range {
    const [size, entries] = [this.size(from), this.entrySizes(from)]
    if (size) this.sizes.set(expr.id, size)
    if (entries) this.entries.set(expr.id, entries)
    return cost
  }

  private call(expr: Call): Range {
    const { name, args, target } = expr
    const operands = target ? [target, ...args] : args
    const costs = operands.map((operand) => this.cost(operand))
    const sum = costs.reduce(plus, range(0))
    switch (name) {
      case operators.and:
      case operators.or:
        return range(costs[0]!.min, sum.max)
      case operators.conditional:
        this.sizes.set(expr.id, union(this.sizeOrUnknown(args[1]!), this.sizeOrUnknown(args[2]!)))
        this.joinEntries(expr, args[1]!, args[2]!)
        return plus(costs[0]!, union(costs[1]!, costs[2]!))
      case operators.add:
        this.joinEntries(expr, args[0]!, args[1]!)
        break
      case operators.index: {
        const item = this.entrySizes(args[0]!)?.value
        if (item) this.sizes.set(expr.id, item)
        return plus(sum, range(1))
      }
      case 'dyn':
        return this.remember(expr, args[0]!, plus(sum, range(1)))
    }
    const given = operands.map((operand) => this.sizeOrUnknown(operand))
    const { cost, size } = callEstimate(
      this.nameOf(expr),
      given,
      operands.map((operand) => this.types.get(operand.id)),
    )
    if (size) this.sizes.set(expr.id, size)
    return plus(sum, cost)
  }

  private joinEntries(expr: Expr, left: Expr, right: Expr): void {
    const [a, b] = [this.entrySizes(left), this.entrySizes(right)]
    if (a && b) this.entries.set(expr.id, { key: union(a.key, b.key), value: union(a.value, b.value) })
  }

  /** The function's full name: a namespace's function has it, a member's target is an operand. */
  private nameOf(expr: Call): string {
    return this.overloads.get(expr.id)?.[0]?.name ?? expr.name
  }
}

function typeSize(type: CelType | undefined): Range | undefined {
  switch (type?.kind) {
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'null':
      return range(1)
    case 'timestamp':
    case 'duration':
    case 'type':
      return range(1)
    case 'object':
      // Upstream gives objects no size: to compare two costs nothing, however large they may be.
      return range(0, type.maxElements ?? 0)
    default:
      return type?.maxElements === undefined ? undefined : range(0, type.maxElements)
  }
}

type Estimate = { readonly cost: Range; readonly size?: Range }

const oneStep: Estimate = { cost: range(1) }

function callEstimate(
  name: string,
  [a = unknown, b = unknown, c = unknown]: readonly Range[],
  types: readonly (CelType | undefined)[],
): Estimate {
  switch (name) {
    case '_==_':
    case '_!=_':
      return types.every(isPlain) ? { cost: range(0) } : comparison(a, b)
    case '_<_':
    case '_<=_':
    case '_>_':
    case '_>=_':
      return comparison(a, b)
    case '_+_':
      return addition(a, b, types[0])
    case operators.in:
      return types[1]?.kind === 'list' ? { cost: b } : oneStep
    case 'contains':
      return { cost: times(scaled(a, walked), scaled(b, walked)) }
    case 'startsWith':
    case 'endsWith':
      return { cost: scaled(b, walked) }
    case 'matches':
    case 'find':
    case 'findAll':
      return { cost: times(scaled(plus(a, range(1)), walked), scaled(b, 0.25)), ...(name === 'matches' ? {} : { size: range(0, a.max) }) }
    case 'check':
      return { cost: range(350_000) }
    default:
      return libraryEstimate(name, [a, b, c], types)
  }
}

/** Whether two of them are equal costs nothing by upstream's estimate; which is greater does. */
const isPlain = (type: CelType | undefined) =>
  type?.kind === 'int' || type?.kind === 'uint' || type?.kind === 'double' || type?.kind === 'bool'

function comparison(a: Range, b: Range): Estimate {
  const most = Math.min(a.max, b.max)
  return { cost: scaled(range(most > 0 ? 1 : 0, most), walked) }
}

function addition(a: Range, b: Range, type: CelType | undefined): Estimate {
  if (type?.kind === 'list') return { cost: range(1), size: plus(a, b) }
  if (type?.kind !== 'string' && type?.kind !== 'bytes') return oneStep
  return { cost: scaled(plus(a, b), walked), size: plus(a, b) }
}

function libraryEstimate(name: string, [a, b, c]: readonly [Range, Range, Range], types: readonly (CelType | undefined)[]): Estimate {
  switch (name) {
    case 'isSorted':
    case 'sum':
    case 'min':
    case 'max':
    case 'indexOf':
    case 'lastIndexOf':
      return { cost: listWalk(a, types[0]) }
    case 'url':
    case 'isIP':
    case 'isCIDR':
    case 'ip':
    case 'cidr':
    case 'quantity':
    case 'isQuantity':
    case 'semver':
    case 'isSemver':
    case 'format':
    case 'strings.quote':
      return { cost: scaled(a, walked) }
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
      return { cost: scaled(a, walked), size: a }
    case 'bytes':
      return { cost: scaled(a, walked), size: range(a.min, a.max * 4) }
    case 'string':
      return textEstimate(a, types[0])
    case 'replace':
      return { cost: scaled(a, 0.2), size: replacedSize(a, b, c) }
    case 'split':
      return { cost: scaled(a, 0.2), size: range(0, a.max) }
    case 'join': {
      const element = types[0]?.kind === 'list' ? (typeSize(types[0].element) ?? unknown) : unknown
      const size = plus(times(a, element), types.length > 1 ? times(b, range(Math.max(a.min - 1, 0), Math.max(a.max - 1, 0))) : range(0))
      return { cost: scaled(size, walked), size }
    }
    case 'sets.contains':
    case 'sets.equivalent':
    case 'sets.intersects':
      return { cost: plus(times(a, b), range(1)) }
    default:
      return oneStep
  }
}

/** Upstream takes the text of a number or time for one of any length; no such text is longer than this. */
const scalarTextMax = 40

function textEstimate(size: Range, type: CelType | undefined): Estimate {
  switch (type?.kind) {
    case 'string':
      return { cost: range(1), size }
    case 'bytes':
      return { cost: scaled(size, walked), size: range(Math.floor(size.min / 4), size.max) }
    case 'int':
    case 'uint':
    case 'double':
    case 'bool':
    case 'timestamp':
    case 'duration':
      return { cost: range(1), size: range(1, scalarTextMax) }
    default:
      return oneStep
  }
}

/** A comparison for each element, and of texts a walk over each. */
function listWalk(size: Range, type: CelType | undefined): Range {
  if (type?.kind !== 'list') return scaled(size, walked)
  const { element } = type
  const isText = element.kind === 'string' || element.kind === 'bytes'
  return times(size, isText ? plus(range(1), scaled(typeSize(element) ?? unknown, walked)) : range(1))
}

function replacedSize(text: Range, from: Range, to: Range): Range {
  if (from.min === 0) return range(0, cap((text.max + 1) * to.max + text.max))
  if (to.max <= from.min) return range(0, text.max)
  return range(0, cap(Math.ceil(text.max / from.min) * to.max))
}
