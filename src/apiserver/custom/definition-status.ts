import { approvalOf, isProtectedGroup } from '../../kinds/apiextensions/api-approval.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from '../../kinds/generated/types/apiextensions-v1.ts'

type Condition = CustomResourceDefinitionCondition
/** The names that are taken in one group by anybody else: of resources (plural, singular, short) and of kinds. */
export type TakenNames = { readonly resources: ReadonlySet<string>; readonly kinds: ReadonlySet<string> }

/** The names of a group that others hold; a name counts once it has been accepted. */
export function takenNames(others: readonly CustomResourceDefinition[], builtIn: readonly CustomResourceDefinitionNames[]): TakenNames {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const names of [...builtIn, ...others.map(({ status }) => status?.acceptedNames)]) {
    if (!names) continue
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name)
    for (const name of [names.kind, names.listKind]) if (name) kinds.add(name)
  }
  return { resources, kinds }
}

/**
 * The status of a definition: the names that it may use and whether it is served. A name that somebody else has is refused, the
 * ones already accepted stay. Pure.
 */
export function planStatus(definition: CustomResourceDefinition, taken: TakenNames, now: string): CustomResourceDefinitionStatus {
  const { names } = definition.spec
  const status = definition.status ?? {}
  const accepted = status.acceptedNames ?? { plural: '', kind: '' }
  const conflicts: { reason: string; message: string }[] = []
  const conflictOf = (name: string | undefined, known: string | undefined, set: ReadonlySet<string>) =>
    !name || name === known || !set.has(name) ? undefined : `${JSON.stringify(name)} is already in use`
  const take = <F extends 'plural' | 'singular' | 'kind' | 'listKind'>(field: F, set: ReadonlySet<string>, reason: string) => {
    const message = conflictOf(names[field], accepted[field], set)
    if (message === undefined) return names[field]
    conflicts.push({ reason, message })
    return accepted[field]
  }
  const plural = take('plural', taken.resources, 'PluralConflict')
  const singular = take('singular', taken.resources, 'SingularConflict')
  const shortConflicts = (names.shortNames ?? []).flatMap((name) =>
    accepted.shortNames?.includes(name) ? [] : (conflictOf(name, undefined, taken.resources) ?? []),
  )
  if (shortConflicts.length > 0) {
    const message = shortConflicts.length === 1 ? shortConflicts[0]! : `[${shortConflicts.join(', ')}]`
    conflicts.push({ reason: 'ShortNamesConflict', message })
  }
  const shortNames = shortConflicts.length > 0 ? accepted.shortNames : names.shortNames
  const kind = take('kind', taken.kinds, 'KindConflict')
  const listKind = take('listKind', taken.kinds, 'ListKindConflict')
  const acceptedNames: CustomResourceDefinitionNames = {
    ...(names.categories ? { categories: names.categories } : {}),
    kind: kind ?? '',
    ...(listKind ? { listKind } : {}),
    plural: plural ?? '',
    ...(shortNames ? { shortNames } : {}),
    ...(singular ? { singular } : {}),
  }
  const conflict = conflicts.at(-1)
  const isAccepted = conflict === undefined
  let conditions = setCondition(
    status.conditions ?? [],
    isAccepted
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...conflict },
    now,
  )
  const { group } = definition.spec
  if (isProtectedGroup(group))
    conditions = setCondition(
      conditions,
      { type: 'KubernetesAPIApprovalPolicyConformant', ...approvalOf(definition.metadata.annotations) },
      now,
    )
  if (isEstablished(definition)) return { ...status, acceptedNames, conditions }
  conditions = setCondition(
    conditions,
    isAccepted
      ? { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    now,
  )
  return { ...status, acceptedNames, conditions }
}

export function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false
}

/** Conditions with one of them set; its time moves with its status only. */
export function setCondition(conditions: readonly Condition[], wanted: Condition, now: string): Condition[] {
  const old = conditions.find(({ type }) => type === wanted.type)
  const lastTransitionTime = old && old.status === wanted.status ? (old.lastTransitionTime ?? now) : now
  const { type, status, reason = '', message = '' } = wanted
  const condition: Condition = { lastTransitionTime, message, reason, status, type }
  return old ? conditions.map((c) => (c === old ? condition : c)) : [...conditions, condition]
}
