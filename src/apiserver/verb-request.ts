import type { FieldError } from '../machinery/field-error.ts'
import { fieldErrors } from '../machinery/field-error.ts'
import type { KubeObject } from '../machinery/object.ts'
import { validateFieldManager } from '../machinery/object-meta.ts'
import { type Status, StatusError, statusErrors } from '../machinery/status-error.ts'
import type { CachedObject } from './objects/cached-object.ts'
import type { ApiResponse } from './contract.ts'
import type { FieldValidation, RequestContext } from './core.ts'
import type { Resource } from './registry.ts'
import { flag, type Query } from './http/request-info.ts'
import type { DeletionOptions } from './verbs/deletion-rules.ts'
import type { ListPage } from './verbs/list.ts'
import type { WatchBatch } from './verbs/watch.ts'

/** One verb on one resource, whichever transport asked. */
export type VerbRequest = {
  readonly resource: Resource
  readonly verb: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly parameters: Parameters
  readonly body: Body
  /** The rest of a proxied path; empty elsewhere. */
  readonly rest: string
  readonly query: Query
}

/** Every query parameter that a verb may read. */
export type Parameters = {
  readonly dryRun: boolean
  readonly fieldManager: string | undefined
  readonly fieldValidation: FieldValidation
  /** The query says how. */
  readonly isValidationGiven?: boolean
  /** Undefined: not said. */
  readonly force: boolean | undefined
  readonly labelSelector: string | undefined
  readonly fieldSelector: string | undefined
  readonly limit: number | undefined
  readonly continue: string | undefined
  readonly resourceVersion: string | undefined
  readonly resourceVersionMatch: string | undefined
  readonly allowWatchBookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
  readonly timeoutSeconds: number | undefined
  readonly deletion: DeletionOptions
}

export type PatchBody = {
  readonly type: 'json' | 'merge' | 'strategic' | 'apply'
  readonly value: unknown
  /** Fields that occur twice in the patch. */
  readonly duplicates?: readonly string[]
  /** Why it could not be read. It is said when the patch is applied: first there must be something to apply it to. */
  readonly fault?: string
}

/** What is expected in a body. `schema` empty: none is known. */
export type ExpectedKind = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly schema: string
  /** Versions of old clients that say the same. */
  readonly oldVersions?: readonly string[]
  /** Of a custom kind. */
  readonly isUnstructured?: true
  /** Many are sent with an equal spec. */
  readonly sharesSpec?: true
}

/** The body of a request. Every reading gives a copy of its own; all throw StatusError 400, 413 or 415 for bodies that are not what they say. */
export type Body = {
  readonly isEmpty: boolean
  object(expected: ExpectedKind, context: RequestContext, validation: FieldValidation): KubeObject
  /** `accepted`: media types of patches; default: all. */
  patch(accepted?: readonly string[]): PatchBody
  /** Undefined: there is none, and the query says how to delete. */
  deletion(context: RequestContext): DeletionOptions | undefined
}

/** What a verb gives back, before it is encoded for a transport. */
export type Answer =
  | { readonly type: 'object'; readonly code: number; readonly resource: Resource; readonly value: CachedObject }
  /** `columns`: where it can be shown as a Table. */
  | { readonly type: 'plain'; readonly code: number; readonly object: object; readonly columns?: Resource['kind']['columns'] }
  | { readonly type: 'list'; readonly resource: Resource; readonly page: ListPage }
  | { readonly type: 'watch'; readonly resource: Resource; readonly batches: AsyncIterable<WatchBatch> }
  | { readonly type: 'response'; readonly response: ApiResponse }

export const noParameters: Parameters = {
  dryRun: false,
  fieldManager: undefined,
  fieldValidation: 'Warn',
  force: undefined,
  labelSelector: undefined,
  fieldSelector: undefined,
  limit: undefined,
  continue: undefined,
  resourceVersion: undefined,
  resourceVersionMatch: undefined,
  allowWatchBookmarks: false,
  sendInitialEvents: undefined,
  timeoutSeconds: undefined,
  deletion: {},
}

const validations: readonly string[] = ['Ignore', 'Strict', 'Warn']

/**
 * Reads the parameters of a query; `patch` says how a patch changes the object. Throws 400 for numbers that are none and 422 for values
 * that are not offered.
 */
export function parametersFrom(query: Query, verb: string, patch?: 'apply' | 'other'): Parameters {
  if (query.text === '' && patch !== 'apply') return noParameters
  const fieldManager = query.get('fieldManager') || undefined
  const fieldValidation = query.get('fieldValidation') || 'Warn'
  const dryRun = query.getAll('dryRun')
  const kind = writeKinds[verb]
  if (kind) {
    const errors = [
      ...(patch ? patchErrors(query, patch) : []),
      ...(fieldManager === undefined ? [] : validateFieldManager(fieldManager, 'fieldManager')),
      ...dryRunErrors(dryRun),
      ...(validations.includes(fieldValidation)
        ? []
        : [fieldErrors.notSupported('fieldValidation', fieldValidation, ['', ...validations])]),
    ]
    if (errors.length > 0) throw statusErrors.invalid({ group: 'meta.k8s.io', kind }, '', errors)
  }
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation as FieldValidation,
    isValidationGiven: Boolean(query.get('fieldValidation')),
    force: query.get('force') === undefined ? undefined : flag(query, 'force'),
    labelSelector: query.get('labelSelector') || undefined,
    fieldSelector: query.get('fieldSelector') || undefined,
    limit: integer(query, 'limit'),
    continue: query.get('continue') || undefined,
    resourceVersion: query.get('resourceVersion') || undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') || undefined,
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents: query.get('sendInitialEvents') === undefined ? undefined : flag(query, 'sendInitialEvents'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    deletion: verb === 'delete' || verb === 'deletecollection' ? deletionFrom(query, dryRun) : {},
  }
}

function patchErrors(query: Query, patch: 'apply' | 'other'): FieldError[] {
  if (patch === 'apply') return query.get('fieldManager') ? [] : [fieldErrors.required('fieldManager', 'is required for apply patch')]
  return query.get('force') === undefined ? [] : [fieldErrors.forbidden('force', 'may not be specified for non-apply patch')]
}

function deletionFrom(query: Query, dryRun: readonly string[]): DeletionOptions {
  const orphan = query.get('orphanDependents')
  const options = {
    // An empty one is one, unlike the others.
    gracePeriodSeconds: query.get('gracePeriodSeconds') === '' ? notInteger('', 'invalid syntax') : integer(query, 'gracePeriodSeconds'),
    propagationPolicy: query.get('propagationPolicy') as DeletionOptions['propagationPolicy'],
    orphanDependents: orphan === undefined ? undefined : flag(query, 'orphanDependents'),
  }
  return checkedDeletion(options, dryRun)
}

const dryRunErrors = (dryRun: readonly string[]): FieldError[] =>
  dryRun.every((value) => value === 'All') ? [] : [fieldErrors.notSupported('dryRun', dryRun, ['All'])]

/** Throws 422 for DeleteOptions that contradict themselves. */
export function checkedDeletion(options: DeletionOptions, dryRun: readonly string[] = []): DeletionOptions {
  const { propagationPolicy: policy, orphanDependents } = options
  const errors: FieldError[] = []
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push(fieldErrors.invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (policy !== undefined && policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan') {
    errors.push(fieldErrors.notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  }
  errors.push(...dryRunErrors(dryRun))
  if (errors.length > 0) throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  return options
}

function integer(query: Query, name: string): number | undefined {
  const text = query.get(name)
  if (text === undefined || text === '') return undefined
  const isNumber = /^[+-]?\d+$/.test(text)
  const value = Number(text)
  if (!isNumber || Math.abs(value) >= 2 ** 63) return notInteger(text, isNumber ? 'value out of range' : 'invalid syntax')
  return value
}

function notInteger(text: string, why: string): never {
  throw statusErrors.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`)
}

/** The options of the verbs that write an object. */
const writeKinds: Readonly<Record<string, string>> = { create: 'CreateOptions', update: 'UpdateOptions', patch: 'PatchOptions' }

/** A Status that says what has been done to an object that is no more. */
export function successStatus(resource: Resource, { name = '', uid = '' }: KubeObject['metadata']): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(resource.kind.group ? { group: resource.kind.group } : {}),
      kind: resource.kind.plural,
      uid,
    },
  }
}

/** 405 in upstream's words for a verb that a resource does not have. */
export function methodNotAllowed(): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server does not allow this method on the requested resource',
    reason: 'MethodNotAllowed',
    details: {},
    code: 405,
  })
}
