import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { ConfigMap } from '../../kinds/generated/types/core-v1.ts'
import { splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { clusterInfoKubeconfig, isBootstrapToken, planSignatures, signingTokens, timeLeftMs } from './plan.ts'

const { configMaps, secrets } = kindRefs.coreV1

/** Deletes bootstrap tokens when their time is over. */
export const tokenCleanerController: ControllerDefinition = {
  name: 'token-cleaner',
  account: 'token-cleaner',
  watches: [watchKind(secrets, ({ current }) => (current && isBootstrapToken(current) ? [`kube-system/${current.metadata.name}`] : []))],
  writes: [secrets],
  reconcile: async (context, key): Promise<ReconcileResult> => {
    const secret = context.informer(secrets).get(key)
    if (!secret || !isBootstrapToken(secret) || secret.metadata.deletionTimestamp) return
    const leftMs = timeLeftMs(secret, context.clock.now())
    if (leftMs === undefined) return
    if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, requeueMaxMs) }
    const { namespace, name } = splitKey(key)
    await context.client
      .resource(secrets, namespace)
      .delete(name, { preconditions: { uid: secret.metadata.uid ?? '' } })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error
      })
  },
}

/** Timers cannot wait for ever. */
const requeueMaxMs = 24 * 3_600_000

const namespace = 'kube-public'
const name = 'cluster-info'
const key = `${namespace}/${name}`

/**
 * Keeps `kube-public/cluster-info`, which says without credentials where the cluster is, and signs it with every token that may, so that
 * whoever has a token knows that it is true.
 */
export function bootstrapSignerController(options: {
  readonly cluster: { readonly server: string; readonly caPem: string } | undefined
}): ControllerDefinition {
  const kubeconfig = options.cluster && clusterInfoKubeconfig(options.cluster)
  return {
    name: 'bootstrap-signer',
    account: 'bootstrap-signer',
    watches: [
      watchKind(configMaps, ({ current, old }) => {
        const { metadata } = (current ?? old)!
        return metadata.name === name && metadata.namespace === namespace ? [key] : []
      }),
      watchKind(secrets, ({ current, old }) => ([current, old].some((secret) => secret && isBootstrapToken(secret)) ? [key] : [])),
      // The first look of all: nothing above may exist yet.
      watchKind(kindRefs.coreV1.namespaces, ({ current }) => (current?.metadata.name === namespace ? [key] : [])),
    ],
    writes: [configMaps],
    reconcile: (context) => sign(context, kubeconfig),
  }
}

async function sign(context: LoopContext, kubeconfig: string | undefined): Promise<ReconcileResult> {
  const current = context.informer(configMaps).get(key)
  const tokens = context.informer(secrets).list().filter(isBootstrapToken)
  const nowMs = context.clock.now()
  const data = planSignatures(current, kubeconfig, signingTokens(tokens, nowMs))
  if (data) {
    const resource = context.client.resource(configMaps, namespace)
    const wanted: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...current?.metadata, name, namespace }, data }
    await (current ? resource.update(wanted) : resource.create(wanted))
  }
  const ends = tokens.flatMap((secret) => timeLeftMs(secret, nowMs) || [])
  return ends.length > 0 ? { requeueAfterMs: Math.min(...ends, requeueMaxMs) } : undefined
}
