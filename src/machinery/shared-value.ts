/**
 * Values that many objects have in common, such as the specs of one workload's pods, as one object with its JSON and with what has been
 * worked out of it: it is checked, described and encoded once, and takes memory once.
 *  1. A shared value never changes. Whoever wants another one makes a copy.
 *  2. Of at most twice `generationMax` values, each with a JSON of at most `textMax` characters, more is kept than the values themselves.
 */
const generationMax = 256
const textMax = 16_384

/** `text` is empty once the value is one of too many; it then is an object like any other. */
type Shared = { readonly value: object; text: string; readonly workedOut: Map<unknown, unknown> }
type Extended = { readonly base: Shared; readonly field: string; readonly value: string }

let recent = new Map<string, Shared>()
let former = new Map<string, Shared>()
const sharedOf = new WeakMap<object, Shared>()
const extended = new WeakMap<object, Extended>()

/** The one object that stands for all values of this JSON: `value` itself when it is the first. From here on nobody may change it. */
export function shareValue<T extends object>(value: T): T {
  if (sharedOf.has(value) || isExtended(value)) return value
  const text = JSON.stringify(value)
  const known = knownOfText(text)
  // The cast: equal JSON is of equal type.
  return known ? (known as T) : share(value, text)
}

/** The same for the value of a JSON object. Throws SyntaxError. */
export function sharedOfText(text: string): object {
  return knownOfText(text) ?? share(JSON.parse(text) as object, text)
}

/**
 * A shared value with one field more behind the others, which is its own: as a pod's spec has the name of a node. What is shared of it is
 * neither parsed nor written anew. `base` must not have the field; where it is not shared, neither is what is given back.
 */
export function extendShared<T extends object>(base: T, field: string, value: string): T {
  const whole = { ...base, [field]: value }
  const shared = sharedOf.get(base)
  if (shared) extended.set(whole, { base: shared, field, value })
  return whole
}

const isExtended = (value: object) => (extended.get(value)?.base.text ?? '') !== ''

function share<T extends object>(value: T, text: string): T {
  if (text.length > textMax) return value
  const shared: Shared = { value, text, workedOut: new Map() }
  sharedOf.set(value, shared)
  remember(shared)
  return value
}

function knownOfText(text: string): object | undefined {
  const known = recent.get(text) ?? former.get(text)
  if (!known) return undefined
  former.delete(text)
  remember(known)
  return known.value
}

function remember(shared: Shared): void {
  recent.set(shared.text, shared)
  if (recent.size < generationMax) return
  for (const forgotten of former.values()) {
    sharedOf.delete(forgotten.value)
    forgotten.text = ''
    forgotten.workedOut.clear()
  }
  former = recent
  recent = new Map()
}

/** The JSON of a shared value, or of an extended one; undefined for any other. */
export function textOfShared(value: object): string | undefined {
  const shared = sharedOf.get(value)
  if (shared) return shared.text
  const { base, field, value: own } = extended.get(value) ?? {}
  if (!base || base.text === '') return undefined
  const more = `${JSON.stringify(field)}:${JSON.stringify(own)}}`
  return base.text === '{}' ? `{${more}` : `${base.text.slice(0, -1)},${more}`
}

/** What `make` gives, made once for a shared value. It must follow from the value and from `about` alone, and never change. */
export function workedOut<T>(value: object, about: unknown, make: () => T): T {
  const shared = sharedOf.get(value)
  if (!shared) return make()
  // The cast: one `about` is one question.
  if (shared.workedOut.has(about)) return shared.workedOut.get(about) as T
  const made = make()
  shared.workedOut.set(about, made)
  return made
}
