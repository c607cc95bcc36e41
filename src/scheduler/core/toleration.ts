import type { Taint, Toleration } from '../../kinds/generated/types/core-v1.ts'

/** Source: kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator ?? 'Equal') {
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '')
    case 'Exists':
      return true
    case 'Gt':
      return compare(taint.value, toleration.value, (a, b) => a > b)
    case 'Lt':
      return compare(taint.value, toleration.value, (a, b) => a < b)
    default:
      return false
  }
}

function compare(taint: string | undefined, bound: string | undefined, holds: (a: bigint, b: bigint) => boolean): boolean {
  const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?[0-9]{1,19}$/.test(text)
  return isInteger(taint) && isInteger(bound) && holds(BigInt(taint), BigInt(bound))
}

/** The first taint that keeps pods off and that none of the tolerations accepts. */
export function untoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[]): Taint | undefined {
  return taints?.find((t) => isIntolerable(t, tolerations))
}

/** Whether the taint keeps off a pod with these tolerations. */
export function isIntolerable(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerations.some((o) => tolerates(o, taint))
}
