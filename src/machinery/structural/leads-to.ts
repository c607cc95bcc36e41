import type { JsonSchema } from './json-schema.ts'

/** Tells of a schema whether it, or anything below it, is such a one; remembered for each schema. */
export function leadsTo(isSuch: (schema: JsonSchema) => boolean): (schema: JsonSchema) => boolean {
  const known = new WeakMap<JsonSchema, boolean>()
  const leads = (schema: JsonSchema): boolean => {
    const answer = known.get(schema)
    if (answer !== undefined) return answer
    const children = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]
    const found = isSuch(schema) || children.some((child) => typeof child === 'object' && leads(child))
    known.set(schema, found)
    return found
  }
  return leads
}
