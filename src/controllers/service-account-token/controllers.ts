import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { dayOf, invalidSinceLabel, isTokenSecret, nameAnnotation, planCleanUp, planToken, secretNamesOf, uidAnnotation } from './plan.ts'

const { configMaps, pods, secrets, serviceAccounts } = kindRefs.coreV1

/** A token for the Secret of that name, signed. */
export type IssueSecretToken = (facts: { namespace: string; secretName: string; serviceAccount: { name: string; uid: string } }) => string

/** Fills Secrets that ask for a token, and takes them away with their account; an account forgets Secrets that are gone. */
export function serviceAccountTokenController(options: {
  readonly issue: IssueSecretToken
  readonly rootCaPem: string
}): ControllerDefinition {
  return {
    name: 'service-account-token',
    watches: [
      watchKind(secrets, ({ current, old }) => {
        const secret = (current ?? old)!
        return isTokenSecret(secret) ? [`${secret.metadata.namespace}/${secret.metadata.name}`] : []
      }),
      // Only an account that goes, or is made anew, matters to its tokens.
      watchKind(serviceAccounts, ({ current, old }, context) => {
        if (current && old && current.metadata.uid === old.metadata.uid) return []
        const { namespace = '', name = '' } = (current ?? old)!.metadata
        return context
          .informer(secrets)
          .list(namespace)
          .filter((secret) => isTokenSecret(secret) && secret.metadata.annotations?.[nameAnnotation] === name)
          .map((secret) => `${namespace}/${secret.metadata.name}`)
      }),
    ],
    writes: [secrets, serviceAccounts],
    reconcile: (context, key) => reconcileToken(options, context, key),
  }
}

async function reconcileToken(
  options: Parameters<typeof serviceAccountTokenController>[0],
  context: LoopContext,
  key: string,
): Promise<void> {
  const { namespace = '', name } = splitKey(key)
  const secret = context.informer(secrets).get(key)
  if (!secret) return forgetReference(context, namespace, name)
  if (!isTokenSecret(secret) || secret.metadata.deletionTimestamp) return
  const accountName = secret.metadata.annotations?.[nameAnnotation] ?? ''
  const resource = context.client.resource(secrets, namespace)
  // The account may be newer than what the informer has heard.
  const account =
    context.informer(serviceAccounts).get(`${namespace}/${accountName}`) ?? (await liveAccount(context, namespace, accountName))
  const plan = planToken(secret, account, options.rootCaPem)
  if (plan.type === 'nothing') return
  try {
    if (plan.type === 'delete') {
      await resource.delete(name, { preconditions: { uid: secret.metadata.uid ?? '' } })
      return
    }
    const serviceAccount = { name: accountName, uid: account?.metadata.uid ?? '' }
    const token = plan.needsToken ? options.issue({ namespace, secretName: name, serviceAccount }) : undefined
    await resource.update({
      ...secret,
      metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, [uidAnnotation]: serviceAccount.uid } },
      data: { ...secret.data, ...plan.data, ...(token === undefined ? {} : { token: Buffer.from(token).toString('base64') }) },
    })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}

async function liveAccount(context: LoopContext, namespace: string, name: string) {
  try {
    return await context.client.resource(serviceAccounts, namespace).get(name)
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  }
}

async function forgetReference(context: LoopContext, namespace: string, secretName: string): Promise<void> {
  for (const account of context.informer(serviceAccounts).list(namespace)) {
    if (!account.secrets?.some(({ name }) => name === secretName)) continue
    await context.client
      .resource(serviceAccounts, namespace)
      .update({ ...account, secrets: account.secrets.filter(({ name }) => name !== secretName) })
  }
}

/** Where the day is noted from which on uses of such tokens are. */
export const trackingConfigMap = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' } as const

const dayMs = 24 * 3_600_000

/** Declares tokens invalid that nobody has used for a year, and deletes them a year later. Looks once a day. */
export const legacyTokenCleanerController = (options: { readonly unusedMs?: number | undefined } = {}): ControllerDefinition => ({
  name: 'legacy-service-account-token-cleaner',
  account: 'legacy-service-account-token-cleaner',
  watches: [
    watchKind(configMaps, ({ current }) =>
      current?.metadata.name === trackingConfigMap.name && current.metadata.namespace === trackingConfigMap.namespace ? ['all'] : [],
    ),
    readKind(secrets),
    readKind(serviceAccounts),
    readKind(pods),
  ],
  writes: [secrets],
  reconcile: async (context): Promise<ReconcileResult> => {
    const nowMs = context.clock.now()
    const used = new Map<string, ReadonlySet<string>>()
    const actions = planCleanUp({
      secrets: context.informer(secrets).list().filter(isTokenSecret),
      accountOf: (namespace, name) => context.informer(serviceAccounts).get(`${namespace}/${name}`),
      usedIn: (namespace) => {
        let names = used.get(namespace)
        if (!names) used.set(namespace, (names = new Set(context.informer(pods).list(namespace).flatMap(secretNamesOf))))
        return names
      },
      trackedSince: context.informer(configMaps).get(`${trackingConfigMap.namespace}/${trackingConfigMap.name}`)?.data?.since,
      nowMs,
      unusedMs: options.unusedMs,
    })
    for (const { type, secret } of actions) await cleanUp(context, type, secret)
    return { requeueAfterMs: dayMs }
  },
})

async function cleanUp(context: LoopContext, type: 'invalidate' | 'delete', secret: Secret): Promise<void> {
  const { namespace, name = '', uid = '', resourceVersion = '' } = secret.metadata
  const resource = context.client.resource(secrets, namespace)
  try {
    if (type === 'delete') await resource.delete(name, { preconditions: { uid, resourceVersion } })
    else {
      const labels = { [invalidSinceLabel]: dayOf(context.clock.now()) }
      await resource.patch(name, { type: 'merge', body: { metadata: { uid, labels } } })
    }
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
