/** What `--controllers` calls the controllers: upstream's names, and those of our own. */

/** By the name of the loop where upstream's is another than that name with `-controller` after it. */
const upstreamNames: Readonly<Record<string, string>> = {
  attachdetach: 'persistentvolume-attach-detach-controller',
  certificate: 'certificatesigningrequest-approving-controller',
  'certificate-cleaner': 'certificatesigningrequest-cleaner-controller',
  'certificate-signing': 'certificatesigningrequest-signing-controller',
  endpoint: 'endpoints-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  expand: 'persistentvolume-expander-controller',
  'generic-garbage-collector': 'garbage-collector-controller',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
  node: 'node-lifecycle-controller',
  'persistent-volume-binder': 'persistentvolume-binder-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  replication: 'replicationcontroller-controller',
  'resource-claim': 'resourceclaim-controller',
  'root-ca-certificate-publisher': 'root-ca-certificate-publisher-controller',
  'service-account': 'serviceaccount-controller',
  'service-account-token': 'serviceaccount-token-controller',
  'vac-protection': 'volumeattributesclass-protection-controller',
}

/** What scripts of before 1.28 call them. */
const aliases: Readonly<Record<string, string>> = {
  'serviceaccount-token': 'serviceaccount-token-controller',
  endpoint: 'endpoints-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  replicationcontroller: 'replicationcontroller-controller',
  podgc: 'pod-garbage-collector-controller',
  resourcequota: 'resourcequota-controller',
  namespace: 'namespace-controller',
  serviceaccount: 'serviceaccount-controller',
  garbagecollector: 'garbage-collector-controller',
  daemonset: 'daemonset-controller',
  job: 'job-controller',
  deployment: 'deployment-controller',
  replicaset: 'replicaset-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller',
  disruption: 'disruption-controller',
  statefulset: 'statefulset-controller',
  cronjob: 'cronjob-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
  ttl: 'ttl-controller',
  bootstrapsigner: 'bootstrap-signer-controller',
  tokencleaner: 'token-cleaner-controller',
  nodeipam: 'node-ipam-controller',
  nodelifecycle: 'node-lifecycle-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  attachdetach: 'persistentvolume-attach-detach-controller',
  'persistentvolume-expander': 'persistentvolume-expander-controller',
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  'ephemeral-volume': 'ephemeral-volume-controller',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
}

/** `name`: of a loop. */
export function controllerName(name: string): string {
  return upstreamNames[name] ?? `${name}-controller`
}

/** Whether the loop runs. `list` as `--controllers` takes it: the first entry that names it decides, then `*` if it is there. */
export function isEnabled(name: string, list: readonly string[] | undefined): boolean {
  if (list === undefined) return true
  const canonical = controllerName(name)
  for (const entry of list) {
    const isRefusal = entry.startsWith('-')
    const entryName = isRefusal ? entry.slice(1) : entry
    if (canonicalOf(entryName) === canonical) return !isRefusal
  }
  return list.includes('*')
}

/** Undefined: every entry names a controller of `known`, which are names of loops. */
export function unknownController(list: readonly string[], known: readonly string[]): string | undefined {
  const names = new Set(known.map(controllerName))
  return list.find((entry) => entry !== '*' && !names.has(canonicalOf(entry.replace(/^-/, ''))))
}

const canonicalOf = (name: string) => aliases[name] ?? name
