import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, portName } from '../../../machinery/names.ts'
import { checkEnum, checkPort, checkRequired, checkRequiredName, checkRequiredPort, type Errors } from '../../checks.ts'
import type { Container, ContainerPort, EphemeralContainer, PodSpec, Volume } from '../../generated/types/core-v1.ts'
import { isSidecar } from '../../pod-requests.ts'
import { validateEnv, validateEnvFrom } from './validate-env.ts'
import { validateMounts } from './validate-mounts.ts'
import { validateLifecycle, validateProbes } from './validate-probes.ts'
import { validateResources } from './validate-resources.ts'
import { validateSecurityContext } from './validate-security-context.ts'

/** What containers are checked against. */
export type ContainerContext = {
  readonly volumes: ReadonlyMap<string, Volume>
  readonly claimNames: readonly string[]
  readonly gracePeriodSeconds: number
  readonly hasHostUsers: boolean
}

/** App, init and ephemeral containers of a spec. */
export function validateAllContainers(errors: Errors, spec: PodSpec, context: ContainerContext, path: string): void {
  validateContainers(errors, spec.containers, context, `${path}.containers`)
  if (spec.initContainers?.length)
    validateInitContainers(errors, spec.initContainers, spec.containers ?? [], context, `${path}.initContainers`)
  if (spec.ephemeralContainers?.length) validateEphemeralContainers(errors, spec, context, `${path}.ephemeralContainers`)
}

function validateContainers(errors: Errors, containers: readonly Container[] | undefined, context: ContainerContext, path: string): void {
  if (!containers || containers.length === 0) {
    errors.push(fieldErrors.required(path))
    return
  }
  for (let i = 0; i < containers.length; i++) {
    const container = containers[i]!
    const at = `${path}[${i}]`
    validateContainer(errors, container, context, at)
    if (isNameTaken(containers, i)) errors.push(fieldErrors.duplicate(`${at}.name`, container.name))
    if (container.lifecycle) validateLifecycle(errors, container.lifecycle, context.gracePeriodSeconds, `${at}.lifecycle`)
    validateProbes(errors, container, context.gracePeriodSeconds, at)
  }
  checkHostPortConflicts(errors, containers, path)
}

function validateInitContainers(
  errors: Errors,
  initContainers: readonly Container[],
  containers: readonly Container[],
  context: ContainerContext,
  path: string,
): void {
  initContainers.forEach((container, i) => {
    const at = `${path}[${i}]`
    validateContainer(errors, container, context, at)
    if (container.name && (isNameTaken(initContainers, i) || containers.some((c) => c.name === container.name)))
      errors.push(fieldErrors.duplicate(`${at}.name`, container.name))
    checkHostPortConflicts(errors, [container], path)
    if (isSidecar(container)) {
      if (container.lifecycle) validateLifecycle(errors, container.lifecycle, context.gracePeriodSeconds, `${at}.lifecycle`)
      validateProbes(errors, container, context.gracePeriodSeconds, at)
      return
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] !== undefined)
        errors.push(fieldErrors.forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
    }
    if (container.resizePolicy?.length)
      errors.push(fieldErrors.invalid(`${at}.resizePolicy`, container.resizePolicy, 'must not be set for init containers'))
  })
}

/** What makes no sense in a container that joins a running pod. */
const forbiddenInEphemeral = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'restartPolicy',
] as const

export function validateEphemeralContainers(errors: Errors, spec: PodSpec, context: ContainerContext, path: string): void {
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const containers = spec.ephemeralContainers ?? []
  containers.forEach((container, i) => {
    const at = `${path}[${i}]`
    validateContainer(errors, container, context, at)
    if (container.name && (isNameTaken(containers, i) || others.some((c) => c.name === container.name)))
      errors.push(fieldErrors.duplicate(`${at}.name`, container.name))
    const target = container.targetContainerName
    if (target && !others.some((c) => c.name === target)) errors.push(fieldErrors.notFound(`${at}.targetContainerName`, target))
    for (const field of forbiddenInEphemeral)
      if (container[field] !== undefined) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container'))
    if (container.resources && (container.resources.limits || container.resources.requests || container.resources.claims))
      errors.push(fieldErrors.forbidden(`${at}.resources`, 'cannot be set for an Ephemeral Container'))
    container.volumeMounts?.forEach((mount, k) => {
      for (const field of ['subPath', 'subPathExpr'] as const)
        if (mount[field])
          errors.push(fieldErrors.forbidden(`${at}.volumeMounts[${k}].${field}`, 'cannot be set for an Ephemeral Container'))
    })
  })
}

const terminationPolicies = ['FallbackToLogsOnError', 'File']
const pullPolicies = ['Always', 'IfNotPresent', 'Never']

function validateContainer(errors: Errors, container: Container | EphemeralContainer, context: ContainerContext, path: string): void {
  checkRequiredName(errors, `${path}.name`, container.name, dns1123Label)
  const image = container.image ?? ''
  if (image === '') errors.push(fieldErrors.required(`${path}.image`))
  else if (image.trim() !== image) errors.push(fieldErrors.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'))
  checkEnum(errors, `${path}.terminationMessagePolicy`, container.terminationMessagePolicy, terminationPolicies)
  if (container.ports) validatePorts(errors, container.ports, `${path}.ports`)
  validateEnv(errors, container.env, `${path}.env`)
  validateEnvFrom(errors, container.envFrom, `${path}.envFrom`)
  validateMounts(errors, container, context.volumes, path)
  checkEnum(errors, `${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies)
  validateResources(errors, container.resources, `${path}.resources`, context.claimNames)
  if (container.resizePolicy) validateResizePolicy(errors, container.resizePolicy, `${path}.resizePolicy`)
  if (container.restartPolicy !== undefined || container.restartPolicyRules) validateRestartRules(errors, container, path)
  validateSecurityContext(errors, container.securityContext, `${path}.securityContext`, context.hasHostUsers)
}

const protocols = ['SCTP', 'TCP', 'UDP']

function validatePorts(errors: Errors, ports: readonly ContainerPort[], path: string): void {
  for (let i = 0; i < ports.length; i++) {
    const port = ports[i]!
    const at = `${path}[${i}]`
    if (port.name) {
      const messages = portName(port.name)
      for (const message of messages) errors.push(fieldErrors.invalid(`${at}.name`, port.name, message))
      if (messages.length === 0 && isNameTaken(ports, i)) errors.push(fieldErrors.duplicate(`${at}.name`, port.name))
    }
    checkRequiredPort(errors, `${at}.containerPort`, port.containerPort)
    if (port.hostPort) checkPort(errors, `${at}.hostPort`, port.hostPort)
    checkEnum(errors, `${at}.protocol`, port.protocol, protocols)
  }
}

function checkHostPortConflicts(errors: Errors, containers: readonly Container[], path: string): void {
  let taken: Set<string> | undefined
  containers.forEach((container, i) => {
    container.ports?.forEach((port, k) => {
      if (!port.hostPort) return
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
      taken ??= new Set()
      if (taken.has(key)) errors.push(fieldErrors.duplicate(`${path}[${i}].ports[${k}].hostPort`, key))
      else taken.add(key)
    })
  })
}

/** On the host's network a container has no other port than the host's. */
export function validateHostNetworkPorts(errors: Errors, containers: readonly Container[] | undefined, path: string): void {
  containers?.forEach((container, i) => {
    container.ports?.forEach((port, k) => {
      if (port.hostPort && port.hostPort !== port.containerPort)
        errors.push(
          fieldErrors.invalid(
            `${path}[${i}].ports[${k}].containerPort`,
            port.containerPort,
            'must match `hostPort` when `hostNetwork` is true',
          ),
        )
    })
  })
}

function validateResizePolicy(errors: Errors, policies: NonNullable<Container['resizePolicy']>, path: string): void {
  const names = new Set<string>()
  for (const { resourceName, restartPolicy } of policies) {
    if (names.has(resourceName)) errors.push(fieldErrors.duplicate(path, resourceName))
    names.add(resourceName)
    if (checkRequired(errors, path, resourceName) && resourceName !== 'cpu' && resourceName !== 'memory')
      errors.push(fieldErrors.notSupported(path, resourceName, ['cpu', 'memory']))
    checkEnum(errors, path, restartPolicy, ['NotRequired', 'RestartContainer'])
  }
}

const restartPolicies = ['Always', 'Never', 'OnFailure']
const ruleOperators = ['In', 'NotIn']

function validateRestartRules(errors: Errors, container: Container, path: string): void {
  const { restartPolicy, restartPolicyRules } = container
  if (restartPolicy !== undefined && !restartPolicies.includes(restartPolicy))
    errors.push(fieldErrors.notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies))
  if (!restartPolicyRules?.length) return
  if (!restartPolicy) errors.push(fieldErrors.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'))
  if (restartPolicyRules.length > 20) errors.push(fieldErrors.tooMany(`${path}.restartPolicyRules`, restartPolicyRules.length, 20))
  restartPolicyRules.forEach((rule, i) => {
    const at = `${path}.restartPolicyRules[${i}]`
    checkEnum(errors, `${at}.action`, rule.action, ['Restart', 'RestartAllContainers'])
    if (!rule.exitCodes) errors.push(fieldErrors.required(`${at}.exitCodes`, 'must be specified'))
    else checkEnum(errors, `${at}.exitCodes.operator`, rule.exitCodes.operator, ruleOperators)
  })
}

function isNameTaken(items: readonly { readonly name?: string }[], index: number): boolean {
  for (let i = 0; i < index; i++) if (items[i]!.name === items[index]!.name) return true
  return false
}
