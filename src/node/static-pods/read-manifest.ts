import { createHash } from 'node:crypto'
import { configReferences } from '../../kinds/core/config-references.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { Pod, PodSpec, Volume, VolumeProjection } from '../../kinds/generated/types/core-v1.ts'
import schemaFacts from '../../kinds/generated/schemas.json' with { type: 'json' }
import { configHashAnnotation, configSourceAnnotation } from '../../kinds/static-pod.ts'
import { describeFieldErrors } from '../../machinery/field-error.ts'
import { type ObjectMetaRules, validateObjectMeta } from '../../machinery/object-meta.ts'
import { loadSchemas } from '../../machinery/schema/schema-set.ts'
import { parseYaml } from '../../machinery/yaml.ts'

export type Manifest = { readonly pod: Pod } | { readonly error: string }

const schemas = loadSchemas(schemaFacts as Parameters<typeof loadSchemas>[0])

/**
 * The static pod that a file describes, as upstream's agent completes it: `NAME-NODE`, bound to the node, tolerating whatever befalls it, and
 * with a uid that is the hash of what is described. https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/ Pure.
 */
export function readManifest(text: string, { path, nodeName }: { readonly path: string; readonly nodeName: string }): Manifest {
  let value: unknown
  try {
    value = parseYaml(text)
  } catch (error) {
    return { error: (error as Error).message }
  }
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown }
  if (apiVersion !== 'v1' || kind !== 'Pod') return { error: `invalid pod: it is ${String(apiVersion)} ${String(kind)}` }
  const { error } = schemas.decode(pods.schema, value)
  if (error !== undefined) return { error }
  const given = value as Pod
  if (!given.metadata?.name) return { error: 'invalid pod: name is needed for the pod' }
  const pod = completed(given, `host:${nodeName}file:${path}`, nodeName)
  const meta: ObjectMetaRules = {
    path: 'metadata',
    namespaced: true,
    validateName: (name, named) => pods.validateName(name, { ...named, object: pod }),
  }
  const errors = [...validateObjectMeta(pod.metadata, meta), ...(pods.validate?.(pod) ?? []), ...(pods.validateCreate?.(pod) ?? [])]
  if (errors.length > 0) return { error: `invalid pod: ${describeFieldErrors(errors)}` }
  const reference = apiReference(pod.spec!)
  return reference === undefined ? { pod } : { error: `static pods may not reference ${reference}` }
}

function completed({ metadata, spec = { containers: [] } }: Pod, origin: string, nodeName: string): Pod {
  const described = JSON.stringify({ metadata, spec })
  const uid = metadata.uid ?? createHash('sha256').update(described).update(origin).digest('hex').slice(0, 32)
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace ?? 'default',
      uid,
      annotations: { ...metadata.annotations, [configHashAnnotation]: uid, [configSourceAnnotation]: 'file' },
    },
    spec: { ...spec, nodeName, tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }] },
  }
  schemas.applyDefaults(pods.schema, pod)
  pods.applyDefaults?.(pod)
  pod.status = { phase: 'Pending' }
  return pod
}

/** What the pod would need of the API, which need not be there; undefined: nothing. */
function apiReference(spec: PodSpec): string | undefined {
  const { volumes = [], ...rest } = spec
  if (spec.serviceAccountName) return 'serviceaccounts'
  const kinds = new Set(configReferences(rest).map(({ kind }) => kind))
  if (kinds.has('Secret') || spec.imagePullSecrets?.length) return 'secrets'
  if (kinds.has('ConfigMap')) return 'configmaps'
  if (spec.resourceClaims?.length) return 'resourceclaims'
  for (const volume of volumes) {
    const reference = volumeReference(volume)
    if (reference !== undefined) return reference
  }
  return undefined
}

function volumeReference(volume: Volume): string | undefined {
  if (volume.configMap) return 'configmaps (via configmap volumes)'
  if (volume.secret) return 'secrets (via secret volumes)'
  if (volume.csi) return 'csidrivers (via CSI volumes)'
  if (volume.glusterfs) return 'endpoints (via glusterFS volumes)'
  if (volume.persistentVolumeClaim) return 'persistentvolumeclaims'
  if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)'
  if (volume.azureFile) return 'secrets (via azureFile volumes)'
  return volume.projected?.sources?.map(sourceReference).find((reference) => reference !== undefined)
}

function sourceReference(source: VolumeProjection): string | undefined {
  if (source.configMap) return 'configmaps (via projected volumes)'
  if (source.secret) return 'secrets (via projected volumes)'
  if (source.serviceAccountToken) return 'serviceaccounts (via projected volumes)'
  if (source.clusterTrustBundle) return 'clustertrustbundles'
  return source.podCertificate ? 'podcertificates' : undefined
}
