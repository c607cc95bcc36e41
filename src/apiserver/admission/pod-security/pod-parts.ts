import type { Container, PodSpec } from '../../../kinds/generated/types/core-v1.ts'
import type { ObjectMeta } from '../../../kinds/generated/types/meta-v1.ts'

/** What of a pod the standards look at. */
export type PodParts = { readonly metadata: ObjectMeta | undefined; readonly spec: PodSpec }

/** Why a pod breaks one rule; undefined: it keeps it. `detail` may be empty. */
export type Violation = { readonly reason: string; readonly detail: string }
export type CheckPod = (pod: PodParts) => Violation | undefined

/** One rule of a Pod Security Standard. `versions`: from which minor version of Kubernetes which form holds, oldest first. */
export type Check = {
  readonly id: string
  readonly versions: readonly (readonly [fromMinor: number, check: CheckPod])[]
  /** Rules of the baseline that this one stands in for, from its own first version on. */
  readonly overrides?: readonly string[]
}

/** Init containers, containers and ephemeral ones, in this order. */
export function containersOf({ spec }: PodParts): Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...((spec.ephemeralContainers ?? []) as Container[])]
}

export const joinQuote = (items: Iterable<string>) => [...items].map((item) => `"${item}"`).join(', ')
export const plural = (singular: string, many: string, count: number) => (count === 1 ? singular : many)
export const named = (names: readonly string[]) => `${plural('container', 'containers', names.length)} ${joinQuote(names)}`
export const sorted = (values: Iterable<string>) => [...new Set(values)].sort()

/** `pod and containers "a", "b"`: who sets something. */
export function setters(isPod: boolean, containers: readonly string[]): string[] {
  return [...(isPod ? ['pod'] : []), ...(containers.length > 0 ? [named(containers)] : [])]
}

/** Names of the containers of which something holds. */
export function containersThat(pod: PodParts, holds: (container: Container) => boolean): string[] {
  return containersOf(pod)
    .filter(holds)
    .map(({ name }) => name)
}
