import { toTime } from '../../base/clock.ts'
import type { TokenRequest } from '../../kinds/generated/types/authentication-v1.ts'
import { nodes } from '../../kinds/core/node.ts'
import { pods } from '../../kinds/core/pod.ts'
import { secrets } from '../../kinds/core/secret.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import { admitPosted } from '../objects/managed-fields.ts'
import type { Core } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { getObject } from '../verbs/get.ts'
import { tokenRequestKind } from './expected-kinds.ts'

/** What a token is to say. Names and uids have been checked against the cluster's objects. */
export type TokenClaims = {
  readonly namespace: string
  readonly serviceAccount: { readonly name: string; readonly uid: string }
  readonly audiences: readonly string[]
  readonly expirationSeconds: number
  readonly bound: { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string; readonly uid: string } | undefined
  /** The node of a bound pod; without a uid when there is no such Node. */
  readonly node: { readonly name: string; readonly uid?: string } | undefined
}

export type TokenIssuer = {
  /** `audiences` are never empty. */
  issue(claims: TokenClaims): {
    readonly token: string
    readonly expiresAtMs: number
    readonly expirationSeconds: number
    readonly id: string
  }
  /** The API server's own audiences: what a token is for when the request does not say. */
  readonly defaultAudiences: readonly string[]
}

const secondsMin = 600
const secondsMax = 2 ** 32
const secondsDefault = 3600

/** POST `serviceaccounts/NAME/token` (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/). */
export function serviceAccountToken(issuer: TokenIssuer): Readonly<Record<string, VerbHandler>> {
  return {
    create: async (core, context, request) => {
      const { resource, namespace, name, parameters, body } = request
      const account = (await getObject(core, context, { resource, namespace, name })).object
      const wanted = body.object(tokenRequestKind, context, parameters.fieldValidation) as KubeObject & TokenRequest
      checkAddressed(wanted, namespace, name)
      checkUid(wanted, account)
      const spec = wanted.spec ?? { audiences: [] }
      const expirationSeconds = spec.expirationSeconds ?? secondsDefault
      wanted.spec = { ...spec, expirationSeconds }
      validate(expirationSeconds, wanted.metadata?.name ?? '')
      const admission = admissionRequest(context, {
        operation: 'CREATE',
        resource,
        subresource: 'token',
        namespace,
        name,
        object: wanted,
        old: undefined,
        dryRun: parameters.dryRun,
        options: writeOptions('CreateOptions', parameters),
      })
      await admitPosted(core, context, { admission, expected: tokenRequestKind, parameters, isAnswered: true })
      const { bound, node } = boundTo(core, namespace, name, spec.boundObjectRef)
      const audiences = spec.audiences?.length ? spec.audiences : issuer.defaultAudiences
      const serviceAccount = { name, uid: account.metadata.uid ?? '' }
      const issued = issuer.issue({ namespace, serviceAccount, audiences, expirationSeconds, bound, node })
      if (issued.expirationSeconds < expirationSeconds)
        context.warn(`requested expiration of ${expirationSeconds} seconds shortened to ${issued.expirationSeconds} seconds`)
      context.annotate?.('authentication.kubernetes.io/issued-credential-id', `JTI=${issued.id}`)
      const { metadata } = account
      const managers = wanted.metadata.managedFields ? { managedFields: wanted.metadata.managedFields } : {}
      return {
        type: 'plain',
        code: 201,
        object: {
          kind: 'TokenRequest',
          apiVersion: 'authentication.k8s.io/v1',
          metadata: { name, namespace, creationTimestamp: metadata.creationTimestamp, ...managers },
          spec: { ...spec, audiences, expirationSeconds: issued.expirationSeconds },
          status: { token: issued.token, expirationTimestamp: toTime(issued.expiresAtMs) },
        },
      }
    },
  }
}

function checkAddressed({ metadata }: KubeObject, namespace: string, name: string): void {
  if (metadata?.namespace && metadata.namespace !== namespace)
    throw statusErrors.badRequest('the namespace of the provided object does not match the namespace sent on the request')
  if (!metadata?.name || metadata.name === name) return
  const error = fieldErrors.invalid('metadata.name', metadata.name, 'must match the service account name if specified')
  throw statusErrors.invalid(tokenRequestKind, name, [error])
}

/** Who names a uid means that very account, not another that has its name by now. */
function checkUid({ metadata }: KubeObject, account: KubeObject): void {
  const [wanted, uid] = [metadata?.uid, account.metadata.uid]
  if (!wanted || wanted === uid) return
  const why = `the UID in the token request (${wanted}) does not match the UID of the service account (${uid})`
  throw statusErrors.conflict({ group: 'authentication.k8s.io', resource: 'TokenRequest' }, account.metadata.name ?? '', why)
}

function validate(seconds: number, name: string): void {
  const path = 'spec.expirationSeconds'
  const error =
    seconds < secondsMin
      ? fieldErrors.invalid(path, seconds, 'may not specify a duration less than 10 minutes')
      : seconds > secondsMax
        ? fieldErrors.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')
        : undefined
  if (error) throw statusErrors.invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [error])
}

type Reference = NonNullable<NonNullable<TokenRequest['spec']>['boundObjectRef']>

function boundTo(core: Core, namespace: string, account: string, ref: Reference | null | undefined): Pick<TokenClaims, 'bound' | 'node'> {
  if (!ref) return { bound: undefined, node: undefined }
  const { kind, apiVersion, name = '', uid } = ref
  const reader = createObjectReader(core.registry, core.storage)
  const readers: Readonly<Record<'Pod' | 'Secret' | 'Node', KindRef>> = { Pod: pods, Secret: secrets, Node: nodes }
  if ((kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node') || apiVersion !== 'v1') {
    const groupVersion = apiVersion?.includes('/') ? apiVersion : `/${apiVersion ?? ''}`
    throw statusErrors.badRequest(`cannot bind token to object of type ${groupVersion}, Kind=${kind ?? ''}`)
  }
  const found = reader.get(readers[kind], kind === 'Node' ? '' : namespace, name)
  if (!found) throw statusErrors.notFound({ group: '', resource: readers[kind].plural }, name)
  if (uid && uid !== found.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw statusErrors.conflict({ group: '', resource: kind }, name, why)
  }
  const spec = (found as { spec?: { nodeName?: string; serviceAccountName?: string } }).spec
  if (kind === 'Pod' && spec?.serviceAccountName !== account) {
    throw statusErrors.badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    )
  }
  const nodeName = kind === 'Pod' ? spec?.nodeName : undefined
  const nodeUid = nodeName ? reader.get(nodes, '', nodeName)?.metadata.uid : undefined
  return {
    bound: { kind, name, uid: found.metadata.uid ?? '' },
    node: nodeName ? { name: nodeName, ...(nodeUid ? { uid: nodeUid } : {}) } : undefined,
  }
}
