import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Subdomain, underscoredDns1123Subdomain } from '../../../machinery/names.ts'
import { checkLegacyAddress } from '../../addresses.ts'
import { checkName, type Errors } from '../../checks.ts'
import type { PodSpec } from '../../generated/types/core-v1.ts'

const nameserversMax = 3
const searchPathsMax = 32
const searchListLengthMax = 2048
const hostnameOverrideLengthMax = 64

export function validateDnsConfig(errors: Errors, { dnsPolicy, dnsConfig }: PodSpec, path: string): void {
  if (dnsPolicy === 'None' && !dnsConfig) {
    errors.push(fieldErrors.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    return
  }
  if (!dnsConfig) return
  const { nameservers = [], searches = [], options = [] } = dnsConfig
  if (dnsPolicy === 'None' && nameservers.length === 0) {
    errors.push(fieldErrors.required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
    return
  }
  if (nameservers.length > nameserversMax)
    errors.push(fieldErrors.invalid(`${path}.nameservers`, nameservers, `must not have more than ${nameserversMax} nameservers`))
  nameservers.forEach((address, i) => checkLegacyAddress(errors, `${path}.nameservers[${i}]`, address))
  if (searches.length > searchPathsMax)
    errors.push(fieldErrors.invalid(`${path}.searches`, searches, `must not have more than ${searchPathsMax} search paths`))
  if (searches.join(' ').length > searchListLengthMax)
    errors.push(
      fieldErrors.invalid(
        `${path}.searches`,
        searches,
        `must not have more than ${searchListLengthMax} characters (including spaces) in the search list`,
      ),
    )
  searches.forEach((search, i) => {
    if (search !== '.') checkName(errors, `${path}.searches[${i}]`, search.replace(/\.$/, ''), underscoredDns1123Subdomain)
  })
  options.forEach((option, i) => {
    if (!option.name) errors.push(fieldErrors.required(`${path}.options[${i}]`, 'must not be empty'))
  })
}

export function validateHostnameOverride(errors: Errors, spec: PodSpec, path: string): void {
  const { hostnameOverride } = spec
  if (hostnameOverride === undefined) return
  if (spec.setHostnameAsFQDN) errors.push(fieldErrors.forbidden(path, 'may not be specified when setHostnameAsFQDN is true'))
  if (spec.hostNetwork) errors.push(fieldErrors.forbidden(path, 'may not be specified when hostNetwork is true'))
  if (hostnameOverride.length > hostnameOverrideLengthMax) errors.push(fieldErrors.tooLong(path, '', hostnameOverrideLengthMax))
  checkName(errors, path, hostnameOverride, dns1123Subdomain)
}

export function validateHostAliases(errors: Errors, aliases: PodSpec['hostAliases'], path: string): void {
  aliases?.forEach(({ ip, hostnames }, i) => {
    checkLegacyAddress(errors, `${path}[${i}].ip`, ip ?? '')
    hostnames?.forEach((name, k) => checkName(errors, `${path}[${i}].hostnames[${k}]`, name, dns1123Subdomain))
  })
}
