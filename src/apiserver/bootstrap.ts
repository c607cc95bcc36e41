import { toTime } from '../base/clock.ts'
import { defaultRequestHeaders, type RequestHeaderOptions } from './authn/certificates.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { Operation } from '../store/contract.ts'
import { serviceCidrFinalizer } from '../kinds/networking/service-addresses.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import { encodeStored } from './codec.ts'
import { followPrefix } from './follow-prefix.ts'
import { startingLevels, startingSchemas } from './flowcontrol/flow-objects.ts'
import { localApiService, localCondition, registeredVersions } from './aggregation/local-api-services.ts'
import { danglingCondition } from './flowcontrol/maintain-plan.ts'
import type { ObjectStorage } from './object-storage.ts'
import { keyOfObject, type Registry } from './registry.ts'
import { formatIpv4, parseIpRange } from './services/ip-range.ts'

/** By whom aggregated API servers can know callers: the authority of clients, and those of front proxies (PEM), with their headers. */
export type ClientAuthorities = { readonly clientCa: string; readonly frontProxyCa: string; readonly requestHeaders?: RequestHeaderOptions }

export type BootstrapOptions = {
  /** Absent: nothing is published for aggregated API servers. */
  readonly clientAuthorities?: ClientAuthorities | undefined
  readonly registry: Registry
  readonly storage: ObjectStorage
  readonly clock: Clock
  readonly random: Random
  readonly serviceCidr: string
  /** Whether the system's namespaces begin with the service account that pods get: loops make it in the others, and there when it is gone. */
  readonly withServiceAccounts: boolean
  /** Where the nodes and pods of the cluster reach this server; absent: no `kubernetes` endpoints are kept. */
  readonly advertise: { readonly address: string; readonly port: number } | undefined
}

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const
const attemptsMax = 5

/**
 * Makes sure of what every cluster has before anybody speaks to it: the system's namespaces and priority classes, and the
 * `kubernetes` Service with its endpoints. One commit for all that is missing, so a start costs one write at most.
 */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  await create(options, () => wantedObjects(options))
}

async function create(options: BootstrapOptions, wanted: () => readonly Wanted[]): Promise<void> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const operations = wanted().flatMap((one) => missing(options, one))
    if (operations.length === 0) return
    const result = await options.storage.commit(operations)
    if (result.type === 'committed') return
  }
  throw new Error('the objects that every cluster has could not be created: other writers kept changing them')
}

/**
 * Brings the system's namespaces and the `kubernetes` Service with its endpoints back whenever somebody deletes them. Resolves when
 * the signal aborts.
 */
export async function keepBootstrapped(options: BootstrapOptions & { readonly log: Log }, signal: AbortSignal): Promise<void> {
  const { registry, storage, log } = options
  const follow = async (wanted: Wanted): Promise<void> => {
    const resource = registry.find(wanted.group, 'v1', wanted.plural)
    if (!resource) return
    const key = keyOfObject(resource, wanted.object.metadata.namespace ?? '', wanted.object.metadata.name ?? '')
    const look = async () => {
      if (storage.cache.get(key) || signal.aborted) return
      await create(options, () => [wanted]).catch((error: unknown) => log.warn({ key, error: String(error) }, 'could not be brought back'))
    }
    await followPrefix(storage.cache, key, { look, signal })
  }
  await Promise.all(lastingObjects(options).map(follow))
}

/** `isKept`: also brought back to the wanted content when it has changed. */
type Wanted = {
  readonly group: string
  readonly plural: string
  readonly object: KubeObject & Record<string, unknown>
  readonly isKept: boolean
}

function missing(options: BootstrapOptions, { group, plural, object, isKept }: Wanted): Operation[] {
  const { registry, storage, random, clock } = options
  const resource = registry.find(group, 'v1', plural)
  if (!resource) return []
  const key = keyOfObject(resource, object.metadata.namespace ?? '', object.metadata.name ?? '')
  const entry = storage.cache.get(key)
  if (!entry) {
    const metadata = { ...object.metadata, uid: random.uuid(), creationTimestamp: toTime(clock.now()) }
    return [{ type: 'put', key, value: encodeStored({ ...object, metadata }), expected: 'absent' }]
  }
  if (!isKept) return []
  const current = entry.value.copy() as KubeObject & Record<string, unknown>
  const { kind: _k, apiVersion: _a, metadata: _m, ...content } = object
  if (Object.entries(content).every(([field, value]) => deepEqual(current[field], value))) return []
  return [{ type: 'put', key, value: encodeStored({ ...current, ...content }), expected: entry.revision }]
}

function wantedObjects(options: BootstrapOptions): readonly Wanted[] {
  const { serviceCidr, advertise, clock, registry, clientAuthorities, withServiceAccounts } = options
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
  ]
}

function lastingObjects({ serviceCidr, advertise }: Pick<BootstrapOptions, 'serviceCidr' | 'advertise'>): readonly Wanted[] {
  return [
    ...systemNamespaces.map(systemNamespace),
    kubernetesService(serviceCidr, advertise?.port ?? 6443),
    ...(advertise ? kubernetesEndpoints(advertise) : []),
  ]
}

function systemNamespace(name: string): Wanted {
  const object = {
    kind: 'Namespace',
    apiVersion: 'v1',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }
  return { group: '', plural: 'namespaces', object, isKept: false }
}

function serviceAccount(namespace: string): Wanted {
  const object = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default', namespace } }
  return { group: '', plural: 'serviceaccounts', object, isKept: false }
}

function priorityClass(name: string, value: number, description: string): Wanted {
  const object = {
    kind: 'PriorityClass',
    apiVersion: 'scheduling.k8s.io/v1',
    metadata: { name, generation: 1 },
    value,
    description,
    preemptionPolicy: 'PreemptLowerPriority',
  }
  return { group: 'scheduling.k8s.io', plural: 'priorityclasses', object, isKept: false }
}

/** They are looked after from then on: see follow-flow-objects.ts. */
function flowObjects(now: string): readonly Wanted[] {
  const group = 'flowcontrol.apiserver.k8s.io'
  return [
    ...startingLevels.map(({ object }) => ({ group, plural: 'prioritylevelconfigurations', object: firstOf(object), isKept: false })),
    ...startingSchemas.map(({ object }) => {
      const found = danglingCondition(object.spec?.priorityLevelConfiguration.name ?? '', true)
      const status = { conditions: [{ ...found, lastTransitionTime: now }] }
      return { group, plural: 'flowschemas', object: { ...firstOf(object), status }, isKept: false }
    }),
  ]
}

function localApiServices(registry: Registry, now: string): readonly Wanted[] {
  const kinds = registry.all().flatMap((resource) => (resource.isCustom ? [] : [resource.kind]))
  return registeredVersions(kinds).map((version) => {
    const object = { ...localApiService(version, false), status: { conditions: [{ ...localCondition, lastTransitionTime: now }] } }
    return { group: 'apiregistration.k8s.io', plural: 'apiservices', object, isKept: false }
  })
}

/** Since when the last use of tokens in Secrets is noted on them. */
function tokenTracking(nowMs: number): Wanted {
  const object = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
    data: { since: new Date(nowMs).toISOString().slice(0, 10) },
  }
  return { group: '', plural: 'configmaps', object, isKept: false }
}

/** How aggregated API servers know that a request comes from this one, and who asked. */
function authenticationFacts({ clientCa, frontProxyCa, requestHeaders = defaultRequestHeaders }: ClientAuthorities): Wanted {
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
  return { group: '', plural: 'configmaps', object, isKept: true }
}

const firstOf = <T extends KubeObject>(object: T) => ({ ...object, metadata: { ...object.metadata, generation: 1 } })

const serviceLabels = { component: 'apiserver', provider: 'kubernetes' } as const

/** Where addresses of Services come from until somebody adds a range. The address objects follow when the server has seen the Services. */
function serviceRange(cidr: string, now: string): Wanted {
  const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready', lastTransitionTime: now }
  const object = {
    kind: 'ServiceCIDR',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name: 'kubernetes', finalizers: [serviceCidrFinalizer] },
    spec: { cidrs: [cidr] },
    status: { conditions: [ready] },
  }
  return { group: 'networking.k8s.io', plural: 'servicecidrs', object, isKept: false }
}

/** It takes the first address of the service range. */
function kubernetesService(serviceCidr: string, port: number): Wanted {
  const clusterIP = formatIpv4(parseIpRange(serviceCidr).first)
  const object = {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: 'kubernetes', namespace: 'default', labels: serviceLabels },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
      sessionAffinity: 'None',
    },
    status: { loadBalancer: {} },
  }
  return { group: '', plural: 'services', object, isKept: false }
}

function kubernetesEndpoints({ address, port }: { readonly address: string; readonly port: number }): readonly Wanted[] {
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
    { group: '', plural: 'endpoints', object: endpoints, isKept: true },
    { group: 'discovery.k8s.io', plural: 'endpointslices', object: slice, isKept: true },
  ]
}
