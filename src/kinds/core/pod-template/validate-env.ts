import { fieldErrors } from '../../../machinery/field-error.ts'
import { configMapKey, envVarName, qualifiedName } from '../../../machinery/names.ts'
import { checkRequired, checkRequiredName, type Errors } from '../../checks.ts'
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from '../../generated/types/core-v1.ts'

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
  let sources = 0
  if (fieldRef) {
    sources++
    validateFieldRef(errors, fieldRef, envFieldPaths, `${path}.fieldRef`)
  }
  if (resourceFieldRef) {
    sources++
    validateResourceFieldRef(errors, resourceFieldRef, `${path}.resourceFieldRef`, false)
  }
  if (configMapKeyRef) {
    sources++
    checkRequiredName(errors, `${path}.configMapKeyRef.key`, configMapKeyRef.key, configMapKey)
  }
  if (secretKeyRef) {
    sources++
    checkRequiredName(errors, `${path}.secretKeyRef.key`, secretKeyRef.key, configMapKey)
  }
  if (fileKeyRef) {
    sources++
    checkRequiredName(errors, `${path}.fileKeyRef.key`, fileKeyRef.key, envVarName)
    checkRequired(errors, `${path}.fileKeyRef.volumeName`, fileKeyRef.volumeName)
    checkRequired(errors, `${path}.fileKeyRef.path`, fileKeyRef.path)
  }
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
  if (!envFrom) return
  envFrom.forEach((source, i) => {
    if (source.prefix)
      for (const message of envVarName(source.prefix)) errors.push(fieldErrors.invalid(`${path}[${i}].prefix`, source.prefix, message))
    if (source.configMapRef) checkRequired(errors, `${path}[${i}].configMapRef.name`, source.configMapRef.name)
    if (source.secretRef) checkRequired(errors, `${path}[${i}].secretRef.name`, source.secretRef.name)
    if (!source.configMapRef && !source.secretRef)
      errors.push(fieldErrors.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (source.configMapRef && source.secretRef)
      errors.push(fieldErrors.invalid(path, '', 'may not have more than one field specified at a time'))
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
  'spec.host',
])

/** A reference to a field of the pod: `metadata.name`, `metadata.labels['key']`, … */
export function validateFieldRef(errors: Errors, ref: ObjectFieldSelector, supported: readonly string[], path: string): void {
  if (!checkRequired(errors, `${path}.apiVersion`, ref.apiVersion) || !checkRequired(errors, `${path}.fieldPath`, ref.fieldPath)) return
  const subscript = /^([^[]+)\['(.*)'\]$/.exec(ref.fieldPath)
  const field = subscript ? subscript[1]! : ref.fieldPath
  if (!knownFieldLabels.has(field)) {
    errors.push(
      fieldErrors.invalid(`${path}.fieldPath`, ref.fieldPath, `error converting fieldPath: field label not supported: ${ref.fieldPath}`),
    )
    return
  }
  if (!subscript) {
    if (!supported.includes(field)) errors.push(fieldErrors.notSupported(`${path}.fieldPath`, field, supported))
    return
  }
  if (field !== 'metadata.annotations' && field !== 'metadata.labels') {
    errors.push(fieldErrors.invalid(path, field, 'does not support subscript'))
    return
  }
  const key = field === 'metadata.annotations' ? subscript[2]!.toLowerCase() : subscript[2]!
  for (const message of qualifiedName(key)) errors.push(fieldErrors.invalid(path, key, message))
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
  if (isInVolume && !checkRequired(errors, `${path}.containerName`, ref.containerName)) return
  if (!checkRequired(errors, `${path}.resource`, ref.resource)) return
  const isHugePages = /^(limits|requests)\.hugepages-/.test(ref.resource)
  if (!resourceFieldPaths.includes(ref.resource) && !isHugePages) {
    errors.push(fieldErrors.notSupported(`${path}.resource`, ref.resource, resourceFieldPaths))
    return
  }
  const divisor = String(ref.divisor ?? '0')
  if (divisor === '0') return
  const [supported, words] = ref.resource.endsWith('.cpu')
    ? [['1m', '1'], '1m and 1 are supported with the cpu resource']
    : [byteDivisors, `${byteDivisors.join(', ')} are supported with the ${resourceWord(ref.resource)} resource`]
  if (!supported.includes(divisor)) errors.push(fieldErrors.invalid(`${path}.divisor`, ref.resource, `only divisor's values ${words}`))
}

function resourceWord(resource: string): string {
  if (resource.endsWith('.memory')) return 'memory'
  return resource.endsWith('.ephemeral-storage') ? 'local ephemeral storage' : 'hugepages'
}
