import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkDescendingPath, checkRequired, type Errors, hasBacksteps } from '../../checks.ts'
import type { Container, Volume, VolumeDevice, VolumeMount } from '../../generated/types/core-v1.ts'

/** Mounts and block devices of one container, against the pod's volumes. */
export function validateMounts(
  errors: Errors,
  container: Pick<Container, 'volumeMounts' | 'volumeDevices' | 'securityContext'>,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): void {
  const { volumeMounts = [], volumeDevices = [] } = container
  for (let i = 0; i < volumeMounts.length; i++)
    validateMount(errors, container, volumes, { index: i, path: `${path}.volumeMounts`, mounts: volumeMounts, devices: volumeDevices })
  if (volumeDevices.length > 0) validateDevices(errors, volumeDevices, volumeMounts, volumes, `${path}.volumeDevices`)
}

type MountPlace = {
  readonly index: number
  /** Of the list: upstream leaves the index out of some fields. */
  readonly path: string
  readonly mounts: readonly Partial<VolumeMount>[]
  readonly devices: readonly Partial<VolumeDevice>[]
}

function validateMount(
  errors: Errors,
  container: Pick<Container, 'securityContext'>,
  volumes: ReadonlyMap<string, Volume>,
  { index, path, mounts, devices }: MountPlace,
): void {
  const mount = mounts[index]!
  const { name = '', mountPath = '', subPath, subPathExpr } = mount
  const at = `${path}[${index}]`
  checkRequired(errors, `${at}.name`, name)
  if (!volumes.has(name)) errors.push(fieldErrors.notFound(`${at}.name`, name))
  checkRequired(errors, `${at}.mountPath`, mountPath)
  for (let k = 0; k < index; k++)
    if ((mounts[k]!.mountPath ?? '') === mountPath) {
      errors.push(fieldErrors.invalid(`${at}.mountPath`, mountPath, 'must be unique'))
      break
    }
  if (devices.some((device) => (device.name ?? '') === name))
    errors.push(fieldErrors.invalid(`${at}.name`, name, 'must not already exist in volumeDevices'))
  if (devices.some((device) => (device.devicePath ?? '') === mountPath))
    errors.push(fieldErrors.invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
  if (subPath) checkDescendingPath(errors, `${path}.subPath`, subPath)
  if (subPathExpr) {
    if (subPath) errors.push(fieldErrors.invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
    checkDescendingPath(errors, `${path}.subPathExpr`, subPathExpr)
  }
  if (mount.mountPropagation !== undefined) validatePropagation(errors, mount, container, `${path}.mountPropagation`)
  if (mount.recursiveReadOnly !== undefined) validateRecursiveReadOnly(errors, mount, `${path}.recursiveReadOnly`)
}

function validatePropagation(
  errors: Errors,
  mount: Partial<VolumeMount>,
  container: Pick<Container, 'securityContext'>,
  path: string,
): void {
  const mode = mount.mountPropagation!
  if (mode !== 'None' && mode !== 'HostToContainer' && mode !== 'Bidirectional')
    errors.push(fieldErrors.notSupported(path, mode, ['Bidirectional', 'HostToContainer', 'None']))
  else if (mode === 'Bidirectional' && container.securityContext?.privileged !== true)
    errors.push(fieldErrors.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers'))
}

function validateRecursiveReadOnly(errors: Errors, mount: Partial<VolumeMount>, path: string): void {
  const mode = mount.recursiveReadOnly!
  if (mode === 'Disabled') return
  if (mode !== 'Enabled' && mode !== 'IfPossible') {
    errors.push(fieldErrors.notSupported(path, mode, ['Disabled', 'Enabled', 'IfPossible']))
    return
  }
  if (!mount.readOnly) errors.push(fieldErrors.forbidden(path, 'may only be specified when readOnly is true'))
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None')
    errors.push(fieldErrors.forbidden(path, 'may only be specified when mountPropagation is None or not specified'))
}

function validateDevices(
  errors: Errors,
  devices: readonly Partial<VolumeDevice>[],
  mounts: readonly Partial<VolumeMount>[],
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): void {
  const names = new Set<string>()
  const paths = new Set<string>()
  devices.forEach(({ name = '', devicePath = '' }, i) => {
    const wrongName = (detail: string) => errors.push(fieldErrors.invalid(`${path}[${i}].name`, name, detail))
    const wrongPath = (detail: string) => errors.push(fieldErrors.invalid(`${path}[${i}].devicePath`, devicePath, detail))
    checkRequired(errors, `${path}[${i}].name`, name)
    if (names.has(name)) wrongName('must be unique')
    const volume = volumes.get(name)
    if (!volume) errors.push(fieldErrors.notFound(`${path}[${i}].name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      wrongName('can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode')
    checkRequired(errors, `${path}[${i}].devicePath`, devicePath)
    if (paths.has(devicePath)) wrongPath('must be unique')
    if (hasBacksteps(devicePath)) wrongPath("can not contain backsteps ('..')")
    else paths.add(devicePath)
    if (mounts.some((mount) => (mount.name ?? '') === name)) wrongName('must not already exist in volumeMounts')
    // Upstream keeps the last mount of each volume only.
    if (lastMountPaths(mounts).includes(devicePath)) wrongPath('must not already exist as a path in volumeMounts')
    if (name !== '') names.add(name)
  })
}

function lastMountPaths(mounts: readonly Partial<VolumeMount>[]): string[] {
  return [...new Map(mounts.map(({ name = '', mountPath = '' }) => [name, mountPath])).values()]
}
