import { fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import type { Errors } from '../checks.ts'
import { isStandardResource } from './pod-template/validate-resources.ts'

/** The name of any resource: one that the platform knows, or one with a domain. */
export function validateResourceName(errors: Errors, name: string, path: string): void {
  const messages = qualifiedName(name)
  for (const message of messages) errors.push(fieldErrors.invalid(path, name, message))
  if (messages.length === 0 && !name.includes('/') && !isStandardResource(name))
    errors.push(fieldErrors.invalid(path, name, 'must be a standard resource type or fully qualified'))
}

/** What a quota may limit. */
export function validateQuotaResourceName(errors: Errors, name: string, path: string): void {
  validateResourceName(errors, name, path)
  if (!name.includes('/') && !isStandardQuotaResource(name))
    errors.push(fieldErrors.invalid(path, name, 'must be a standard resource for quota'))
}

export function isStandardQuotaResource(name: string): boolean {
  return name !== 'storage' && isStandardResource(name)
}

/** What a node or a class of devices may offer beside what Kubernetes knows by itself. */
export function isExtendedResourceName(name: string): boolean {
  const isNative = !name.includes('/') || name.includes('kubernetes.io/')
  return !isNative && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0
}
