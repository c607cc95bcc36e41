import { fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { checkNoBacksteps, checkRange, checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import type { PersistentVolumeSpec } from '../generated/types/core-v1.ts'
import { checkDriverName, checkIscsiName, diskSources } from './pod-template/validate-disks.ts'

/** Checks one kind of source; `path` leads to it. */
type Check<S extends keyof PersistentVolumeSpec> = (
  errors: Errors,
  source: Partial<NonNullable<PersistentVolumeSpec[S]>>,
  path: string,
  place: { readonly spec: PersistentVolumeSpec; readonly specPath: string; readonly name: string },
) => void

type SecretReference = { readonly name?: string; readonly namespace?: string }

/** Where the bytes of a volume are, in the order in which upstream looks: exactly one is given. */
const sources = {
  hostPath: (errors, source, path) => diskSources.hostPath(errors, source, path),
  gcePersistentDisk: (errors, source, path) => diskSources.gcePersistentDisk(errors, source, path),
  awsElasticBlockStore: (errors, source, path) => diskSources.awsElasticBlockStore(errors, source, path),
  glusterfs: (errors, source, path) => {
    diskSources.glusterfs(errors, source, path)
    const namespace = source.endpointsNamespace
    if (namespace === undefined) return
    const rule = (value: string) =>
      value === '' ? ['if the endpointnamespace is set, it must be a valid namespace name'] : dns1123Label(value)
    for (const message of rule(namespace)) errors.push(fieldErrors.invalid(`${path}.endpointsNamespace`, namespace, message))
  },
  flocker: (errors, source, path) => diskSources.flocker(errors, source, path),
  nfs: (errors, source, path) => diskSources.nfs(errors, source, path),
  rbd: (errors, { monitors, image }, path) => diskSources.rbd(errors, { monitors, image }, path),
  quobyte: (errors, source, path) => diskSources.quobyte(errors, source, path),
  cephfs: (errors, { monitors }, path) => diskSources.cephfs(errors, { monitors }, path),
  iscsi: validateIscsi,
  cinder: (errors, { volumeID, secretRef }, path) => {
    checkRequired(errors, `${path}.volumeID`, volumeID)
    checkSecretGiven(errors, secretRef, path)
  },
  fc: (errors, source, path) => diskSources.fc(errors, source, path),
  flexVolume: (errors, { driver, options }, path) => diskSources.flexVolume(errors, { driver, options }, path),
  azureFile: (errors, source, path) => {
    diskSources.azureFile(errors, source, path)
    if (source.secretNamespace === '') errors.push(fieldErrors.required(`${path}.secretNamespace`))
  },
  vsphereVolume: (errors, source, path) => diskSources.vsphereVolume(errors, source, path),
  photonPersistentDisk: (errors, source, path) => diskSources.photonPersistentDisk(errors, source, path),
  portworxVolume: (errors, source, path) => diskSources.portworxVolume(errors, source, path),
  azureDisk: (errors, source, path) => diskSources.azureDisk(errors, source, path),
  scaleIO: (errors, { gateway, system, volumeName }, path) => diskSources.scaleIO(errors, { gateway, system, volumeName }, path),
  local: (errors, { path: place }, path, { spec, specPath }) => {
    if (checkRequired(errors, `${path}.path`, place)) checkNoBacksteps(errors, `${path}.path`, place!)
    if (!spec.nodeAffinity) errors.push(fieldErrors.required(`${specPath}.nodeAffinity`, 'Local volume requires node affinity'))
  },
  storageos: (errors, { volumeName, volumeNamespace, secretRef }, path) => {
    diskSources.storageos(errors, { volumeName, volumeNamespace }, path)
    checkSecretGiven(errors, secretRef, path)
  },
  csi: (errors, source, path) => {
    checkDriverName(errors, `${path}.driver`, source.driver)
    checkRequired(errors, `${path}.volumeHandle`, source.volumeHandle)
    for (const field of checkedSecrets) {
      const secret = source[field]
      if (!secret) continue
      checkRequiredName(errors, `${path}.${field}.name`, secret.name, dns1123Subdomain)
      checkRequiredName(errors, `${path}.${field}.namespace`, secret.namespace, dns1123Label)
    }
  },
} as const satisfies { readonly [S in keyof PersistentVolumeSpec]?: Check<S> }

/** Those of a driver that upstream looks at: not the one for staging. */
const checkedSecrets = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const

type SourceName = keyof typeof sources
const sourceNames = Object.keys(sources) as SourceName[]

/** Where upstream names a source otherwise than the API does. */
const forbiddenNames: { readonly [S in SourceName]?: string } = { cephfs: 'cephFS' }
const pathNames: { readonly [S in SourceName]?: string } = { gcePersistentDisk: 'persistentDisk' }

type AnyCheck = (
  errors: Errors,
  source: unknown,
  path: string,
  place: { spec: PersistentVolumeSpec; specPath: string; name: string },
) => void

/** Of the volume of this name: that it has one source, and that this one is whole. `specPath` leads to its spec. */
export function validateVolumeSources(errors: Errors, spec: PersistentVolumeSpec, specPath: string, name: string): void {
  let count = 0
  for (const key of sourceNames) {
    const source = spec[key]
    if (source === undefined) continue
    count++
    if (count > 1)
      errors.push(fieldErrors.forbidden(`${specPath}.${forbiddenNames[key] ?? key}`, 'may not specify more than 1 volume type'))
    else (sources[key] as AnyCheck)(errors, source, `${specPath}.${pathNames[key] ?? key}`, { spec, specPath, name })
  }
  if (count === 0) errors.push(fieldErrors.required(specPath, 'must specify a volume type'))
}

const longPortal = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'

function validateIscsi(
  errors: Errors,
  source: Partial<NonNullable<PersistentVolumeSpec['iscsi']>>,
  path: string,
  { name }: { readonly name: string },
): void {
  const { targetPortal = '', iqn, initiatorName, secretRef } = source
  checkRequired(errors, `${path}.targetPortal`, targetPortal)
  if (initiatorName !== undefined && `${name}:${targetPortal}`.length > 64)
    errors.push(fieldErrors.invalid(`${path}.targetportal`, targetPortal, longPortal))
  if (checkRequired(errors, `${path}.iqn`, iqn)) checkIscsiName(errors, `${path}.iqn`, iqn!, 'must be valid format')
  checkRange(errors, `${path}.lun`, source.lun, 0, 255)
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef) errors.push(fieldErrors.required(`${path}.secretRef`))
  if (secretRef) checkRequired(errors, `${path}.secretRef.name`, secretRef.name)
  if (initiatorName !== undefined) checkIscsiName(errors, `${path}.initiatorname`, initiatorName, 'must be valid format')
}

function checkSecretGiven(errors: Errors, secret: SecretReference | undefined, path: string): void {
  if (!secret) return
  checkRequired(errors, `${path}.secretRef.name`, secret.name)
  checkRequired(errors, `${path}.secretRef.namespace`, secret.namespace)
}
