import { canonicalizeQuantities } from '../../canonical-quantities.ts'
import type {
  Container,
  EnvVar,
  EphemeralContainer,
  HTTPGetAction,
  ObjectFieldSelector,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceFieldSelector,
  Volume,
} from '../../generated/types/core-v1.ts'

/**
 * Defaults of every pod spec, in pods and in the templates of workloads
 * (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/). What only pods get is in core/pod-defaults.ts.
 */
export function applyPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  if (spec.serviceAccount || spec.serviceAccountName) spec.serviceAccountName ||= spec.serviceAccount!
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  canonicalizeQuantities(spec.overhead)
  canonicalizeResources(spec.resources)
  if (spec.volumes) for (const volume of spec.volumes) applyVolumeDefaults(volume)
  if (spec.initContainers) for (const container of spec.initContainers) applyContainerDefaults(container)
  if (spec.containers) for (const container of spec.containers) applyContainerDefaults(container)
  if (spec.ephemeralContainers) for (const container of spec.ephemeralContainers) applyContainerDefaults(container)
}

/** The spec of a workload, made where it is missing: what must be in it is validation's business. */
export function madeSpec<S extends object>(object: { spec?: S }): S {
  return (object.spec ??= {} as S)
}

/** Of a workload's template, which upstream's types always have: one that is missing is judged as an empty one. */
export function applyTemplateDefaults(spec: { template?: PodTemplateSpec }): void {
  spec.template ??= {}
  spec.template.spec ??= { containers: [] }
  dropInitContainerAnnotations(spec.template.metadata)
  applyPodSpecDefaults(spec.template.spec)
}

const initContainerAnnotation = /^pod\.(alpha|beta)\.kubernetes\.io\/init-container(s|-statuses)$/

/** Init containers were annotations once; what very old clients still send there is not kept. */
export function dropInitContainerAnnotations(metadata: { annotations?: Record<string, string> } | undefined): void {
  for (const key in metadata?.annotations) if (initContainerAnnotation.test(key)) delete metadata.annotations[key]
}

export function applyContainerDefaults(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  canonicalizeResources(container.resources)
  if (container.ports) for (const port of container.ports) port.protocol ||= 'TCP'
  if (container.env) for (const variable of container.env) applyEnvDefaults(variable)
  applyProbeDefaults(container.livenessProbe)
  applyProbeDefaults(container.readinessProbe)
  applyProbeDefaults(container.startupProbe)
  applyHttpDefaults(container.lifecycle?.postStart?.httpGet)
  applyHttpDefaults(container.lifecycle?.preStop?.httpGet)
}

const pathPart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const domain = '(?:[a-zA-Z0-9.-]+|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?'
const reference = new RegExp(
  `^(?:${domain}/)?${pathPart}(?:/${pathPart})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][\\w+.-]*:[0-9a-fA-F]{4,})?$`,
)

/** Always for `:latest` and for images without tag and digest, else IfNotPresent; also for what is no name of an image. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (!reference.test(image)) return 'IfNotPresent'
  const digest = image.indexOf('@')
  const name = digest < 0 ? image : image.slice(0, digest)
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  if (colon < 0) return digest < 0 ? 'Always' : 'IfNotPresent'
  return name.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent'
}

function canonicalizeResources(resources: Container['resources']): void {
  if (!resources) return
  canonicalizeQuantities(resources.limits)
  canonicalizeQuantities(resources.requests)
}

function applyEnvDefaults(variable: EnvVar): void {
  const from = variable.valueFrom
  if (!from) return
  applyFieldRefDefaults(from.fieldRef)
  applyResourceFieldRefDefaults(from.resourceFieldRef)
  if (from.fileKeyRef) from.fileKeyRef.optional ??= false
}

function applyFieldRefDefaults(ref: ObjectFieldSelector | undefined): void {
  if (ref) ref.apiVersion ||= 'v1'
}

function applyResourceFieldRefDefaults(ref: ResourceFieldSelector | undefined): void {
  if (ref) ref.divisor ??= '0'
}

function applyProbeDefaults(probe: Probe | undefined): void {
  if (!probe) return
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  applyHttpDefaults(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function applyHttpDefaults(action: HTTPGetAction | undefined): void {
  if (!action) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

const defaultFileMode = 0o644

export function applyVolumeDefaults(volume: Volume): void {
  if (isWithoutSource(volume)) volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= defaultFileMode
  if (volume.configMap) volume.configMap.defaultMode ??= defaultFileMode
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= defaultFileMode
    applyDownwardItemDefaults(volume.downwardAPI.items)
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= defaultFileMode
    for (const source of volume.projected.sources ?? []) {
      // Behind gates that are off by default in 1.36: dropped, as upstream does then.
      delete source.clusterTrustBundle
      delete source.podCertificate
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
      applyDownwardItemDefaults(source.downwardAPI?.items)
    }
  }
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? '')
  const claimSpec = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claimSpec) claimSpec.volumeMode ??= 'Filesystem'
  applyDiskDefaults(volume)
}

function isWithoutSource(volume: Volume): boolean {
  for (const field in volume) if (field !== 'name' && volume[field as keyof Volume] !== undefined) return false
  return true
}

function applyDownwardItemDefaults(
  items: { fieldRef?: ObjectFieldSelector; resourceFieldRef?: ResourceFieldSelector }[] | undefined,
): void {
  if (!items) return
  for (const item of items) {
    applyFieldRefDefaults(item.fieldRef)
    applyResourceFieldRefDefaults(item.resourceFieldRef)
  }
}

/** Of disks that have some, in pods and in PersistentVolumes. */
export function applyDiskDefaults({ iscsi, rbd, azureDisk, scaleIO }: Pick<Volume, 'iscsi' | 'rbd' | 'azureDisk' | 'scaleIO'>): void {
  if (iscsi) iscsi.iscsiInterface ||= 'default'
  if (rbd) {
    rbd.pool ||= 'rbd'
    rbd.user ||= 'admin'
    rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite'
    azureDisk.kind ??= 'Shared'
    azureDisk.fsType ??= 'ext4'
    azureDisk.readOnly ??= false
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned'
    scaleIO.fsType ||= 'xfs'
  }
}
