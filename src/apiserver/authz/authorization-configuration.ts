/**
 * Which authorizers decide, and in what order
 * (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#using-configuration-file-for-authorization).
 */
import { describeFieldErrors, type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { type DocumentKind, readDocument } from '../../machinery/document-shape.ts'
import { formatGoDuration } from '../../machinery/wire/go-duration.ts'
import type { CelProgram } from '../../machinery/cel/cel.ts'
import { compileMatchCondition } from './match-conditions.ts'
import type { WebhookRules } from './webhook-authorizer.ts'

export const authorizerTypes = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const
type PlainType = Exclude<(typeof authorizerTypes)[number], 'Webhook'>

export type AuthorizerEntry =
  | { readonly type: PlainType; readonly name: string }
  | { readonly type: 'Webhook'; readonly name: string; readonly kubeconfig: string; readonly rules: WebhookRules }

export const webhookDefaults = { authorizedTtlMs: 300_000, unauthorizedTtlMs: 30_000, timeoutMs: 30_000 } as const

const webhookShape = {
  fields: {
    authorizedTTL: 'duration',
    cacheAuthorizedRequests: 'boolean',
    unauthorizedTTL: 'duration',
    cacheUnauthorizedRequests: 'boolean',
    timeout: 'duration',
    subjectAccessReviewVersion: 'string',
    matchConditionSubjectAccessReviewVersion: 'string',
    failurePolicy: 'string',
    connectionInfo: { fields: { type: 'string', kubeConfigFile: 'string' } },
    matchConditions: { list: { fields: { expression: 'string' } } },
  },
} as const

const documentKind: DocumentKind = {
  group: 'apiserver.config.k8s.io',
  kind: 'AuthorizationConfiguration',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  shape: { fields: { authorizers: { list: { fields: { type: 'string', name: 'string', webhook: webhookShape } } } } },
}

type WebhookDocument = {
  readonly authorizedTTL?: number
  readonly cacheAuthorizedRequests?: boolean
  readonly unauthorizedTTL?: number
  readonly cacheUnauthorizedRequests?: boolean
  readonly timeout?: number
  readonly subjectAccessReviewVersion?: string
  readonly matchConditionSubjectAccessReviewVersion?: string
  readonly failurePolicy?: string
  readonly connectionInfo?: { readonly type?: string; readonly kubeConfigFile?: string }
  readonly matchConditions?: readonly { readonly expression?: string }[]
}
type Entry = { readonly type?: string; readonly name?: string; readonly webhook?: WebhookDocument }

/** What a kubeconfig's path is: undefined for a file that can be read, else why not. */
export type CheckFile = (path: string) => string | undefined

/** Reads an AuthorizationConfiguration in YAML or JSON. Throws an Error with every fault, in upstream's words. */
export function parseAuthorizationConfiguration(text: string, checkFile: CheckFile): readonly AuthorizerEntry[] {
  const { authorizers = [] } = readDocument<{ readonly authorizers?: readonly Entry[] }>(text, documentKind)
  const errors: FieldError[] = []
  if (authorizers.length === 0) errors.push(fieldErrors.required('authorizers', 'at least one authorization mode must be defined'))
  const seen = { types: new Set<string>(), names: new Set<string>() }
  const entries = authorizers.flatMap((entry, i) => checked(entry, `authorizers[${i}]`, { seen, errors, checkFile }))
  if (errors.length > 0) throw new Error(describeFieldErrors(errors))
  return entries
}

type Checking = {
  readonly seen: { readonly types: Set<string>; readonly names: Set<string> }
  readonly errors: FieldError[]
  readonly checkFile: CheckFile
}

const isAuthorizerType = (type: string): type is AuthorizerEntry['type'] => (authorizerTypes as readonly string[]).includes(type)

function checked({ type = '', name = '', webhook }: Entry, at: string, { seen, errors, checkFile }: Checking): AuthorizerEntry[] {
  const fault = (error: FieldError): AuthorizerEntry[] => {
    errors.push(error)
    return []
  }
  if (type === '') return fault(fieldErrors.required(`${at}.type`))
  if (!isAuthorizerType(type)) return fault(fieldErrors.notSupported(`${at}.type`, type, authorizerTypes))
  if (seen.types.has(type) && type !== 'Webhook') return fault(fieldErrors.duplicate(`${at}.type`, type))
  seen.types.add(type)
  const naming = dns1123Subdomain(name)
  if (name === '') errors.push(fieldErrors.required(`${at}.name`))
  else if (seen.names.has(name)) errors.push(fieldErrors.duplicate(`${at}.name`, name))
  else if (naming.length > 0) errors.push(fieldErrors.invalid(`${at}.name`, name, `authorizer name is invalid: ${naming.join(', ')}`))
  seen.names.add(name)
  if (type !== 'Webhook') {
    if (webhook) errors.push(fieldErrors.invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook'))
    return [{ type, name }]
  }
  if (!webhook) return fault(fieldErrors.required(`${at}.webhook`, 'required when type=Webhook'))
  const faults = [...webhookErrors(webhook, at), ...connectionErrors(webhook, at, checkFile)]
  const { programs, errors: conditionFaults } = compiledConditions(webhook.matchConditions ?? [], at)
  errors.push(...faults, ...conditionFaults)
  return [{ type, name, kubeconfig: webhook.connectionInfo?.kubeConfigFile ?? '', rules: rulesOf(webhook, programs) }]
}

function rulesOf(webhook: WebhookDocument, matchConditions: readonly CelProgram[]): WebhookRules {
  return {
    version: webhook.subjectAccessReviewVersion === 'v1beta1' ? 'v1beta1' : 'v1',
    authorizedTtlMs: webhook.cacheAuthorizedRequests === false ? 0 : webhook.authorizedTTL || webhookDefaults.authorizedTtlMs,
    unauthorizedTtlMs: webhook.cacheUnauthorizedRequests === false ? 0 : webhook.unauthorizedTTL || webhookDefaults.unauthorizedTtlMs,
    timeoutMs: webhook.timeout ?? 0,
    failurePolicy: webhook.failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    matchConditions,
  }
}

/** Upstream names the fields of a webhook right below its authorizer. */
function webhookErrors(webhook: WebhookDocument, at: string): FieldError[] {
  const errors: FieldError[] = []
  const { timeout = 0, authorizedTTL = 0, unauthorizedTTL = 0, subjectAccessReviewVersion: version = '', failurePolicy = '' } = webhook
  const shown = (ms: number) => formatGoDuration(ms * 1e6)
  if (timeout === 0) errors.push(fieldErrors.required(`${at}.timeout`))
  else if (timeout < 0 || timeout > 30_000) errors.push(fieldErrors.invalid(`${at}.timeout`, shown(timeout), 'must be > 0s and <= 30s'))
  if (authorizedTTL < 0) errors.push(fieldErrors.invalid(`${at}.authorizedTTL`, shown(authorizedTTL), 'must be > 0s'))
  if (unauthorizedTTL < 0) errors.push(fieldErrors.invalid(`${at}.unauthorizedTTL`, shown(unauthorizedTTL), 'must be > 0s'))
  if (version === '') errors.push(fieldErrors.required(`${at}.subjectAccessReviewVersion`))
  else if (version !== 'v1' && version !== 'v1beta1')
    errors.push(fieldErrors.notSupported(`${at}.subjectAccessReviewVersion`, version, ['v1', 'v1beta1']))
  const matchVersion = webhook.matchConditionSubjectAccessReviewVersion ?? ''
  if (matchVersion === '' && webhook.matchConditions?.length)
    errors.push(fieldErrors.required(`${at}.matchConditionSubjectAccessReviewVersion`, 'required if match conditions are specified'))
  else if (matchVersion !== '' && matchVersion !== 'v1')
    errors.push(fieldErrors.notSupported(`${at}.matchConditionSubjectAccessReviewVersion`, matchVersion, ['v1']))
  if (failurePolicy === '') errors.push(fieldErrors.required(`${at}.failurePolicy`))
  else if (failurePolicy !== 'NoOpinion' && failurePolicy !== 'Deny')
    errors.push(fieldErrors.notSupported(`${at}.failurePolicy`, failurePolicy, ['NoOpinion', 'Deny']))
  return errors
}

/** This server asks itself at no webhook: `InClusterConfig` is for other API servers. */
function connectionErrors({ connectionInfo = {} }: WebhookDocument, at: string, checkFile: CheckFile): FieldError[] {
  const { type = '', kubeConfigFile: path = '' } = connectionInfo
  if (type === '') return [fieldErrors.required(`${at}.connectionInfo.type`)]
  if (type !== 'KubeConfigFile') return [fieldErrors.notSupported(`${at}.connectionInfo.type`, type, ['KubeConfigFile'])]
  const field = `${at}.connectionInfo.kubeConfigFile`
  if (path === '') return [fieldErrors.required(field)]
  if (!path.startsWith('/')) return [fieldErrors.invalid(field, path, 'must be an absolute path')]
  const why = checkFile(path)
  return why === undefined ? [] : [fieldErrors.invalid(field, path, why)]
}

const conditionsMax = 64

function compiledConditions(conditions: readonly { readonly expression?: string }[], at: string) {
  const errors: FieldError[] = []
  const programs: CelProgram[] = []
  if (conditions.length > conditionsMax)
    return { programs, errors: [fieldErrors.tooMany(`${at}.matchConditions`, conditions.length, conditionsMax)] }
  const seen = new Set<string>()
  for (const [i, { expression = '' }] of conditions.entries()) {
    const field = `${at}.matchConditions[${i}].expression`
    if (expression.trim() === '') errors.push(fieldErrors.required(field))
    else if (seen.has(expression)) errors.push(fieldErrors.duplicate(field, expression))
    else {
      seen.add(expression)
      const compiled = compileMatchCondition(expression)
      if ('error' in compiled) errors.push(fieldErrors.invalid(field, expression, compiled.error))
      else programs.push(compiled.program)
    }
  }
  return { programs, errors }
}
