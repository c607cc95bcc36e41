import { type CelType, celTypes, isDynamic, partsOf, sameType, withParts } from './cel-type.ts'

/** What type parameters stand for, as far as a check has found out. Grows while types are unified. */
export class Substitutions {
  private readonly found = new Map<string, CelType>()
  private readonly journal: (readonly [name: string, before: CelType | undefined])[] = []

  get(name: string): CelType | undefined {
    return this.found.get(name)
  }

  set(name: string, type: CelType): void {
    this.journal.push([name, this.found.get(name)])
    this.found.set(name, type)
  }

  /** Whether each type may be given where its counterpart is wanted. What that takes of parameters is kept when all fit. */
  assign(given: readonly CelType[], wanted: readonly CelType[]): boolean {
    this.journal.length = 0
    if (given.length === wanted.length && given.every((type, i) => assign(this, type, wanted[i]!))) return true
    for (const [name, before] of this.journal.reverse()) {
      if (before) this.found.set(name, before)
      else this.found.delete(name)
    }
    return false
  }
}

type Found = Substitutions

function assign(found: Found, given: CelType, wanted: CelType): boolean {
  if (wanted.kind === 'parameter') {
    const { isValid, isBound } = bind(found, given, wanted.name)
    if (isValid) return true
    if (isBound) return false
  }
  if (given.kind === 'parameter') return bind(found, wanted, given.name).isValid
  if (isDynamic(given) || isDynamic(wanted)) return true
  if (given.kind === 'null') return isNullable(wanted)
  if (wanted.kind === 'null') return isNullable(given)
  if (wanted.kind === 'wrapper') return given.kind === 'wrapper' ? sameType(given, wanted) : assign(found, given, wanted.of)
  if (given.kind === 'wrapper') return assign(found, given.of, wanted)
  if (given.kind !== wanted.kind) return false
  switch (given.kind) {
    case 'type':
      return true
    case 'object':
      return sameType(given, wanted)
    case 'opaque':
      if (given.name !== (wanted as typeof given).name) return false
  }
  const [a, b] = [partsOf(given), partsOf(wanted)]
  return a.length === b.length && a.every((part, i) => assign(found, part, b[i]!))
}

function isNullable({ kind }: CelType): boolean {
  return ['null', 'opaque', 'object', 'duration', 'timestamp', 'wrapper'].includes(kind)
}

function bind(found: Found, type: CelType, name: string): { readonly isValid: boolean; readonly isBound: boolean } {
  if (type.kind === 'parameter' && type.name === name) return { isValid: true, isBound: true }
  const bound = found.get(name)
  if (bound) {
    if (sameType(bound, type)) return { isValid: true, isBound: true }
    if (!assign(found, type, bound)) return { isValid: false, isBound: true }
    const general = moreGeneral(type, bound)
    if (!occurs(found, name, general)) found.set(name, general)
    return { isValid: true, isBound: true }
  }
  if (occurs(found, name, type)) return { isValid: false, isBound: false }
  found.set(name, type)
  return { isValid: true, isBound: false }
}

function occurs(found: Found, name: string, type: CelType): boolean {
  if (type.kind !== 'parameter') return partsOf(type).some((part) => occurs(found, name, part))
  if (type.name === name) return true
  const bound = found.get(type.name)
  return bound !== undefined && occurs(found, name, bound)
}

/** The one of two types that go together which says less. */
export function moreGeneral(a: CelType, b: CelType): CelType {
  if (a.kind === 'null' || b.kind === 'null') return a.kind === 'null' ? b : a
  return isEqualOrLessSpecific(a, b) ? a : b
}

function isEqualOrLessSpecific(a: CelType, b: CelType): boolean {
  if (isDynamic(a) || a.kind === 'parameter') return true
  if (isDynamic(b) || b.kind === 'parameter') return false
  if (a.kind === 'wrapper' && b.kind !== 'wrapper') return b.kind === 'null' || sameType(a.of, b)
  if (a.kind !== b.kind || a.kind === 'type') return a.kind === b.kind
  const [x, y] = [partsOf(a), partsOf(b)]
  if (x.length === 0) return sameType(a, b)
  return x.length === y.length && x.every((part, i) => isEqualOrLessSpecific(part, y[i]!))
}

/** The type with its parameters replaced by what they stand for; `free`: what one without a meaning becomes. */
export function substituted(substitutions: { get(name: string): CelType | undefined }, type: CelType, free: 'dyn' | 'kept'): CelType {
  if (type.kind === 'parameter') {
    const bound = substitutions.get(type.name)
    if (bound) return substituted(substitutions, bound, free)
    return free === 'dyn' ? celTypes.dyn : type
  }
  const parts = partsOf(type)
  if (parts.length === 0) return type
  const changed = parts.map((part) => substituted(substitutions, part, free))
  return changed.every((part, i) => part === parts[i]) ? type : withParts(type, changed)
}
