/** Secrets of type kubernetes.io/service-account-token: what belongs into them, and which are of no use any more. */
import type { Pod, Secret, ServiceAccount } from '../../kinds/generated/types/core-v1.ts'

export const tokenType = 'kubernetes.io/service-account-token'
export const nameAnnotation = 'kubernetes.io/service-account.name'
export const uidAnnotation = 'kubernetes.io/service-account.uid'
/** Days as labels; kept by whoever checks such a token. */
export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'

export const isTokenSecret = (secret: Secret) => secret.type === tokenType

export type TokenPlan =
  | { readonly type: 'nothing' }
  | { readonly type: 'delete' }
  /** `needsToken`: one is to be issued; the rest is here. */
  | { readonly type: 'fill'; readonly needsToken: boolean; readonly data: Readonly<Record<string, string>> }

/** A token whose account is gone, or is another one, goes too. Values are base64. */
export function planToken(secret: Secret, account: ServiceAccount | undefined, rootCaPem: string): TokenPlan {
  const uid = secret.metadata.annotations?.[uidAnnotation]
  if (!account || (uid && uid !== account.metadata.uid)) return { type: 'delete' }
  const encoded = (text: string) => Buffer.from(text).toString('base64')
  const wanted = {
    ...(rootCaPem === '' ? {} : { 'ca.crt': encoded(rootCaPem) }),
    // What somebody put there as the namespace is left alone.
    ...(secret.data?.namespace ? {} : { namespace: encoded(account.metadata.namespace ?? '') }),
  }
  const data = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => secret.data?.[key] !== value))
  const needsToken = !secret.data?.token
  if (!needsToken && Object.keys(data).length === 0 && uid) return { type: 'nothing' }
  return { type: 'fill', needsToken, data }
}

export type CleanUp = { readonly type: 'invalidate' | 'delete'; readonly secret: Secret }

const dayMs = 24 * 3_600_000
/** Upstream's --legacy-service-account-token-clean-up-period: a year. */
const defaultUnusedMs = 365 * dayMs
export const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
const isDay = (text: string | undefined): text is string => text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text)

export type CleanUpFacts = {
  readonly secrets: readonly Secret[]
  readonly accountOf: (namespace: string, name: string) => ServiceAccount | undefined
  /** Names of the secrets that pods of a namespace mount or read. */
  readonly usedIn: (namespace: string) => ReadonlySet<string>
  /** The day on which uses began to be noted; undefined: they are not. */
  readonly trackedSince: string | undefined
  readonly nowMs: number
  /** How long a token may be unused, and then invalid; default a year. */
  readonly unusedMs?: number | undefined
}

/**
 * Tokens that the cluster made of its own accord and nobody has used for a year are declared invalid, and deleted a year later
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#legacy-serviceaccount-token-cleaner).
 */
export function planCleanUp({
  secrets,
  accountOf,
  usedIn,
  trackedSince,
  nowMs,
  unusedMs = defaultUnusedMs,
}: CleanUpFacts): readonly CleanUp[] {
  if (!isDay(trackedSince) || nowMs < Date.parse(trackedSince) + unusedMs + dayMs) return []
  const keptSinceMs = nowMs - unusedMs
  const keptSince = dayOf(keptSinceMs)
  return secrets.flatMap((secret): CleanUp[] => {
    const { creationTimestamp = '', deletionTimestamp, labels = {}, annotations = {}, namespace = '', name = '' } = secret.metadata
    if (!isTokenSecret(secret) || deletionTimestamp || Date.parse(creationTimestamp) >= keptSinceMs) return []
    const lastUsed = labels[lastUsedLabel]
    if (lastUsed !== undefined && (!isDay(lastUsed) || lastUsed >= keptSince)) return []
    const account = accountOf(namespace, annotations[nameAnnotation] ?? '')
    const uid = annotations[uidAnnotation]
    const isAutomatic = account?.secrets?.some((reference) => reference.name === name) && (!uid || uid === account.metadata.uid)
    if (!isAutomatic || usedIn(namespace).has(name)) return []
    const since = labels[invalidSinceLabel]
    if (!isDay(since)) return [{ type: 'invalidate', secret }]
    return since < keptSince ? [{ type: 'delete', secret }] : []
  })
}

/** Secrets that a pod names anywhere. */
export function secretNamesOf({ spec }: Pod): readonly string[] {
  if (!spec) return []
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...((spec.ephemeralContainers ?? []) as typeof spec.containers)]
  const found = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap(({ secret, projected, csi, azureFile, cephfs, flexVolume, rbd, scaleIO, iscsi, storageos }) => [
      secret?.secretName,
      azureFile?.secretName,
      csi?.nodePublishSecretRef?.name,
      ...[cephfs, flexVolume, rbd, scaleIO, iscsi, storageos].map((source) => source?.secretRef?.name),
      ...(projected?.sources ?? []).map((source) => source.secret?.name),
    ]),
  ]
  return found.filter((name) => name !== undefined)
}
