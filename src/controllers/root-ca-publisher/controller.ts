import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { ConfigMap } from '../../kinds/generated/types/core-v1.ts'
import { isStatus } from '../../machinery/status-error.ts'

const { namespaces, configMaps } = kindRefs.coreV1

const configMapName = 'kube-root-ca.crt'
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** Keeps the cluster's CA certificate in a ConfigMap of every namespace, where pods' projected volumes take it from. */
export function rootCaPublisherController(options: { readonly rootCaPem: string }): ControllerDefinition {
  return {
    name: 'root-ca-certificate-publisher',
    account: 'root-ca-cert-publisher',
    watches: [
      watchKind(namespaces),
      watchKind(configMaps, ({ current, old }) => {
        const { name, namespace } = (current ?? old)!.metadata
        return name === configMapName && namespace ? [namespace] : []
      }),
    ],
    writes: [configMaps],
    reconcile: (context, key) => reconcile(options.rootCaPem, context, key),
  }
}

async function reconcile(rootCaPem: string, context: LoopContext, name: string): Promise<void> {
  const namespace = context.informer(namespaces).get(name)
  if (!namespace || namespace.metadata.deletionTimestamp) return
  const existing = context.informer(configMaps).get(`${name}/${configMapName}`)
  if (existing?.data?.['ca.crt'] === rootCaPem && Object.keys(existing.data).length === 1) return
  const annotations = { ...existing?.metadata.annotations, 'kubernetes.io/description': description }
  const metadata = { ...existing?.metadata, name: configMapName, namespace: name, annotations }
  const wanted: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': rootCaPem } }
  const resource = context.client.resource(configMaps, name)
  try {
    await (existing ? resource.update(wanted) : resource.create(wanted))
  } catch (error) {
    const isSettled = isStatus(error, 'AlreadyExists') || isStatus(error, 'NotFound') || isNamespaceTerminating(error)
    if (!isSettled) throw error
  }
}
