import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../../machinery/names.ts'
import { quantityMilli } from '../../../machinery/quantity.ts'
import {
  checkFileMode,
  checkNoBacksteps,
  checkOptionalEnum,
  checkOptionalName,
  checkQuantity,
  checkRequired,
  checkRequiredName,
  checkVolumeFilePath,
  type Errors,
} from '../../checks.ts'
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from '../../generated/types/core-v1.ts'
import { validateFieldRef, validateResourceFieldRef, volumeFieldPaths } from './validate-env.ts'

/** Adds what is wrong with the volumes; gives the volumes by name, for the mounts to be checked against. */
export function validateVolumes(errors: Errors, volumes: readonly Volume[] | undefined, path: string): ReadonlyMap<string, Volume> {
  if (!volumes || volumes.length === 0) return noVolumes
  const byName = new Map<string, Volume>()
  for (let i = 0; i < volumes.length; i++) {
    const volume = volumes[i]!
    const at = `${path}[${i}]`
    validateVolumeSource(errors, volume, at)
    checkRequiredName(errors, `${at}.name`, volume.name, dns1123Label)
    if (byName.has(volume.name)) errors.push(fieldErrors.duplicate(`${at}.name`, volume.name))
    else byName.set(volume.name, volume)
  }
  return byName
}

const noVolumes: ReadonlyMap<string, Volume> = new Map()

type SourceName = Exclude<keyof Volume, 'name'>

/** The text fields that each source must have. What needs more is in `extraChecks`. */
const requiredFields: Readonly<Record<SourceName, readonly string[]>> = {
  awsElasticBlockStore: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  azureFile: ['secretName', 'shareName'],
  cephfs: [],
  cinder: ['volumeID'],
  configMap: ['name'],
  csi: ['driver'],
  downwardAPI: [],
  emptyDir: [],
  ephemeral: [],
  fc: [],
  flexVolume: ['driver'],
  flocker: [],
  gcePersistentDisk: ['pdName'],
  gitRepo: ['repository'],
  glusterfs: ['endpoints', 'path'],
  hostPath: ['path'],
  image: ['reference'],
  iscsi: ['targetPortal', 'iqn'],
  nfs: ['server', 'path'],
  persistentVolumeClaim: ['claimName'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  projected: [],
  quobyte: ['registry', 'volume'],
  rbd: ['image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  secret: ['secretName'],
  storageos: ['volumeName'],
  vsphereVolume: ['volumePath'],
}

const hostPathTypes = ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice']

const extraChecks: { readonly [S in SourceName]?: (errors: Errors, source: NonNullable<Volume[S]>, path: string) => void } = {
  emptyDir: (errors, { sizeLimit }, path) => {
    if (sizeLimit !== undefined && checkQuantity(errors, `${path}.sizeLimit`, sizeLimit) && quantityMilli(sizeLimit) < 0)
      errors.push(fieldErrors.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  },
  hostPath: (errors, source, path) => {
    if (source.path) checkNoBacksteps(errors, `${path}.path`, source.path)
    checkOptionalEnum(errors, `${path}.type`, source.type, hostPathTypes)
  },
  secret: (errors, source, path) => {
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    validateKeysToPaths(errors, source.items, `${path}.items`)
  },
  configMap: (errors, source, path) => {
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    validateKeysToPaths(errors, source.items, `${path}.items`)
  },
  downwardAPI: (errors, source, path) => {
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    source.items?.forEach((item) => validateDownwardItem(errors, item, path))
  },
  projected: (errors, source, path) => {
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    validateProjections(errors, source.sources, path)
  },
  nfs: (errors, source, path) => {
    if (source.path && !source.path.startsWith('/'))
      errors.push(fieldErrors.invalid(`${path}.path`, source.path, 'must be an absolute path'))
  },
  image: (errors, source, path) => checkOptionalEnum(errors, `${path}.pullPolicy`, source.pullPolicy, ['Always', 'IfNotPresent', 'Never']),
  csi: (errors, source, path) => {
    if (source.driver) checkOptionalName(errors, `${path}.driver`, source.driver.toLowerCase(), dns1123Subdomain)
    if (source.nodePublishSecretRef) checkRequired(errors, `${path}.nodePublishSecretRef.name`, source.nodePublishSecretRef.name)
  },
  ephemeral: (errors, source, path) => {
    const template = source.volumeClaimTemplate
    if (!template) errors.push(fieldErrors.required(`${path}.volumeClaimTemplate`))
    else if (!template.spec?.accessModes?.length)
      errors.push(fieldErrors.required(`${path}.volumeClaimTemplate.spec.accessModes`, 'at least 1 access mode is required'))
  },
  cephfs: (errors, source, path) => {
    if (!source.monitors?.length) errors.push(fieldErrors.required(`${path}.monitors`))
  },
  rbd: (errors, source, path) => {
    if (!source.monitors?.length) errors.push(fieldErrors.required(`${path}.monitors`))
  },
}

function validateVolumeSource(errors: Errors, volume: Volume, path: string): void {
  let sources = 0
  for (const key in volume) {
    if (key === 'name') continue
    const name = key as SourceName
    const source = volume[name]
    if (source === undefined || source === null || requiredFields[name] === undefined) continue
    sources++
    const at = `${path}.${name}`
    if (sources > 1) {
      errors.push(fieldErrors.forbidden(at, 'may not specify more than 1 volume type'))
      continue
    }
    for (const field of requiredFields[name]) checkRequired(errors, `${at}.${field}`, (source as Record<string, unknown>)[field])
    ;(extraChecks[name] as ((errors: Errors, source: unknown, path: string) => void) | undefined)?.(errors, source, at)
  }
  if (sources === 0) errors.push(fieldErrors.required(path, 'must specify a volume type'))
}

function validateKeysToPaths(errors: Errors, items: readonly KeyToPath[] | undefined, path: string): void {
  items?.forEach((item, i) => {
    const at = `${path}[${i}]`
    checkRequired(errors, `${at}.key`, item.key)
    if (checkRequired(errors, `${at}.path`, item.path)) checkVolumeFilePath(errors, `${at}.path`, item.path)
    checkFileMode(errors, `${at}.mode`, item.mode)
  })
}

function validateDownwardItem(errors: Errors, item: DownwardAPIVolumeFile, path: string): void {
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

function validateProjections(errors: Errors, sources: readonly VolumeProjection[] | undefined, path: string): void {
  if (!sources) return
  const paths = new Set<string>()
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!
    const at = `${path}.sources[${i}]`
    let count = 0
    const isFirst = (field: string): boolean => {
      count++
      if (count > 1) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'may not specify more than 1 volume type'))
      return count === 1
    }
    const takes = (file: string | undefined, name: string | undefined) => {
      if (file && paths.has(file)) errors.push(fieldErrors.invalid(path, name ?? file, 'conflicting duplicate paths'))
      if (file) paths.add(file)
    }
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source
    if (secret && isFirst('secret')) {
      checkRequired(errors, `${at}.secret.name`, secret.name)
      validateKeysToPaths(errors, secret.items, `${at}.secret.items`)
      for (const item of secret.items ?? []) takes(item.path, secret.name)
    }
    if (configMap && isFirst('configMap')) {
      checkRequired(errors, `${at}.configMap.name`, configMap.name)
      validateKeysToPaths(errors, configMap.items, `${at}.configMap.items`)
      for (const item of configMap.items ?? []) takes(item.path, configMap.name)
    }
    if (downwardAPI && isFirst('downwardAPI')) {
      for (const item of downwardAPI.items ?? []) {
        validateDownwardItem(errors, item, `${at}.downwardAPI`)
        takes(item.path, undefined)
      }
    }
    if (serviceAccountToken && isFirst('serviceAccountToken')) {
      validateToken(errors, serviceAccountToken, `${at}.serviceAccountToken`)
      takes(serviceAccountToken.path, undefined)
    }
    if (clusterTrustBundle && isFirst('clusterTrustBundle')) {
      if (checkRequired(errors, `${at}.clusterTrustBundle.path`, clusterTrustBundle.path))
        checkVolumeFilePath(errors, `${at}.clusterTrustBundle.path`, clusterTrustBundle.path)
      takes(clusterTrustBundle.path, undefined)
    }
    if (podCertificate && isFirst('podCertificate')) checkRequired(errors, `${at}.podCertificate.signerName`, podCertificate.signerName)
  }
}

function validateToken(errors: Errors, token: NonNullable<VolumeProjection['serviceAccountToken']>, path: string): void {
  const seconds = token.expirationSeconds
  if (seconds !== undefined && seconds < 600)
    errors.push(fieldErrors.invalid(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
  if (seconds !== undefined && seconds > 2 ** 32)
    errors.push(fieldErrors.invalid(`${path}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  if (checkRequired(errors, `${path}.path`, token.path)) checkVolumeFilePath(errors, `${path}.path`, token.path)
}
