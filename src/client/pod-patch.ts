import type { PodChange } from './contract.ts'

/** A change of a pod as a strategic patch of its status. */
export function podPatch({ uid, condition, nominatedNodeName }: PodChange): object {
  const nomination = nominatedNodeName === undefined ? {} : { nominatedNodeName: nominatedNodeName || null }
  return { metadata: { uid }, status: { conditions: [condition], ...nomination } }
}
