import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../../machinery/names.ts'
import type { ObjectMeta } from '../../../machinery/object.ts'
import { quantityMilli } from '../../../machinery/quantity.ts'
import { checkEnum, checkFileMode, checkOptionalName, checkRequired, checkRequiredName, type Errors } from '../../checks.ts'
import type { Volume } from '../../generated/types/core-v1.ts'
import { validateClaimSpec } from '../persistent-volume-claim.ts'
import { checkDriverName, diskSources } from './validate-disks.ts'
import { validateDownwardItem, validateKeysToPaths, validateProjected } from './validate-projected.ts'
import { validateEmbeddedMeta } from './validate-template-meta.ts'

/** The volume of a source, and the metadata of the pod where it is in a real one. */
export type VolumePlace = { readonly volume: Volume; readonly volumePath: string; readonly pod: ObjectMeta | undefined }

/** Checks one kind of source. `path` leads to it. */
export type SourceCheck<S extends keyof Volume> = (errors: Errors, source: NonNullable<Volume[S]>, path: string, place: VolumePlace) => void

const noVolumes: ReadonlyMap<string, Volume> = new Map()

/**
 * Adds what is wrong with the volumes; gives those by name with which nothing is, for the mounts to be checked against. `pod` is the
 * metadata of a real pod, absent for a template.
 */
export function validateVolumes(
  errors: Errors,
  volumes: readonly Volume[] | undefined,
  path: string,
  pod: ObjectMeta | undefined,
): ReadonlyMap<string, Volume> {
  if (!volumes || volumes.length === 0) return noVolumes
  const byName = new Map<string, Volume>()
  for (let i = 0; i < volumes.length; i++) {
    const volume = volumes[i]!
    const at = `${path}[${i}]`
    const before = errors.length
    validateVolumeSource(errors, volume, at, pod)
    checkRequiredName(errors, `${at}.name`, volume.name, dns1123Label)
    if (byName.has(volume.name)) errors.push(fieldErrors.duplicate(`${at}.name`, volume.name))
    if (errors.length === before) byName.set(volume.name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim && pod?.name && volumes.some((one) => one.ephemeral && `${pod.name}-${one.name}` === claim))
      errors.push(
        fieldErrors.invalid(
          `${at}.persistentVolumeClaim.claimName`,
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      )
  }
  return byName
}

type SourceName = Exclude<keyof Volume, 'name'>

/** Every kind of source, in the order in which upstream looks at them. */
const sources: { readonly [S in SourceName]: SourceCheck<S> } = {
  emptyDir: (errors, { sizeLimit }, path) => {
    if (sizeLimit !== undefined && quantityMilli(sizeLimit) < 0)
      errors.push(fieldErrors.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  },
  hostPath: diskSources.hostPath,
  gitRepo: diskSources.gitRepo,
  gcePersistentDisk: diskSources.gcePersistentDisk,
  awsElasticBlockStore: diskSources.awsElasticBlockStore,
  secret: (errors, source, path) => {
    checkRequired(errors, `${path}.secretName`, source.secretName)
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    validateKeysToPaths(errors, source.items, `${path}.items`)
  },
  nfs: diskSources.nfs,
  iscsi: diskSources.iscsi,
  glusterfs: diskSources.glusterfs,
  flocker: diskSources.flocker,
  persistentVolumeClaim: (errors, source, path) => {
    checkRequired(errors, `${path}.claimName`, source.claimName)
  },
  rbd: diskSources.rbd,
  cinder: diskSources.cinder,
  cephfs: diskSources.cephfs,
  quobyte: diskSources.quobyte,
  downwardAPI: (errors, source, path) => {
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    for (const item of source.items ?? []) validateDownwardItem(errors, item, path)
  },
  fc: diskSources.fc,
  flexVolume: diskSources.flexVolume,
  configMap: (errors, source, path) => {
    checkRequired(errors, `${path}.name`, source.name)
    checkFileMode(errors, `${path}.defaultMode`, source.defaultMode)
    validateKeysToPaths(errors, source.items, `${path}.items`)
  },
  azureFile: diskSources.azureFile,
  vsphereVolume: diskSources.vsphereVolume,
  photonPersistentDisk: diskSources.photonPersistentDisk,
  portworxVolume: diskSources.portworxVolume,
  azureDisk: diskSources.azureDisk,
  storageos: diskSources.storageos,
  projected: validateProjected,
  scaleIO: diskSources.scaleIO,
  csi: (errors, source, path) => {
    checkDriverName(errors, `${path}.driver`, source.driver)
    const secret = source.nodePublishSecretRef
    if (secret && checkRequired(errors, `${path}.nodePublishSecretRef.name`, secret.name))
      checkOptionalName(errors, `${path}.name`, secret.name, dns1123Subdomain)
  },
  ephemeral: (errors, source, path, { volume: { name }, volumePath, pod }) => {
    const template = source.volumeClaimTemplate
    if (!template) errors.push(fieldErrors.required(`${path}.volumeClaimTemplate`))
    else {
      validateEmbeddedMeta(errors, template.metadata, `${path}.volumeClaimTemplate.metadata`)
      errors.push(...validateClaimSpec(template.spec ?? {}, `${path}.volumeClaimTemplate.spec`))
    }
    if (!pod?.name || !name) return
    const claim = `${pod.name}-${name}`
    for (const message of dns1123Subdomain(claim))
      errors.push(fieldErrors.invalid(`${volumePath}.name`, name, `PVC name ${JSON.stringify(claim)}: ${message}`))
  },
  image: (errors, source, path, { pod }) => {
    if (pod) checkRequired(errors, `${path}.reference`, source.reference)
    checkEnum(errors, `${path}.pullPolicy`, source.pullPolicy, ['Always', 'IfNotPresent', 'Never'])
  },
}

const sourceNames = Object.keys(sources) as SourceName[]

/** Where upstream names a source otherwise than the API does. */
const forbiddenNames: { readonly [S in SourceName]?: string } = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' }
const pathNames: { readonly [S in SourceName]?: string } = { gcePersistentDisk: 'persistentDisk' }

type AnyCheck = (errors: Errors, source: unknown, path: string, place: VolumePlace) => void

function validateVolumeSource(errors: Errors, volume: Volume, path: string, pod: ObjectMeta | undefined): void {
  let count = 0
  // Most volumes have one source: those that are not there are not asked for.
  const given = Object.keys(volume).length <= 2 ? Object.keys(volume) : sourceNames
  for (const key of given as SourceName[]) {
    const source = volume[key]
    const check = sources[key]
    if (source === undefined || source === null || check === undefined) continue
    count++
    if (count > 1) errors.push(fieldErrors.forbidden(`${path}.${forbiddenNames[key] ?? key}`, 'may not specify more than 1 volume type'))
    else (check as AnyCheck)(errors, source, `${path}.${pathNames[key] ?? key}`, { volume, volumePath: path, pod })
    if (key === 'iscsi') checkInitiatorLength(errors, volume, path)
  }
  if (count === 0) errors.push(fieldErrors.required(path, 'must specify a volume type'))
}

function checkInitiatorLength(errors: Errors, { name = '', iscsi }: Partial<Volume>, path: string): void {
  if (iscsi?.initiatorName === undefined || `${name}:${iscsi.targetPortal ?? ''}`.length <= 64) return
  const detail = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
  errors.push(fieldErrors.invalid(`${path}.name`, name, detail))
}
