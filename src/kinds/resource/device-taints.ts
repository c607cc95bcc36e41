import type { DeviceTaint, DeviceToleration } from '../generated/types/resource-v1.ts'

/** Whether the toleration is one of the taint; an empty effect or key stands for any. */
export function toleratesDevice({ key = '', operator = 'Equal', value = '', effect }: DeviceToleration, taint: DeviceTaint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  if (operator === 'Exists') return true
  return key !== '' && value === (taint.value ?? '')
}
