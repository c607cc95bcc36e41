import { fieldErrors } from '../../machinery/field-error.ts'
import { checkId, type Errors } from '../checks.ts'
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from '../generated/types/core-v1.ts'
import { matchingRestartRule, mayRestartAllContainers } from '../restart-rules.ts'

type StatusList = 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses'

/** A container that ended stays so, unless its pod, or a rule of its own, lets it start again. */
export function validateNoRevival(errors: Errors, pod: Pod, old: Pod): void {
  if (isRunStateManaged(pod)) return
  const spec: PodSpec = old.spec ?? { containers: [] }
  const allMayRestart = mayRestartAllContainers(spec)
  const mayRestart = (containers: readonly Container[] | undefined, name: string, exitCode: number): boolean => {
    if (allMayRestart) return true
    const container = containers?.find((one) => one.name === name)
    return container !== undefined && restartsAfter(container, spec, exitCode)
  }
  checkRevivals(errors, pod, old, 'containerStatuses', (name, code) => mayRestart(spec.containers, name, code))
  checkRevivals(errors, pod, old, 'initContainerStatuses', (name, code) => mayRestart(spec.initContainers, name, code))
  checkRevivals(errors, pod, old, 'ephemeralContainerStatuses', () => false)
}

function checkRevivals(
  errors: Errors,
  pod: Pod,
  old: Pod,
  list: StatusList,
  mayRestart: (name: string, exitCode: number) => boolean,
): void {
  old.status?.[list]?.forEach(({ name, state }, i) => {
    if (!state?.terminated) return
    const next = pod.status?.[list]?.find((one) => one.name === name && !one.state?.terminated)
    if (next && !mayRestart(name, state.terminated.exitCode))
      errors.push(fieldErrors.forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'))
  })
}

/** The container's first matching rule, else its own policy, else the pod's. */
function restartsAfter(container: Container, { restartPolicy }: PodSpec, exitCode: number): boolean {
  if (container.restartPolicy !== undefined && matchingRestartRule(container, exitCode)) return true
  const policy = container.restartPolicy ?? restartPolicy
  return policy === 'OnFailure' ? exitCode !== 0 : policy !== 'Never'
}

/** A pod that was stopped and is started again, or restarted, runs ended containers anew: Keelson's own exception. */
function isRunStateManaged(pod: Pod): boolean {
  const annotations = pod.metadata.annotations
  return annotations?.['keelson.dev/run-state'] !== undefined || annotations?.['keelson.dev/restart-requested-at'] !== undefined
}

const lists: readonly StatusList[] = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']

/** Users and the health of devices that the statuses tell of. */
export function validateContainerStatuses(errors: Errors, status: PodStatus, spec: PodSpec): void {
  for (const list of lists) status[list]?.forEach((one, i) => validateUser(errors, one, spec, `status.${list}[${i}].user.linux`))
  const healthOf = (list: StatusList, containers: readonly Container[] | undefined) =>
    status[list]?.forEach((one, i) =>
      validateHealth(
        errors,
        one,
        containers?.find(({ name }) => name === one.name),
        `status.${list}[${i}].allocatedResourcesStatus`,
      ),
    )
  healthOf('containerStatuses', spec.containers)
  healthOf('initContainerStatuses', spec.initContainers)
  status.ephemeralContainerStatuses?.forEach(({ allocatedResourcesStatus }, i) => {
    if (allocatedResourcesStatus?.length)
      errors.push(
        fieldErrors.forbidden(
          `status.ephemeralContainerStatuses[${i}].allocatedResourcesStatus`,
          'must not be specified in container status',
        ),
      )
  })
}

function validateUser(errors: Errors, { user }: ContainerStatus, { os }: PodSpec, path: string): void {
  if (!user?.linux) return
  if (os?.name === 'windows') {
    errors.push(fieldErrors.forbidden(path, 'cannot be set for a windows pod'))
    return
  }
  checkId(errors, `${path}.uid`, user.linux.uid)
  checkId(errors, `${path}.gid`, user.linux.gid)
  user.linux.supplementalGroups?.forEach((group, i) => checkId(errors, `${path}.supplementalGroups[${i}]`, group))
}

const healths = ['Healthy', 'Unhealthy', 'Unknown']
const healthMessageLengthMax = 1024
const claimPrefix = 'claim:'

function validateHealth(errors: Errors, status: ContainerStatus, container: Container | undefined, path: string): void {
  status.allocatedResourcesStatus?.forEach(({ name, resources }, i) => {
    const at = `${path}[${i}]`
    if (container && !isAskedFor(container, name)) {
      const expected = name.startsWith(claimPrefix)
        ? "resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
        : 'resource requests'
      errors.push(fieldErrors.invalid(`${at}.name`, name, `must match one of the container's ${expected}`))
    }
    const seen = new Set<string>()
    resources?.forEach(({ resourceID, health, message }, k) => {
      const of = `${at}.resources[${k}]`
      if (!healths.includes(health ?? '')) errors.push(fieldErrors.notSupported(`${of}.health`, health ?? '', healths))
      if (message === '') errors.push(fieldErrors.required(`${of}.message`, 'must be non-empty if specified'))
      else if (message && message.length > healthMessageLengthMax)
        errors.push(fieldErrors.tooLong(`${of}.message`, '', healthMessageLengthMax))
      if (seen.has(resourceID)) errors.push(fieldErrors.duplicate(`${of}.resourceID`, resourceID))
      seen.add(resourceID)
    })
  })
}

function isAskedFor({ resources }: Container, name: string): boolean {
  if (!name.startsWith(claimPrefix)) return resources?.requests?.[name] !== undefined
  return resources?.claims?.some((claim) => `${claimPrefix}${claim.name}${claim.request ? `/${claim.request}` : ''}` === name) ?? false
}
