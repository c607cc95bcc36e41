import { costExceeded, EvaluationError } from './evaluation-error.ts'
import { CelOptional, typeNameOf, type Value } from './value.ts'

/** One step of a compiled expression. Throws EvaluationError. */
export type Code = (frame: Frame) => Value

/** One evaluation: the values of variables, and what it has cost. */
export class Frame {
  /** The accumulator of a loop may hold an error. */
  readonly slots: (Value | EvaluationError | undefined)[]
  readonly costMax: number
  cost = 0

  constructor(slots: (Value | EvaluationError | undefined)[], costMax: number) {
    this.slots = slots
    this.costMax = costMax
  }

  charge(cost: number): void {
    this.cost += cost
    if (this.cost > this.costMax) throw costExceeded()
  }
}

/** A field of an object or a key of a map. A field of an optional is an optional itself. */
export function selected(operand: Code, field: string): Code {
  return (frame) => {
    const target = operand(frame)
    if (++frame.cost > frame.costMax) throw costExceeded()
    if (target instanceof CelOptional) return fieldOfOptional(target, field)
    const value = fieldOf(target, field)
    if (value === undefined) throw new EvaluationError(`no such key: ${field}`)
    return value
  }
}

export function tested(operand: Code, field: string): Code {
  return (frame) => {
    const target = operand(frame)
    if (target instanceof CelOptional) return target.value !== undefined && fieldOf(target.value, field) !== undefined
    return fieldOf(target, field) !== undefined
  }
}

export function optionalSelected(operand: Code, field: string): Code {
  return (frame) => {
    const target = operand(frame)
    frame.charge(1)
    return fieldOfOptional(target instanceof CelOptional ? target : new CelOptional(target), field)
  }
}

export const noneOptional = new CelOptional(undefined)

function fieldOfOptional({ value }: CelOptional, field: string): CelOptional {
  const found = value === undefined ? undefined : fieldOf(value, field)
  return found === undefined ? noneOptional : new CelOptional(found)
}

/** Undefined for a field that is not set. */
function fieldOf(target: Value, field: string): Value | undefined {
  if (typeof target === 'object' && target !== null) {
    if (target.kind === 'struct') return target.get(field)
    if (target.kind === 'map') return target.get(field)
  }
  throw new EvaluationError(`no such key: ${field}`)
}

/** An item of a list by its place, or a value of a map by its key. `isOptional`: an optional, without a value where there is none. */
export function indexed(operand: Code, index: Code, isOptional: boolean): Code {
  return (frame) => {
    const target = operand(frame)
    const key = index(frame)
    frame.charge(1)
    if (target instanceof CelOptional || isOptional) {
      const inner = target instanceof CelOptional ? target.value : target
      const found = inner === undefined ? undefined : itemOf(inner, key)
      return found === undefined ? noneOptional : new CelOptional(found)
    }
    const value = itemOf(target, key)
    if (value === undefined) throw missingItem(target, key)
    return value
  }
}

function itemOf(target: Value, key: Value): Value | undefined {
  if (typeof target !== 'object' || target === null) throw new EvaluationError('no such overload')
  if (target.kind === 'map') return target.get(key)
  if (target.kind === 'struct' && typeof key === 'string') return target.get(key)
  if (target.kind !== 'list') throw new EvaluationError('no such overload')
  const index = indexOf(key)
  return index >= 0 && index < target.size ? target.at(index) : undefined
}

/** The place that a key means: a whole number of any type. */
export function indexOf(key: Value): number {
  if (typeof key === 'bigint') return Number(key)
  if (typeof key === 'number' && Number.isInteger(key)) return key
  if (typeof key === 'object' && key !== null && key.kind === 'uint') return Number(key.value)
  throw new EvaluationError(`unsupported index type '${typeNameOf(key)}' in list`)
}

function missingItem(target: Value, key: Value): EvaluationError {
  const text = typeof key === 'object' && key !== null ? (key.kind === 'uint' ? String(key.value) : key.kind) : String(key)
  const isList = typeof target === 'object' && target !== null && target.kind === 'list'
  return new EvaluationError(isList ? `index out of bounds: ${text}` : `no such key: ${text}`)
}
