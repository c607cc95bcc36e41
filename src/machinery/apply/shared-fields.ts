import type { FieldSet } from './field-set.ts'

/**
 * Field sets that many objects have in common, as one value with its JSON: objects of one form have the same owners of the same fields,
 * and their field sets are half of a pod. Kept once they take no memory for each object, and are written as text once.
 */
const knownMax = 4_096
/** Of sets with a longer JSON none is kept. */
const textMax = 8_192

const sets = new Map<string, FieldSet>()
const texts = new WeakMap<object, string>()

/** The one set of this JSON: `make` gives it when it is the first. Nobody changes a set. */
export function fieldsOfText(text: string, make: () => FieldSet): FieldSet {
  const known = sets.get(text)
  if (known) return known
  const set = make()
  if (text.length > textMax) return set
  if (sets.size >= knownMax) sets.clear()
  sets.set(text, set)
  texts.set(set, text)
  return set
}

/** The one set that stands for all that are written alike. */
export function sharedFields(set: FieldSet): FieldSet {
  return texts.has(set) ? set : fieldsOfText(JSON.stringify(set), () => set)
}

/** The JSON of a FieldsV1 value, which nobody changes: written once, however often the object is stored. */
export function fieldsText(fieldsV1: object): string {
  let text = texts.get(fieldsV1)
  if (text === undefined) texts.set(fieldsV1, (text = JSON.stringify(fieldsV1)))
  return text
}
