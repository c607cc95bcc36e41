import { type Constant, type Expr, hiddenAccumulator, type Identifier, operators } from './ast.ts'
import { SyntaxIssue } from './lexer.ts'
import type { Value } from './value.ts'

/**
 * Macros: calls that the parser rewrites, so that their arguments may be predicates over a variable of their own
 * (https://github.com/google/cel-spec/blob/master/doc/langdef.md#macros). A call by a macro's name with another number of arguments, or
 * with a target where there must be none, stays a call.
 */
export type Macros = ReadonlyMap<string, Macro>

export type NodeFactory = { readonly node: (at: number) => { readonly id: number; readonly at: number } }
export type MacroCall = {
  readonly at: number
  readonly name: string
  readonly args: readonly Expr[]
  readonly target: Expr | undefined
}
type Macro = (call: MacroCall, build: Builder) => Expr | undefined
type Builder = ReturnType<typeof builder>

/** Undefined when no macro takes the call. Throws SyntaxIssue for arguments that the macro cannot take. */
export function expandMacro(macros: Macros, call: MacroCall, factory: NodeFactory): Expr | undefined {
  if (call.name.startsWith('.')) return undefined
  const key = `${call.target ? '.' : ''}${call.name}/${call.args.length}`
  return macros.get(key)?.(call, builder(call.at, factory))
}

function builder(at: number, factory: NodeFactory) {
  const constant = (value: Value): Constant => ({ kind: 'constant', ...factory.node(at), value })
  const name = (text: string): Identifier => ({ kind: 'identifier', ...factory.node(at), name: text })
  const call = (fn: string, args: readonly Expr[], target?: Expr): Expr => ({ kind: 'call', ...factory.node(at), name: fn, target, args })
  const list = (...elements: readonly Expr[]): Expr => ({ kind: 'list', ...factory.node(at), elements, optional: new Set() })
  const map = (key?: Expr, value?: Expr): Expr => ({
    kind: 'map',
    ...factory.node(at),
    entries: key && value ? [{ ...factory.node(at), key, value, isOptional: false }] : [],
  })
  const accumulator = () => name(hiddenAccumulator)
  type Parts = { readonly init: Expr; readonly condition: Expr; readonly step: Expr; readonly result: Expr }
  const fold = (range: Expr, [variable, variable2]: readonly string[], parts: Parts): Expr => ({
    kind: 'comprehension',
    ...factory.node(at),
    range,
    variable: variable!,
    variable2,
    accumulator: hiddenAccumulator,
    ...parts,
  })
  return { constant, name, call, list, map, accumulator, fold, factory, at }
}

function variableOf(expr: Expr): string {
  if (expr.kind !== 'identifier' || expr.name.startsWith('.')) throw new SyntaxIssue(expr.at, 'argument must be a simple name')
  if (expr.name === '__result__') throw new SyntaxIssue(expr.at, 'iteration variable overwrites accumulator variable')
  return expr.name
}

function variablesOf(args: readonly Expr[], count: 1 | 2): string[] {
  const names = args.slice(0, count).map(variableOf)
  if (count === 2 && names[0] === names[1]) throw new SyntaxIssue(args[1]!.at, `duplicate variable name: ${names[0]}`)
  return names
}

const has: Macro = ({ args: [arg] }, { factory, at }) => {
  if (arg?.kind !== 'select' || arg.isTest) throw new SyntaxIssue(arg?.at ?? at, 'invalid argument to has() macro')
  return { ...arg, ...factory.node(at), isTest: true }
}

const all =
  (count: 1 | 2): Macro =>
  ({ target, args }, b) =>
    b.fold(target!, variablesOf(args, count), {
      init: b.constant(true),
      condition: b.call(operators.notStrictlyFalse, [b.accumulator()]),
      step: b.call(operators.and, [b.accumulator(), args[count]!]),
      result: b.accumulator(),
    })

const exists =
  (count: 1 | 2): Macro =>
  ({ target, args }, b) =>
    b.fold(target!, variablesOf(args, count), {
      init: b.constant(false),
      condition: b.call(operators.notStrictlyFalse, [b.call(operators.not, [b.accumulator()])]),
      step: b.call(operators.or, [b.accumulator(), args[count]!]),
      result: b.accumulator(),
    })

const existsOne =
  (count: 1 | 2): Macro =>
  ({ target, args }, b) =>
    b.fold(target!, variablesOf(args, count), {
      init: b.constant(0n),
      condition: b.constant(true),
      step: b.call(operators.conditional, [args[count]!, b.call(operators.add, [b.accumulator(), b.constant(1n)]), b.accumulator()]),
      result: b.call(operators.equals, [b.accumulator(), b.constant(1n)]),
    })

/** `map`, `filter` and `transformList`: a list grows by what `of` gives, where the predicate holds. */
function listOf(
  call: MacroCall,
  b: Builder,
  count: 1 | 2,
  parts: { readonly of: Expr | undefined; readonly where?: Expr | undefined },
): Expr {
  const variables = variablesOf(call.args, count)
  const grown = b.call(operators.add, [b.accumulator(), b.list(parts.of ?? call.args[0]!)])
  return b.fold(call.target!, variables, {
    init: b.list(),
    condition: b.constant(true),
    step: parts.where ? b.call(operators.conditional, [parts.where, grown, b.accumulator()]) : grown,
    result: b.accumulator(),
  })
}

const map: Macro = (call, b) =>
  call.args.length === 2 ? listOf(call, b, 1, { of: call.args[1] }) : listOf(call, b, 1, { of: call.args[2], where: call.args[1] })
const filter: Macro = (call, b) => listOf(call, b, 1, { of: undefined, where: call.args[1] })
const transformList: Macro = (call, b) =>
  call.args.length === 3 ? listOf(call, b, 2, { of: call.args[2] }) : listOf(call, b, 2, { of: call.args[3], where: call.args[2] })

const transformMap =
  (insert: 'entry' | 'entries'): Macro =>
  ({ target, args }, b) => {
    const variables = variablesOf(args, 2)
    const value = args.at(-1)!
    const added =
      insert === 'entry'
        ? b.call('@mapInsert', [b.accumulator(), b.name(variables[0]!), value])
        : b.call('@mapInsert', [b.accumulator(), value])
    return b.fold(target!, variables, {
      init: b.map(),
      condition: b.constant(true),
      step: args.length === 4 ? b.call(operators.conditional, [args[2]!, added, b.accumulator()]) : added,
      result: b.accumulator(),
    })
  }

/** A variable is bound by a loop over nothing, whose accumulator it is. */
function bound(b: Builder, variable: string, init: Expr, result: Expr): Expr {
  const parts = { init, condition: b.constant(false), step: b.name(variable), result }
  return { ...b.fold(b.list(), ['#unused'], parts), accumulator: variable } as Expr
}

const isNamespace = (target: Expr | undefined, name: string) => target?.kind === 'identifier' && target.name === name

const bind: Macro = ({ target, args: [variable, init, result] }, b) =>
  isNamespace(target, 'cel') ? bound(b, variableOf(variable!), init!, result!) : undefined

const optionalMap =
  (isFlat: boolean): Macro =>
  ({ target, args: [variable, mapped] }, b) => {
    const name = variableOf(variable!)
    const held = bound(b, '@target', target!, b.name('@target'))
    const inner = bound(b, name, b.call('value', [], b.name('@target')), mapped!)
    const some = isFlat ? inner : b.call('optional.of', [inner])
    const choice = b.call(operators.conditional, [b.call('hasValue', [], b.name('@target')), some, b.call('optional.none', [])])
    return held.kind === 'comprehension' ? { ...held, result: choice } : held
  }

/** `e.sortBy(x, key)`: the keys are made once, then sorted by. */
const sortBy: Macro = ({ target, args: [variable, key] }, b) => {
  const keys = listOf({ at: b.at, name: 'map', args: [variable!], target: b.name('@sortList') }, b, 1, { of: key })
  return bound(b, '@sortList', target!, b.call('@sortByAssociatedKeys', [keys], b.name('@sortList')))
}

/** A macro of a namespace: `math.greatest(…)`. A target of another name leaves the call a call. */
export function namespaceMacro(namespace: string, expand: (args: readonly Expr[], build: Builder) => Expr): Macro {
  return ({ target, args }, build) => (isNamespace(target, namespace) ? expand(args, build) : undefined)
}

export const standardMacros: Macros = new Map<string, Macro>([
  ['has/1', has],
  ['.all/2', all(1)],
  ['.exists/2', exists(1)],
  ['.exists_one/2', existsOne(1)],
  ['.existsOne/2', existsOne(1)],
  ['.map/2', map],
  ['.map/3', map],
  ['.filter/2', filter],
])

export const optionalMacros: Macros = new Map<string, Macro>([
  ['.optMap/2', optionalMap(false)],
  ['.optFlatMap/2', optionalMap(true)],
])

export const twoVariableMacros: Macros = new Map<string, Macro>([
  ['.all/3', all(2)],
  ['.exists/3', exists(2)],
  ['.exists_one/3', existsOne(2)],
  ['.existsOne/3', existsOne(2)],
  ['.transformList/3', transformList],
  ['.transformList/4', transformList],
  ['.transformMap/3', transformMap('entry')],
  ['.transformMap/4', transformMap('entry')],
  ['.transformMapEntry/3', transformMap('entries')],
  ['.transformMapEntry/4', transformMap('entries')],
])

export const listMacros: Macros = new Map<string, Macro>([['.sortBy/2', sortBy]])
export const bindingMacros: Macros = new Map<string, Macro>([['.bind/3', bind]])
