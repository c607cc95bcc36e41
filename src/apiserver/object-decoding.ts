import type { KubeObject } from '../machinery/object.ts'
import { decodeValue } from '../machinery/schema/decode.ts'
import type { SchemaSet } from '../machinery/schema/schema-set.ts'
import { type StatusError, statusErrors } from '../machinery/status-error.ts'
import type { FieldValidation, RequestContext } from './core.ts'
import type { ExpectedKind } from './verb-request.ts'

/**
 * Brings an object that came from outside into the form in which it is worked on: types checked, unknown fields and nulls
 * dropped, quantities and times canonical, metadata there. Changes the object in place.
 * Throws 400 for types that do not fit and, with Strict validation, for unknown and duplicate fields; Warn adds warnings.
 */
export function decodeFields(
  schemas: SchemaSet,
  object: KubeObject,
  options: {
    readonly expected: ExpectedKind
    readonly context: RequestContext
    readonly validation: FieldValidation
    readonly duplicates: readonly string[]
    /** Parts that are in that form already. Only for built-in types: a custom one may have changed since. */
    readonly decoded?: ReadonlySet<object> | undefined
  },
): void {
  const { expected, context, validation, duplicates } = options
  let unknown: readonly string[] = []
  let isOpen = false
  const type = expected.schema === '' ? undefined : schemas.lookup(expected.schema)
  if (type) {
    const decoded = options.decoded ? decodeValue(type, object, options.decoded).report : schemas.decode(expected.schema, object)
    if (decoded.error !== undefined) throw cannotHandle(expected, decoded.error)
    unknown = decoded.unknownFields
    isOpen = 'isPrunedLater' in decoded
  }
  object.metadata ??= {}
  if (typeof object.metadata !== 'object' || Array.isArray(object.metadata)) throw cannotHandle(expected, 'metadata must be an object')
  if (validation === 'Ignore' || (unknown.length === 0 && duplicates.length === 0)) return
  const unknowns = unknown.map((f) => `unknown field ${JSON.stringify(f)}`)
  // What the YAML decoder found it says in its own words.
  const repeated = duplicates.map((f) => (f.startsWith('yaml: ') ? f : `duplicate field ${JSON.stringify(f)}`))
  const problems = isOpen ? [...repeated, ...unknowns] : [...unknowns, ...repeated]
  if (validation === 'Strict') throw cannotHandle(expected, `strict decoding error: ${problems.join(', ')}`)
  for (const problem of problems) context.warn(problem)
}

/** 400 for a body of a kind that cannot be read as the expected one. */
export function cannotHandle(expected: ExpectedKind & { readonly from?: string }, why: string): StatusError {
  const from = expected.from ?? expected.kind
  return statusErrors.badRequest(`${from} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: ${why}`)
}
