import { fieldErrors } from '../../../machinery/field-error.ts'
import { checkFileMode, checkRequired, checkVolumeFilePath, type Errors } from '../../checks.ts'
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from '../../generated/types/core-v1.ts'
import { validateFieldRef, validateResourceFieldRef, volumeFieldPaths } from './validate-env.ts'

export function validateProjected(errors: Errors, source: NonNullable<Volume['projected']>, path: string): void {
  checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
  const taken = new Set<string>()
  const takes: Take = (file, shown) => {
    if (!file) return
    if (taken.has(file)) errors.push(fieldErrors.invalid(path, shown ?? '', 'conflicting duplicate paths'))
    taken.add(file)
  }
  source.sources?.forEach((projection, i) => validateProjection(errors, projection, { volume: path, at: `${path}.sources[${i}]`, takes }))
}

/** Notes that a file is written, and says so when another source writes it; `shown` is what upstream shows of it then. */
type Take = (file: string | undefined, shown: string | undefined) => void

type Place = { readonly volume: string; readonly at: string; readonly takes: Take }

function validateProjection(errors: Errors, projection: VolumeProjection, { volume, at, takes }: Place): void {
  const { secret, configMap, downwardAPI, serviceAccountToken } = projection
  for (const [name, source] of [
    ['secret', secret],
    ['configMap', configMap],
  ] as const) {
    if (!source) continue
    checkRequired(errors, `${at}.${name}.name`, source.name)
    source.items?.forEach((item, i) => {
      validateKeyToPath(errors, item, `${at}.${name}.items[${i}]`)
      takes(item.path, source.name)
    })
  }
  for (const item of downwardAPI?.items ?? []) {
    validateDownwardItem(errors, item, `${at}.downwardAPI`)
    takes(item.path, item.path)
  }
  if (serviceAccountToken) {
    validateTokenLife(errors, serviceAccountToken.expirationSeconds, `${at}.serviceAccountToken.expirationSeconds`)
    // Upstream names the volume here, not the source.
    if (checkRequired(errors, `${volume}.path`, serviceAccountToken.path))
      checkVolumeFilePath(errors, `${volume}.path`, serviceAccountToken.path)
  }
  if ([secret, configMap, downwardAPI, serviceAccountToken].filter(Boolean).length > 1)
    errors.push(fieldErrors.forbidden(at, 'may not specify more than 1 volume type per source'))
}

function validateTokenLife(errors: Errors, seconds: number | undefined, path: string): void {
  if (seconds === undefined) return
  if (seconds < 600) errors.push(fieldErrors.invalid(path, seconds, 'may not specify a duration less than 10 minutes'))
  if (seconds > 2 ** 32) errors.push(fieldErrors.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds'))
}

export function validateKeysToPaths(errors: Errors, items: readonly KeyToPath[] | undefined, path: string): void {
  items?.forEach((item, i) => validateKeyToPath(errors, item, `${path}[${i}]`))
}

function validateKeyToPath(errors: Errors, item: KeyToPath, path: string): void {
  checkRequired(errors, `${path}.key`, item.key)
  if (checkRequired(errors, `${path}.path`, item.path)) checkVolumeFilePath(errors, `${path}.path`, item.path)
  checkFileMode(errors, `${path}.mode`, item.mode)
}

export function validateDownwardItem(errors: Errors, item: DownwardAPIVolumeFile, path: string): void {
  if (checkRequired(errors, `${path}.path`, item.path)) checkVolumeFilePath(errors, `${path}.path`, item.path)
  if (item.fieldRef) {
    validateFieldRef(errors, item.fieldRef, volumeFieldPaths, `${path}.fieldRef`)
    if (item.resourceFieldRef)
      errors.push(fieldErrors.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
  } else if (item.resourceFieldRef) {
    validateResourceFieldRef(errors, item.resourceFieldRef, `${path}.resourceFieldRef`, true)
  } else {
    errors.push(fieldErrors.required(path, 'one of fieldRef and resourceFieldRef is required'))
  }
  checkFileMode(errors, `${path}.mode`, item.mode)
}
