import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkDescendingPath, checkId, checkOptionalEnum, checkRequired, type Errors } from '../../checks.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../generated/types/core-v1.ts'
import { internalForm } from '../../internal-form.ts'
import { validateWindowsOptions } from './validate-windows-options.ts'

/** The security context of one container. `hasHostUsers`: the pod runs in the host's user namespace. */
export function validateSecurityContext(errors: Errors, context: SecurityContext | undefined, path: string, hasHostUsers: boolean): void {
  if (!context) return
  checkId(errors, `${path}.runAsUser`, context.runAsUser)
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup)
  checkOptionalEnum(errors, `${path}.procMount`, context.procMount, ['Default', 'Unmasked'])
  if (context.procMount === 'Unmasked' && hasHostUsers)
    errors.push(fieldErrors.invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  validateSeccomp(errors, context.seccompProfile, `${path}.seccompProfile`)
  if (context.allowPrivilegeEscalation === false) validateNoEscalation(errors, context, path)
  validateWindowsOptions(errors, context.windowsOptions, `${path}.windowsOptions`)
  validateAppArmor(errors, context.appArmorProfile, `${path}.appArmorProfile`)
}

function validateNoEscalation(errors: Errors, context: SecurityContext, path: string): void {
  const refuse = (what: string) =>
    errors.push(
      fieldErrors.invalid(path, internalForm('SecurityContext', context), `cannot set \`allowPrivilegeEscalation\` to false and ${what}`),
    )
  if (context.privileged) refuse('`privileged` to true')
  for (const capability of context.capabilities?.add ?? []) if (capability === 'CAP_SYS_ADMIN') refuse('`capabilities.Add` CAP_SYS_ADMIN')
}

/** The pod's own security context; upstream keeps the sharing of processes in it. */
export function validatePodSecurityContext(errors: Errors, spec: PodSpec, path: string): void {
  const context = spec.securityContext ?? {}
  checkId(errors, `${path}.fsGroup`, context.fsGroup)
  checkId(errors, `${path}.runAsUser`, context.runAsUser)
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup)
  context.supplementalGroups?.forEach((group, i) => checkId(errors, `${path}.supplementalGroups[${i}]`, group))
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(fieldErrors.invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  if (context.sysctls) validateSysctls(errors, context.sysctls, spec, `${path}.sysctls`)
  checkOptionalEnum(errors, `${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'])
  validateSeccomp(errors, context.seccompProfile, `${path}.seccompProfile`)
  validateWindowsOptions(errors, context.windowsOptions, `${path}.windowsOptions`)
  validateAppArmor(errors, context.appArmorProfile, `${path}.appArmorProfile`)
  checkOptionalEnum(errors, `${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict'])
  // Mounting with labels is behind a gate that is off by default in 1.36.
  checkOptionalEnum(errors, `${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive'])
}

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const sysctlRegex = `^(${sysctlSegment}[\\./])*${sysctlSegment}$`
const sysctlPattern = new RegExp(sysctlRegex)
const sysctlBytesMax = 253

function validateSysctls(errors: Errors, sysctls: readonly { name: string }[], { hostNetwork, hostIPC }: PodSpec, path: string): void {
  const names = new Set<string>()
  sysctls.forEach(({ name }, i) => {
    const field = `${path}[${i}].name`
    if (checkRequired(errors, field, name)) {
      if (name.length > sysctlBytesMax || !sysctlPattern.test(name))
        errors.push(fieldErrors.invalid(field, name, `must have at most ${sysctlBytesMax} characters and match regex ${sysctlRegex}`))
      else if (names.has(name)) errors.push(fieldErrors.duplicate(field, name))
      const namespace = sysctlNamespace(name)
      if (hostNetwork && namespace === 'net')
        errors.push(fieldErrors.invalid(field, name, "may not be specified when 'hostNetwork' is true"))
      if (hostIPC && namespace === 'ipc') errors.push(fieldErrors.invalid(field, name, "may not be specified when 'hostIPC' is true"))
    }
    names.add(name)
  })
}

const ipcSysctls = new Set(
  ['sem', 'shm', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced', 'msg', 'msgmax', 'msgmnb', 'msgmni'].map((name) => `kernel.${name}`),
)

/** The kernel namespace that a sysctl belongs to; either separator is written. */
function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  const separator = name.search(/[./]/)
  const dotted = separator >= 0 && name[separator] === '/' ? name.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')) : name
  if (ipcSysctls.has(dotted) || dotted.startsWith('fs.mqueue.')) return 'ipc'
  return dotted.startsWith('net.') ? 'net' : undefined
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

function validateSeccomp(errors: Errors, profile: SeccompProfile | undefined, path: string): void {
  if (!profile) return
  if (checkRequired(errors, `${path}.type`, profile.type, 'type is required when seccompProfile is set'))
    checkOptionalEnum(errors, `${path}.type`, profile.type, profileTypes)
  const field = `${path}.localhostProfile`
  const name = profile.localhostProfile
  if (profile.type !== 'Localhost') {
    if (name !== undefined)
      errors.push(fieldErrors.invalid(field, internalForm('SeccompProfile', profile), 'can only be set when seccomp type is Localhost'))
  } else if (name === undefined) errors.push(fieldErrors.required(field, 'must be set when seccomp type is Localhost'))
  else checkDescendingPath(errors, field, name)
}

const appArmorNameBytesMax = 4095

/** The field of a profile. Source: https://kubernetes.io/docs/tutorials/security/apparmor/ */
export function validateAppArmor(errors: Errors, profile: AppArmorProfile | undefined, path: string): void {
  if (!profile) return
  const field = `${path}.localhostProfile`
  const name = profile.localhostProfile
  if (profile.type === 'Localhost') {
    if (name === undefined || name === '') errors.push(fieldErrors.required(field, 'must be set when AppArmor type is Localhost'))
    else if (name.trim() !== name) errors.push(fieldErrors.invalid(field, name, 'must not be padded with whitespace'))
    if (name !== undefined && name.length > appArmorNameBytesMax) errors.push(fieldErrors.tooLong(field, '', appArmorNameBytesMax))
  } else if (profile.type === 'RuntimeDefault' || profile.type === 'Unconfined') {
    if (name !== undefined) errors.push(fieldErrors.invalid(field, name, 'can only be set when AppArmor type is Localhost'))
  } else if (checkRequired(errors, `${path}.type`, profile.type, 'type is required when appArmorProfile is set'))
    errors.push(fieldErrors.notSupported(`${path}.type`, profile.type, profileTypes))
}
