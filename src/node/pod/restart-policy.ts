import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodContainer } from './pod-view.ts'

/** The policy that a container lives under: its own where it has one, else the pod's. Init containers never run again after success. */
export function restartPolicyOf(pod: Pod, { container, role }: PodContainer): 'Always' | 'OnFailure' | 'Never' {
  if (role === 'ephemeral') return 'Never'
  if (role === 'sidecar') return 'Always'
  const own = container.restartPolicy
  const policy = own === 'Always' || own === 'OnFailure' || own === 'Never' ? own : (pod.spec?.restartPolicy ?? 'Always')
  return role === 'init' && policy === 'Always' ? 'OnFailure' : policy
}

/** Whether a container that ended with `exitCode` runs again: its restart rules first, then its policy. */
export function restartsAfter(pod: Pod, podContainer: PodContainer, exitCode: number): boolean {
  for (const rule of podContainer.container.restartPolicyRules ?? []) {
    const values = rule.exitCodes?.values ?? []
    const isIn = values.includes(exitCode)
    if (rule.exitCodes && (rule.exitCodes.operator === 'NotIn' ? !isIn : isIn)) return rule.action === 'Restart'
  }
  switch (restartPolicyOf(pod, podContainer)) {
    case 'Always':
      return true
    case 'OnFailure':
      return exitCode !== 0
    case 'Never':
      return false
  }
}
