import { fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, portName } from '../../../machinery/names.ts'
import { checkEnum, checkPort, checkRequired, checkRequiredName, checkRequiredPort, type Errors } from '../../checks.ts'
import type { Container, ContainerPort, EphemeralContainer, PodSpec, Volume } from '../../generated/types/core-v1.ts'
import { isSidecar } from '../../pod-requests.ts'
import { validateEnv, validateEnvFrom } from './validate-env.ts'
import { validateMounts } from './validate-mounts.ts'
import { type HandlerContext, validateLifecycle, validateProbes } from './validate-probes.ts'
import { validateResources } from './validate-resources.ts'
import { validateResizePolicy, validateRestartRules } from './validate-restarts.ts'
import { validateSecurityContext } from './validate-security-context.ts'

/** What containers are checked against. */
export type ContainerContext = HandlerContext & {
  readonly volumes: ReadonlyMap<string, Volume>
  readonly claimNames: readonly string[]
  readonly hasHostUsers: boolean
  readonly restartPolicy: string | undefined
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
    if (isNameTaken(containers, i)) errors.push(fieldErrors.duplicate(`${at}.name`, container.name ?? ''))
    if (container.lifecycle) validateLifecycle(errors, container.lifecycle, context, `${at}.lifecycle`)
    validateProbes(errors, container, context, at)
    validateRestartRules(errors, container, at)
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
    validateRestartRules(errors, container, at)
    const name = container.name ?? ''
    if ((name !== '' && isNameTaken(initContainers, i)) || containers.some((c) => (c.name ?? '') === name))
      errors.push(fieldErrors.duplicate(`${at}.name`, name))
    // They run one after another; upstream counts each as the first of its list.
    checkHostPortConflicts(errors, [container], path)
    if (isSidecar(container)) {
      if (container.lifecycle) validateLifecycle(errors, container.lifecycle, context, `${at}.lifecycle`)
      validateProbes(errors, container, context, at)
      return
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] !== undefined)
        errors.push(fieldErrors.forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))
    }
    container.resizePolicy?.forEach(({ restartPolicy }, k) => {
      if (restartPolicy === 'RestartContainer')
        errors.push(
          fieldErrors.invalid(
            `${at}.resizePolicy[${k}].restartPolicy`,
            restartPolicy,
            "must not be set to 'RestartContainer' for non-sidecar initContainers",
          ),
        )
    })
  })
}

/** What makes no sense in a container that joins a running pod. */
const forbiddenInEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const

function validateEphemeralContainers(errors: Errors, spec: PodSpec, context: ContainerContext, path: string): void {
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const containers = spec.ephemeralContainers ?? []
  containers.forEach((container, i) => {
    const at = `${path}[${i}]`
    validateContainer(errors, container, context, at)
    checkImageBlanks(errors, container, at)
    if (isNameTaken(containers, i) || others.some((c) => (c.name ?? '') === (container.name ?? '')))
      errors.push(fieldErrors.duplicate(`${at}.name`, container.name ?? ''))
    const target = container.targetContainerName
    if (target && !others.some((c) => c.name === target)) errors.push(fieldErrors.notFound(`${at}.targetContainerName`, target))
    for (const field of forbiddenInEphemeral)
      if (isGiven(container[field])) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container'))
    container.volumeMounts?.forEach((mount, k) => {
      for (const field of ['subPath', 'subPathExpr'] as const)
        if (mount[field])
          errors.push(fieldErrors.forbidden(`${at}.volumeMounts[${k}].${field}`, 'cannot be set for an Ephemeral Container'))
    })
  })
}

/** Resources are always there; they count when something is in them. */
function isGiven(value: unknown): boolean {
  return value !== undefined && (Array.isArray(value) || typeof value !== 'object' || Object.keys(value as object).length > 0)
}

const terminationPolicies = ['File', 'FallbackToLogsOnError']
const pullPolicies = ['Always', 'IfNotPresent', 'Never']

/** What holds of every container, in pods and templates. */
function validateContainer(errors: Errors, container: Container | EphemeralContainer, context: ContainerContext, path: string): void {
  checkRequiredName(errors, `${path}.name`, container.name, dns1123Label)
  checkRequired(errors, `${path}.image`, container.image)
  checkEnum(errors, `${path}.terminationMessagePolicy`, container.terminationMessagePolicy, terminationPolicies)
  if (container.ports) validatePorts(errors, container.ports, `${path}.ports`)
  validateEnv(errors, container.env, `${path}.env`)
  validateEnvFrom(errors, container.envFrom, `${path}.envFrom`)
  validateMounts(errors, container, context.volumes, path)
  checkEnum(errors, `${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies)
  validateResources(errors, container.resources, `${path}.resources`, context.claimNames)
  if (container.resizePolicy) validateResizePolicy(errors, container.resizePolicy, `${path}.resizePolicy`, context.restartPolicy)
  validateSecurityContext(errors, container.securityContext, `${path}.securityContext`, context.hasHostUsers)
}

/** In pods, not in templates, an image has no blanks around it. */
export function checkImageBlanks(errors: Errors, { image = '' }: Container | EphemeralContainer, path: string): void {
  if (image.trim() !== image) errors.push(fieldErrors.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'))
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

/** On the host's network a container has no other port than the host's; a template may leave it to the pod's defaults. */
export function validateHostNetworkPorts(errors: Errors, containers: readonly Container[], path: string, isPod: boolean): void {
  containers.forEach((container, i) => {
    container.ports?.forEach(({ hostPort = 0, containerPort }, k) => {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort)
        errors.push(
          fieldErrors.invalid(`${path}[${i}].ports[${k}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'),
        )
    })
  })
}

function isNameTaken(items: readonly { readonly name?: string }[], index: number): boolean {
  for (let i = 0; i < index; i++) if ((items[i]!.name ?? '') === (items[index]!.name ?? '')) return true
  return false
}
