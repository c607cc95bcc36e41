import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { matchingRestartRule } from '../../kinds/restart-rules.ts'
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
  const action = matchingRestartRule(podContainer.container, exitCode)?.action
  if (action === 'Restart' || action === 'RestartAllContainers') return true
  switch (restartPolicyOf(pod, podContainer)) {
    case 'Always':
      return true
    case 'OnFailure':
      return exitCode !== 0
    case 'Never':
      return false
  }
}
