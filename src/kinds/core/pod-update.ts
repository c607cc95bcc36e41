import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkRange, checkRequired, type Errors } from '../checks.ts'
import type { Affinity, Container, Pod, PodSpec, Toleration } from '../generated/types/core-v1.ts'
import { internalDiff, internalPodSpec } from '../internal-form.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { validateNodeAffinityChange, validateNodeSelectorChange } from './pod-gated-update.ts'
import { checkImageBlanks } from './pod-template/validate-containers.ts'
import { appArmorKeyPrefix } from './pod-template/profile-annotations.ts'
import { validateTolerations } from './pod-template/validate-placement.ts'
import { mirrorKey, validatePodAnnotations } from './pod-template/validate-pod-annotations.ts'

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
  const errors = validateAnnotationChanges(pod, old)
  const { spec } = pod
  const oldSpec = old.spec
  if (!spec || !oldSpec || spec === oldSpec) return errors
  for (const field of ['containers', 'initContainers'] as const) {
    const containers: readonly Container[] = spec[field] ?? []
    if (containers.length !== (oldSpec[field]?.length ?? 0))
      return [...errors, fieldErrors.forbidden(`spec.${field}`, 'pod updates may not add or remove containers')]
    containers.forEach((container, i) => {
      checkRequired(errors, `spec.${field}[${i}].image`, container.image)
      checkImageBlanks(errors, container, `spec.${field}[${i}]`)
    })
  }
  if (!validateDeadline(errors, spec, oldSpec)) return errors
  validateTolerationAdditions(errors, spec.tolerations ?? [], oldSpec.tolerations ?? [])
  validateGateRemovals(errors, spec, oldSpec)
  if (semanticEqual(spec, oldSpec)) return errors
  let munged = withUpdatableFieldsOf(spec, oldSpec)
  if (oldSpec.schedulingGates?.length) munged = withGatedFieldsOf(errors, munged, oldSpec)
  if (!semanticEqual(munged, oldSpec)) {
    const difference = internalDiff(internalPodSpec(oldSpec), internalPodSpec(munged))
    errors.push(fieldErrors.forbidden('spec', `pod updates may not change fields other than ${updatableFields}\n${difference}`))
  }
  return errors
}

/** Annotations that say what a pod is stay as they are; the others are judged again, as upstream does. */
export function validateAnnotationChanges(pod: Pod, old: Pod): FieldError[] {
  const errors: Errors = []
  const annotations = pod.metadata.annotations ?? {}
  const before = old.metadata.annotations ?? {}
  const refuse = (key: string, detail: string) => errors.push(fieldErrors.forbidden(`metadata.annotations[${key}]`, detail))
  for (const key of Object.keys(before)) {
    if (annotations[key] === before[key]) continue
    if (key.startsWith(appArmorKeyPrefix)) refuse(key, 'may not remove or update AppArmor annotations')
    if (key === mirrorKey) refuse(key, 'may not remove or update mirror pod annotation')
  }
  for (const key of Object.keys(annotations)) {
    if (key in before) continue
    if (key.startsWith(appArmorKeyPrefix)) refuse(key, 'may not add AppArmor annotations')
    if (key === mirrorKey) refuse(key, 'may not add mirror pod annotation')
  }
  if (pod.spec) validatePodAnnotations(errors, annotations, pod.spec, 'metadata.annotations')
  return errors
}

/** False when nothing more is to be said. */
function validateDeadline(errors: Errors, spec: PodSpec, old: PodSpec): boolean {
  const path = 'spec.activeDeadlineSeconds'
  const deadline = spec.activeDeadlineSeconds
  if (deadline === undefined) {
    if (old.activeDeadlineSeconds !== undefined)
      errors.push(fieldErrors.invalid(path, deadline, 'must not update from a positive integer to nil value'))
    return true
  }
  const before = errors.length
  checkRange(errors, path, deadline, 0, int32Max)
  if (errors.length > before) return false
  if (old.activeDeadlineSeconds === undefined || deadline <= old.activeDeadlineSeconds) return true
  errors.push(fieldErrors.invalid(path, deadline, 'must be less than or equal to previous value'))
  return false
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
  validateTolerations(errors, tolerations, 'spec.tolerations')
}

function validateGateRemovals(errors: Errors, spec: PodSpec, old: PodSpec): void {
  spec.schedulingGates?.forEach(({ name }, i) => {
    if (old.schedulingGates?.some((gate) => gate.name === name)) return
    const detail = `only deletion is allowed, but found new scheduling gate '${name ?? ''}'`
    errors.push(fieldErrors.forbidden(`spec.schedulingGates[${i}].name`, detail))
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

/** A pod that nobody schedules yet may become choosier about its node, never less so. */
function withGatedFieldsOf(errors: Errors, spec: PodSpec, old: PodSpec): PodSpec {
  const munged: { -readonly [F in keyof PodSpec]: PodSpec[F] | undefined } = { ...spec }
  if (!semanticEqual(spec.nodeSelector, old.nodeSelector)) {
    errors.push(...validateNodeSelectorChange(spec.nodeSelector, old.nodeSelector))
    munged.nodeSelector = old.nodeSelector
  }
  const nodeAffinity = spec.affinity?.nodeAffinity
  const oldNodeAffinity = old.affinity?.nodeAffinity
  if (!semanticEqual(nodeAffinity, oldNodeAffinity)) {
    errors.push(...validateNodeAffinityChange(nodeAffinity, oldNodeAffinity))
    munged.affinity = withNodeAffinityOf(spec.affinity, old.affinity)
  }
  return munged as PodSpec
}

function withNodeAffinityOf(affinity: Affinity | undefined, old: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _, ...rest } = affinity ?? {}
  if (!old && Object.keys(rest).length === 0) return undefined
  return { ...rest, ...(old?.nodeAffinity ? { nodeAffinity: old.nodeAffinity } : {}) }
}
