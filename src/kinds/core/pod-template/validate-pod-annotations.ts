import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { jsonFault } from '../../../machinery/json-fault.ts'
import { checkDescendingPath, type Errors } from '../../checks.ts'
import type { PodSpec, SeccompProfile, Toleration } from '../../generated/types/core-v1.ts'
import { appArmorKeyPrefix, seccompContainerKeyPrefix, seccompPodKey } from './profile-annotations.ts'
import { forEachContainer } from './each-container.ts'
import { validateTolerations } from './validate-placement.ts'

type Annotations = Readonly<Record<string, string>> | undefined

export const mirrorKey = 'kubernetes.io/config.mirror'
const tolerationsKey = 'scheduler.alpha.kubernetes.io/tolerations'
const deletionCostKey = 'controller.kubernetes.io/pod-deletion-cost'

/** Annotations of a pod or a template that mean something to the platform. */
export function validatePodAnnotations(errors: Errors, annotations: Annotations, spec: PodSpec, path: string): void {
  if (!annotations) return
  const mirror = annotations[mirrorKey]
  if (mirror !== undefined && !spec.nodeName)
    errors.push(fieldErrors.invalid(`${path}[${mirrorKey}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'))
  if (annotations[tolerationsKey]) validateTolerationsText(errors, annotations[tolerationsKey], path)
  const cost = annotations[deletionCostKey]
  if (cost !== undefined && !isDeletionCost(cost))
    errors.push(fieldErrors.invalid(`${path}[${deletionCostKey}]`, cost, 'must be a 32bit integer'))
  const ofPod = annotations[seccompPodKey]
  if (ofPod !== undefined) validateSeccompText(errors, ofPod, `${path}.${seccompPodKey}`)
  for (const key in annotations)
    if (key.startsWith(seccompContainerKeyPrefix)) validateSeccompText(errors, annotations[key]!, `${path}.${key}`)
  for (const key in annotations) {
    if (!key.startsWith(appArmorKeyPrefix)) continue
    const name = key.slice(appArmorKeyPrefix.length)
    const profile = annotations[key]!
    if (!hasContainer(spec, name)) errors.push(fieldErrors.invalid(`${path}[${key}]`, name, 'container not found'))
    if (profile !== '' && profile !== 'runtime/default' && profile !== 'unconfined' && !profile.startsWith('localhost/'))
      errors.push(fieldErrors.invalid(`${path}[${key}]`, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`))
  }
}

function validateTolerationsText(errors: Errors, text: string, path: string): void {
  let tolerations: unknown
  try {
    tolerations = JSON.parse(text)
  } catch {
    errors.push(fieldErrors.invalid(path, tolerationsKey, jsonFault(text)))
    return
  }
  if (Array.isArray(tolerations)) validateTolerations(errors, tolerations as Toleration[], `${path}.${tolerationsKey}`)
}

/** 32 bits, without a plus and without zeros in front. */
function isDeletionCost(text: string): boolean {
  return /^(0|-?\d+)$/.test(text) && !/^0\d/.test(text) && Number(text) >= -2147483648 && Number(text) <= 2147483647
}

function validateSeccompText(errors: Errors, profile: string, path: string): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return
  if (profile.startsWith('localhost/')) checkDescendingPath(errors, path, profile.slice('localhost/'.length))
  else errors.push(fieldErrors.invalid(path, profile, 'must be a valid seccomp profile'))
}

function hasContainer(spec: PodSpec, name: string): boolean {
  return [spec.initContainers, spec.containers, spec.ephemeralContainers].some((list) => list?.some((one) => one.name === name))
}

/** Profiles that are given by annotation and by field: both must say the same. */
export function validateProfileAnnotations(errors: Errors, annotations: Annotations, spec: PodSpec, path: string): void {
  if (!annotations) return
  const note = (error: FieldError | undefined) => error && errors.push(error)
  const ofPod = spec.securityContext
  const podText = annotations[seccompPodKey]
  if (podText !== undefined) note(mismatch('seccomp', podText, ofPod?.seccompProfile, `${path}.securityContext.seccompProfile`))
  forEachContainer(spec, path, ({ name, securityContext }, at) => {
    const text = annotations[`${seccompContainerKeyPrefix}${name}`]
    if (text !== undefined) note(mismatch('seccomp', text, securityContext?.seccompProfile, `${at}.securityContext.seccompProfile`))
  })
  if (spec.os?.name === 'windows') return
  forEachContainer(spec, path, ({ name, securityContext }, at) => {
    const text = annotations[`${appArmorKeyPrefix}${name}`]
    const profile = securityContext?.appArmorProfile ?? ofPod?.appArmorProfile
    if (text !== undefined) note(mismatch('apparmor', text, profile, `${at}.securityContext.appArmorProfile`))
  })
}

function mismatch(word: 'seccomp' | 'apparmor', text: string, profile: SeccompProfile | undefined, path: string): FieldError | undefined {
  const otherType = fieldErrors.forbidden(`${path}.type`, `${word} type in annotation and field must match`)
  switch (profile?.type) {
    case 'Unconfined':
      return text === 'unconfined' ? undefined : otherType
    case 'RuntimeDefault':
      return text === 'runtime/default' || (word === 'seccomp' && text === 'docker/default') ? undefined : otherType
    case 'Localhost':
      if (!text.startsWith('localhost/')) return otherType
      if (text.slice('localhost/'.length) === profile.localhostProfile) return undefined
      return fieldErrors.forbidden(`${path}.localhostProfile`, `${word} profile in annotation and field must match`)
    default:
      return undefined
  }
}
