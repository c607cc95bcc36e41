import type { Taint, Toleration } from '../kinds/generated/types/core-v1.ts'

export const taintKeys = {
  notReady: 'node.kubernetes.io/not-ready',
  unreachable: 'node.kubernetes.io/unreachable',
  unschedulable: 'node.kubernetes.io/unschedulable',
  memoryPressure: 'node.kubernetes.io/memory-pressure',
  diskPressure: 'node.kubernetes.io/disk-pressure',
  pidPressure: 'node.kubernetes.io/pid-pressure',
  networkUnavailable: 'node.kubernetes.io/network-unavailable',
  /** Set by an administrator: the machine is off for good, its pods may be forgotten. */
  outOfService: 'node.kubernetes.io/out-of-service',
} as const

/** Whether a toleration covers a taint (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/). */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator || 'Equal') {
    case 'Exists':
      return true
    case 'Equal':
      return toleration.key !== undefined && toleration.key !== '' && (toleration.value ?? '') === (taint.value ?? '')
    case 'Gt':
      return isNumber(toleration.value) && isNumber(taint.value) && Number(taint.value) > Number(toleration.value)
    case 'Lt':
      return isNumber(toleration.value) && isNumber(taint.value) && Number(taint.value) < Number(toleration.value)
    default:
      return false
  }
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^-?(0|[1-9][0-9]*)$/.test(text)
}
