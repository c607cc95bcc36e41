import { deepClone } from '../../machinery/deep-clone.ts'
import { JsonError, parseJson, parseJsonStrict } from '../../machinery/json-strict.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { SchemaSet } from '../../machinery/schema/schema-set.ts'
import { ProtobufError } from '../../machinery/wire/protobuf-buffer.ts'
import type { FieldValidation, RequestContext } from '../core.ts'
import type { BinaryCodec } from '../objects/binary-codec.ts'
import {
  cannotHandle,
  noSuchKind,
  refuseOtherType,
  typeFieldsFault,
  typelessObject,
  unknownConversion,
} from '../objects/object-decoding.ts'
import { decodeSent } from '../objects/sent-spec.ts'
import { type Body, checkedDeletion, type ExpectedKind, type PatchBody } from '../verb-request.ts'
import type { DeletionOptions } from '../verbs/deletion-rules.ts'

/** Upstream's bound on what one write may carry. */
export const bodyBytesMax = 3 * 1024 * 1024

/** How a body of a content type patches; undefined: it is no patch. */
export const patchTypeOf = (contentType: string | undefined): PatchBody['type'] | undefined =>
  patchTypes[(contentType ?? '').split(';', 1)[0]!.trim()]

const patchTypes: Readonly<Record<string, PatchBody['type']>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}
/** Media types of object bodies; others answer 415. */
const protobufType = 'application/vnd.kubernetes.protobuf'
export const bodyTypes: readonly string[] = ['application/json', 'application/yaml', protobufType]

export type BodyOptions = {
  readonly bytes: Uint8Array | undefined
  readonly contentType: string | undefined
  readonly schemas: SchemaSet
  readonly knownKinds: (apiVersion: string, kind: string) => boolean
  readonly binary: () => Promise<BinaryCodec>
}

/** The body of an HTTP request, read only when a verb asks for it. Throws 413 when it is over the bound. */
export async function httpBody(options: BodyOptions): Promise<Body> {
  const { bytes } = options
  const contentType = options.contentType || 'application/json'
  if (bytes && bytes.length > bodyBytesMax) {
    throw statusErrors.requestEntityTooLarge(`limit is ${bodyBytesMax}`)
  }
  const mediaType = mediaTypeOf(contentType)
  // The YAML parser is loaded when somebody sends YAML, not at start.
  const yaml = mediaType.endsWith('yaml') ? await import('../../machinery/yaml.ts') : undefined
  const binary = mediaType === protobufType ? await options.binary() : undefined
  const parse: Parse = (validation, expected) => {
    const text = bytes ?? new Uint8Array()
    if (yaml) return parseYamlBody(yaml, text, expected)
    return parseJsonBody(text, validation, expected)
  }
  return {
    isEmpty: bytes === undefined || bytes.length === 0,
    object: (expected, context, validation) => {
      if (!bodyTypes.includes(mediaType)) throw statusErrors.unsupportedMediaType(bodyTypes)
      if (binary) return readBinary(options, binary, { expected, context, validation })
      const parsed = parse(validation, expected)
      return checkedObject(options, parsed, { expected, context, validation })
    },
    patch: (accepted) => {
      const given = (options.contentType ?? '').split(';', 1)[0]!.trim()
      if (accepted && !accepted.includes(given)) throw statusErrors.unsupportedMediaType(accepted)
      const type = patchTypeOf(options.contentType)
      if (type === undefined) throw statusErrors.unsupportedPatchType()
      return { type, ...parsePatch(type, bytes ?? new Uint8Array(), yaml) }
    },
    deletion: () => {
      if (bytes === undefined || bytes.length === 0) return undefined
      if (!bodyTypes.includes(mediaType)) throw statusErrors.unsupportedMediaType(bodyTypes)
      return deletionOptions(deletionBody(options.schemas, bytes, { yaml, binary }))
    },
  }
}

/** The media type of a content type; empty for what is none by the rules of MIME: a parameter without a value. */
function mediaTypeOf(contentType: string): string {
  const [type = '', ...parameters] = contentType.split(';')
  const isWhole = parameters.every((parameter) => parameter.trim() === '' || parameter.includes('='))
  return isWhole ? type.trim().toLowerCase() : ''
}

const deleteOptionsSchema = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

/** Throws 400 for what are no DeleteOptions, in upstream's words, which are fewer than for other bodies. */
function deletionBody(
  schemas: SchemaSet,
  bytes: Uint8Array,
  { yaml, binary }: { readonly yaml: Yaml | undefined; readonly binary: BinaryCodec | undefined },
): unknown {
  let value: unknown
  try {
    if (binary) return binary.decode(bytes)
    value = yaml ? yaml.parseYaml(new TextDecoder().decode(bytes)) : parseJson(bytes)
  } catch (error) {
    if (error instanceof ProtobufError) throw statusErrors.badRequest(error.message)
    if (error instanceof JsonError) throw statusErrors.badRequest(`couldn't get version/kind; json parse error: ${error.message}`)
    if (yaml && error instanceof yaml.YamlError)
      throw statusErrors.badRequest(error.message.replace(/^error converting YAML to JSON: /, ''))
    throw error
  }
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw statusErrors.badRequest(typelessObject(value))
  const fault = typeFieldsFault(value)
  if (fault !== undefined) throw statusErrors.badRequest(fault)
  const { kind = 'DeleteOptions', apiVersion = 'v1' } = value as Partial<KubeObject>
  if (kind !== 'DeleteOptions') throw statusErrors.badRequest(noSuchKind(kind, apiVersion))
  const { error } = schemas.decode(deleteOptionsSchema, value)
  if (error !== undefined) throw statusErrors.badRequest(error)
  return value
}

/** The body of a caller in this process: an object that is the caller's and is copied before anything changes it. */
export function valueBody(schemas: SchemaSet, value: unknown, patch?: PatchBody): Body {
  return {
    isEmpty: value === undefined,
    object: (expected, context, validation) => {
      const copy = deepClone(value) as KubeObject
      copy.kind ??= expected.kind
      copy.apiVersion ??= apiVersionOf(expected)
      decodeSent(schemas, copy, { expected, context, validation })
      return copy
    },
    patch: () => patch!,
    deletion: () => (value === undefined ? undefined : deletionOptions(value)),
  }
}

type Parsed = { readonly value: unknown; readonly duplicates: readonly string[]; readonly bytes: Uint8Array }
type Parse = (validation: FieldValidation, expected: ExpectedKind) => Parsed
type Yaml = typeof import('../../machinery/yaml.ts')

function parseJsonBody(bytes: Uint8Array, validation: FieldValidation, expected: ExpectedKind): Parsed {
  try {
    if (validation === 'Ignore') return { value: parseJson(bytes), duplicates: [], bytes }
    return { ...parseJsonStrict(bytes), bytes }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw unrecognized(expected, `couldn't get version/kind; json parse error: ${error.message}`, bytes)
  }
}

function parseYamlBody(yaml: Yaml, bytes: Uint8Array, expected: ExpectedKind): Parsed {
  try {
    const { value, duplicate } = yaml.parseYamlStrict(new TextDecoder().decode(bytes))
    return { value, duplicates: duplicate === undefined ? [] : [duplicate], bytes }
  } catch (error) {
    if (!(error instanceof yaml.YamlError)) throw error
    throw unrecognized(expected, error.message.replace(/^error converting YAML to JSON: /, ''), bytes)
  }
}

function parsePatch(type: PatchBody['type'], bytes: Uint8Array, yaml: Yaml | undefined): Omit<PatchBody, 'type'> {
  try {
    if (type !== 'apply') return parseJsonStrict(bytes)
    const { value, duplicate } = yaml!.parseYamlStrict(new TextDecoder().decode(bytes))
    return { value, duplicates: duplicate === undefined ? [] : [duplicate] }
  } catch (error) {
    if (error instanceof JsonError || (yaml && error instanceof yaml.YamlError)) return { value: undefined, fault: error.message }
    throw error
  }
}

function readBinary(
  options: BodyOptions,
  binary: BinaryCodec,
  request: { expected: ExpectedKind; context: RequestContext; validation: FieldValidation },
): KubeObject {
  const bytes = options.bytes ?? new Uint8Array()
  const value = decoded(binary, bytes, request.expected)
  // Fields that no message has cannot be told by name: there is nothing to be strict about.
  return checkedObject(options, { value, duplicates: [], bytes }, { ...request, validation: 'Ignore' })
}

function decoded(binary: BinaryCodec, bytes: Uint8Array, expected: ExpectedKind): unknown {
  try {
    return binary.decode(bytes, { apiVersion: apiVersionOf(expected), kind: expected.kind })
  } catch (error) {
    if (error instanceof ProtobufError) throw unrecognized(expected, error.message, bytes)
    throw error
  }
}

function checkedObject(
  options: BodyOptions,
  { value, duplicates, bytes }: Parsed,
  { expected, context, validation }: { expected: ExpectedKind; context: RequestContext; validation: FieldValidation },
): KubeObject {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw unrecognized(expected, typelessObject(value), bytes)
  }
  const object = (value ?? {}) as KubeObject
  checkKind(options, object, { expected, bytes })
  decodeSent(options.schemas, object, { expected, context, validation, duplicates })
  return object
}

function checkKind(
  options: BodyOptions,
  object: KubeObject,
  { expected, bytes }: { readonly expected: ExpectedKind; readonly bytes: Uint8Array },
): void {
  const expectedVersion = apiVersionOf(expected)
  const fault = typeFieldsFault(object)
  if (fault !== undefined) throw unrecognized(expected, fault, bytes)
  if (expected.isUnstructured) return checkUnstructured(object, { expected, bytes })
  const kind = (object.kind ||= expected.kind)
  const apiVersion = (object.apiVersion ||= expectedVersion)
  if (kind === expected.kind && apiVersion === expectedVersion) return
  if (apiVersion.split('/').length > 2) throw unrecognized(expected, `unexpected GroupVersion string: ${apiVersion}`, bytes)
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  if (kind === expected.kind && expected.oldVersions?.includes(version)) return
  if (!isKnown(options, apiVersion, kind)) throw cannotHandle({ ...expected, version, from: kind }, noSuchKind(kind, apiVersion))
  if (kind !== expected.kind) throw cannotHandle({ ...expected, version, from: kind }, unknownConversion({ version, kind }, expected))
  throw statusErrors.badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expectedVersion})`)
}

/** Custom objects say themselves what they are. */
function checkUnstructured(object: KubeObject, { expected, bytes }: { readonly expected: ExpectedKind; readonly bytes: Uint8Array }): void {
  const { kind, apiVersion = '' } = object
  if (!kind) {
    const shown = bytes[0] === 123 ? Buffer.from(bytes).toString() : JSON.stringify(object)
    throw unrecognized(expected, `Object 'Kind' is missing in '${shown}'`, bytes)
  }
  if (apiVersion !== apiVersionOf(expected))
    throw statusErrors.badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(expected)})`,
    )
  refuseOtherType(object, expected)
}

/** Lists are kinds, too, and one of anything is. */
const isKnown = ({ knownKinds }: BodyOptions, apiVersion: string, kind: string) =>
  knownKinds(apiVersion, kind) ||
  (kind === 'List' && apiVersion === 'v1') ||
  (kind.endsWith('List') && knownKinds(apiVersion, kind.slice(0, -'List'.length)))

function unrecognized(expected: ExpectedKind, why: string, bytes: Uint8Array): StatusError {
  return statusErrors.badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(bytes)})`)
}

/** The first 30 bytes of a body: as text when it looks like JSON, in hex otherwise. */
function summary(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 30))
  const text = head[0] === 123 ? head.toString('utf8') : head.toString('hex')
  return bytes.length > 30 ? `${text} ...` : bytes.length === 0 ? '<empty>' : text
}

function deletionOptions(value: unknown): DeletionOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw statusErrors.badRequest('DeleteOptions must be an object')
  const given = value as Record<string, unknown>
  const refuse = (field: string) => statusErrors.badRequest(`DeleteOptions.${field} has a value of the wrong type`)
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun } = given
  if (gracePeriodSeconds != null && !Number.isSafeInteger(gracePeriodSeconds)) throw refuse('gracePeriodSeconds')
  if (propagationPolicy != null && typeof propagationPolicy !== 'string') throw refuse('propagationPolicy')
  if (orphanDependents != null && typeof orphanDependents !== 'boolean') throw refuse('orphanDependents')
  if (preconditions != null && (typeof preconditions !== 'object' || Array.isArray(preconditions))) throw refuse('preconditions')
  const isDry = dryRun === true || (Array.isArray(dryRun) && dryRun.length > 0)
  // Only what is given: the rest must not hide the query's parameters.
  const options = {
    ...(gracePeriodSeconds == null ? {} : { gracePeriodSeconds: gracePeriodSeconds as number }),
    ...(propagationPolicy == null ? {} : { propagationPolicy: propagationPolicy as DeletionOptions['propagationPolicy'] }),
    ...(orphanDependents == null ? {} : { orphanDependents: orphanDependents as boolean }),
    ...(preconditions == null ? {} : { preconditions: preconditions as DeletionOptions['preconditions'] }),
    ...(isDry ? { dryRun: true } : {}),
  }
  return checkedDeletion(options, Array.isArray(dryRun) ? dryRun.map(String) : [])
}
