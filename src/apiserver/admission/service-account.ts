import { seededRandom } from '../../base/random.ts'
import { serviceAccounts } from '../../kinds/core/service-account.ts'
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../kinds/generated/types/core-v1.ts'
import { referencesOf } from '../authz/node-graph.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { refusal } from './refusal.ts'

const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
/** An hour and a few seconds, as upstream writes it. */
const tokenSeconds = 3607
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** On an account: its pods may use only the secrets that it names. Deprecated, and still obeyed. */
const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets'

/**
 * Gives every pod its service account, the account's pull secrets and, unless it opts out, a volume with a token, the
 * cluster's CA and the namespace (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/).
 */
export function serviceAccountAdmission({ reader }: { reader: ObjectReader }): AdmissionPlugin {
  const accountOf = (request: AdmissionRequest, spec: PodSpec): ServiceAccount => {
    const { namespace = '' } = request
    const name = spec.serviceAccountName ?? ''
    if (name === '') throw refusal(request, `no service account specified for pod ${namespace}/${request.object?.metadata.name ?? ''}`)
    const account = reader.get(serviceAccounts, namespace, name)
    if (account) return account
    throw refusal(request, `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`)
  }
  const check = (request: AdmissionRequest): void => {
    const pod = request.object as Pod
    const { spec } = pod
    if (!spec) return
    if (isMirror(pod)) {
      if (request.operation === 'CREATE') checkMirror(request, pod, spec)
      return
    }
    const account = accountOf(request, spec)
    if (!/^(1|t|true)$/i.test(account.metadata.annotations?.[enforceAnnotation] ?? '')) return
    const isForeign = request.operation === 'CREATE' ? foreignSecret(spec, account) : foreignSecretOfEphemeral(spec, account)
    if (isForeign !== undefined) throw refusal(request, isForeign)
  }
  return {
    name: 'ServiceAccount',
    treatsAlike: () => true,
    handles: (operation, kind, subresource) =>
      kind.group === '' &&
      kind.kind === 'Pod' &&
      ((operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'ephemeralcontainers')),
    admit: (request) => {
      const pod = request.object as Pod
      const { spec } = pod
      if (!spec || request.operation !== 'CREATE') return
      if (isMirror(pod)) return check(request)
      spec.serviceAccountName ||= 'default'
      const account = accountOf(request, spec)
      if (mountsToken(spec, account)) mountToken(spec, account)
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({ name: secret })) as NonNullable<
          PodSpec['imagePullSecrets']
        >
      }
      check(request)
    },
    validate: check,
  }
}

const isMirror = (pod: Pod) => pod.metadata.annotations?.[mirrorAnnotation] !== undefined

/** What runs on a node without the server's say must not be a way to its secrets. */
function checkMirror(request: AdmissionRequest, pod: Pod, spec: PodSpec): void {
  if (spec.serviceAccountName) throw refusal(request, 'a mirror pod may not reference service accounts')
  for (const reference of referencesOf(pod))
    if (reference.startsWith('secrets/')) throw refusal(request, 'a mirror pod may not reference secrets')
  if (spec.volumes?.some((v) => v.projected?.sources?.some((source) => source.serviceAccountToken)))
    throw refusal(request, 'a mirror pod may not use ServiceAccountToken volume projections')
}

type ContainerList = readonly Pick<Container, 'name' | 'env' | 'envFrom'>[] | undefined

/** The first secret that the pod uses and its account does not name, told as upstream tells it. */
function foreignSecret(spec: PodSpec, account: ServiceAccount): string | undefined {
  const { name } = account.metadata
  for (const { secret } of spec.volumes ?? [])
    if (secret && !isMountable(account, secret.secretName))
      return `volume with secret.secretName="${secret.secretName}" is not allowed because service account ${name} does not reference that secret`
  const found = foreignSecretOf(spec.initContainers, 'init container', account) ?? foreignSecretOf(spec.containers, 'container', account)
  if (found !== undefined) return found
  const index = (spec.imagePullSecrets ?? []).findIndex((one) => !account.imagePullSecrets?.some((known) => known.name === one.name))
  return index < 0
    ? undefined
    : `imagePullSecrets[${index}].name="${spec.imagePullSecrets![index]!.name}" is not allowed because service account ${name} does not reference that imagePullSecret`
}

const foreignSecretOfEphemeral = (spec: PodSpec, account: ServiceAccount) =>
  foreignSecretOf(spec.ephemeralContainers, 'ephemeral container', account)

function foreignSecretOf(containers: ContainerList, word: string, account: ServiceAccount): string | undefined {
  const refused = (where: string, secret: string | undefined) =>
    `${where} referencing secret.secretName="${secret}" is not allowed because service account ${account.metadata.name} does not reference that secret`
  for (const { name, env, envFrom } of containers ?? []) {
    for (const { name: variable, valueFrom } of env ?? []) {
      const ref = valueFrom?.secretKeyRef
      if (ref && !isMountable(account, ref.name)) return refused(`${word} ${name} with envVar ${variable}`, ref.name)
    }
    for (const { secretRef } of envFrom ?? [])
      if (secretRef && !isMountable(account, secretRef.name)) return refused(`${word} ${name} with envFrom`, secretRef.name)
  }
  return undefined
}

const isMountable = (account: ServiceAccount, secret: string | undefined) => account.secrets?.some(({ name }) => name === secret) ?? false

function mountsToken(spec: PodSpec, account: ServiceAccount): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
}

/**
 * Upstream draws a name for each pod. Here the pods of an account have one, for a volume's name is known in its pod only: so those of one
 * workload have equal specs, which are kept once.
 */
function volumeName({ metadata }: ServiceAccount): string {
  let hash = 0
  for (const char of metadata.uid ?? '') hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
  return `${volumePrefix}${seededRandom(hash).suffix(5)}`
}

function mountToken(spec: PodSpec, account: ServiceAccount): void {
  const existing = spec.volumes?.find(({ name: volume }) => (volume as string | undefined)?.startsWith(volumePrefix))
  const name = existing?.name ?? volumeName(account)
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
