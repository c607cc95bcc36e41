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
  // Answers in v1beta1 once needed no type.
  const isUntyped = version === 'v1beta1' && kind === '' && apiVersion === ''
  if (!isUntyped && (kind !== 'AdmissionReview' || apiVersion !== wanted))
    throw new Error(`expected webhook response of ${wanted}, Kind=AdmissionReview, got ${apiVersion}, Kind=${kind}`)
  if (!response) throw new Error('webhook response was absent')
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

function readPatch(
  { patch, patchType }: Response,
  { version, isMutating }: { readonly version: ReviewVersion; readonly isMutating: boolean },
): unknown {
  if (version === 'v1') {
    if (!isMutating && patch) throw new Error('validating webhook may not return response.patch')
    if (!isMutating && patchType !== undefined) throw new Error('validating webhook may not return response.patchType')
    if (patch && patchType === undefined) throw new Error('webhook returned response.patch but not response.patchType')
    if (!patch && patchType !== undefined) throw new Error('webhook returned response.patchType but not response.patch')
    if (patchType !== undefined && patchType !== 'JSONPatch') throw new Error(`unsupported patch type ${JSON.stringify(patchType)}`)
  }
  if (!patch || !isMutating) return undefined
  return JSON.parse(Buffer.from(patch, 'base64').toString())
}

/** What the client is told of a webhook's no. */
export function rejection(webhook: string, result: Partial<Status> = {}): StatusError {
  const { code = 0, message, reason = '', status = '' } = result
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    ...result,
    metadata: result.metadata ?? {},
    status: status === '' || status === 'Success' ? 'Failure' : status,
    message: message || reason ? `${denied}: ${message || reason}` : `${denied} without explanation`,
    reason,
    code: code < 400 ? 400 : code,
  })
}
