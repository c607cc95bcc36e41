import { toTime } from '../../base/clock.ts'
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../kinds/generated/types/authorization-v1.ts'
import type { TokenReview } from '../../kinds/generated/types/authentication-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import type { FieldTerm } from '../../machinery/field-selector.ts'
import type { Requirement } from '../../machinery/label-selector.ts'
import { canonicalJson } from '../../machinery/structural/canonical-json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Asking, Attributes, UserInfo } from '../contract.ts'
import type { Core, RequestContext } from '../core.ts'
import type { VerbHandler } from '../dispatch.ts'
import { fieldTerms, labelRequirements } from '../http/request-info.ts'
import { recordManager } from '../objects/managed-fields.ts'
import { createAdmission } from '../verbs/create.ts'
import { settleNamespace } from '../verbs/object-identity.ts'
import type { VerbRequest } from '../verb-request.ts'

/** Who a bearer token is, and for which of the wanted audiences; undefined when it is nobody's. */
export type TokenReviewer = (
  token: string,
  wanted: readonly string[] | undefined,
  asking: Asking,
) => Promise<ReviewedToken | undefined> | ReviewedToken | undefined
type ReviewedToken = { readonly user: UserInfo; readonly audiences: readonly string[] }

/** Kinds that are questions: answered from authenticator and authorizer, never stored. */
export function reviewHandlers(reviewToken: TokenReviewer): Readonly<Record<string, VerbHandler>> {
  return {
    'authorization.k8s.io/subjectaccessreviews': accessReview((spec) => userOf(spec)),
    'authorization.k8s.io/localsubjectaccessreviews': accessReview((spec) => userOf(spec)),
    'authorization.k8s.io/selfsubjectaccessreviews': accessReview((_spec, user) => user),
    'authorization.k8s.io/selfsubjectrulesreviews': async (core, context, request) => {
      const review = await bodyOf<SelfSubjectRulesReview>(core, request, context)
      const namespace = review.spec?.namespace
      if (!namespace) throw statusErrors.badRequest('no namespace on request')
      const { evaluationError, ...rules } = core.authorizer.rulesFor(context.user, namespace)
      const resourceRules = rules.resourceRules.map(({ resourceNames, ...rule }) =>
        resourceNames?.length ? { ...rule, resourceNames } : rule,
      )
      const status = { ...rules, resourceRules, incomplete: evaluationError !== undefined, ...(evaluationError ? { evaluationError } : {}) }
      // Upstream gives the answer alone.
      return answer({ ...review, metadata: {}, spec: {} }, status)
    },
    'authentication.k8s.io/selfsubjectreviews': async (core, context, request) => {
      const { name, uid, groups, extra } = context.user
      const review = await bodyOf<KubeObject>(core, request, context)
      const metadata = { creationTimestamp: toTime(core.clock.now()) }
      return answer({ ...review, metadata }, { userInfo: { username: name, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) } })
    },
    'authentication.k8s.io/tokenreviews': async (core, context, request) => {
      const review = await bodyOf<TokenReview>(core, request, context)
      const token = review.spec?.token
      if (!token) throw statusErrors.badRequest('token is required for TokenReview in authentication')
      return answer(review, await judgeToken((wanted) => reviewToken(token, wanted, context), review.spec?.audiences))
    },
  }
}

type AnyReview = SubjectAccessReview | LocalSubjectAccessReview | SelfSubjectAccessReview

function accessReview(who: (spec: SubjectAccessReviewSpec, self: UserInfo) => UserInfo): VerbHandler {
  return async (core, context, request) => {
    const review = await bodyOf<AnyReview>(core, request, context)
    const spec = (review.spec ?? {}) as SubjectAccessReviewSpec
    validate(spec, request, review)
    return answer(review, await judge(core, context, attributesOf(who(spec, context.user), spec)))
  }
}

/** The question, after admission: webhooks are asked about questions as about all that is created. */
async function bodyOf<T>(core: Core, request: VerbRequest, context: RequestContext): Promise<T & KubeObject> {
  const { resource, namespace, parameters } = request
  const object = request.body.object(resource.kind, context, parameters.fieldValidation)
  settleNamespace(resource, object, namespace)
  // Nothing is stored, but upstream tells who asked what as of every object that is created.
  recordManager(core, { context, resource, subresource: '', parameters, now: toTime(core.clock.now()), object, old: undefined })
  const admission = createAdmission(context, { resource, namespace, object, parameters })
  await core.admission.admit(admission)
  await core.admission.validate(admission)
  return object as T & KubeObject
}

function answer(review: object, status: object) {
  return { type: 'plain' as const, code: 201, object: { ...review, status } }
}

function validate(spec: SubjectAccessReviewSpec, { resource, namespace }: VerbRequest, review: AnyReview): void {
  const { kind } = resource.kind
  const { resourceAttributes: attributes, nonResourceAttributes: path } = spec
  const errors: FieldError[] = []
  if (attributes && path)
    errors.push(
      fieldErrors.invalid('spec.nonResourceAttributes', shownPath(path), 'cannot be specified in combination with resourceAttributes'),
    )
  if (!attributes && !path) {
    errors.push(
      fieldErrors.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    )
  }
  if (kind !== 'SelfSubjectAccessReview' && !spec.user && !spec.groups?.length)
    errors.push(fieldErrors.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified'))
  for (const name of ['fieldSelector', 'labelSelector'] as const)
    errors.push(...selectorErrors(attributes?.[name], `spec.resourceAttributes.${name}`))
  errors.push(...metadataErrors(kind, review.metadata))
  if (kind === 'LocalSubjectAccessReview') {
    if (attributes && (attributes.namespace ?? '') !== namespace)
      errors.push(fieldErrors.invalid('spec.resourceAttributes.namespace', attributes.namespace ?? '', 'must match metadata.namespace'))
    if (path) errors.push(fieldErrors.invalid('spec.nonResourceAttributes', shownPath(path), 'disallowed on this kind of request'))
  }
  // Upstream names the group alone.
  if (errors.length > 0) throw statusErrors.invalid({ group: resource.kind.group, kind: '' }, '', errors)
}

/** As upstream's messages write it. */
const shownPath = ({ path, verb }: NonResourceAttributes) => ({ Path: path ?? '', Verb: verb ?? '' })

/** A question has no name of its own. */
function metadataErrors(kind: string, metadata: KubeObject['metadata'] | undefined): FieldError[] {
  const { managedFields: _m, creationTimestamp: _c, namespace, ...rest } = metadata ?? {}
  const isLocal = kind === 'LocalSubjectAccessReview'
  // Protobuf clients send zero values.
  const isEmpty = Object.values(rest).every((value) => !value) && (isLocal || !namespace)
  return isEmpty
    ? []
    : [fieldErrors.invalid('metadata', shownMetadata(metadata), isLocal ? 'must be empty except for namespace' : 'must be empty')]
}

/** Its managers' fields in order: messages show them so. */
function shownMetadata(metadata: KubeObject['metadata'] | undefined): object {
  const { managedFields, ...rest } = metadata ?? {}
  const inOrder = managedFields?.map((entry) => ({ ...entry, fieldsV1: JSON.parse(canonicalJson(entry.fieldsV1)) as object }))
  return { ...rest, ...(inOrder ? { managedFields: inOrder } : {}) }
}

type SelectorAttributes = NonNullable<ResourceAttributes['fieldSelector'] | ResourceAttributes['labelSelector']>

function selectorErrors(selector: SelectorAttributes | undefined, path: string): FieldError[] {
  if (!selector) return []
  const { rawSelector, requirements = [] } = selector
  if (rawSelector && requirements.length > 0)
    return [fieldErrors.invalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')]
  if (!rawSelector && requirements.length === 0)
    return [fieldErrors.required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`)]
  const isOfLabels = path.endsWith('.labelSelector')
  return requirements.flatMap((requirement, i) => {
    const at = `${path}.requirements[${i}]`
    const { key = '' } = requirement as { readonly key?: string }
    const ofValues = valueErrors(requirement, at)
    if (isOfLabels) return [...ofValues, ...qualifiedName(key).map((message) => fieldErrors.invalid(`${at}.key`, key, message))]
    return key === '' ? [fieldErrors.required(`${at}.key`, 'must be specified'), ...ofValues] : ofValues
  })
}

/** Operators that nobody knows are let be: newer authorizers may. */
function valueErrors({ operator, values = [] }: NonNullable<SelectorAttributes['requirements']>[number], path: string): FieldError[] {
  const errors: FieldError[] = []
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
    errors.push(fieldErrors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
    errors.push(fieldErrors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  return errors
}

function userOf({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
}

async function judge(core: Core, asking: Asking, attributes: Attributes): Promise<object> {
  const { allowed, isDenied, reason, error } = await core.authorizer.authorize(attributes, asking)
  return {
    allowed,
    ...(isDenied ? { denied: true } : {}),
    ...(reason ? { reason } : {}),
    ...(error ? { evaluationError: error } : {}),
  }
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
    ...fieldsOf(resource),
    ...labelsOf(resource),
  }
}

/** Requirements that no field selector can express are left out: what is asked is then wider, never narrower. */
function fieldsOf({ fieldSelector }: ResourceAttributes): { readonly fieldSelector?: readonly FieldTerm[] } {
  if (!fieldSelector) return {}
  const terms = fieldSelector.rawSelector
    ? fieldTerms(fieldSelector.rawSelector)
    : fieldSelector.requirements?.flatMap(({ key, operator, values = [] }): FieldTerm[] => {
        if (operator === 'In' && values.length === 1) return [{ field: key, op: '=', value: values[0]! }]
        return operator === 'NotIn' ? values.map((value) => ({ field: key, op: '!=', value })) : []
      })
  return terms ? { fieldSelector: terms } : {}
}

const labelOperators: Readonly<Record<string, Requirement['operator']>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

function labelsOf({ labelSelector }: ResourceAttributes): { readonly labelSelector?: readonly Requirement[] } {
  if (!labelSelector) return {}
  const requirements = labelSelector.rawSelector
    ? labelRequirements(labelSelector.rawSelector)
    : labelSelector.requirements?.flatMap(({ key, operator, values = [] }): Requirement[] => {
        const known = labelOperators[operator]
        return known ? [{ key, operator: known, values }] : []
      })
  return requirements ? { labelSelector: requirements } : {}
}

async function judgeToken(
  reviewToken: (wanted: readonly string[] | undefined) => ReturnType<TokenReviewer>,
  wanted: readonly string[] | undefined,
): Promise<object> {
  try {
    const found = await reviewToken(wanted)
    if (!found) return { user: {}, error: 'invalid bearer token' }
    const { name, uid, groups, extra } = found.user
    const user = { username: name, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
    return { authenticated: true, user, ...(found.audiences.length > 0 ? { audiences: found.audiences } : {}) }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    const why = error.cause instanceof Error ? error.cause.message : 'invalid bearer token'
    return { user: {}, error: why === 'invalid bearer token' ? why : `[invalid bearer token, ${why}]` }
  }
}
