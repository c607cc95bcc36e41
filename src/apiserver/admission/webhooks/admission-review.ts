import type { MutatingWebhook, ValidatingWebhook } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import type { Status } from '../../../machinery/status-error.ts'
import { StatusError } from '../../../machinery/status-error.ts'
import type { GroupVersionKind } from '../../../machinery/object.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { Resource } from '../../registry.ts'
import { isOwnKind, kindOf, namespaceOf, objectName, userOf, type VersionedObjects } from '../dynamic/attributes.ts'

export type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>

const versions = ['v1', 'v1beta1'] as const
export type ReviewVersion = (typeof versions)[number]

/** The first version of AdmissionReview that a webhook and this server both speak. */
export function reviewVersion({ admissionReviewVersions }: Webhook): ReviewVersion | undefined {
  return admissionReviewVersions.flatMap((wanted) => versions.find((version) => version === wanted) ?? [])[0]
}

/** What a webhook is asked (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request). */
export function reviewOf(
  request: AdmissionRequest,
  asked: { readonly uid: string; readonly version: ReviewVersion; readonly resource: Resource; readonly objects: VersionedObjects },
): object {
  const { uid, version, resource, objects } = asked
  const { kind, subresource, operation, user, dryRun, options } = request
  const carried = kindOf(request)
  const asResource = ({ group, version: v, plural }: { group: string; version: string; plural: string }) => ({
    group,
    version: v,
    resource: plural,
  })
  const asKind = ({ group, version: v, kind: name }: GroupVersionKind) => ({ group, version: v, kind: name })
  const namespace = namespaceOf(request)
  const name = objectName(request)
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      kind: asKind(isOwnKind(request) ? resource.kind : carried),
      resource: asResource(resource.kind),
      ...(subresource ? { subResource: subresource } : {}),
      requestKind: asKind(carried),
      requestResource: asResource(kind),
      ...(subresource ? { requestSubResource: subresource } : {}),
      ...(name ? { name } : {}),
      ...(namespace ? { namespace } : {}),
      operation,
      userInfo: userOf(user),
      object: objects.object ?? null,
      oldObject: objects.old ?? null,
      dryRun,
      options: Object.keys(options).length > 0 ? options : null,
    },
  }
}

export type Verdict = {
  readonly allowed: boolean
  readonly result: Partial<Status> | undefined
  /** Decoded JSON; undefined: none. */
  readonly patch: unknown
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
}

type Response = {
  readonly uid?: string
  readonly allowed?: boolean
  readonly status?: Partial<Status>
  readonly patch?: string
  readonly patchType?: string
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
}

/** Reads a webhook's answer. Throws an Error in upstream's words when it is none to the question. */
export function readAnswer(
  answer: unknown,
  asked: { readonly uid: string; readonly version: ReviewVersion; readonly isMutating: boolean },
): Verdict {
  const { uid, version, isMutating } = asked
  const { kind = '', apiVersion = '', response } = (answer ?? {}) as { kind?: string; apiVersion?: string; response?: Response }
  const wanted = `admission.k8s.io/${version}`
  if (kind !== '' || apiVersion !== '') checkType(kind, apiVersion, version)
  if (!response) throw new Error('webhook response was absent')
  checkFields(response)
  // Answers in v1beta1 once needed no type.
  if (version === 'v1' && kind === '') throw new Error(`expected webhook response of ${wanted}, Kind=AdmissionReview, got /, Kind=`)
  if (version === 'v1' && response.uid !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`)
  return {
    allowed: response.allowed === true,
    result: response.status,
    patch: readPatch(response, { version, isMutating }),
    warnings: response.warnings ?? [],
    auditAnnotations: response.auditAnnotations ?? {},
  }
}

/** An answer that cannot be read at all: asking has failed. */
export class UndecodableAnswer extends Error {
  override name = 'UndecodableAnswer'
}

function checkType(kind: string, apiVersion: string, version: ReviewVersion): void {
  const given = versions.find((one) => apiVersion === `admission.k8s.io/${one}`)
  if (!given || kind !== 'AdmissionReview')
    throw new UndecodableAnswer(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    )
  if (given !== version)
    throw new UndecodableAnswer(`converting (${given}.AdmissionReview) to (${version}.AdmissionReview): unknown conversion`)
}

const fieldTypes = [
  ['uid', 'string', 'types.UID'],
  ['allowed', 'boolean', 'bool'],
  ['patchType', 'string', 'v1.PatchType'],
  ['patch', 'string', '[]uint8'],
] as const

function checkFields(response: Response): void {
  for (const [field, type, shown] of fieldTypes) {
    const value: unknown = response[field]
    if (value === undefined || value === null || typeof value === type) continue
    const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    throw new UndecodableAnswer(`json: cannot unmarshal ${found} into Go struct field AdmissionResponse.response.${field} of type ${shown}`)
  }
}

/** A patch that is none. */
export class UndecodablePatch extends Error {
  override name = 'UndecodablePatch'
}

function decodedPatch(patch: string): readonly unknown[] {
  const text = Buffer.from(patch, 'base64').toString()
  let operations: unknown
  try {
    operations = JSON.parse(text)
  } catch (error) {
    throw new UndecodablePatch(`invalid character '${text[0] ?? ''}' looking for beginning of value`, { cause: error })
  }
  if (Array.isArray(operations)) return operations
  const found = typeof operations === 'object' ? 'object' : typeof operations === 'boolean' ? 'bool' : typeof operations
  throw new UndecodablePatch(`json: cannot unmarshal ${found} into Go value of type jsonpatch.Patch`)
}

function readPatch(
  response: Response,
  { version, isMutating }: { readonly version: ReviewVersion; readonly isMutating: boolean },
): unknown {
  const { patch, patchType } = response
  if (version === 'v1') {
    if (!isMutating && patch) throw new Error('validating webhook may not return response.patch')
    if (!isMutating && patchType !== undefined) throw new Error('validating webhook may not return response.patchType')
    if (patch && patchType === undefined) throw new Error('webhook returned response.patch but not response.patchType')
    if (!patch && patchType !== undefined) throw new Error('webhook returned response.patchType but not response.patch')
  }
  if (!patch || !isMutating || response.allowed !== true) return undefined
  const operations = decodedPatch(patch)
  if (operations.length > 0 && version === 'v1' && patchType !== 'JSONPatch')
    throw new UndecodablePatch(`unsupported patch type ${JSON.stringify(patchType)}`)
  return operations
}

/** What the client is told of a webhook's no. */
export function rejection(webhook: string, result: Partial<Status> = {}): StatusError {
  const { code = 0, message = '', reason = '', status = '', ...rest } = result
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    ...rest,
    metadata: result.metadata ?? {},
    status: status === '' || status === 'Success' ? 'Failure' : status,
    message: message || reason ? `${denied}: ${message || reason}` : `${denied} without explanation`,
    reason,
    code: code < 400 ? 400 : code,
  })
}
