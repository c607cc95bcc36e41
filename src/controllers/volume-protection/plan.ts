/** Finalizers that keep a claim while a pod uses it, and a volume while a claim is bound to it. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'

/** `add` is what admission does for new objects; here for those that it never saw. Undefined: nothing to do. */
export function planProtection(object: KubeObject, finalizer: string, isUsed: boolean): readonly string[] | undefined {
  const { finalizers = [], deletionTimestamp } = object.metadata
  const isProtected = finalizers.includes(finalizer)
  if (deletionTimestamp) return isProtected && !isUsed ? finalizers.filter((other) => other !== finalizer) : undefined
  return isProtected ? undefined : [...finalizers, finalizer]
}

/** A pod without a node holds nothing: it cannot start with a claim that is being deleted. */
export function usesClaim(pod: Pod): boolean {
  return Boolean(pod.spec?.nodeName) && !(pod.metadata.deletionTimestamp && pod.metadata.deletionGracePeriodSeconds === 0)
}

/** The classes that a claim or volume has, wants, or is being changed to. */
export function attributesClassesOf(object: KubeObject): readonly string[] {
  const { spec, status } = object as PersistentVolumeClaim
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]
  return [...new Set(names)].filter((name): name is string => Boolean(name))
}

export const isBound = ({ status }: PersistentVolume): boolean => status?.phase === 'Bound'
