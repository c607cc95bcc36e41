import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../../machinery/names.ts'
import { checkName, type Errors } from '../../checks.ts'
import type { WindowsSecurityContextOptions } from '../../generated/types/core-v1.ts'

const credentialKibMax = 64
const domainLengthMax = 256
const userLengthMax = 104
/** A name of 1 to 15 letters, none of them special and no dot in front. */
const netBiosDomain = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const dnsLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const dnsDomain = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`)

/** Options of a Windows container or pod: its group-managed account and its user. */
export function validateWindowsOptions(errors: Errors, options: WindowsSecurityContextOptions | undefined, path: string): void {
  if (!options) return
  const { gmsaCredentialSpecName, gmsaCredentialSpec: spec, runAsUserName } = options
  if (gmsaCredentialSpecName !== undefined) checkName(errors, `${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName, dns1123Subdomain)
  if (spec === '') errors.push(fieldErrors.invalid(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string'))
  else if (spec !== undefined && new TextEncoder().encode(spec).length > credentialKibMax * 1024)
    errors.push(fieldErrors.invalid(`${path}.gmsaCredentialSpec`, spec, `gmsaCredentialSpec size must be under ${credentialKibMax} KiB`))
  // Upstream holds a pointer to the name and so prints it as JSON, not as it prints texts.
  for (const why of runAsUserName === undefined ? [] : windowsUserName(runAsUserName))
    errors.push(fieldErrors.invalidOmitted(`${path}.runAsUserName`, `${JSON.stringify(runAsUserName)}: ${why}`))
}

/** What is wrong with `DOMAIN\user` or `user`. Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/ */
function windowsUserName(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string']
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return ['runAsUserName cannot contain control characters']
  const parts = name.split('\\')
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash']
  const user = parts.at(-1)!
  const domain = parts.length === 2 ? parts[0]! : undefined
  const messages: string[] = []
  if (domain !== undefined && domain.length >= domainLengthMax)
    messages.push(`runAsUserName's Domain length must be under ${domainLengthMax} characters`)
  if (domain !== undefined && !netBiosDomain.test(domain) && !dnsDomain.test(domain))
    messages.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
  if (user === '') messages.push("runAsUserName's User cannot be empty")
  if (user.length > userLengthMax) messages.push(`runAsUserName's User length must not be longer than ${userLengthMax} characters`)
  if (/^[. ]+$/.test(user)) messages.push("runAsUserName's User cannot contain only periods or spaces")
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) messages.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  return messages
}
