import type { PolicyRule } from '../kinds/generated/types/rbac-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { ControllerDefinition } from './contract.ts'

const readVerbs = ['get', 'list', 'watch']
const writeVerbs = ['create', 'delete', 'deletecollection', 'patch', 'update']
/** What a loop writes of its own kind beside the object itself. */
const writtenSubresources = ['status', 'finalizers', 'scale']

/** The service account of kube-system that a controller acts as. */
export const accountOf = ({ name, account = `${name}-controller` }: ControllerDefinition): string => account

/** What a controller may do: exactly what it declares to read and to write, Events, and the rules that it states itself. Pure. */
export function rulesOf(definition: ControllerDefinition): PolicyRule[] {
  const reads = byGroup(definition.watches.map((w) => w.kind as KindRef))
  const writes = byGroup(definition.writes)
  const { extensionKinds } = definition
  return [
    ...reads.map(([group, resources]) => ({ verbs: readVerbs, apiGroups: [group], resources })),
    ...writes.map(([group, resources]) => ({ verbs: [...readVerbs, ...writeVerbs], apiGroups: [group], resources })),
    ...writes.map(([group, resources]) => ({
      verbs: ['patch', 'update'],
      apiGroups: [group],
      resources: resources.flatMap((r) => writtenSubresources.map((s) => `${r}/${s}`)),
    })),
    ...(extensionKinds
      ? [{ verbs: extensionKinds.access === 'write' ? [...readVerbs, ...writeVerbs] : readVerbs, apiGroups: ['*'], resources: ['*'] }]
      : []),
    { verbs: ['create', 'patch', 'update'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] },
    ...(definition.rules ?? []),
  ]
}

function byGroup(kinds: readonly KindRef[]): [group: string, resources: string[]][] {
  const groups = new Map<string, Set<string>>()
  for (const kind of kinds) {
    let resources = groups.get(kind.group)
    if (!resources) groups.set(kind.group, (resources = new Set()))
    resources.add(kind.plural)
  }
  return [...groups].map(([group, resources]) => [group, [...resources].sort()])
}
