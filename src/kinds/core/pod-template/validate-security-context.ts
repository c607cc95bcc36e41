import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkDescendingPath, checkId, checkOptionalEnum, checkRequired, type Errors } from '../../checks.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../generated/types/core-v1.ts'

/** The security context of one container. `hasHostUsers`: the pod runs in the host's user namespace. */
export function validateSecurityContext(errors: Errors, context: SecurityContext | undefined, path: string, hasHostUsers: boolean): void {
  if (!context) return
  checkId(errors, `${path}.runAsUser`, context.runAsUser)
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup)
  checkOptionalEnum(errors, `${path}.procMount`, context.procMount, ['Default', 'Unmasked'])
  if (context.procMount === 'Unmasked' && hasHostUsers)
    errors.push(fieldErrors.invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  validateSeccomp(errors, context.seccompProfile, `${path}.seccompProfile`)
  validateAppArmor(errors, context.appArmorProfile, `${path}.appArmorProfile`)
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged)
      errors.push(fieldErrors.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN'))
      errors.push(fieldErrors.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'))
  }
}

/** The pod's own security context, and the host namespaces beside it in the spec. */
export function validatePodSecurityContext(errors: Errors, spec: PodSpec, path: string): void {
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(fieldErrors.invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  const context = spec.securityContext
  if (!context) return
  const own = `${path}.securityContext`
  checkId(errors, `${own}.fsGroup`, context.fsGroup)
  checkId(errors, `${own}.runAsUser`, context.runAsUser)
  checkId(errors, `${own}.runAsGroup`, context.runAsGroup)
  context.supplementalGroups?.forEach((group, i) => checkId(errors, `${own}.supplementalGroups[${i}]`, group))
  checkOptionalEnum(errors, `${own}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'])
  checkOptionalEnum(errors, `${own}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict'])
  checkOptionalEnum(errors, `${own}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive'])
  validateSeccomp(errors, context.seccompProfile, `${own}.seccompProfile`)
  validateAppArmor(errors, context.appArmorProfile, `${own}.appArmorProfile`)
  if (context.sysctls) validateSysctls(errors, context.sysctls, spec.hostNetwork === true, spec.hostIPC === true, `${own}.sysctls`)
}

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const sysctlRegex = `${sysctlSegment}([\\./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*`
const sysctlPattern = new RegExp(`^(${sysctlSegment}[\\./])*${sysctlSegment}$`)

function validateSysctls(
  errors: Errors,
  sysctls: readonly { name: string }[],
  isHostNetwork: boolean,
  isHostIpc: boolean,
  path: string,
): void {
  const names = new Set<string>()
  sysctls.forEach(({ name }, i) => {
    const field = `${path}[${i}].name`
    if (!checkRequired(errors, field, name)) return
    if (name.length > 253 || !sysctlPattern.test(name))
      errors.push(fieldErrors.invalid(field, name, `must have at most 253 characters and match regex ${sysctlRegex}`))
    else if (names.has(name)) errors.push(fieldErrors.duplicate(field, name))
    names.add(name)
    if (isHostNetwork && /^net[./]/.test(name))
      errors.push(fieldErrors.invalid(field, name, "may not be specified when 'hostNetwork' is true"))
    if (isHostIpc && /^(kernel[./](shm|msg|sem)|fs[./]mqueue[./])/.test(name))
      errors.push(fieldErrors.invalid(field, name, "may not be specified when 'hostIPC' is true"))
  })
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

function validateSeccomp(errors: Errors, profile: SeccompProfile | undefined, path: string): void {
  if (!profile) return
  if (checkRequired(errors, `${path}.type`, profile.type, 'type is required when seccompProfile is set'))
    checkOptionalEnum(errors, `${path}.type`, profile.type, profileTypes)
  validateLocalProfile(errors, profile, 'seccomp', path)
}

function validateAppArmor(errors: Errors, profile: AppArmorProfile | undefined, path: string): void {
  if (!profile) return
  if (checkRequired(errors, `${path}.type`, profile.type, 'type is required when appArmorProfile is set'))
    checkOptionalEnum(errors, `${path}.type`, profile.type, profileTypes)
  validateLocalProfile(errors, profile, 'AppArmor', path)
}

function validateLocalProfile(errors: Errors, profile: SeccompProfile | AppArmorProfile, word: string, path: string): void {
  const field = `${path}.localhostProfile`
  const name = profile.localhostProfile
  if (profile.type !== 'Localhost') {
    if (name !== undefined) errors.push(fieldErrors.invalid(field, name, `can only be set when ${word} type is Localhost`))
  } else if (name === undefined || name.trim() === '') {
    errors.push(fieldErrors.required(field, `must be set when ${word} type is Localhost`))
  } else if (word === 'seccomp') {
    checkDescendingPath(errors, field, name)
  }
}
