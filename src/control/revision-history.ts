import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ControllerRevision } from '../kinds/generated/types/apps-v1.ts'
import type { PodTemplateSpec } from '../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import { deepClone } from '../machinery/deep-clone.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isStatus } from '../machinery/status-error.ts'
import type { LoopContext } from './contract.ts'
import { controllerReference } from './ownership.ts'
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
}

export type HistoryPlan =
  | { readonly type: 'present'; readonly revision: ControllerRevision }
  /** The template was there before: its revision becomes the newest. */
  | { readonly type: 'renumber'; readonly revision: ControllerRevision }
  | { readonly type: 'create'; readonly revision: ControllerRevision }

/** The revision of the present template. Pure. */
export function planHistory({ owner, ownerKind, template, collisionCount, revisions }: HistoryInput): HistoryPlan {
  const newest = Math.max(0, ...revisions.map(({ revision }) => revision))
  const equal = revisions
    .filter((revision) => templatesEqual(templateOfRevision(revision), template))
    .sort((a, b) => b.revision - a.revision)[0]
  if (equal)
    return equal.revision === newest
      ? { type: 'present', revision: equal }
      : { type: 'renumber', revision: { ...equal, revision: newest + 1 } }
  const hash = templateHash(template, collisionCount)
  const { name = '', namespace } = owner.metadata
  const revision: ControllerRevision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace ? { namespace } : {}),
      labels: { ...template.metadata?.labels, 'controller.kubernetes.io/hash': hash },
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
    if (isStatus(error, 'AlreadyExists')) return undefined
    throw error
  }
}

/** Revisions beyond the limit that nothing uses, the oldest first. Pure. */
export function planHistoryCleanup(
  revisions: readonly ControllerRevision[],
  live: ReadonlySet<string>,
  limit: number,
): readonly ControllerRevision[] {
  const unused = revisions.filter(({ metadata }) => !live.has(metadata.name ?? '')).sort((a, b) => a.revision - b.revision)
  return unused.slice(0, Math.max(0, unused.length - limit))
}
