import { fieldErrors } from '../../../machinery/field-error.ts'
import { compareQuantity } from '../../../machinery/quantity.ts'
import type { Errors } from '../../checks.ts'
import type { PodSpec } from '../../generated/types/core-v1.ts'
import { isPodLevelResource } from '../../pod-requests.ts'
import { type AmountList, sumOfContainers } from './container-sums.ts'
import { isHugePages, isStandardResource, validateRequirements } from './validate-resources.ts'
import { qualifiedName } from '../../../machinery/names.ts'

/** Resources of the pod as a whole: cpu, memory and huge pages, no less than what the containers have together. */
export function validatePodLevelResources(errors: Errors, spec: PodSpec, path: string, claimNames: readonly string[]): void {
  const { resources } = spec
  if (!resources) return
  if (spec.os?.name === 'windows') {
    errors.push(fieldErrors.forbidden(path, 'may not be set for a windows pod'))
    return
  }
  if (resources.claims) errors.push(fieldErrors.forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level'))
  validateRequirements(errors, resources, path, { claimNames, checkName: validatePodResourceName })
  const { requests = {}, limits = {} } = resources
  compareWithSum(errors, requests, sumOfContainers(spec, 'requests'), `${path}.requests`, 'requests')
  const hugePages = Object.entries(sumOfContainers(spec, 'limits')).filter(([name]) => isHugePages(name))
  compareWithSum(errors, limits, Object.fromEntries(hugePages), `${path}.limits`, 'limits')
  spec.containers?.forEach((container, i) => {
    const own = container.resources?.limits ?? {}
    for (const name in own)
      if (limits[name] !== undefined && compareQuantity(own[name]!, limits[name]) > 0)
        errors.push(
          fieldErrors.invalid(
            `${path}.containers[${i}][${name}].limits`,
            String(own[name]),
            `must be less than or equal to pod limits of ${limits[name]}`,
          ),
        )
  })
}

function compareWithSum(errors: Errors, list: AmountList, sums: AmountList, path: string, word: string): void {
  for (const name in sums)
    if (list[name] !== undefined && compareQuantity(sums[name]!, list[name]) > 0)
      errors.push(
        fieldErrors.invalid(
          `${path}[${name}]`,
          String(list[name]),
          `must be greater than or equal to aggregate container ${word} of ${sums[name]}`,
        ),
      )
}

function validatePodResourceName(errors: Errors, name: string, path: string): void {
  const messages = qualifiedName(name)
  for (const message of messages) errors.push(fieldErrors.invalid(path, name, message))
  if (messages.length > 0) return
  if (!name.includes('/') && !isStandardResource(name))
    errors.push(fieldErrors.invalid(path, name, 'must be a standard resource type or fully qualified'))
  else if (!isPodLevelResource(name)) errors.push(fieldErrors.notSupported(path, name, ['cpu', 'hugepages-', 'memory']))
}
