import { type Comprehension, type Expr, operators } from './ast.ts'
import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { type Compiler, compile } from './program.ts'
import type { Code, Frame } from './selection.ts'
import { twoVariableMacros } from './macros.ts'
import { overload } from './overload.ts'
import { ArrayList, type CelList, type CelMap, EntryMap, mapKey, type Value } from './value.ts'

/** A loop. An accumulator that only grows is grown in place, since nobody else has it yet. */
export function comprehensionCode(compiler: Compiler, expr: Comprehension): Code {
  const { slots } = compiler
  const before = slots.next
  const range = compile(compiler, expr.range)
  const init = compile(compiler, expr.init)
  const accumulator = slots.next++
  const first = slots.next++
  const second = expr.variable2 === undefined ? -1 : slots.next++
  slots.max = Math.max(slots.max, slots.next)
  const outer: Compiler = { ...compiler, scope: { name: expr.accumulator, slot: accumulator, outer: compiler.scope } }
  let inner: Compiler = { ...outer, scope: { name: expr.variable, slot: first, outer: outer.scope } }
  if (expr.variable2 !== undefined) inner = { ...inner, scope: { name: expr.variable2, slot: second, outer: inner.scope } }
  const places = { accumulator, first, second }
  const result = compile(outer, expr.result)
  const code = isBinding(expr)
    ? binding(range, init, result, accumulator)
    : (growingLoop(inner, expr, { range, result, places }) ?? loop(inner, expr, { range, init, result, places }))
  slots.next = before
  return code
}

type Places = { readonly accumulator: number; readonly first: number; readonly second: number }
type Parts = { readonly range: Code; readonly init: Code; readonly result: Code; readonly places: Places }

const isBinding = ({ range, condition }: Comprehension) =>
  range.kind === 'list' && range.elements.length === 0 && condition.kind === 'constant' && condition.value === false

function binding(range: Code, init: Code, result: Code, slot: number): Code {
  return (frame) => {
    range(frame)
    const before = frame.slots[slot]
    frame.slots[slot] = init(frame)
    const value = result(frame)
    frame.slots[slot] = before
    return value
  }
}

function loop(inner: Compiler, expr: Comprehension, { range, init, result, places }: Parts): Code {
  const condition = expr.condition.kind === 'constant' && expr.condition.value === true ? undefined : compile(inner, expr.condition)
  const step = compile(inner, expr.step)
  const { accumulator } = places
  return (frame) => {
    const items = rangeOf(range(frame))
    frame.slots[accumulator] = init(frame)
    const { size } = items
    for (let i = 0; i < size; i++) {
      setVariables(frame, places, items, i)
      if (condition && condition(frame) === false) break
      // An error is what the loop has so far: a later item may pass over it.
      try {
        frame.slots[accumulator] = step(frame)
      } catch (error) {
        if (!condition || !(error instanceof EvaluationError) || error.isCostExceeded) throw error
        frame.slots[accumulator] = error
      }
    }
    return result(frame)
  }
}

/** For `map`, `filter` and the like: what a step adds is added in place. Undefined for any other loop. */
function growingLoop(inner: Compiler, expr: Comprehension, parts: Omit<Parts, 'init'>): Code | undefined {
  const { range, result, places } = parts
  const isList = expr.init.kind === 'list' && expr.init.elements.length === 0
  const isMap = expr.init.kind === 'map' && expr.init.entries.length === 0
  if ((!isList && !isMap) || expr.condition.kind !== 'constant') return undefined
  const { where, addition } = splitStep(expr.step)
  const add = isList ? listAddition(inner, expr, addition) : mapAddition(inner, addition)
  if (!add) return undefined
  const predicate = where && compile(inner, where)
  return (frame) => {
    const items = rangeOf(range(frame))
    frame.charge(isList ? 10 : 30)
    const target: Target = { list: [], map: new Map() }
    for (let i = 0; i < items.size; i++) {
      setVariables(frame, places, items, i)
      const holds = predicate ? predicate(frame) : true
      if (holds === true) add(frame, target)
      else if (holds !== false) throw new EvaluationError('no such overload')
    }
    frame.slots[places.accumulator] = isList ? new ArrayList(target.list) : new EntryMap(target.map)
    return result(frame)
  }
}

type Target = { readonly list: Value[]; readonly map: Map<unknown, readonly [Value, Value]> }

function splitStep(step: Expr): { readonly where: Expr | undefined; readonly addition: Expr } {
  if (step.kind === 'call' && step.name === operators.conditional) return { where: step.args[0], addition: step.args[1]! }
  return { where: undefined, addition: step }
}

function listAddition(inner: Compiler, { accumulator }: Comprehension, step: Expr): ((frame: Frame, target: Target) => void) | undefined {
  if (step.kind !== 'call' || step.name !== operators.add) return undefined
  const [grown, added] = step.args
  if (grown?.kind !== 'identifier' || grown.name !== accumulator || added?.kind !== 'list' || added.elements.length !== 1) return undefined
  const element = compile(inner, added.elements[0]!)
  return (frame, target) => {
    // The accumulator's name, the list of one and the sum of both.
    frame.charge(12)
    target.list.push(element(frame))
  }
}

function mapAddition(inner: Compiler, step: Expr): ((frame: Frame, target: Target) => void) | undefined {
  if (step.kind !== 'call' || step.name !== '@mapInsert') return undefined
  const [key, value] = step.args.slice(1).map((arg) => compile(inner, arg))
  return (frame, target) => {
    frame.charge(2)
    if (value) return insert(target, key!(frame), value(frame))
    const entries = key!(frame)
    if (typeof entries !== 'object' || entries === null || entries.kind !== 'map') throw new EvaluationError('no such overload')
    for (const name of entries.keys()) insert(target, name, entries.get(name)!)
  }
}

function insert({ map }: Target, key: Value, value: Value): void {
  const known = mapKey(key)
  if (known === undefined) throw new EvaluationError('unsupported key type')
  if (map.has(known)) throw new EvaluationError(`insert failed: key ${keyText(key)} already exists`)
  map.set(known, [key, value])
}

const keyText = (key: Value) =>
  typeof key === 'object' && key !== null ? (key.kind === 'uint' ? String(key.value) : key.kind) : String(key)

type Range = { readonly size: number; item(index: number): Value; pair(index: number): readonly [Value, Value] }

function setVariables(frame: Frame, { first, second }: Places, range: Range, i: number): void {
  if (second < 0) {
    frame.slots[first] = range.item(i)
    return
  }
  const [key, value] = range.pair(i)
  frame.slots[first] = key
  frame.slots[second] = value
}

function rangeOf(value: Value): Range {
  if (typeof value === 'object' && value !== null) {
    if (value.kind === 'list') return listRange(value)
    if (value.kind === 'map') return mapRange(value)
  }
  throw new EvaluationError('no such overload')
}

const listRange = (list: CelList): Range => ({
  size: list.size,
  item: (i) => list.at(i),
  pair: (i) => [BigInt(i), list.at(i)],
})

function mapRange(map: CelMap): Range {
  const keys = map.keys()
  return { size: keys.length, item: (i) => keys[i]!, pair: (i) => [keys[i]!, map.get(keys[i]!)!] }
}

/** Comprehensions of two variables (https://pkg.go.dev/github.com/google/cel-go/ext#TwoVarComprehensions). */
export const twoVariableLibrary = (): Library => ({
  macros: twoVariableMacros,
  overloads: [
    // Loops grow their map in place; these are for the check.
    overload('@mapInsert(map<A, B>, A, B): map<A, B>', (map: CelMap) => map),
    overload('@mapInsert(map<A, B>, map<A, B>): map<A, B>', (map: CelMap) => map),
  ],
})
