/**
 * Sets of field paths, in the very form that managedFields stores them (FieldsV1): nested objects whose keys are path
 * elements (`f:spec`, `k:{"name":"a"}`, `v:"x"`), so that reading and writing them costs nothing.
 *
 * Invariants:
 * 1. An element is a member when its object is empty or has the key `.`; it has children when it has any other key.
 * 2. The root is never a member; `{}` at the root is the empty set.
 * 3. Sets are never changed; operations share what stays the same, and return their first argument where nothing changes.
 */
export type FieldSet = { readonly [element: string]: FieldSet }

type Draft = { [element: string]: FieldSet }

export const emptySet: FieldSet = Object.freeze({})
/** An element that is a member and has no children. */
export const leaf: FieldSet = Object.freeze({})

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

/** Members of either; `a` itself where `b` has no others. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a
  if (isEmptySet(a)) return b
  return uniteChildren(a, b, undefined) ?? a
}

/** Copies `a` only where there is something to add; what `start` gives then is the copy. */
function uniteChildren(a: FieldSet, b: FieldSet, start: (() => Draft) | undefined): Draft | undefined {
  let result: Draft | undefined
  for (const key in b) {
    if (key === '.') continue
    const mine = a[key]
    const both = mine === undefined ? b[key]! : uniteNodes(mine, b[key]!)
    if (both === mine) continue
    result ??= start ? start() : { ...a }
    result[key] = both
  }
  return result
}

function uniteNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a
  const isSelf = isMember(a)
  const becomesSelf = isSelf || isMember(b)
  // The membership comes first, as upstream writes it.
  const start = (): Draft => (becomesSelf ? { '.': leaf, ...a } : { ...a })
  return uniteChildren(a, b, start) ?? (becomesSelf === isSelf ? a : start())
}

/** Members of `a` that are not members of `b`; what lies below a member of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, false)
}

/** As `difference`, but everything below a member of `b` goes too. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, true)
}

function subtract(a: FieldSet, b: FieldSet, isRecursive: boolean): FieldSet {
  let result: Draft | undefined
  for (const key in b) {
    const mine = key === '.' ? undefined : a[key]
    if (mine === undefined) continue
    const kept = subtractNode(mine, b[key]!, isRecursive)
    if (kept === mine) continue
    result ??= { ...a }
    if (kept === undefined) delete result[key]
    else result[key] = kept
  }
  return result ?? a
}

function subtractNode(a: FieldSet, b: FieldSet, isRecursive: boolean): FieldSet | undefined {
  const isTaken = isMember(b)
  if (isTaken && isRecursive) return undefined
  const isSelf = isMember(a)
  const kept = subtract(a, b, isRecursive)
  const isKept = isSelf && !isTaken
  if (kept === a && isKept === isSelf) return a
  const children = childrenOf(kept)
  return isKept || !isEmptySet(children) ? compose(isKept, children) : undefined
}

/** Members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: Draft = {}
  for (const key in a) {
    const other = key === '.' ? undefined : b[key]
    if (other === undefined) continue
    const mine = a[key]!
    const isBoth = isMember(mine) && isMember(other)
    const children = intersection(childrenOf(mine), childrenOf(other))
    if (isBoth || !isEmptySet(children)) result[key] = compose(isBoth, children)
  }
  return result
}

/** Whether an element is itself in the set. */
export function isMember(node: FieldSet): boolean {
  return '.' in node || isEmptySet(node)
}

/** The set below an element. */
export function childrenOf(node: FieldSet): FieldSet {
  if (!('.' in node)) return node
  const { '.': _, ...children } = node
  return children
}

/** An element with its membership and its children; one of the two must hold. */
export function compose(isSelf: boolean, children: FieldSet): FieldSet {
  if (!isSelf) return children
  return isEmptySet(children) ? leaf : { '.': leaf, ...children }
}

/** Every member's path as elements, in upstream's order: by their names, those of one level before what lies below them. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const elements = Object.keys(set)
    .filter((element) => element !== '.')
    .sort(compareElements)
  for (const element of elements) if (isMember(set[element]!)) yield [...prefix, element]
  for (const element of elements) yield* pathsOf(set[element]!, [...prefix, element])
}

/** Fields, then items by their keys, then items by their values. */
function compareElements(a: string, b: string): number {
  if (a[0] !== b[0]) return 'fkvi'.indexOf(a[0]!) - 'fkvi'.indexOf(b[0]!)
  if (a[0] === 'f') return compareScalars(a, b)
  const [left, right] = [JSON.parse(a.slice(2)), JSON.parse(b.slice(2))] as [unknown, unknown]
  if (a[0] !== 'k') return compareScalars(left, right)
  const [own, others] = [Object.entries(left as object).flat(), Object.entries(right as object).flat()] as [unknown[], unknown[]]
  const at = own.findIndex((part, i) => part !== others[i])
  return at < 0 ? own.length - others.length : compareScalars(own[at], others[at])
}

function compareScalars(a: unknown, b: unknown): number {
  if (a === b) return 0
  // What are of two types are told apart, no more.
  return typeof a === typeof b ? ((a as string) < (b as string) ? -1 : 1) : typeof a < typeof b ? -1 : 1
}

/** The set of one path or more, for tests and for fields that a request may not own: `fieldSet('status')`, `fieldSet('spec.replicas')`. */
export function fieldSet(...paths: readonly string[]): FieldSet {
  let set = emptySet
  for (const path of paths)
    set = union(
      set,
      path.split('.').reduceRight<FieldSet>((below, field) => ({ [`f:${field}`]: below }), leaf),
    )
  return set
}

/** Values that have been found to be sets as they are; stored objects are read again and again. */
const knownSets = new WeakSet<object>()

/** Tells that a value is a set: what is written as one is read as one later, without another look at it. */
export function noteFieldSet(set: FieldSet): void {
  knownSets.add(set)
}

/** Reads FieldsV1 from the wire; undefined where it is none. Elements of kinds that nobody knows are dropped. */
export function readFieldsV1(value: unknown): FieldSet | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (knownSets.has(value)) return value as FieldSet
  const set = readNode(value as Record<string, unknown>)
  if (set !== undefined) knownSets.add(set)
  return set
}

/** The value itself when nothing in it has to go. */
function readNode(value: Readonly<Record<string, unknown>>): FieldSet | undefined {
  let changed: Draft | undefined
  for (const key in value) {
    const child = value[key]
    if (typeof child !== 'object' || child === null || Array.isArray(child)) return undefined
    if (key !== '.' && key[1] !== ':') return undefined
    const isKnown = key === '.' || /^[fkvi]/.test(key)
    const below = isKnown ? readNode(child as Record<string, unknown>) : undefined
    if (isKnown && below === undefined) return undefined
    if (below === child) continue
    changed ??= { ...(value as FieldSet) }
    if (below === undefined) delete changed[key]
    else changed[key] = below
  }
  return changed ?? (value as FieldSet)
}

/** `.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"]`, as conflicts show it. */
export function formatFieldPath(path: readonly string[]): string {
  return path.map(formatElement).join('')
}

function formatElement(element: string): string {
  const text = element.slice(2)
  switch (element[0]) {
    case 'f':
      return `.${text}`
    case 'k':
      return `[${Object.entries(JSON.parse(text) as Record<string, unknown>)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`
    case 'v':
      return `[=${text}]`
    default:
      return `[${text}]`
  }
}
