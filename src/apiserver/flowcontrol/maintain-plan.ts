/** What the server writes to the objects of priority and fairness by itself: pure. */
import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration } from '../../kinds/generated/types/flowcontrol-v1.ts'
import { semanticEqual } from '../../kinds/semantic-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { autoUpdateAnnotation, type StartingObject } from './flow-objects.ts'

type Configured = KubeObject & (FlowSchema | PriorityLevelConfiguration)

export type MaintainAction<T> =
  | { readonly type: 'create'; readonly object: T }
  | { readonly type: 'change'; readonly name: string; readonly annotation: string; readonly spec: object | undefined }
  | { readonly type: 'delete'; readonly name: string }

/**
 * Keeps the objects that a cluster starts with: creates what is missing, gives the shipped spec back to mandatory ones and to those that
 * nobody has taken over, and removes those that were shipped once and are not any more. An annotation other than `true` or `false` is
 * decided by whether anybody has changed the spec yet.
 */
export function planMaintenance<T extends Configured>(starting: readonly StartingObject<T>[], current: readonly T[]): MaintainAction<T>[] {
  const actions: MaintainAction<T>[] = []
  const byName = new Map(current.map((object) => [object.metadata.name ?? '', object]))
  for (const { object, isMandatory } of starting) {
    const name = object.metadata.name ?? ''
    const there = byName.get(name)
    if (!there) {
      actions.push({ type: 'create', object })
      continue
    }
    if (there.metadata.deletionTimestamp !== undefined) continue
    const told = there.metadata.annotations?.[autoUpdateAnnotation]
    const isOwn = told === 'true' || (told !== 'false' && (there.metadata.generation ?? 1) === 1)
    const isKept = isMandatory || isOwn
    const annotation = String(isKept)
    const spec = isKept && !isSame(name, object, there) ? object.spec : undefined
    if (told !== annotation || spec !== undefined) actions.push({ type: 'change', name, annotation, spec })
  }
  const shipped = new Set(starting.map(({ object }) => object.metadata.name))
  for (const [name, { metadata }] of byName)
    if (metadata.annotations?.[autoUpdateAnnotation] === 'true' && !shipped.has(name) && metadata.deletionTimestamp === undefined)
      actions.push({ type: 'delete', name })
  return actions
}

/** What `exempt` takes from others is the administrator's to say. */
function isSame(name: string, wanted: Configured, there: Configured): boolean {
  if (name === 'exempt' && wanted.kind === 'PriorityLevelConfiguration')
    return (there as PriorityLevelConfiguration).spec?.type === 'Exempt'
  return semanticEqual(wanted.spec, there.spec)
}

/** The condition that says whether a schema's level is there. Undefined: it is said already. */
export function planDangling(schema: FlowSchema, levels: ReadonlySet<string>, now: string): FlowSchemaCondition[] | undefined {
  const level = schema.spec?.priorityLevelConfiguration.name ?? ''
  const known = schema.status?.conditions ?? []
  const wanted = danglingCondition(level, levels.has(level))
  const before = known.find((c) => c.type === 'Dangling')
  if (before && before.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message) return undefined
  const lastTransitionTime = (before?.status === wanted.status ? before?.lastTransitionTime : undefined) ?? now
  return [...known.filter((c) => c.type !== 'Dangling'), { ...wanted, lastTransitionTime }]
}

export function danglingCondition(level: string, isThere: boolean): FlowSchemaCondition {
  const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  return isThere
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${what} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${what} but there is no such object` }
}
