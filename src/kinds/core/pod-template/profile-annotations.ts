import type { AppArmorProfile, Pod } from '../../generated/types/core-v1.ts'
import { forEachContainer } from './each-container.ts'

export const seccompPodKey = 'seccomp.security.alpha.kubernetes.io/pod'
export const seccompContainerKeyPrefix = 'container.seccomp.security.alpha.kubernetes.io/'
export const appArmorKeyPrefix = 'container.apparmor.security.beta.kubernetes.io/'

/**
 * On creation the deprecated annotation becomes the field that took its place, unless the pod says the same for all its containers.
 * Source: https://kubernetes.io/docs/tutorials/security/apparmor/#specifying-apparmor-confinement
 */
export function appArmorFieldsFromAnnotations({ spec, metadata }: Pod, warn: (message: string) => void): void {
  if (!spec || spec.os?.name === 'windows' || !metadata.annotations) return
  const ofPod = spec.securityContext?.appArmorProfile
  forEachContainer(spec, '', (container) => {
    const key = `${appArmorKeyPrefix}${container.name}`
    const text = metadata.annotations?.[key]
    if (text === undefined || container.securityContext?.appArmorProfile) return
    const profile = appArmorProfileOf(text)
    if (profile && ofPod?.type === profile.type && ofPod.localhostProfile === profile.localhostProfile) return
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    warn(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`)
  })
}

const localhostNameLengthMax = 4095

/** The profile that an annotation names; undefined for one that is none. */
export function appArmorProfileOf(text: string): AppArmorProfile | undefined {
  if (text === 'unconfined') return { type: 'Unconfined' }
  if (text === 'runtime/default') return { type: 'RuntimeDefault' }
  const name = text.startsWith('localhost/') ? text.slice('localhost/'.length) : ''
  const isName = name !== '' && name.trim() === name && name.length <= localhostNameLengthMax
  return isName ? { type: 'Localhost', localhostProfile: name } : undefined
}
