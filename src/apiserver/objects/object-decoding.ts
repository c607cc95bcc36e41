import { fieldErrors } from '../../machinery/field-error.ts'
import { goQuote } from '../../machinery/go-text.ts'
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../machinery/object.ts'
import { decodeReport, type TypeFault } from '../../machinery/schema/decode.ts'
import type { SchemaSet } from '../../machinery/schema/schema-set.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { FieldValidation, RequestContext } from '../core.ts'
import type { ExpectedKind } from '../verb-request.ts'

export type DecodeOptions = {
  readonly expected: ExpectedKind
  readonly context: RequestContext
  readonly validation: FieldValidation
  readonly duplicates?: readonly string[]
  /** What was found wrong before, for a strict reader: goes first. */
  readonly known?: readonly string[]
  /** How what does not fit is refused; default: 400, `cannot be handled as a …`. */
  readonly refuse?: (why: string, fault?: TypeFault) => StatusError
  /** Parts that are in that form already. Only for built-in types: a custom one may have changed since. */
  readonly decoded?: ReadonlySet<object> | undefined
  /** A custom object's nulls are judged, where none may be, instead of dropped. */
  readonly keepsNulls?: boolean
}

/**
 * Brings an object that came from outside into the form in which it is worked on: types checked, unknown fields and nulls
 * dropped, quantities and times canonical, metadata there. Changes the object in place.
 * Throws 400 for types that do not fit and, with Strict validation, for unknown and duplicate fields; Warn adds warnings. Gives whether all
 * fields are known.
 */
export function decodeFields(schemas: SchemaSet, object: KubeObject, options: DecodeOptions): boolean {
  const {
    expected,
    context,
    validation,
    duplicates = [],
    known = [],
    keepsNulls = false,
    refuse = (why: string) => cannotHandle(expected, why),
  } = options
  let unknown: readonly string[] = []
  if (!expected.isUnstructured) keepReset(object)
  const type = expected.schema === '' ? undefined : schemas.lookup(expected.schema)
  if (type) {
    const decoded = options.decoded ? decodeReport(type, object, options.decoded) : schemas.decode(expected.schema, object, { keepsNulls })
    if (decoded.error !== undefined) throw refuse(decoded.error, decoded.fault)
    unknown = decoded.unknownFields
  }
  object.metadata ??= {}
  if (typeof object.metadata !== 'object' || Array.isArray(object.metadata)) throw refuse('metadata must be an object')
  if (validation === 'Ignore' || (unknown.length === 0 && duplicates.length === 0 && known.length === 0)) return unknown.length === 0
  const unknowns = unknown.map((f) => `unknown field ${goQuote(f)}`)
  const isBelowUnknown = (f: string) => unknown.some((u) => f.startsWith(`${u}.`) || f.startsWith(`${u}[`))
  // What the YAML decoder found it says in its own words.
  const repeated = duplicates.filter((f) => !isBelowUnknown(f)).map((f) => (f.startsWith('yaml: ') ? f : `duplicate field ${goQuote(f)}`))
  const problems = [...known, ...repeated, ...unknowns]
  if (validation === 'Strict') throw refuse(`strict decoding error: ${problems.join(', ')}`)
  for (const problem of problems) for (const line of warningsOf(problem)) context.warn(line)
  return unknown.length === 0
}

/** An empty list of managers is dropped as every empty list is, but means to reset them: one empty entry says the same. */
function keepReset({ metadata }: Partial<KubeObject>): void {
  if (Array.isArray(metadata?.managedFields) && metadata.managedFields.length === 0) metadata.managedFields = [{}]
}

const yamlHead = 'yaml: unmarshal errors:\n'

/** A problem as warnings: of what the YAML decoder says, each line without their common head. */
export const warningsOf = (problem: string): readonly string[] =>
  problem.startsWith(yamlHead)
    ? problem
        .slice(yamlHead.length)
        .split('\n')
        .map((line) => line.trim())
    : [problem]

/** 400 for a body of a kind that cannot be read as the expected one. */
export function cannotHandle(expected: ExpectedKind & { readonly from?: string }, why: string): StatusError {
  const from = expected.from ?? expected.kind
  return statusErrors.badRequest(`${from} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: ${why}`)
}

/** Why what is no object has no kind. */
export function typelessObject(value: unknown): string {
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value
  return `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`
}

/** Why a kind is not known. The place in upstream's sources is part of its message. */
export const noSuchKind = (kind: string, apiVersion: string) =>
  `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`

/** Why an object of another kind is not taken for one of the expected; upstream names its internal form of that. */
export const unknownConversion = (from: { readonly version: string; readonly kind: string }, { group, kind }: ExpectedKind) =>
  `converting (${from.version}.${from.kind}) to (${group.split('.', 1)[0] || 'core'}.${kind}): unknown conversion`

/** Throws 422 where a custom object says that it is of another kind or version: it is named as what it says. */
export function refuseOtherType({ kind = '', apiVersion = '', metadata }: Partial<KubeObject>, expected: ExpectedKind): void {
  const wanted = apiVersionOf(expected)
  const errors = [
    ...(kind === expected.kind ? [] : [fieldErrors.invalid('kind', kind, `must be ${expected.kind}`)]),
    ...(apiVersion === wanted ? [] : [fieldErrors.invalid('apiVersion', apiVersion, `must be ${wanted}`)]),
  ]
  if (errors.length > 0)
    throw statusErrors.invalid({ group: parseApiVersion(apiVersion).group, kind }, String(metadata?.name ?? ''), errors)
}

/** What is wrong with the fields that say what an object is; undefined: nothing. */
export function typeFieldsFault(object: object): string | undefined {
  for (const field of ['kind', 'apiVersion'] as const) {
    const value = (object as Record<string, unknown>)[field]
    if (value === undefined || value === null || typeof value === 'string') continue
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    return `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${field} of type string`
  }
  return undefined
}
