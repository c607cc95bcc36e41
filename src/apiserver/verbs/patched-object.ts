import { deepCloneBeside } from '../../machinery/deep-clone.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { goText } from '../../machinery/go-text.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { applyJsonPatch, inspectJsonPatch } from '../../machinery/patch/json-patch.ts'
import { applyMergePatch } from '../../machinery/patch/merge-patch.ts'
import { applyStrategicPatch } from '../../machinery/patch/strategic-patch.ts'
import { cannotConvert } from '../../machinery/schema/go-errors.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Core, FieldValidation, RequestContext } from '../core.ts'
import {
  decodeFields,
  noSuchKind,
  refuseOtherType,
  typeFieldsFault,
  typelessObject,
  unknownConversion,
} from '../objects/object-decoding.ts'
import type { ExpectedKind, PatchBody } from '../verb-request.ts'

export type PatchRequest = {
  readonly expected: ExpectedKind
  readonly patch: PatchBody
  readonly validation: FieldValidation
  /** Objects of custom kinds are decoded whole: their type may have changed since they were stored. */
  readonly isCustom: boolean
  /** A spec that the patch leaves alone is not copied: nobody changes it on the way to the store. */
  readonly keepsSpec?: boolean | undefined
}

/**
 * The object that a JSON, merge or strategic merge patch makes of the current one (which is never changed), decoded; the caller's
 * own. Throws StatusError: 400 for a patch that is none, 413 for one of too many operations, 422 where it does not apply or makes
 * what is no such object.
 */
export function patchedObject(core: Core, context: RequestContext, request: PatchRequest, current: KubeObject): KubeObject {
  const { expected, patch, validation, isCustom } = request
  const { result, problems } = patch.type === 'strategic' ? strategicResult(core, request, current) : jsonResult(request, current)
  const refuse = (why: string) => refused(patch.type === 'strategic' ? goText(patch.value) : JSON.stringify(result), why)
  // What the patch leaves alone was decoded before it was stored.
  const { copy: object, untouched } = deepCloneBeside(result, current, isCustom ? [] : untouchable(current, request))
  const typed = patch.type === 'strategic' ? ofKind(object, expected) : typedResult(core, object, { expected, refuse })
  decodeFields(core.schemas, typed.object, {
    expected,
    context,
    validation,
    known: [...problems, ...typed.unknown.map((name) => `unknown field ${JSON.stringify(name)}`)],
    decoded: isCustom ? undefined : untouched,
    refuse: (why, fault) => refuse(patch.type === 'strategic' && fault ? cannotConvert(fault) : why),
  })
  return typed.object
}

/** What nobody changes on the way to the store. */
function untouchable({ metadata, spec }: KubeObject & { readonly spec?: object }, { keepsSpec }: PatchRequest): object[] {
  return [...(metadata.managedFields ? [metadata.managedFields] : []), ...(keepsSpec && spec ? [spec] : [])]
}

type Result = { readonly result: KubeObject; readonly problems: readonly string[] }

function jsonResult({ patch, validation }: PatchRequest, current: KubeObject): Result {
  const { type, value, duplicates = [], fault } = patch
  const isStrict = validation !== 'Ignore'
  if (fault !== undefined) throw statusErrors.badRequest(isStrict ? `error decoding patch: ${fault}` : type === 'json' ? fault : noPatch)
  const repeated = duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`)
  if (type === 'json') {
    const found = isStrict ? inspectJsonPatch(value) : { unknown: [] }
    if (found.fault !== undefined) throw statusErrors.badRequest(`error decoding patch: ${found.fault}`)
    const problems = [...found.unknown.map((field) => `unknown field ${JSON.stringify(field)}`), ...repeated]
    return { result: applyJsonPatch(current, value), problems: problems.map((problem) => `json patch ${problem}`) }
  }
  if (value === null) throw statusErrors.badRequest(noPatch)
  if (isStrict && (typeof value !== 'object' || Array.isArray(value))) {
    const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    throw statusErrors.badRequest(`error decoding patch: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`)
  }
  if (typeof value !== 'object') throw statusErrors.badRequest(noPatch)
  return { result: applyMergePatch(current, value), problems: repeated }
}

const noPatch = 'Invalid JSON Patch'

function strategicResult(core: Core, { expected, patch }: PatchRequest, current: KubeObject): Result {
  if (patch.fault !== undefined) throw statusErrors.badRequest(patch.fault)
  const problems = (patch.duplicates ?? []).map((field) => `duplicate field ${JSON.stringify(field)}`)
  return { result: applyStrategicPatch(current, patch.value, core.schemas.lookup(expected.schema)), problems }
}

/** `unknown`: names of fields that were left out because nothing has them. */
type Typed = { readonly object: KubeObject; readonly unknown: readonly string[] }

/** A strategic merge patch changes a typed object: it has no say in what type that is. */
function ofKind(object: KubeObject, expected: ExpectedKind): Typed {
  object.kind = expected.kind
  object.apiVersion = apiVersionOf(expected)
  return { object, unknown: [] }
}

/** The result of a patch that may have changed the type. One without an apiVersion has no fields that are known. */
function typedResult(
  core: Core,
  object: KubeObject,
  { expected, refuse }: { readonly expected: ExpectedKind; readonly refuse: (why: string) => StatusError },
): Typed {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) throw refuse(typelessObject(object))
  const fault = typeFieldsFault(object)
  if (fault !== undefined) throw refuse(fault)
  const { kind: given, apiVersion, ...fields } = object
  const kind = given || expected.kind
  object.kind = kind
  if (!apiVersion) return { object: { kind, apiVersion: apiVersionOf(expected), metadata: {} }, unknown: Object.keys(fields).sort() }
  if (kind === expected.kind && apiVersion === apiVersionOf(expected)) return { object, unknown: [] }
  if (expected.isUnstructured) refuseOtherType(object, expected)
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  throw refuse(core.registry.findKind(apiVersion, kind) ? unknownConversion({ version, kind }, expected) : noSuchKind(kind, apiVersion))
}

function refused(shown: string, why: string): StatusError {
  return statusErrors.invalid({ group: '', kind: '' }, '', [fieldErrors.invalid('patch', shown, why)])
}
