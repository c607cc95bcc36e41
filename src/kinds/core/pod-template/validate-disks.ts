import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../../machinery/names.ts'
import {
  checkDescendingPath,
  checkNoBacksteps,
  checkOptionalName,
  checkRange,
  checkRequired,
  checkRequiredName,
  type Errors,
} from '../../checks.ts'
import type { Volume } from '../../generated/types/core-v1.ts'

type DiskName =
  | 'awsElasticBlockStore'
  | 'azureDisk'
  | 'azureFile'
  | 'cephfs'
  | 'cinder'
  | 'fc'
  | 'flexVolume'
  | 'flocker'
  | 'gcePersistentDisk'
  | 'gitRepo'
  | 'glusterfs'
  | 'hostPath'
  | 'iscsi'
  | 'nfs'
  | 'photonPersistentDisk'
  | 'portworxVolume'
  | 'quobyte'
  | 'rbd'
  | 'scaleIO'
  | 'storageos'
  | 'vsphereVolume'

type DiskCheck<S extends DiskName> = (errors: Errors, source: Partial<NonNullable<Volume[S]>>, path: string) => void

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

/** Volumes that lie on the node, on the network or in somebody's cloud: of pods, and of PersistentVolumes. `path` leads to the source. */
export const diskSources: { readonly [S in DiskName]: DiskCheck<S> } = {
  hostPath: (errors, { path: place, type }, path) => {
    if (!checkRequired(errors, `${path}.path`, place)) return
    checkNoBacksteps(errors, `${path}.path`, place!)
    if (type !== undefined && !hostPathTypes.includes(type)) errors.push(fieldErrors.notSupported(`${path}.type`, type, hostPathTypes))
  },
  gitRepo: (errors, { repository, directory = '' }, path) => {
    checkRequired(errors, `${path}.repository`, repository)
    checkDescendingPath(errors, `${path}.directory`, directory)
  },
  gcePersistentDisk: (errors, { pdName, partition }, path) => {
    checkRequired(errors, `${path}.pdName`, pdName)
    checkPartition(errors, partition, path)
  },
  awsElasticBlockStore: (errors, { volumeID, partition }, path) => {
    checkRequired(errors, `${path}.volumeID`, volumeID)
    checkPartition(errors, partition, path)
  },
  nfs: (errors, { server, path: exported }, path) => {
    checkRequired(errors, `${path}.server`, server)
    checkRequired(errors, `${path}.path`, exported)
    if (!exported?.startsWith('/')) errors.push(fieldErrors.invalid(`${path}.path`, exported ?? '', 'must be an absolute path'))
  },
  iscsi: validateIscsi,
  glusterfs: (errors, { endpoints, path: exported }, path) => {
    checkRequired(errors, `${path}.endpoints`, endpoints)
    checkRequired(errors, `${path}.path`, exported)
  },
  flocker: (errors, { datasetName, datasetUUID }, path) => {
    if (!datasetName && !datasetUUID) errors.push(fieldErrors.required(path, 'one of datasetName and datasetUUID is required'))
    if (datasetName && datasetUUID)
      errors.push(fieldErrors.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
    if (datasetName?.includes('/')) errors.push(fieldErrors.invalid(`${path}.datasetName`, datasetName, "must not contain '/'"))
  },
  rbd: (errors, { monitors, image }, path) => {
    if (!monitors?.length) errors.push(fieldErrors.required(`${path}.monitors`))
    checkRequired(errors, `${path}.image`, image)
  },
  cinder: (errors, { volumeID, secretRef }, path) => {
    checkRequired(errors, `${path}.volumeID`, volumeID)
    if (secretRef) checkRequired(errors, `${path}.secretRef.name`, secretRef.name)
  },
  cephfs: (errors, { monitors }, path) => {
    if (!monitors?.length) errors.push(fieldErrors.required(`${path}.monitors`))
  },
  quobyte: (errors, { registry, volume, tenant }, path) => {
    const expected = 'must be a host:port pair or multiple pairs separated by commas'
    if (!registry) errors.push(fieldErrors.required(`${path}.registry`, expected))
    else if (tenant && tenant.length >= 65)
      errors.push(fieldErrors.required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
    else
      for (const pair of registry.split(','))
        if (!isHostAndPort(pair)) errors.push(fieldErrors.invalid(`${path}.registry`, registry, expected))
    checkRequired(errors, `${path}.volume`, volume)
  },
  fc: validateFibreChannel,
  flexVolume: (errors, { driver, options = {} }, path) => {
    checkRequired(errors, `${path}.driver`, driver)
    for (const key in options) {
      const namespace = `.${(key.includes('/') ? key.slice(0, key.indexOf('/')) : key).toLowerCase()}`
      if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io'))
        errors.push(fieldErrors.invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
    }
  },
  azureFile: (errors, { secretName, shareName }, path) => {
    checkRequired(errors, `${path}.secretName`, secretName)
    checkRequired(errors, `${path}.shareName`, shareName)
  },
  vsphereVolume: (errors, { volumePath }, path) => {
    checkRequired(errors, `${path}.volumePath`, volumePath)
  },
  photonPersistentDisk: (errors, { pdID }, path) => {
    checkRequired(errors, `${path}.pdID`, pdID)
  },
  portworxVolume: (errors, { volumeID }, path) => {
    checkRequired(errors, `${path}.volumeID`, volumeID)
  },
  azureDisk: validateAzureDisk,
  storageos: (errors, { volumeName, volumeNamespace, secretRef }, path) => {
    checkRequiredName(errors, `${path}.volumeName`, volumeName, dns1123Label)
    checkOptionalName(errors, `${path}.volumeNamespace`, volumeNamespace, dns1123Label)
    if (secretRef) checkRequired(errors, `${path}.secretRef.name`, secretRef.name)
  },
  scaleIO: (errors, { gateway, system, volumeName }, path) => {
    checkRequired(errors, `${path}.gateway`, gateway)
    checkRequired(errors, `${path}.system`, system)
    checkRequired(errors, `${path}.volumeName`, volumeName)
  },
}

/** The name of a CSI driver: a subdomain in any case, at most 63 bytes. */
export function checkDriverName(errors: Errors, field: string, name: string | undefined): void {
  if (!checkRequired(errors, field, name)) return
  if (name!.length > 63) errors.push(fieldErrors.tooLong(field, '', 63))
  for (const message of dns1123Subdomain(name!.toLowerCase())) errors.push(fieldErrors.invalid(field, name, message))
}

function checkPartition(errors: Errors, partition: number | undefined, path: string): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) checkRange(errors, `${path}.partition`, partition, 1, 255)
}

const iscsiNames = {
  iqn: /iqn\.\d{4}-\d{2}\.([0-9A-Za-z.-]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[0-9A-Za-z]{16}$/,
  naa: /^naa.[0-9A-Za-z]{32}$/,
} as const

/** `unknownKind`: what is said of a name of no known kind. */
export function checkIscsiName(errors: Errors, field: string, name: string, unknownKind: string): void {
  const kind = (['iqn', 'eui', 'naa'] as const).find((prefix) => name.startsWith(prefix))
  if (!kind) errors.push(fieldErrors.invalid(field, name, unknownKind))
  else if (!iscsiNames[kind].test(name)) errors.push(fieldErrors.invalid(field, name, 'must be valid format'))
}

const unknownKind = 'must be valid format starting with iqn, eui, or naa'

function validateIscsi(errors: Errors, source: Partial<NonNullable<Volume['iscsi']>>, path: string): void {
  checkRequired(errors, `${path}.targetPortal`, source.targetPortal)
  if (checkRequired(errors, `${path}.iqn`, source.iqn)) checkIscsiName(errors, `${path}.iqn`, source.iqn!, unknownKind)
  checkRange(errors, `${path}.lun`, source.lun, 0, 255)
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) errors.push(fieldErrors.required(`${path}.secretRef`))
  if (source.initiatorName !== undefined) checkIscsiName(errors, `${path}.initiatorname`, source.initiatorName, unknownKind)
}

function validateFibreChannel(errors: Errors, { targetWWNs = [], wwids = [], lun }: NonNullable<Volume['fc']>, path: string): void {
  const names = `${path}.targetWWNs`
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(fieldErrors.required(names, 'must specify either targetWWNs or wwids, but not both'))
  if (targetWWNs.length === 0) return
  if (wwids.length > 0) errors.push(fieldErrors.invalid(names, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
  if (lun === undefined) errors.push(fieldErrors.required(`${path}.lun`, 'lun is required if targetWWNs is specified'))
  else checkRange(errors, `${path}.lun`, lun, 0, 255)
}

const managedDisk = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const blobDisk = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
const cachingModes = ['None', 'ReadOnly', 'ReadWrite']
const diskKinds = ['Dedicated', 'Managed', 'Shared']

function validateAzureDisk(errors: Errors, source: Partial<NonNullable<Volume['azureDisk']>>, path: string): void {
  const { diskName, diskURI = '', cachingMode, kind } = source
  checkRequired(errors, `${path}.diskName`, diskName)
  checkRequired(errors, `${path}.diskURI`, diskURI)
  if (cachingMode !== undefined && !cachingModes.includes(cachingMode))
    errors.push(fieldErrors.notSupported(`${path}.cachingMode`, cachingMode, cachingModes))
  if (kind === undefined) return
  if (!diskKinds.includes(kind)) errors.push(fieldErrors.notSupported(`${path}.kind`, kind, diskKinds))
  const [start, expected] = kind === 'Managed' ? ['/subscriptions/', managedDisk] : ['https://', blobDisk]
  if (!diskURI.startsWith(start)) errors.push(fieldErrors.notSupported(`${path}.diskURI`, diskURI, [expected]))
}

/** One colon that is not in brackets, as Go's net package splits. */
function isHostAndPort(text: string): boolean {
  return /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(text)
}
