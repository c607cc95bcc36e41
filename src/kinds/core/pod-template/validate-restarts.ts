import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkRequired, type Errors } from '../../checks.ts'
import type { Container } from '../../generated/types/core-v1.ts'

const resizePolicies = ['NotRequired', 'RestartContainer']

/** What a change of its resources does to a container; all of these errors name the list. */
export function validateResizePolicy(
  errors: Errors,
  policies: NonNullable<Container['resizePolicy']>,
  path: string,
  podRestartPolicy: string | undefined,
): void {
  const names = new Set<string>()
  policies.forEach(({ resourceName, restartPolicy }, i) => {
    if (names.has(resourceName)) errors.push(fieldErrors.duplicate(`${path}[${i}]`, resourceName))
    names.add(resourceName)
    if (checkRequired(errors, path, resourceName) && resourceName !== 'cpu' && resourceName !== 'memory')
      errors.push(fieldErrors.notSupported(path, resourceName, ['cpu', 'memory']))
    if (checkRequired(errors, path, restartPolicy) && !resizePolicies.includes(restartPolicy))
      errors.push(fieldErrors.notSupported(path, restartPolicy, resizePolicies))
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      errors.push(fieldErrors.invalid(path, restartPolicy || '', "must be 'NotRequired' when pod `restartPolicy` is 'Never'"))
  })
}

const restartPolicies = ['Always', 'Never', 'OnFailure']
const ruleOperators = ['In', 'NotIn']
const ruleActions = ['Restart', 'RestartAllContainers']
const rulesMax = 20
const exitCodesMax = 255

/** A container's own restart policy and the rules beside it. */
export function validateRestartRules(errors: Errors, container: Container, path: string): void {
  const { restartPolicy, restartPolicyRules: rules = [] } = container
  if (restartPolicy === undefined && rules.length === 0) return
  if (restartPolicy === undefined)
    errors.push(fieldErrors.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'))
  else if (!restartPolicies.includes(restartPolicy))
    errors.push(fieldErrors.notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies))
  if (rules.length > rulesMax) errors.push(fieldErrors.tooMany(`${path}.restartPolicyRules`, rules.length, rulesMax))
  rules.forEach(({ action, exitCodes }, i) => {
    const at = `${path}.restartPolicyRules[${i}]`
    if (!ruleActions.includes(action)) errors.push(fieldErrors.notSupported(`${at}.action`, action ?? '', ruleActions))
    if (!exitCodes) {
      errors.push(fieldErrors.required(`${at}.exitCodes`, 'must be specified'))
      return
    }
    const { operator, values = [] } = exitCodes
    if (!ruleOperators.includes(operator)) errors.push(fieldErrors.notSupported(`${at}.exitCodes.operator`, operator ?? '', ruleOperators))
    if (values.length > exitCodesMax) errors.push(fieldErrors.tooMany(`${at}.exitCodes.values`, values.length, exitCodesMax))
  })
}
