import type { KindDefinition } from '../kinds/kind.ts'
import type { KubeObject } from '../machinery/object.ts'
import { shareValue } from '../machinery/shared-value.ts'

/** The pods of one workload differ in their metadata only: they get one spec together. Nothing may change the spec from here on. */
export function shareSpec({ sharesSpec }: KindDefinition, object: KubeObject): void {
  const holder = object as { spec?: unknown }
  if (sharesSpec && typeof holder.spec === 'object' && holder.spec !== null) holder.spec = shareValue(holder.spec)
}
