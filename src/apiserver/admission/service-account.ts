import type { Random } from '../../base/random.ts'
import { serviceAccounts } from '../../kinds/core/service-account.ts'
import type { Pod, PodSpec, ServiceAccount, Volume } from '../../kinds/generated/types/core-v1.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../object-reader.ts'
import { refusal } from './refusal.ts'

const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
/** An hour and a few seconds, as upstream writes it. */
const tokenSeconds = 3607
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/**
 * Gives every pod its service account, the account's pull secrets and, unless it opts out, a volume with a token, the
 * cluster's CA and the namespace (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/).
 */
export function serviceAccountAdmission({ reader, random }: { reader: ObjectReader; random: Random }): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (operation, kind, subresource) => operation === 'CREATE' && subresource === '' && kind.group === '' && kind.kind === 'Pod',
    admit: (request) => {
      const { object, namespace = '' } = request
      const pod = object as Pod
      const { spec } = pod
      if (!spec) return
      if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return checkMirror(request, spec)
      spec.serviceAccountName ||= 'default'
      const account = reader.get(serviceAccounts, namespace, spec.serviceAccountName)
      if (!account) {
        const why = `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`
        throw refusal(request, why)
      }
      if (mountsToken(spec, account)) mountToken(spec, random)
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({ name: secret })) as NonNullable<
          PodSpec['imagePullSecrets']
        >
      }
    },
  }
}

/** What runs on a node without the server's say must not be a way to its secrets. */
function checkMirror(request: AdmissionRequest, spec: PodSpec): void {
  const refuse = (what: string) => refusal(request, `a mirror pod may not reference ${what}`)
  if (spec.serviceAccountName) throw refuse('service accounts')
  const containers = [...(spec.initContainers ?? []), ...((spec.containers as PodSpec['containers'] | undefined) ?? [])]
  const env = containers.flatMap((container) => container.env ?? [])
  const envFrom = containers.flatMap((container) => container.envFrom ?? [])
  const volumes = spec.volumes ?? []
  if (
    spec.imagePullSecrets?.length ||
    volumes.some((v) => v.secret) ||
    env.some((e) => e.valueFrom?.secretKeyRef) ||
    envFrom.some((e) => e.secretRef)
  )
    throw refuse('secrets')
  if (volumes.some((v) => v.configMap) || env.some((e) => e.valueFrom?.configMapKeyRef) || envFrom.some((e) => e.configMapRef))
    throw refuse('configmaps')
  if (volumes.some((v) => v.persistentVolumeClaim)) throw refuse('persistentvolumeclaims')
  if (volumes.some((v) => v.projected?.sources?.some((source) => source.serviceAccountToken)))
    throw refusal(request, 'a mirror pod may not use ServiceAccountToken volume projections')
  if (spec.resourceClaims?.length) throw refuse('resourceclaims')
}

function mountsToken(spec: PodSpec, account: ServiceAccount): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
}

function mountToken(spec: PodSpec, random: Random): void {
  const existing = spec.volumes?.find(({ name: volume }) => (volume as string | undefined)?.startsWith(volumePrefix))
  const name = existing?.name ?? `${volumePrefix}${random.suffix(5)}`
  let isMounted = false
  // Validation comes after admission: what is required may still be missing.
  const containers = (spec.containers as PodSpec['containers'] | undefined) ?? []
  for (const container of [...(spec.initContainers ?? []), ...containers]) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === tokenDirectory)) continue
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenDirectory }]
    isMounted = true
  }
  if (isMounted && !existing) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  }
}
