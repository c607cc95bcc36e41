import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkRange, type Errors } from '../checks.ts'
import type { Container, Pod, PodSpec, Toleration } from '../generated/types/core-v1.ts'
import { specDiff } from '../spec-diff.ts'
import { validateNodeSelectorTightening } from './pod-gated-update.ts'

const int32Max = 2147483647

const updatableFields = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

/** What an update of a pod may change: images, the deadline downwards, more tolerations, fewer scheduling gates. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const { spec } = pod
  const oldSpec = old.spec
  if (!spec || !oldSpec || spec === oldSpec) return []
  const errors: Errors = []
  for (const field of ['containers', 'initContainers'] as const) {
    if ((spec[field]?.length ?? 0) === (oldSpec[field]?.length ?? 0)) continue
    errors.push(fieldErrors.forbidden(`spec.${field}`, 'pod updates may not add or remove containers'))
    return errors
  }
  validateDeadline(errors, spec, oldSpec)
  validateTolerationAdditions(errors, spec.tolerations ?? [], oldSpec.tolerations ?? [])
  validateGateRemovals(errors, spec, oldSpec)
  const munged = withUpdatableFieldsOf(spec, oldSpec)
  if (deepEqual(munged, oldSpec)) return errors
  const isGated = (oldSpec.schedulingGates?.length ?? 0) > 0
  if (isGated) {
    // A pod that nobody schedules yet may become choosier about its node, never less so.
    errors.push(...validateNodeSelectorTightening(spec, oldSpec))
    munged.nodeSelector = oldSpec.nodeSelector as Record<string, string>
    munged.affinity = withNodeAffinityOf(munged.affinity, oldSpec.affinity)
  }
  if (!deepEqual(munged, oldSpec))
    errors.push(
      fieldErrors.forbidden('spec', `pod updates may not change fields other than ${updatableFields}\n${specDiff(oldSpec, munged)}`),
    )
  return errors
}

/** What a write of the status may not do: change the node's name, take a finished container back, forget the QoS class. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: Errors = []
  const status = pod.status ?? {}
  if (old.status?.qosClass && status.qosClass !== old.status.qosClass)
    errors.push(...immutableField(status.qosClass, old.status.qosClass, 'status.qosClass'))
  if (pod.spec?.nodeName !== old.spec?.nodeName) errors.push(...immutableField(pod.spec?.nodeName, old.spec?.nodeName, 'spec.nodeName'))
  validateNoRevival(errors, pod, old)
  const ips = status.podIPs ?? []
  if (ips.length > 2) errors.push(fieldErrors.invalid('status.podIPs', ips, 'may specify no more than one IP for each IP family'))
  if (status.podIP && ips.length > 0 && ips[0]!.ip !== status.podIP)
    errors.push(fieldErrors.invalid('status.podIPs', ips, 'podIP must be the first of podIPs'))
  return errors
}

function validateNoRevival(errors: Errors, pod: Pod, old: Pod): void {
  const policy = old.spec?.restartPolicy
  if (policy === 'Always' || isRunStateManaged(pod)) return
  old.status?.containerStatuses?.forEach((before) => {
    const terminated = before.state?.terminated
    if (!terminated || (policy === 'OnFailure' && terminated.exitCode !== 0)) return
    const spec = old.spec?.containers?.find((c) => c.name === before.name)
    if (spec?.restartPolicy !== undefined || spec?.restartPolicyRules?.length) return
    const index = pod.status?.containerStatuses?.findIndex((s) => s.name === before.name) ?? -1
    const after = pod.status?.containerStatuses?.[index]
    if (after && !after.state?.terminated)
      errors.push(fieldErrors.forbidden(`status.containerStatuses[${index}].state`, 'may not be transitioned to non-terminated state'))
  })
}

/** A pod that was stopped and is started again, or restarted, runs ended containers anew: Keelson's own exception. */
function isRunStateManaged(pod: Pod): boolean {
  const annotations = pod.metadata.annotations
  return annotations?.['keelson.dev/run-state'] !== undefined || annotations?.['keelson.dev/restart-requested-at'] !== undefined
}

function validateDeadline(errors: Errors, spec: PodSpec, old: PodSpec): void {
  const path = 'spec.activeDeadlineSeconds'
  const deadline = spec.activeDeadlineSeconds
  if (deadline === undefined) {
    if (old.activeDeadlineSeconds !== undefined)
      errors.push(fieldErrors.invalid(path, deadline, 'must not update from a positive integer to nil value'))
    return
  }
  if (deadline < 0 || deadline > int32Max) checkRange(errors, path, deadline, 0, int32Max)
  else if (old.activeDeadlineSeconds !== undefined && deadline > old.activeDeadlineSeconds)
    errors.push(fieldErrors.invalid(path, deadline, 'must be less than or equal to previous value'))
}

function validateTolerationAdditions(errors: Errors, tolerations: readonly Toleration[], old: readonly Toleration[]): void {
  const isSame = (a: Toleration | undefined, b: Toleration) =>
    a?.key === b.key && a?.value === b.value && a?.operator === b.operator && a?.effect === b.effect
  for (const [i, before] of old.entries()) {
    // Most stay in their place: a long list is not searched for each.
    if (isSame(tolerations[i], before) || tolerations.some((after) => isSame(after, before))) continue
    errors.push(fieldErrors.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
    return
  }
}

function validateGateRemovals(errors: Errors, spec: PodSpec, old: PodSpec): void {
  spec.schedulingGates?.forEach(({ name }, i) => {
    if (!old.schedulingGates?.some((gate) => gate.name === name))
      errors.push(
        fieldErrors.forbidden(`spec.schedulingGates[${i}]`, `only deletion is allowed, but found new scheduling gate '${name ?? ''}'`),
      )
  })
}

/** The new spec with the old one's values wherever a change is allowed: what remains different was not. */
function withUpdatableFieldsOf(spec: PodSpec, old: PodSpec): PodSpec {
  const munged: Record<string, unknown> = { ...spec }
  if (spec.containers) munged.containers = withImagesOf(spec.containers, old.containers ?? [])
  if (spec.initContainers) munged.initContainers = withImagesOf(spec.initContainers, old.initContainers ?? [])
  munged.activeDeadlineSeconds = old.activeDeadlineSeconds
  munged.tolerations = old.tolerations
  munged.schedulingGates = old.schedulingGates
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1)
    munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds
  return munged as PodSpec
}

function withImagesOf(containers: readonly Container[], old: readonly Container[]): Container[] {
  return containers.map((container, i) => {
    const image = old[i]?.image
    return { ...container, ...(image === undefined ? {} : { image }) }
  })
}

function withNodeAffinityOf(affinity: PodSpec['affinity'], old: PodSpec['affinity']): PodSpec['affinity'] {
  if (!affinity) return old
  const { nodeAffinity: _, ...rest } = affinity
  const merged = { ...rest, ...(old?.nodeAffinity ? { nodeAffinity: old.nodeAffinity } : {}) }
  return Object.keys(merged).length === 0 ? old : merged
}
