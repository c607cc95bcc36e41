import type { Group } from '../discovery/group-versions.ts'
import { groupWord, metaDefinition, objectTypes, type PathItem, rootOf, capital, groupName } from './operation.ts'

const json = ['application/json']
const versionInfo = 'io.k8s.apimachinery.pkg.version.Info'

/** The paths of a group that describe it: its own and those of its versions. */
export function groupPaths(group: Group): PathItem[] {
  return [groupPath(group), ...group.versions.map((version) => resourcesPath(version))]
}

/** The path of the group itself. */
export function groupPath(group: Pick<Group, 'name'>): PathItem {
  const name = groupName(group.name)
  return group.name === ''
    ? information('/api/', `get${capital(name)}APIVersions`, 'get the versions of the API', name, metaDefinition('APIVersions'))
    : information(`/apis/${group.name}/`, `get${capital(name)}APIGroup`, 'get information of a group', name, metaDefinition('APIGroup'))
}

/** The path of one version's resources. */
export function resourcesPath(version: { readonly group: string; readonly version: string }): PathItem {
  const tag = `${groupName(version.group)}_${version.version}`
  const id = `get${groupWord(version)}APIResources`
  return information(`${rootOf(version)}/`, id, 'get available resources', tag, metaDefinition('APIResourceList'))
}

/** What belongs to no group. */
export const serverPaths: readonly PathItem[] = [
  information('/apis/', 'getAPIVersions', 'get the groups of the API', 'apis', metaDefinition('APIGroupList')),
  information('/version/', 'getCodeVersion', 'get the version of this server', 'version', versionInfo, json),
  information(
    '/.well-known/openid-configuration/',
    'getServiceAccountIssuerOpenIDConfiguration',
    'get what relying parties need to know of the issuer of service account tokens',
    'WellKnown',
    undefined,
    json,
  ),
  information(
    '/openid/v1/jwks/',
    'getServiceAccountIssuerOpenIDKeyset',
    'get the public keys of the issuer of service account tokens',
    'openid',
    undefined,
    ['application/jwk-set+json'],
  ),
]

function information(
  path: string,
  operationId: string,
  description: string,
  tag: string,
  answer: string | undefined,
  produces: readonly string[] = objectTypes,
): PathItem {
  const operation = { method: 'get', action: undefined, operationId, description, tag, parameters: [], body: undefined } as const
  return { path, parameters: [], operations: [{ ...operation, answer, produces, gvk: undefined }] }
}
