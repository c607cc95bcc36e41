import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../kinds/generated/types/authorization-v1.ts'
import type { TokenReview } from '../kinds/generated/types/authentication-v1.ts'
import { fieldErrors } from '../machinery/field-error.ts'
import type { KubeObject } from '../machinery/object.ts'
import { StatusError, statusErrors } from '../machinery/status-error.ts'
import type { Attributes, UserInfo } from './contract.ts'
import type { Core } from './core.ts'
import type { VerbHandler } from './dispatch.ts'
import type { VerbRequest } from './verb-request.ts'

/** Who a bearer token is, and for which of the wanted audiences; undefined when it is nobody's. */
export type TokenReviewer = (
  token: string,
  wanted: readonly string[] | undefined,
) => { readonly user: UserInfo; readonly audiences: readonly string[] } | undefined

/** Kinds that are questions: answered from authenticator and authorizer, never stored. */
export function reviewHandlers(reviewToken: TokenReviewer): Readonly<Record<string, VerbHandler>> {
  return {
    'authorization.k8s.io/subjectaccessreviews': accessReview((spec) => userOf(spec)),
    'authorization.k8s.io/localsubjectaccessreviews': accessReview((spec, request) => localUser(spec, request)),
    'authorization.k8s.io/selfsubjectaccessreviews': accessReview((_spec, _request, user) => user),
    'authorization.k8s.io/selfsubjectrulesreviews': (core, context, request) => {
      const review = bodyOf<SelfSubjectRulesReview>(request, context)
      const namespace = review.spec?.namespace
      if (!namespace) throw statusErrors.badRequest('no namespace on request')
      const rules = core.authorizer.rulesFor(context.user, namespace)
      return answer(review, { ...rules, incomplete: false })
    },
    'authentication.k8s.io/selfsubjectreviews': (_core, context, request) => {
      const { name, uid, groups, extra } = context.user
      const review = bodyOf<KubeObject>(request, context)
      return answer(review, { userInfo: { username: name, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) } })
    },
    'authentication.k8s.io/tokenreviews': (_core, context, request) => {
      const review = bodyOf<TokenReview>(request, context)
      const token = review.spec?.token
      if (!token) throw statusErrors.badRequest('token is required for TokenReview in authentication')
      return answer(review, judgeToken(reviewToken, token, review.spec?.audiences))
    },
  }
}

type AnyReview = SubjectAccessReview | LocalSubjectAccessReview | SelfSubjectAccessReview

function accessReview(who: (spec: SubjectAccessReviewSpec, request: VerbRequest, self: UserInfo) => UserInfo): VerbHandler {
  return (core, context, request) => {
    const review = bodyOf<AnyReview>(request, context)
    const spec = (review.spec ?? {}) as SubjectAccessReviewSpec
    validate(spec, request)
    return answer(review, judge(core, who(spec, request, context.user), spec))
  }
}

function bodyOf<T>(request: VerbRequest, context: Parameters<VerbRequest['body']['object']>[1]): T & KubeObject {
  return request.body.object(request.resource.kind, context, request.parameters.fieldValidation) as T & KubeObject
}

function answer(review: object, status: object) {
  return { type: 'plain' as const, code: 201, object: { ...review, status } }
}

function validate(spec: SubjectAccessReviewSpec, { resource }: VerbRequest): void {
  const errors = []
  if (spec.resourceAttributes && spec.nonResourceAttributes) {
    errors.push(
      fieldErrors.invalid(
        'spec.nonResourceAttributes',
        spec.nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    )
  }
  if (!spec.resourceAttributes && !spec.nonResourceAttributes) {
    errors.push(
      fieldErrors.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    )
  }
  const isSelf = resource.kind.kind === 'SelfSubjectAccessReview'
  if (!isSelf && !spec.user && !spec.groups?.length) {
    errors.push(fieldErrors.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified'))
  }
  if (errors.length > 0) throw statusErrors.invalid(resource.kind, '', errors)
}

function userOf({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
}

function localUser(spec: SubjectAccessReviewSpec, { namespace, resource }: VerbRequest): UserInfo {
  const asked = spec.resourceAttributes?.namespace
  if (asked !== namespace) {
    throw statusErrors.invalid(resource.kind, '', [
      fieldErrors.invalid('spec.resourceAttributes.namespace', asked ?? '', 'must match metadata.namespace'),
    ])
  }
  return userOf(spec)
}

function judge(core: Core, user: UserInfo, spec: SubjectAccessReviewSpec): object {
  const { allowed, reason } = core.authorizer.authorize(attributesOf(user, spec))
  return { allowed, ...(reason ? { reason } : {}) }
}

function attributesOf(user: UserInfo, spec: SubjectAccessReviewSpec): Attributes {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  if (!resource) return { type: 'path', user, verb: path?.verb ?? '', path: path?.path ?? '' }
  return {
    type: 'resource',
    user,
    verb: resource.verb ?? '',
    group: resource.group ?? '',
    version: resource.version ?? '',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
  }
}

function judgeToken(reviewToken: TokenReviewer, token: string, wanted: readonly string[] | undefined): object {
  try {
    const found = reviewToken(token, wanted)
    if (!found) return { authenticated: false, user: {}, error: 'invalid bearer token' }
    const { name, uid, groups, extra } = found.user
    const user = { username: name, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
    return { authenticated: true, user, ...(found.audiences.length > 0 ? { audiences: found.audiences } : {}) }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    return { authenticated: false, user: {}, error: error.message === 'Unauthorized' ? 'invalid bearer token' : error.message }
  }
}
