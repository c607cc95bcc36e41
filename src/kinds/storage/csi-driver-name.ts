import { fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { checkQualifiedName, checkRequired, type Errors } from '../checks.ts'

const nameBytesMax = 63

/** A driver's name where it is referred to: a domain name in any case, at most 63 bytes. */
export function checkCsiDriverName(errors: Errors, path: string, name: string | undefined): void {
  if (!checkRequired(errors, path, name)) return
  if (Buffer.byteLength(name!) > nameBytesMax) errors.push(fieldErrors.tooLong(path, '', nameBytesMax))
  for (const message of dns1123Subdomain(name!.toLowerCase())) errors.push(fieldErrors.invalid(path, name, message))
}

/** A provisioner's name: a qualified name in any case, which upstream judges and shows in lower case. */
export function checkProvisioner(errors: Errors, path: string, name: string | undefined): void {
  if (checkRequired(errors, path, name)) checkQualifiedName(errors, path, name!.toLowerCase())
}
