/**
 * The aggregation layer: group versions that other API servers answer (https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/).
 *
 *  1. An APIService with a service is a route from the moment that it is seen; it answers 503 until its server was found available.
 *  2. Availability is judged again at every change of the APIService, its Service or its EndpointSlices, and every half minute, since a
 *     server that is stuck changes nothing. Without such APIServices nothing is followed and no timer runs.
 *  3. Its discovery and OpenAPI are read at the same time, so that the documents of this server need no request of their own.
 */
import type { Duplex } from 'node:stream'
import { familyHead, labelText, sampleText } from '../../base/exposition-text.ts'
import { type Cancel, toTime } from '../../base/clock.ts'
import { apiServices } from '../../kinds/apiregistration/api-service.ts'
import { services } from '../../kinds/core/service.ts'
import { endpointSlices } from '../../kinds/discovery/endpoint-slice.ts'
import type { APIService } from '../../kinds/generated/types/apiregistration-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus, StatusError, statusErrors } from '../../machinery/status-error.ts'
import { followPrefix } from '../follow-prefix.ts'
import type { ApiRequest, ApiResponse, UserInfo } from '../contract.ts'
import type { Core } from '../core.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { PodWay } from '../reach/pod-tunnel.ts'
import { answerHeaders } from '../subresources/proxied-answer.ts'
import { forwardedHeaders, serviceTarget } from '../subresources/proxy.ts'
import { unreachableService } from '../subresources/proxy-errors.ts'
import { mutateObject } from '../verbs/mutate.ts'
import { type Availability, passed, planAvailability, withAvailability } from './availability-plan.ts'
import { checkRemote } from './check-remote.ts'
import { noDocuments, type RemoteDocuments } from './remote-documents.ts'
import { type Address, createRemoteServer, type FrontProxy, identityHeaders, type RemoteServer } from './remote-server.ts'

/** One group version that another server answers. */
export type Aggregated = {
  readonly group: string
  readonly version: string
  readonly groupPriority: number
  readonly versionPriority: number
  readonly isAvailable: boolean
  readonly documents: RemoteDocuments
}

export type Aggregation = {
  /** The route of a request; undefined: it is this server's own. */
  find(info: RequestInfo): Route | undefined
  all(): readonly Aggregated[]
  /** The resource of a kind, as its server told it last. */
  pluralOf(apiVersion: string, kind: string): string | undefined
  /** Upstream's metric of APIServices that cannot be asked, in the Prometheus text format. */
  metrics(): string
  /** Called when what `all` gives has changed. */
  onChange(listener: () => void): void
  /** Resolves after the signal aborted. */
  readonly ended: Promise<void>
}

export type Route = {
  /** Throws 503 when the server cannot be reached. */
  proxy(request: ApiRequest, call: { readonly user: UserInfo; readonly signal: AbortSignal }): Promise<ApiResponse>
  /** A connection on which an upgrade can be written, and the head's own lines. Throws 503. */
  connect(): Promise<{ readonly socket: Duplex; readonly address: Address }>
}

const recheckMs = 30_000
const retryMs = { min: 50, max: 30_000 } as const
const afterFailures = ({ failures }: Pick<Remote, 'failures'>) => Math.min(retryMs.max, retryMs.min * 2 ** (failures - 1))

type Remote = {
  service: KubeObject & APIService
  server: RemoteServer
  isAvailable: boolean
  documents: RemoteDocuments
  failures: number
  cancel: Cancel | undefined
  checking: Promise<void> | undefined
}

export function createAggregation(
  core: Core,
  { frontProxy, way }: { readonly frontProxy: FrontProxy | undefined; readonly way: PodWay },
  signal: AbortSignal,
): Aggregation {
  return new Layer(core, frontProxy, way, signal)
}

class Layer implements Aggregation {
  readonly ended: Promise<void>
  readonly #core: Core
  readonly #frontProxy: FrontProxy | undefined
  readonly #way: PodWay
  readonly #signal: AbortSignal
  /** By `group/version`. */
  readonly #remotes = new Map<string, Remote>()
  readonly #listeners = new Set<() => void>()
  /** How often each has ceased to be available, by upstream's labels. */
  readonly #losses = new Map<string, number>()
  #followsServices = false
  readonly #following: Promise<void>[] = []

  constructor(core: Core, frontProxy: FrontProxy | undefined, way: PodWay, signal: AbortSignal) {
    this.#core = core
    this.#frontProxy = frontProxy
    this.#way = way
    this.#signal = signal
    const end = this.#follow(apiServices, () => this.#look())
    this.#look()
    this.ended = end.then(async () => {
      for (const remote of this.#remotes.values()) this.#drop(remote)
      await Promise.all([...this.#following, ...[...this.#remotes.values()].map((remote) => remote.checking)])
    })
  }

  find(info: RequestInfo): Route | undefined {
    if (this.#remotes.size === 0) return undefined
    const key = info.type === 'resource' ? `${info.group}/${info.version}` : /^\/apis\/([^/]+\/[^/]+)\/?$/.exec(info.path)?.[1]
    const remote = key === undefined ? undefined : this.#remotes.get(key)
    return remote && { proxy: (request, call) => this.#proxy(remote, request, call), connect: () => this.#connect(remote) }
  }

  all(): readonly Aggregated[] {
    return [...this.#remotes.values()].map(({ service: { spec }, isAvailable, documents }) => ({
      group: spec?.group ?? '',
      version: spec?.version ?? '',
      groupPriority: spec?.groupPriorityMinimum ?? 0,
      versionPriority: spec?.versionPriority ?? 0,
      isAvailable,
      documents,
    }))
  }

  pluralOf(apiVersion: string, kind: string): string | undefined {
    const resources = this.#remotes.get(apiVersion)?.documents.resources
    return resources?.find((resource) => resource.kind === kind && !resource.name.includes('/'))?.name
  }

  metrics(): string {
    const name = 'aggregator_unavailable_apiservice'
    const values = [...this.#remotes.values()].map(
      ({ service, isAvailable }) => `${name}{name=${JSON.stringify(service.metadata.name)}} ${isAvailable ? 0 : 1}\n`,
    )
    const losses = [...this.#losses].map(([labels, count]) => sampleText(`${name}_total`, labels, count))
    return [
      familyHead(name, 'gauge', 'APIServices that are not available.'),
      ...values,
      familyHead(`${name}_total`, 'counter', 'How often APIServices ceased to be available, by reason.'),
      ...losses,
    ].join('')
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  async #proxy(remote: Remote, request: ApiRequest, { user, signal }: { user: UserInfo; signal: AbortSignal }): Promise<ApiResponse> {
    const address = this.#addressOf(remote)
    const headers = { ...forwardedHeaders(request), ...identityHeaders(user), host: `${address.host}:${address.port}` }
    const { method, url: path, body } = request
    try {
      const answer = await remote.server.request(address, { method, path, headers, body, signal })
      return { code: answer.code, headers: answerHeaders(answer.headers), body: answer.body }
    } catch (error) {
      this.#schedule(remote, 0)
      throw unreachableService(error)
    }
  }

  async #connect(remote: Remote): Promise<{ socket: Duplex; address: Address }> {
    const address = this.#addressOf(remote)
    try {
      return { socket: await remote.server.connect(address), address }
    } catch (error) {
      throw unreachableService(error)
    }
  }

  #addressOf(remote: Remote): Address {
    if (!remote.isAvailable) throw statusErrors.serviceUnavailable('service unavailable')
    return this.#resolve(remote)
  }

  #resolve({ service: { spec } }: Remote): Address {
    const { name = '', namespace = '', port = 443 } = spec?.service ?? {}
    const found = createObjectReader(this.#core.registry, this.#core.storage).get(services, namespace, name)
    if (found?.spec?.type === 'ExternalName' && found.spec.externalName) return { host: found.spec.externalName, port }
    try {
      return serviceTarget(this.#core, namespace, { scheme: 'https', name, port: String(port) })
    } catch (error) {
      if (error instanceof StatusError) throw statusErrors.serviceUnavailable('service unavailable')
      throw error
    }
  }

  /** Brings the routes into step with the APIServices. */
  #look(): void {
    const reader = createObjectReader(this.#core.registry, this.#core.storage)
    const wanted = new Map<string, KubeObject & APIService>()
    for (const service of reader.list(apiServices as KindRef<KubeObject & APIService>, ''))
      if (service.spec?.service) wanted.set(`${service.spec.group ?? ''}/${service.spec.version ?? ''}`, service)
    let isChanged = false
    for (const [key, remote] of this.#remotes) {
      if (wanted.get(key)?.metadata.uid === remote.service.metadata.uid) continue
      this.#drop(remote)
      this.#remotes.delete(key)
      isChanged = true
    }
    for (const [key, service] of wanted) {
      const known = this.#remotes.get(key)
      if (known && deepEqual(known.service.spec, service.spec)) continue
      isChanged = true
      if (known) this.#renew(known, service)
      else this.#remotes.set(key, this.#remoteOf(service))
      this.#schedule(this.#remotes.get(key)!, 0)
    }
    if (this.#remotes.size > 0) this.#followServices()
    if (isChanged) this.#changed()
  }

  #remoteOf(service: KubeObject & APIService): Remote {
    const server = createRemoteServer(service.spec!, this.#frontProxy, this.#way)
    // What was found before this server started holds until it is found otherwise.
    const isAvailable = service.status?.conditions?.some((c) => c.type === 'Available' && c.status === 'True') ?? false
    return { service, server, isAvailable, documents: noDocuments, failures: 0, cancel: undefined, checking: undefined }
  }

  /** Under a changed spec it counts as what it was until it is checked. */
  #renew(remote: Remote, service: KubeObject & APIService): void {
    const connection = ({ spec }: APIService) => [spec?.service, spec?.caBundle, spec?.insecureSkipTLSVerify]
    const isOther = !deepEqual(connection(remote.service), connection(service))
    remote.service = service
    if (!isOther) return
    remote.server.close()
    remote.server = createRemoteServer(service.spec!, this.#frontProxy, this.#way)
  }

  #followServices(): void {
    if (this.#followsServices) return
    this.#followsServices = true
    const named = (keys: readonly string[]) => {
      for (const remote of this.#remotes.values()) {
        const { namespace, name } = remote.service.spec?.service ?? {}
        // Slices are named after their service.
        if (keys.some((key) => key.includes(`/${namespace}/${name}`))) this.#schedule(remote, 0)
      }
    }
    this.#following.push(this.#follow(services, named), this.#follow(endpointSlices, named))
  }

  async #follow(kind: KindRef, changed: (keys: readonly string[]) => void): Promise<void> {
    const { registry, storage } = this.#core
    const resource = registry.find(kind.group, kind.version, kind.plural)
    if (!resource) return
    await followPrefix(storage.cache, resource.prefix, {
      signal: this.#signal,
      look: (batch) => {
        if (batch) return changed(batch.events.map((event) => event.key))
        for (const remote of this.#remotes.values()) this.#schedule(remote, 0)
        this.#look()
      },
    })
  }

  #schedule(remote: Remote, delayMs: number): void {
    if (this.#signal.aborted) return
    remote.cancel?.()
    remote.cancel = this.#core.clock.schedule(delayMs, () => {
      // One at a time: who asks meanwhile is asked again.
      if (remote.checking) return this.#schedule(remote, retryMs.min)
      remote.checking = this.#check(remote).finally(() => (remote.checking = undefined))
    })
  }

  async #check(remote: Remote): Promise<void> {
    try {
      await this.#checkOnce(remote)
    } catch (error) {
      if (this.#signal.aborted) return
      const { name } = remote.service.metadata
      this.#core.log.warn({ service: name, error: String(error) }, 'an aggregated API could not be checked')
      remote.failures++
      if (this.#isCurrent(remote)) this.#schedule(remote, afterFailures(remote))
    }
  }

  async #checkOnce(remote: Remote): Promise<void> {
    const checked =
      this.#planned(remote.service) ??
      (await checkRemote(remote.server, remote.service.spec!, {
        resolve: () => this.#resolve(remote),
        clock: this.#core.clock,
        signal: this.#signal,
      }))
    const availability = 'documents' in checked ? passed : checked
    const documents = 'documents' in checked ? checked.documents : remote.documents
    if (this.#signal.aborted || !this.#isCurrent(remote)) return
    const isAvailable = availability.status === 'True'
    remote.failures = isAvailable ? 0 : remote.failures + 1
    await this.#write(remote, availability)
    if (remote.isAvailable && !isAvailable) this.#lost(remote, availability)
    const isChanged = isAvailable !== remote.isAvailable || !deepEqual(documents, remote.documents)
    remote.isAvailable = isAvailable
    remote.documents = documents
    if (isChanged) this.#changed()
    if (this.#isCurrent(remote)) this.#schedule(remote, isAvailable ? recheckMs : afterFailures(remote))
  }

  #planned(apiService: APIService): Availability | undefined {
    const { name = '', namespace = '' } = apiService.spec?.service ?? {}
    const reader = createObjectReader(this.#core.registry, this.#core.storage)
    const slices = reader.list(endpointSlices, namespace).filter((slice) => slice.metadata?.labels?.['kubernetes.io/service-name'] === name)
    return planAvailability(apiService, reader.get(services, namespace, name), slices)
  }

  async #write({ service }: Remote, availability: Availability): Promise<void> {
    const resource = this.#core.registry.find(apiServices.group, apiServices.version, apiServices.plural)
    if (!resource) return
    const { name = '', uid } = service.metadata
    try {
      await mutateObject<KubeObject & APIService>(this.#core, { resource, namespace: '', name }, (current) => {
        if (current.metadata.uid !== uid) return
        const conditions = withAvailability(current.status?.conditions ?? [], availability, toTime(this.#core.clock.now()))
        if (conditions) current.status = { ...current.status, conditions }
      })
    } catch (error) {
      if (!isStatus(error, 'NotFound') && !isStatus(error, 'Conflict')) throw error
    }
  }

  #lost({ service }: Remote, { reason }: Availability): void {
    const labels = labelText({ name: service.metadata.name ?? '', reason: reason ?? '' })
    this.#losses.set(labels, (this.#losses.get(labels) ?? 0) + 1)
  }

  #isCurrent(remote: Remote): boolean {
    return this.#remotes.get(`${remote.service.spec?.group ?? ''}/${remote.service.spec?.version ?? ''}`) === remote
  }

  #drop(remote: Remote): void {
    remote.cancel?.()
    remote.server.close()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
