import type { KindDefinition } from '../../kinds/kind.ts'
import type { Gvk, Operation, PathItem } from './operation.ts'
import { ownPaths } from './operations.ts'
import { actionParameters, customPatchTypes, objectVersion } from './parameters.ts'
import { subresourcePaths } from './subresource-operations.ts'

const mediaTypes: readonly string[] = ['application/json', 'application/yaml']

/** By action, the successes beside 200 that upstream names for custom kinds. */
const moreCodes: Readonly<Record<string, Operation['moreCodes']>> = {
  post: { 201: 'Created', 202: 'Accepted' },
  put: { 201: 'Created' },
  delete: { 202: 'Accepted' },
}

/**
 * The paths of a custom kind, as upstream tells of them: without the old paths of watches and those that describe the group, and with
 * the kind itself in what belongs to its subresources.
 */
export function customPathsOf(kind: KindDefinition, schemaOf: (gvk: Gvk) => string | undefined): PathItem[] {
  return [...ownPaths(kind), ...subresourcePaths(kind, schemaOf)].map((item) => ({
    ...item,
    operations: item.operations.map((operation) => customOperation(kind, operation)),
  }))
}

function customOperation({ group, version, kind }: KindDefinition, operation: Operation): Operation {
  const { action = '', parameters } = operation
  const isAll = action === 'deletecollection'
  return {
    ...operation,
    gvk: { group, version, kind },
    parameters: isAll ? actionParameters['list']! : action === 'get' ? [...parameters, objectVersion] : parameters,
    body: isAll ? undefined : operation.body,
    consumes: action === 'patch' ? customPatchTypes : mediaTypes,
    produces: mediaTypes,
    moreCodes: moreCodes[action] ?? {},
  }
}
