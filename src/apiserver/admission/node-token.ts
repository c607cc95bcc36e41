import { persistentVolumeClaims } from '../../kinds/core/persistent-volume-claim.ts'
import { persistentVolumes } from '../../kinds/core/persistent-volume.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { TokenRequest } from '../../kinds/generated/types/authentication-v1.ts'
import type { Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { csiDrivers } from '../../kinds/storage/csi-driver.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { AdmissionRequest, Authorizer } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'

type Parts = { readonly reader: ObjectReader; readonly authorizer: Authorizer }

/**
 * A node gets tokens only for pods that it runs, for audiences that these pods name or that the node was given the right to. What is
 * wrong with the request; undefined: nothing.
 */
export async function nodeTokenProblem(
  request: AdmissionRequest,
  nodeName: string,
  { reader, authorizer }: Parts,
): Promise<string | StatusError | undefined> {
  const { subresource, namespace = '', name, object, user } = request
  if (subresource !== 'token') return undefined
  const { boundObjectRef: bound, audiences = [] } = (object as KubeObject & TokenRequest).spec ?? {}
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) return 'node requested token not bound to a pod'
  if (!bound.uid) return 'node requested token with a pod binding without a uid'
  const pod = reader.get(pods, namespace, bound.name)
  if (!pod) return statusErrors.notFound({ group: '', resource: 'pod' }, bound.name)
  if (pod.metadata.uid !== bound.uid)
    return `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`
  if (pod.spec?.nodeName !== nodeName) return 'node requested token bound to a pod scheduled on a different node'
  const [audience = '', another] = audiences
  if (another !== undefined) return 'node may only request 0 or 1 audiences'
  if (pod.spec.volumes?.some((volume) => namesAudience(volume, audience, pod, reader))) return undefined
  const verb = 'request-serviceaccounts-token-audience'
  const asked = { type: 'resource', user, verb, group: '', version: 'v1', resource: audience, subresource: '', namespace, name } as const
  const { allowed } = await authorizer.authorize(asked, request)
  const quoted = JSON.stringify(audience)
  return allowed
    ? undefined
    : `audience ${quoted} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`
}

function namesAudience(volume: Volume, audience: string, pod: Pod, reader: ObjectReader): boolean {
  if (volume.projected?.sources?.some((source) => source.serviceAccountToken && (source.serviceAccountToken.audience ?? '') === audience))
    return true
  const driver = driverOf(volume, pod, reader)
  const tokens = driver === undefined ? undefined : reader.get(csiDrivers, '', driver)?.spec.tokenRequests
  return tokens?.some((token) => token.audience === audience) ?? false
}

/** The CSI driver of a volume: of itself, or of the claim that it is. */
function driverOf(volume: Volume, pod: Pod, reader: ObjectReader): string | undefined {
  if (volume.csi) return volume.csi.driver
  const claimName = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName
  const claim = claimName === undefined ? undefined : reader.get(persistentVolumeClaims, pod.metadata.namespace ?? '', claimName)
  const volumeName = claim?.spec?.volumeName
  return volumeName ? reader.get(persistentVolumes, '', volumeName)?.spec?.csi?.driver : undefined
}
