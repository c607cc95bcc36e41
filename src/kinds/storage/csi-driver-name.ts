import { dns1123Subdomain } from '../../machinery/names.ts'

const nameLengthMax = 63

/** A driver's name: a domain name in any case, at most 63 characters. */
export function csiDriverName(name: string): readonly string[] {
  const messages = name.length > nameLengthMax ? [`must be no more than ${nameLengthMax} characters`] : []
  return [...messages, ...dns1123Subdomain(name.toLowerCase())]
}
