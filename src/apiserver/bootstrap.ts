import { toTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { serviceCidrFinalizer } from '../kinds/networking/service-addresses.ts'
import type { KubeObject } from '../machinery/object.ts'
import { localApiService, localCondition, registeredVersions } from './aggregation/local-api-services.ts'
import { defaultRequestHeaders, type RequestHeaderOptions } from './authn/certificates.ts'
import type { Policy } from './authz/bootstrap-policy.ts'
import { policyObjects } from './authz/policy-objects.ts'
import { startingLevels, startingSchemas } from './flowcontrol/flow-objects.ts'
import { danglingCondition } from './flowcontrol/maintain-plan.ts'
import { followPrefix } from './follow-prefix.ts'
import { keyOfObject, type Registry } from './registry.ts'
import { retried } from './retried.ts'
import { parseIpRange, rangesOf } from './services/ip-range.ts'
import { ensureWanted, keptAs, resourceOfWanted, type WantedObject, type WantedParts } from './wanted-objects.ts'

/** By whom aggregated API servers can know callers: the authority of clients, and those of front proxies (PEM), with their headers. */
export type ClientAuthorities = { readonly clientCa: string; readonly frontProxyCa: string; readonly requestHeaders?: RequestHeaderOptions }

export type BootstrapOptions = WantedParts & {
  /** Absent: nothing is published for aggregated API servers. */
  readonly clientAuthorities?: ClientAuthorities | undefined
  /** One range, or one of each family with a comma between; the first is that of the `kubernetes` Service. */
  readonly serviceCidr: string
  /** Whether the system's namespaces begin with the service account that pods get: loops make it in the others, and there when it is gone. */
  readonly withServiceAccounts: boolean
  /** The roles that every cluster has; absent: none. */
  readonly policy?: Policy | undefined
  /** What the composition has besides. */
  readonly firstObjects: readonly WantedObject[]
  /** Where the nodes and pods of the cluster reach this server; absent: no `kubernetes` endpoints are kept. */
  readonly advertise: { readonly address: string; readonly port: number } | undefined
}

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const
/**
 * Makes sure of what every cluster has before anybody speaks to it: the system's namespaces, the default roles, the `kubernetes` Service
 * with its endpoints. Whoever is answered finds them; a start costs one sync at most.
 */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  await ensureWanted(options, () => wantedObjects(options))
}

/**
 * Brings the system's namespaces and the `kubernetes` Service with its endpoints back whenever somebody deletes them. Resolves when
 * the signal aborts.
 */
export async function keepBootstrapped(options: BootstrapOptions & { readonly log: Log }, signal: AbortSignal): Promise<void> {
  const { registry, storage, log } = options
  const follow = async (wanted: WantedObject): Promise<void> => {
    const resource = resourceOfWanted(registry, wanted)
    if (!resource) return
    const key = keyOfObject(resource, wanted.object.metadata.namespace ?? '', wanted.object.metadata.name ?? '')
    const bringing = retried(options, async () => {
      if (storage.cache.get(key) || signal.aborted) return true
      try {
        await ensureWanted(options, () => [wanted])
        return true
      } catch (error) {
        log.warn({ key, error: String(error) }, 'could not be brought back')
        return signal.aborted
      }
    })
    await followPrefix(storage.cache, key, { look: () => bringing.look(), signal })
    await bringing.end()
  }
  await Promise.all(lastingObjects(options).map(follow))
}

function wantedObjects(options: BootstrapOptions): readonly WantedObject[] {
  const { serviceCidr, advertise, clock, registry, clientAuthorities, withServiceAccounts, policy, firstObjects } = options
  return [
    ...lastingObjects({ serviceCidr, advertise }),
    ...(withServiceAccounts ? systemNamespaces.map(serviceAccount) : []),
    priorityClass(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    priorityClass('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
    serviceRange(serviceCidr, toTime(clock.now())),
    ...flowObjects(toTime(clock.now())),
    ...localApiServices(registry, toTime(clock.now())),
    ...(clientAuthorities ? [authenticationFacts(clientAuthorities)] : []),
    tokenTracking(clock.now()),
    ...(policy ? policyObjects(policy) : []),
    ...firstObjects,
  ]
}

function lastingObjects({ serviceCidr, advertise }: Pick<BootstrapOptions, 'serviceCidr' | 'advertise'>): readonly WantedObject[] {
  return [
    ...systemNamespaces.map(systemNamespace),
    kubernetesService(serviceCidr, advertise?.port ?? 6443),
    ...(advertise ? kubernetesEndpoints(advertise) : []),
  ]
}

function systemNamespace(name: string): WantedObject {
  const object = {
    kind: 'Namespace',
    apiVersion: 'v1',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }
  return { group: '', plural: 'namespaces', object }
}

function serviceAccount(namespace: string): WantedObject {
  const object = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default', namespace } }
  return { group: '', plural: 'serviceaccounts', object }
}

function priorityClass(name: string, value: number, description: string): WantedObject {
  const object = {
    kind: 'PriorityClass',
    apiVersion: 'scheduling.k8s.io/v1',
    metadata: { name, generation: 1 },
    value,
    description,
    preemptionPolicy: 'PreemptLowerPriority',
  }
  return { group: 'scheduling.k8s.io', plural: 'priorityclasses', object }
}

/** They are looked after from then on: see follow-flow-objects.ts. */
function flowObjects(now: string): readonly WantedObject[] {
  const group = 'flowcontrol.apiserver.k8s.io'
  return [
    ...startingLevels.map(({ object }) => ({ group, plural: 'prioritylevelconfigurations', object: firstOf(object) })),
    ...startingSchemas.map(({ object }) => {
      const found = danglingCondition(object.spec?.priorityLevelConfiguration.name ?? '', true)
      const status = { conditions: [{ ...found, lastTransitionTime: now }] }
      return { group, plural: 'flowschemas', object: { ...firstOf(object), status } }
    }),
  ]
}

function localApiServices(registry: Registry, now: string): readonly WantedObject[] {
  const kinds = registry.all().flatMap((resource) => (resource.isCustom ? [] : [resource.kind]))
  return registeredVersions(kinds).map((version) => {
    const object = { ...localApiService(version, false), status: { conditions: [{ ...localCondition, lastTransitionTime: now }] } }
    return { group: 'apiregistration.k8s.io', plural: 'apiservices', object }
  })
}

/** Since when the last use of tokens in Secrets is noted on them. */
function tokenTracking(nowMs: number): WantedObject {
  const object = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
    data: { since: new Date(nowMs).toISOString().slice(0, 10) },
  }
  return { group: '', plural: 'configmaps', object }
}

/** How aggregated API servers know that a request comes from this one, and who asked. */
function authenticationFacts({ clientCa, frontProxyCa, requestHeaders = defaultRequestHeaders }: ClientAuthorities): WantedObject {
  const shown = (names: readonly string[]) => JSON.stringify(names.map((name) => name.replace(/(?<=^|-)[a-z]/g, (c) => c.toUpperCase())))
  const object = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'client-ca-file': clientCa,
      'requestheader-allowed-names': JSON.stringify(requestHeaders.allowedNames),
      'requestheader-client-ca-file': frontProxyCa,
      'requestheader-extra-headers-prefix': shown(requestHeaders.extraHeaderPrefixes),
      'requestheader-group-headers': shown(requestHeaders.groupHeaders),
      'requestheader-uid-headers': shown(requestHeaders.uidHeaders),
      'requestheader-username-headers': shown(requestHeaders.usernameHeaders),
    },
  }
  return { group: '', plural: 'configmaps', object, mended: keptAs(object) }
}

const firstOf = <T extends KubeObject>(object: T) => ({ ...object, metadata: { ...object.metadata, generation: 1 } })

const serviceLabels = { component: 'apiserver', provider: 'kubernetes' } as const

/** Where addresses of Services come from until somebody adds a range. The address objects follow when the server has seen the Services. */
function serviceRange(cidrs: string, now: string): WantedObject {
  const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready', lastTransitionTime: now }
  const object = {
    kind: 'ServiceCIDR',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name: 'kubernetes', finalizers: [serviceCidrFinalizer] },
    spec: { cidrs: rangesOf(cidrs) },
    status: { conditions: [ready] },
  }
  return { group: 'networking.k8s.io', plural: 'servicecidrs', object }
}

/** It takes the first address of the service range. */
function kubernetesService(serviceCidr: string, port: number): WantedObject {
  const { family, addressAt } = parseIpRange(rangesOf(serviceCidr)[0]!)
  const clusterIP = addressAt(0)
  const object = {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: 'kubernetes', namespace: 'default', labels: serviceLabels },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: [family],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
      sessionAffinity: 'None',
    },
    status: { loadBalancer: {} },
  }
  return { group: '', plural: 'services', object }
}

function kubernetesEndpoints({ address, port }: { readonly address: string; readonly port: number }): readonly WantedObject[] {
  const ports = [{ name: 'https', port, protocol: 'TCP' }]
  const endpoints = {
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports }],
  }
  const slice = {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports,
  }
  return [
    { group: '', plural: 'endpoints', object: endpoints, mended: keptAs(endpoints) },
    { group: 'discovery.k8s.io', plural: 'endpointslices', object: slice, mended: keptAs(slice) },
  ]
}
