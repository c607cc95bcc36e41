import type { Pod } from '../../kinds/generated/types/core-v1.ts'

/** What the downward API knows beside the pod object. */
export type PodFieldContext = { readonly podIps: readonly string[]; readonly hostIps: readonly string[]; readonly nodeName: string }

/** The text of a `fieldPath`, for variables and downward API files. Throws an Error for a path that is not offered. */
export function podField(pod: Pod, fieldPath: string, context: PodFieldContext): string {
  const keyed = /^metadata\.(annotations|labels)\['(.+)'\]$/.exec(fieldPath)
  if (keyed) return pod.metadata[keyed[1] as 'annotations' | 'labels']?.[keyed[2]!] ?? ''
  switch (fieldPath) {
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations)
    case 'metadata.labels':
      return formatMap(pod.metadata.labels)
    case 'metadata.name':
      return pod.metadata.name ?? ''
    case 'metadata.namespace':
      return pod.metadata.namespace ?? ''
    case 'metadata.uid':
      return pod.metadata.uid ?? ''
    case 'spec.nodeName':
      return context.nodeName
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? ''
    case 'status.hostIP':
      return context.hostIps[0] ?? ''
    case 'status.hostIPs':
      return context.hostIps.join(',')
    case 'status.podIP':
      return context.podIps[0] ?? ''
    case 'status.podIPs':
      return context.podIps.join(',')
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

/** One `key="value"` a line, sorted. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${JSON.stringify(map![key])}`)
    .join('\n')
}
