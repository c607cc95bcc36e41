import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { dns1035Label, dns1123Label, dns1123Subdomain, inclusiveRange } from '../../machinery/names.ts'
import { checkEnum, checkRequired, type Errors } from '../checks.ts'
import type { MutatingWebhook, ValidatingWebhook, WebhookClientConfig } from '../generated/types/admissionregistration-v1.ts'
import { applyRuleDefaults, validateRule } from './match-resources.ts'
import { validateMatchConditions } from './policy-expressions.ts'

const timeoutSecondsDefault = 10
const timeoutSecondsMax = 30
const reviewVersions = ['v1', 'v1beta1']

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>

export function applyWebhookDefaults(webhook: Webhook, isMutating: boolean): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= timeoutSecondsDefault
  if (isMutating) webhook.reinvocationPolicy ??= 'Never'
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443
  applyRuleDefaults(webhook.rules)
}

/** `old` are those of the stored configuration: unless one of them changes, match conditions are not judged again. */
export function validateWebhooks(webhooks: readonly Webhook[] | undefined, old?: readonly Webhook[]): FieldError[] {
  const errors: FieldError[] = []
  const hasNewConditions =
    webhooks?.length !== old?.length || webhooks?.some(({ matchConditions }, i) => !deepEqual(matchConditions, old![i]!.matchConditions))
  webhooks?.forEach((webhook, i) => {
    validateWebhook(errors, webhook, `webhooks[${i}]`)
    if (hasNewConditions) validateMatchConditions(errors, webhook.matchConditions, { path: `webhooks[${i}].matchConditions` })
    validateClientConfig(errors, webhook.clientConfig ?? {}, `webhooks[${i}].clientConfig`)
    if (webhooks.findIndex((w) => w.name === webhook.name) < i) errors.push(fieldErrors.duplicate(`webhooks[${i}].name`, webhook.name))
  })
  return errors
}

function validateWebhook(errors: Errors, webhook: Webhook, path: string): void {
  checkFullyQualifiedName(errors, `${path}.name`, webhook.name)
  webhook.rules?.forEach((rule, i) => validateRule(errors, rule, `${path}.rules[${i}]`))
  if (webhook.failurePolicy !== undefined) checkEnum(errors, `${path}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore'])
  if (webhook.matchPolicy !== undefined) checkEnum(errors, `${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact'])
  if (webhook.sideEffects === undefined) errors.push(fieldErrors.required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun'))
  else if (webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun')
    errors.push(fieldErrors.notSupported(`${path}.sideEffects`, webhook.sideEffects, ['None', 'NoneOnDryRun']))
  const seconds = webhook.timeoutSeconds
  if (seconds !== undefined && (seconds < 1 || seconds > timeoutSecondsMax))
    errors.push(
      fieldErrors.invalid(`${path}.timeoutSeconds`, seconds, `the timeout value must be between 1 and ${timeoutSecondsMax} seconds`),
    )
  if (webhook.namespaceSelector) errors.push(...validateLabelSelector(webhook.namespaceSelector, `${path}.namespaceSelector`))
  if (webhook.objectSelector) errors.push(...validateLabelSelector(webhook.objectSelector, `${path}.objectSelector`))
  if (webhook.reinvocationPolicy !== undefined)
    checkEnum(errors, `${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never'])
  validateReviewVersions(errors, webhook.admissionReviewVersions, `${path}.admissionReviewVersions`)
}

function validateReviewVersions(errors: Errors, versions: readonly string[] | undefined, path: string): void {
  if (!versions?.length) {
    errors.push(fieldErrors.required(path, `must specify one of ${reviewVersions.join(', ')}`))
    return
  }
  versions.forEach((version, i) => {
    const problems = versions.indexOf(version) < i ? ['duplicate version'] : dns1035Label(version)
    for (const problem of problems) errors.push(fieldErrors.invalid(`${path}[${i}]`, version, problem))
  })
  if (!versions.some((v) => reviewVersions.includes(v)))
    errors.push(fieldErrors.invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`))
}

/** Where a webhook is: one of a URL and a service. Also of a CRD's conversion webhook. */
export function validateClientConfig(errors: Errors, { url, service }: WebhookClientConfig, path: string): void {
  if ((url === undefined) === (service === undefined)) {
    errors.push(fieldErrors.required(path, 'exactly one of url or service is required'))
    return
  }
  if (url !== undefined) validateUrl(errors, url, `${path}.url`)
  if (!service) return
  checkRequired(errors, `${path}.service.name`, service.name)
  checkRequired(errors, `${path}.service.namespace`, service.namespace)
  if (service.port !== undefined && (service.port < 1 || service.port > 65535))
    errors.push(fieldErrors.invalid(`${path}.service.port`, service.port, `port is not valid: ${inclusiveRange(1, 65535)}`))
  if (service.path !== undefined && service.path !== '/') validateServicePath(errors, service.path, `${path}.service.path`)
}

function validateUrl(errors: Errors, url: string, path: string): void {
  if (!URL.canParse(url)) {
    errors.push(
      fieldErrors.required(
        path,
        `url must be a valid URL: parse ${JSON.stringify(url)}: ${url.startsWith(':') ? 'missing protocol scheme' : 'invalid URI for request'}; desired format: https://host[/path]`,
      ),
    )
    return
  }
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:')
    errors.push(
      fieldErrors.invalid(
        path,
        parsed.protocol.slice(0, -1),
        "'https' is the only allowed URL scheme; desired format: https://host[/path]",
      ),
    )
  if (parsed.host === '' || /^https:\/\/\//i.test(url))
    errors.push(fieldErrors.invalid(path, '', 'host must be specified; desired format: https://host[/path]'))
  const user = [parsed.username, ...(parsed.password === '' ? [] : [parsed.password])].join(':')
  if (user !== '') errors.push(fieldErrors.invalid(path, user, 'user information is not permitted in the URL'))
  if (parsed.hash !== '') errors.push(fieldErrors.invalid(path, parsed.hash.slice(1), 'fragments are not permitted in the URL'))
  if (parsed.search !== '') errors.push(fieldErrors.invalid(path, parsed.search.slice(1), 'query parameters are not permitted in the URL'))
}

function validateServicePath(errors: Errors, value: string, path: string): void {
  if (!value.startsWith('/')) errors.push(fieldErrors.invalid(path, value, "must start with a '/'"))
  const steps = value.slice(1).replace(/\/$/, '').split('/')
  steps.forEach((step, i) => {
    if (step === '') errors.push(fieldErrors.invalid(path, value, `segment[${i}] may not be empty`))
    else for (const message of dns1123Subdomain(step)) errors.push(fieldErrors.invalid(path, value, `segment[${i}]: ${message}`))
  })
}

function checkFullyQualifiedName(errors: Errors, path: string, name: string | undefined): void {
  if (!checkRequired(errors, path, name)) return
  const messages = dns1123Subdomain(name!)
  if (messages.length > 0) {
    errors.push(...messages.map((message) => fieldErrors.invalid(path, name, message)))
    return
  }
  const labels = name!.split('.')
  if (labels.length < 3) errors.push(fieldErrors.invalid(path, name, 'should be a domain with at least three segments separated by dots'))
  else for (const label of labels) for (const message of dns1123Label(label)) errors.push(fieldErrors.invalid(path, label, message))
}
