import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkDescendingPath, checkNoBacksteps, checkRequired, type Errors } from '../../checks.ts'
import type { Container, Volume, VolumeMount } from '../../generated/types/core-v1.ts'

/** Mounts and block devices of one container, against the pod's volumes. */
export function validateMounts(
  errors: Errors,
  container: Pick<Container, 'volumeMounts' | 'volumeDevices' | 'securityContext'>,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): void {
  const { volumeMounts, volumeDevices } = container
  if (volumeMounts) {
    for (let i = 0; i < volumeMounts.length; i++) {
      const mount = volumeMounts[i]!
      const at = `${path}.volumeMounts[${i}]`
      checkRequired(errors, `${at}.name`, mount.name)
      if (!volumes.has(mount.name)) errors.push(fieldErrors.notFound(`${at}.name`, mount.name ?? ''))
      checkRequired(errors, `${at}.mountPath`, mount.mountPath)
      for (let k = 0; k < i; k++)
        if (volumeMounts[k]!.mountPath === mount.mountPath) {
          errors.push(fieldErrors.invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
          break
        }
      if (volumeDevices) checkOverlap(errors, mount, volumeDevices, at)
      if (mount.subPath) checkDescendingPath(errors, `${at}.subPath`, mount.subPath)
      if (mount.subPathExpr) {
        if (mount.subPath)
          errors.push(fieldErrors.invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
        checkDescendingPath(errors, `${at}.subPathExpr`, mount.subPathExpr)
      }
      if (mount.mountPropagation !== undefined) validatePropagation(errors, mount, container, `${at}.mountPropagation`)
      if (mount.recursiveReadOnly !== undefined) validateRecursiveReadOnly(errors, mount, `${at}.recursiveReadOnly`)
    }
  }
  if (volumeDevices) validateDevices(errors, volumeDevices, volumes, `${path}.volumeDevices`)
}

function checkOverlap(errors: Errors, mount: VolumeMount, devices: NonNullable<Container['volumeDevices']>, path: string): void {
  if (devices.some((d) => d.name === mount.name))
    errors.push(fieldErrors.invalid(`${path}.name`, mount.name, 'must not already exist in volumeDevices'))
  if (devices.some((d) => d.devicePath === mount.mountPath))
    errors.push(fieldErrors.invalid(`${path}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'))
}

function validatePropagation(errors: Errors, mount: VolumeMount, container: Pick<Container, 'securityContext'>, path: string): void {
  const mode = mount.mountPropagation!
  if (mode !== 'None' && mode !== 'HostToContainer' && mode !== 'Bidirectional')
    errors.push(fieldErrors.notSupported(path, mode, ['Bidirectional', 'HostToContainer', 'None']))
  else if (mode === 'Bidirectional' && container.securityContext?.privileged !== true)
    errors.push(fieldErrors.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers'))
}

function validateRecursiveReadOnly(errors: Errors, mount: VolumeMount, path: string): void {
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
  devices: NonNullable<Container['volumeDevices']>,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): void {
  const names = new Set<string>()
  const paths = new Set<string>()
  devices.forEach((device, i) => {
    const at = `${path}[${i}]`
    checkRequired(errors, `${at}.name`, device.name)
    if (names.has(device.name)) errors.push(fieldErrors.invalid(`${at}.name`, device.name, 'must be unique'))
    names.add(device.name)
    const volume = volumes.get(device.name)
    if (!volume) errors.push(fieldErrors.notFound(`${at}.name`, device.name ?? ''))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      errors.push(
        fieldErrors.invalid(
          `${at}.name`,
          device.name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      )
    if (!checkRequired(errors, `${at}.devicePath`, device.devicePath)) return
    if (paths.has(device.devicePath)) errors.push(fieldErrors.invalid(`${at}.devicePath`, device.devicePath, 'must be unique'))
    paths.add(device.devicePath)
    checkNoBacksteps(errors, `${at}.devicePath`, device.devicePath)
  })
}
