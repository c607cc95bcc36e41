import type { KindDefinition } from '../../kinds/kind.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { shareValue } from '../../machinery/shared-value.ts'

type HasSpec = KubeObject & { spec?: unknown }

/** The pods of one workload differ in their metadata only: they get one spec together. Nothing may change the spec from here on. */
export function shareSpec({ sharesSpec }: KindDefinition, object: HasSpec): void {
  if (sharesSpec && typeof object.spec === 'object' && object.spec !== null) object.spec = shareValue(object.spec)
}

/**
 * Gives an object whose spec a change left as it was the stored spec itself, so that nothing need be filled in, compared or encoded of it.
 * What is given back is `old` with that spec; undefined: the spec is another one, or of a kind that does not share.
 */
export function keepUnchangedSpec(kind: KindDefinition, object: HasSpec, old: HasSpec): KubeObject | undefined {
  const { spec } = old
  if (!kind.sharesSpec || typeof spec !== 'object' || spec === null || !deepEqual(object.spec, spec)) return undefined
  object.spec = shareValue(spec)
  const { spec: shared } = object
  return shared === spec ? old : Object.assign({ ...old }, { spec: shared })
}

/** For whoever is about to change an object in place. */
export function unshareSpec(object: HasSpec | undefined): void {
  const { spec } = object ?? {}
  if (object && typeof spec === 'object' && spec !== null) object.spec = deepClone(spec)
}
