import { fieldsOfText } from '../../machinery/apply/shared-fields.ts'
import type { FieldSet } from '../../machinery/apply/field-set.ts'
import type { KubeObject, ObjectMeta } from '../../machinery/object.ts'
import { specOfText } from './spec-of-text.ts'

/**
 * A stored object's JSON in parts. `head`: up to its metadata, which are left open, without their managed fields; `managers`: what follows
 * from there to the end of the metadata, empty without managed fields; then spec and status, which are the last.
 */
export type ObjectParts = { readonly head: string; readonly managers: string; readonly spec: string; readonly status: string }

/**
 * What JSON.parse gives of the whole, but that a spec and field sets that other objects have, too, are those very ones and not parsed
 * again: of a pod they are three quarters, and whoever is about to write it would look for them next. Undefined: these are no such parts.
 */
export function parseParts({ head, managers, spec, status }: ObjectParts): KubeObject | undefined {
  try {
    const fields: FieldSet[] = []
    const others = withoutFields(managers, fields)
    if (others === undefined) return undefined
    const object = JSON.parse(`${head}${others}}}`) as KubeObject & { spec?: unknown; status?: unknown }
    const entries = object.metadata.managedFields
    if (!takeFields(entries, fields)) return undefined
    object.spec = specOfText(spec)
    object.status = JSON.parse(status) as unknown
    return object
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const fieldsKey = '"fieldsV1":'
/** Between two entries. Nothing else reads like it: in a string its quotes would be escaped, and a field set has no lists. */
const nextEntry = '},{"manager":"'
const whereKey = ',"subresource":"'

/** The managers with a zero in place of each field set, which `fields` gets in order. Undefined where there is none in its place. */
function withoutFields(managers: string, fields: FieldSet[]): string | undefined {
  let text = ''
  let from = 0
  for (let at = managers.indexOf(fieldsKey); at >= 0; at = managers.indexOf(fieldsKey, from)) {
    const start = at + fieldsKey.length
    const next = managers.indexOf(nextEntry, start)
    // The last one's brace, and the bracket after it.
    const entryEnd = next < 0 ? managers.length - 2 : next
    const where = managers.lastIndexOf(whereKey, entryEnd)
    const end = where > start ? where : entryEnd
    const set = managers.slice(start, end)
    if (!set.startsWith('{')) return undefined
    fields.push(fieldsOfText(set, () => JSON.parse(set) as FieldSet))
    text += `${managers.slice(from, start)}0`
    from = end
  }
  return text + managers.slice(from)
}

/** False where entries and field sets do not match. */
function takeFields(entries: ObjectMeta['managedFields'], fields: readonly FieldSet[]): boolean {
  let next = 0
  for (const entry of entries ?? []) {
    if (entry.fieldsV1 === undefined) continue
    if ((entry.fieldsV1 as unknown) !== 0 || next === fields.length) return false
    entry.fieldsV1 = fields[next++]!
  }
  return next === fields.length
}
