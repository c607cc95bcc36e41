import { fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { checkLegacyAddress, isAddress } from '../addresses.ts'
import { checkOptionalName, type Errors } from '../checks.ts'
import type { LoadBalancerIngress, LoadBalancerStatus } from '../generated/types/core-v1.ts'

const path = 'status.loadBalancer.ingress'

/** Where a balancer of a Service can be reached; addresses that stood there before are fine. */
export function validateServiceBalancer(errors: Errors, status: LoadBalancerStatus | undefined, old: LoadBalancerStatus | undefined): void {
  const before = addressesOf(old)
  status?.ingress?.forEach((ingress, i) => {
    const at = `${path}[${i}]`
    const { ip, ipMode } = ingress
    if (ip) checkLegacyAddress(errors, `${at}.ip`, ip, before)
    if (ip && ipMode === undefined) errors.push(fieldErrors.required(`${at}.ipMode`, 'must be specified when `ip` is set'))
    if (!ip && ipMode !== undefined) errors.push(fieldErrors.forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'))
    if (ip && ipMode !== undefined && ipMode !== 'Proxy' && ipMode !== 'VIP')
      errors.push(fieldErrors.notSupported(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']))
    checkHostname(errors, ingress, at)
  })
}

/** The same of an Ingress, which knows no modes. */
export function validateIngressBalancer(
  errors: Errors,
  status: { readonly ingress?: readonly LoadBalancerIngress[] } | undefined,
  old: { readonly ingress?: readonly LoadBalancerIngress[] } | undefined,
): void {
  const before = addressesOf(old)
  status?.ingress?.forEach((ingress, i) => {
    if (ingress.ip) checkLegacyAddress(errors, `${path}[${i}].ip`, ingress.ip, before)
    checkHostname(errors, ingress, `${path}[${i}]`)
  })
}

function checkHostname(errors: Errors, { hostname }: LoadBalancerIngress, at: string): void {
  checkOptionalName(errors, `${at}.hostname`, hostname, dns1123Subdomain)
  if (hostname && isAddress(hostname)) errors.push(fieldErrors.invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
}

const addressesOf = (status: { readonly ingress?: readonly LoadBalancerIngress[] } | undefined) =>
  (status?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
