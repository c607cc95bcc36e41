import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkRequired, type Errors } from '../../checks.ts'
import type { PodSpec } from '../../generated/types/core-v1.ts'
import { forEachContainer } from './each-container.ts'

/** What `spec.os` forbids. */
export function validateOs(errors: Errors, spec: PodSpec, path: string): void {
  const { os } = spec
  if (!os || !checkRequired(errors, `${path}.os.name`, os.name)) return
  if (os.name === 'linux') validateLinux(errors, spec, path)
  else if (os.name === 'windows') validateWindows(errors, spec, path)
  else errors.push(fieldErrors.notSupported(`${path}.os`, os.name, ['linux', 'windows']))
}

function validateLinux(errors: Errors, spec: PodSpec, path: string): void {
  const refuse = (at: string) =>
    errors.push(fieldErrors.forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'))
  if (spec.securityContext?.windowsOptions) refuse(path)
  forEachContainer(spec, path, ({ securityContext }, at) => {
    if (securityContext?.windowsOptions) refuse(at)
  })
}

const podFields = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
]

const containerFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
]

/** Fields that count only when they are true. */
const flags = new Set(['hostPID', 'hostIPC'])

function validateWindows(errors: Errors, spec: PodSpec, path: string): void {
  const refuse = (at: string) => errors.push(fieldErrors.forbidden(at, 'cannot be set for a windows pod'))
  const ofPod = spec as unknown as Readonly<Record<string, unknown>>
  const ofContext = (spec.securityContext ?? {}) as Readonly<Record<string, unknown>>
  for (const field of podFields) {
    const value = field.startsWith('securityContext.') ? ofContext[field.slice('securityContext.'.length)] : ofPod[field]
    const isSet = flags.has(field)
      ? value === true
      : Array.isArray(value) && field.endsWith('sysctls')
        ? value.length > 0
        : value !== undefined
    if (isSet) refuse(`${path}.${field}`)
  }
  forEachContainer(spec, path, ({ securityContext }, at) => {
    const context = (securityContext ?? {}) as Readonly<Record<string, unknown>>
    for (const field of containerFields) if (context[field] !== undefined) refuse(`${at}.securityContext.${field}`)
  })
}

/** Processes of the host on Windows: all containers or none, and on the host's network. */
export function validateHostProcess(errors: Errors, spec: PodSpec, path: string): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  let containers = 0
  let hostProcesses = 0
  forEachContainer(spec, path, ({ securityContext }, at) => {
    const own = securityContext?.windowsOptions?.hostProcess
    containers++
    if (ofPod !== undefined && own !== undefined && ofPod !== own)
      errors.push(
        fieldErrors.invalid(
          `${at}.securityContext.windowsOptions.hostProcess`,
          own,
          `pod hostProcess value must be identical if both are specified, was ${ofPod}`,
        ),
      )
    if (own ?? ofPod) hostProcesses++
  })
  if (hostProcesses === 0) return
  if (hostProcesses !== containers)
    errors.push(
      fieldErrors.invalid(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'),
    )
  if (!spec.hostNetwork)
    errors.push(fieldErrors.invalid(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers'))
}

/** A user namespace of its own excludes the host's other namespaces. */
export function validateHostUsers(errors: Errors, spec: PodSpec, path: string): void {
  if (spec.hostUsers !== false) return
  const refuse = (at: string) => errors.push(fieldErrors.forbidden(at, 'when `hostUsers` is false'))
  if (spec.hostNetwork) refuse(`${path}.hostNetwork`)
  // The names are upstream's.
  if (spec.hostPID) refuse(`${path}.HostPID`)
  if (spec.hostIPC) refuse(`${path}.HostIPC`)
  forEachContainer(spec, path, ({ volumeDevices }, at) => {
    if (volumeDevices?.length) refuse(`${at}.volumeDevices`)
  })
}
