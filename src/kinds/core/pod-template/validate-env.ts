import { fieldErrors } from '../../../machinery/field-error.ts'
import { configMapKey, dns1123Label, dns1123Subdomain, envVarName, maskTrailingDash, qualifiedName } from '../../../machinery/names.ts'
import { checkName, checkNoBacksteps, checkRequired, checkRequiredName, type Errors } from '../../checks.ts'
import type { EnvFromSource, EnvVar, ObjectFieldSelector, PodSpec, ResourceFieldSelector } from '../../generated/types/core-v1.ts'
import { forEachContainer } from './each-container.ts'

export function validateEnv(errors: Errors, env: readonly EnvVar[] | undefined, path: string): void {
  if (!env) return
  for (let i = 0; i < env.length; i++) {
    const variable = env[i]!
    if (variable.name === undefined || variable.name === '' || !isPlainName(variable.name))
      checkRequiredName(errors, `${path}[${i}].name`, variable.name, envVarName)
    if (variable.valueFrom) validateValueFrom(errors, variable, `${path}[${i}].valueFrom`)
  }
}

/** The usual upper-case name, which every rule accepts. */
function isPlainName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    if (!((c >= 65 && c <= 90) || c === 95 || (c >= 97 && c <= 122) || (c >= 48 && c <= 57 && i > 0))) return false
  }
  return true
}

function validateValueFrom(errors: Errors, variable: EnvVar, path: string): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = variable.valueFrom!
  if (fieldRef) validateFieldRef(errors, fieldRef, envFieldPaths, `${path}.fieldRef`)
  if (resourceFieldRef) validateResourceFieldRef(errors, resourceFieldRef, `${path}.resourceFieldRef`, false)
  for (const [field, ref] of [
    ['configMapKeyRef', configMapKeyRef],
    ['secretKeyRef', secretKeyRef],
  ] as const) {
    if (!ref) continue
    checkName(errors, `${path}.${field}.name`, ref.name, dns1123Subdomain)
    checkRequiredName(errors, `${path}.${field}.key`, ref.key, configMapKey)
  }
  if (fileKeyRef) {
    checkRequiredName(errors, `${path}.fileKeyRef.key`, fileKeyRef.key, envVarName)
    checkRequiredName(errors, `${path}.fileKeyRef.volumeName`, fileKeyRef.volumeName, dns1123Label)
    if (checkRequired(errors, `${path}.fileKeyRef.path`, fileKeyRef.path))
      checkNoBacksteps(errors, `${path}.fileKeyRef.path`, fileKeyRef.path)
  }
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length
  if (sources === 0)
    errors.push(
      fieldErrors.invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    )
  else if (variable.value) errors.push(fieldErrors.invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (sources > 1) errors.push(fieldErrors.invalid(path, '', 'may not have more than one field specified at a time'))
}

export function validateEnvFrom(errors: Errors, envFrom: readonly EnvFromSource[] | undefined, path: string): void {
  envFrom?.forEach(({ prefix, configMapRef, secretRef }, i) => {
    if (prefix) checkName(errors, `${path}[${i}].prefix`, prefix, envVarName)
    if (configMapRef) checkRequiredName(errors, `${path}[${i}].configMapRef.name`, configMapRef.name, namePrefix)
    if (secretRef) checkRequiredName(errors, `${path}[${i}].secretRef.name`, secretRef.name, namePrefix)
    if (!configMapRef && !secretRef) errors.push(fieldErrors.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (configMapRef && secretRef) errors.push(fieldErrors.invalid(path, '', 'may not have more than one field specified at a time'))
  })
}

/** Here upstream takes a name as one that something could be appended to. */
const namePrefix = (name: string) => dns1123Subdomain(maskTrailingDash(name))

/** The files that variables are read from lie in directories of the pod's own. */
export function validateFileKeyVolumes(errors: Errors, spec: PodSpec, path: string): void {
  forEachContainer(spec, path, (container, at) => {
    container.env?.forEach(({ valueFrom }, i) => {
      if (!valueFrom?.fileKeyRef) return
      const name = valueFrom.fileKeyRef.volumeName ?? ''
      const field = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`
      const volume = spec.volumes?.findLast((one) => one.name === name)
      if (!volume) errors.push(fieldErrors.notFound(field, name))
      else if (!volume.emptyDir) errors.push(fieldErrors.invalid(field, name, 'referenced volume must be of type emptyDir'))
    })
  })
}

/** Field paths in the order in which upstream lists them in errors. */
const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
] as const

export const volumeFieldPaths = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'] as const

const knownFieldLabels = new Set<string>([
  ...envFieldPaths,
  'metadata.annotations',
  'metadata.labels',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
])

/** A reference to a field of the pod: `metadata.name`, `metadata.labels['key']`, … */
export function validateFieldRef(errors: Errors, ref: ObjectFieldSelector, supported: readonly string[], path: string): void {
  if (!checkRequired(errors, `${path}.apiVersion`, ref.apiVersion) || !checkRequired(errors, `${path}.fieldPath`, ref.fieldPath)) return
  const refuse = (why: string) => errors.push(fieldErrors.invalid(`${path}.fieldPath`, ref.fieldPath, `error converting fieldPath: ${why}`))
  if (ref.apiVersion !== 'v1') {
    refuse(`unsupported pod version: ${ref.apiVersion}`)
    return
  }
  const subscript = /^([^]+?)\['([^]*)'\]$/.exec(ref.fieldPath)
  if (subscript) {
    const [, field, key = ''] = subscript
    if (field === 'metadata.labels') checkName(errors, path, key, qualifiedName)
    else if (field === 'metadata.annotations') checkName(errors, path, key.toLowerCase(), qualifiedName)
    else refuse(`field label does not support subscript: ${ref.fieldPath}`)
    return
  }
  // The name of old clients for the same.
  const field = ref.fieldPath === 'spec.host' ? 'spec.nodeName' : ref.fieldPath
  if (!knownFieldLabels.has(field)) refuse(`field label not supported: ${ref.fieldPath}`)
  else if (!supported.includes(field)) errors.push(fieldErrors.notSupported(`${path}.fieldPath`, field, supported))
}

const resourceFieldPaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

/** A reference to a container's resource; in a volume it must name the container. */
export function validateResourceFieldRef(errors: Errors, ref: ResourceFieldSelector, path: string, isInVolume: boolean): void {
  const resource = ref.resource ?? ''
  const isKnown = resourceFieldPaths.includes(resource)
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource)
  if (isInVolume && !ref.containerName) errors.push(fieldErrors.required(`${path}.containerName`))
  else if (checkRequired(errors, `${path}.resource`, resource) && !isKnown && !isHugePages)
    errors.push(fieldErrors.notSupported(`${path}.resource`, resource, resourceFieldPaths))
  const divisor = String(ref.divisor ?? '0')
  if (divisor === '0' || (!isKnown && !isHugePages)) return
  const [supported, words] = resource.endsWith('.cpu')
    ? [['1m', '1'], '1m and 1 are supported with the cpu resource']
    : [byteDivisors, `${byteDivisors.join(', ')} are supported with the ${resourceWord(resource)} resource`]
  if (!supported.includes(divisor)) errors.push(fieldErrors.invalid(`${path}.divisor`, resource, `only divisor's values ${words}`))
}

function resourceWord(resource: string): string {
  if (resource.endsWith('.memory')) return 'memory'
  return resource.endsWith('.ephemeral-storage') ? 'local ephemeral storage' : 'hugepages'
}
