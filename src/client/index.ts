/** The client SDK, `keelson/client`: works against Keelson and against any Kubernetes. The one barrel of the project: a package's entry. */
export { createClientset, type Clientset, type LogOptions, type PodVerbs, type RunVerbs, type ScaleVerbs } from './clientset.ts'
export type * from './contract.ts'
export { type AttachOptions, attachToPod, type ExecOptions, type ExecResult, execInPod } from './exec.ts'
export type * from './generated/api-types.ts'
export { kindRefs } from './generated/kind-refs.ts'
export { createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.ts'
export type { Informer } from './informer-contract.ts'
export { ObjectInformer, type InformerOptions } from './informer.ts'
export {
  clientFromKubeconfig,
  type Kubeconfig,
  KubeconfigError,
  kubeconfigPaths,
  loadKubeconfig,
  mergeContext,
  type NewContext,
  parseKubeconfig,
  removeContext,
  resolveContext,
} from './kubeconfig.ts'
export { type LeaderLeaseOptions, leadWhileHolding } from './leader-lease.ts'
export { forwardPort, type PortConnection } from './port-forward.ts'
export { retryOnConflict, type RetryOptions } from './retry-on-conflict.ts'
export { formatKubeconfig } from './kubeconfig-text.ts'
export { type Log, silentLog } from '../base/log.ts'
export { type LogLevel, pinoLog } from '../platform/pino-log.ts'
export { systemClock } from '../platform/system-clock.ts'
export { systemRandom } from '../platform/system-random.ts'
export { keelsonKinds } from './own-kind-refs.ts'
export { type FrameworkOptions, type OfferAnswer, type RunningFramework, startFramework } from './resource-offers.ts'
export type { Framework, FrameworkSpec } from '../kinds/keelson/framework.ts'
export type { Offer } from '../kinds/keelson/offer.ts'
export { podRequests, type ResourceAmounts, resourceAmounts } from '../kinds/pod-requests.ts'
export { createRestClient, type RestClientOptions, type Transport } from './rest-client.ts'
export { compareResourceVersions } from './resource-version.ts'
export type { KubeObject, ObjectList, Status } from './types.ts'
export { isStatus, StatusError } from '../machinery/status-error.ts'
export type { KindRef } from '../kinds/kind.ts'
