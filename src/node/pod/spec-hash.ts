import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodContainer } from './pod-view.ts'
import { restartTokenOf } from './run-state.ts'

/**
 * What makes a running container obsolete: another image, or a restart asked for since it was created. The other fields of a
 * container cannot change in a pod (resources are resized in place), so they are left out and an agent of another version
 * does not restart everything because it hashes differently.
 */
export function specHashOf(pod: Pod, { container, role }: PodContainer): string {
  const token = role === 'app' ? restartTokenOf(pod) : ''
  return fnv1a(token ? `${container.name}\n${container.image}\n${token}` : `${container.name}\n${container.image}`)
}

function fnv1a(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
