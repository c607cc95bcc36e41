import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ControllerRevision } from '../kinds/generated/types/apps-v1.ts'
import type { PodTemplateSpec } from '../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import { deepClone } from '../machinery/deep-clone.ts'
import type { Selector } from '../machinery/label-selector.ts'
import { controllerOf, type KubeObject } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { LoopContext } from './contract.ts'
import { controlledBy, controllerReference, orphansIn, performClaims, planClaims } from './ownership.ts'
import { templateHash, templatesEqual } from './template-hash.ts'

const { controllerRevisions } = kindRefs.appsV1

/** A revision's data is a patch that brings its template back, as `kubectl rollout undo` applies it. */
type RevisionData = { readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: 'replace' } } }

export function templateOfRevision(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data as RevisionData).spec.template
  return template
}

export type HistoryInput = {
  readonly owner: KubeObject
  readonly ownerKind: KindRef
  readonly template: PodTemplateSpec
  readonly collisionCount: number
  /** The owner's own revisions. */
  readonly revisions: readonly ControllerRevision[]
  /** The label that carries the template's hash. Default `controller.kubernetes.io/hash`. */
  readonly hashLabel?: string
}

export type HistoryPlan =
  | { readonly type: 'present'; readonly revision: ControllerRevision }
  /** The template was there before: its revision becomes the newest. */
  | { readonly type: 'renumber'; readonly revision: ControllerRevision }
  | { readonly type: 'create'; readonly revision: ControllerRevision }

/** The revision of the present template. Pure. */
export function planHistory(input: HistoryInput): HistoryPlan {
  const { owner, ownerKind, template, collisionCount, revisions, hashLabel = 'controller.kubernetes.io/hash' } = input
  const newest = Math.max(0, ...revisions.map(({ revision }) => revision))
  const equal = revisions
    .filter((revision) => templatesEqual(templateOfRevision(revision), template))
    .sort((a, b) => b.revision - a.revision)[0]
  if (equal)
    return equal.revision === newest
      ? { type: 'present', revision: equal }
      : { type: 'renumber', revision: { ...equal, revision: newest + 1 } }
  const hash = templateHash(template, collisionCount)
  const { name = '', namespace, annotations } = owner.metadata
  const revision: ControllerRevision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace ? { namespace } : {}),
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      // The change's cause among them, which `kubectl rollout history` shows.
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ownerReferences: [controllerReference(ownerKind, owner)],
    },
    data: { spec: { template: { ...deepClone(template), $patch: 'replace' } } } satisfies RevisionData,
    revision: newest + 1,
  }
  return { type: 'create', revision }
}

/** Carries the plan out. Undefined: the name is taken by a stranger; try again with a higher collision count. */
export async function performHistory(context: LoopContext, plan: HistoryPlan): Promise<ControllerRevision | undefined> {
  const resource = context.client.resource(controllerRevisions, plan.revision.metadata.namespace)
  if (plan.type === 'present') return plan.revision
  if (plan.type === 'renumber') return resource.update(plan.revision)
  try {
    return await resource.create(plan.revision)
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error
    // Read live: it may be our own from a moment ago, whose answer was lost.
    const existing = await resource.get(plan.revision.metadata.name ?? '')
    const isOurs =
      controllerOf(existing)?.uid === controllerOf(plan.revision)?.uid &&
      templatesEqual(templateOfRevision(existing), templateOfRevision(plan.revision))
    return isOurs ? existing : undefined
  }
}

/** The owner's revisions. Those that an owner of the same selector left behind are adopted, so that its pods stay what they are. */
export function claimRevisions(
  context: LoopContext,
  ownerKind: KindRef,
  owner: KubeObject,
  selector: Selector,
): Promise<readonly ControllerRevision[]> {
  const informer = context.informer(controllerRevisions)
  const claims = planClaims({
    owner,
    selector,
    controlled: controlledBy(informer, owner.metadata.uid),
    orphans: orphansIn(informer, owner.metadata.namespace ?? ''),
  })
  // What it controls stays its own whatever its labels say: history is not a matter of selection.
  const kept = { ...claims, owned: [...claims.owned, ...claims.release], release: [] }
  return performClaims({ client: context.client, ownerKind, owner, kind: controllerRevisions }, kept)
}

/** Revisions beyond the limit that nothing uses, the oldest first. Pure. */
export function planHistoryCleanup(
  revisions: readonly ControllerRevision[],
  live: ReadonlySet<string>,
  limit: number,
): readonly ControllerRevision[] {
  const unused = revisions.filter(({ metadata }) => !live.has(metadata.name ?? '')).sort((a, b) => a.revision - b.revision)
  // A negative limit keeps them all.
  return limit < 0 ? [] : unused.slice(0, Math.max(0, unused.length - limit))
}
