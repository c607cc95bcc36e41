import type { Node } from './generated/types/core-v1.ts'

/** The node's agent says, and said lately enough, that it is ready. */
export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
}
