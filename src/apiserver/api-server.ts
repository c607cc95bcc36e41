import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { ClientMetrics } from '../client/client-metrics.ts'
import type { Client } from '../client/contract.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import type { SchemaSet } from '../machinery/schema/schema-set.ts'
import { type Store, StoreCompacted } from '../store/contract.ts'
import { createWatchCache } from '../store/watch-cache.ts'
import type { WatchCache } from '../store/watch-cache-contract.ts'
import { admissionChain } from './admission/chain.ts'
import { dynamicAdmission } from './admission/dynamic/dynamic-admission.ts'
import { typeCheckPolicies } from './admission/policies/type-check-policies.ts'
import { builtInPlugins } from './admission/plugins.ts'
import type { PodSecurityConfiguration } from './admission/pod-security/configuration.ts'
import { createPodSecurityMetrics } from './admission/pod-security/pod-security-metrics.ts'
import type { TolerationSeconds } from './admission/default-toleration-seconds.ts'
import { claimStatusRights } from './admission/claim-status-rights.ts'
import { grantedAdminAccess, requestedAdminAccess } from './admission/device-admin-access.ts'
import { createQuotaTurns } from './admission/quota-turns.ts'
import { resourceQuotaHook } from './admission/resource-quota.ts'
import { createPolicyMetrics } from './admission/policies/policy-metrics.ts'
import { createWebhookMetrics } from './admission/webhooks/webhook-metrics.ts'
import { createAggregation } from './aggregation/aggregation.ts'
import { keepRegistered } from './aggregation/auto-registration.ts'
import type { FrontProxy } from './aggregation/remote-server.ts'
import type { Policy } from './authz/bootstrap-policy.ts'
import { lazyBinaryCodec } from './objects/binary-codec.ts'
import { bootstrap, keepBootstrapped, type ClientAuthorities } from './bootstrap.ts'
import { adoptStored, type CachedObject, decodeStored } from './objects/cached-object.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { AdmissionPlugin, ApiRequest, ApiResponse, Authenticator, Authorizer, UpgradeHandler, UserInfo } from './contract.ts'
import type { Core } from './core.ts'
import { type ComponentCheck, componentStatusHandler, storeCheck } from './component-statuses.ts'
import { createCustomSchemas } from './custom/custom-schemas.ts'
import { createCelMetrics } from './custom/cel-metrics.ts'
import { serveCustomResources } from './custom/custom-resources.ts'
import { publishedDocuments } from './custom/published-documents.ts'
import { deepFreeze } from './objects/deep-freeze.ts'
import { type Dispatch, replaceObject } from './dispatch.ts'
import type { Fairness } from './flowcontrol/fairness.ts'
import { followFlowObjects } from './flowcontrol/follow-flow-objects.ts'
import { createFlowGate } from './flowcontrol/flow-gate.ts'
import { flowDumps } from './flowcontrol/flow-dumps.ts'
import { type LoopShare, unlimitedShare } from './flowcontrol/loop-share.ts'
import { agentOf, createInProcessClient } from './in-process-client.ts'
import { type ApiMetrics, createApiMetrics } from './metrics.ts'
import type { Dialer } from './reach/node-dialer.ts'
import { createObjectReader, type ObjectReader } from './objects/object-reader.ts'
import { createLeanView, createObjectStorage } from './objects/object-storage.ts'
import { createPipeline, type PathHandler } from './pipeline.ts'
import { defaultLimits, type RequestLimits } from './http/request-timeout.ts'
import { nodeMarksHook, offerRoomHook } from './placement/offer-room.ts'
import { PlacementGuard } from './placement/placement-guard.ts'
import { createRegistry, type Registry } from './registry.ts'
import { reviewHandlers, type TokenReviewer } from './authz/reviews.ts'
import { resourceMetricsHandlers } from './resource-metrics/handlers.ts'
import { type HealthCheck, healthPaths, indexPath, metricsPath, versionPath } from './http/server-paths.ts'
import { parseIpRange, rangesOf } from './services/ip-range.ts'
import { type PortRange, serviceAllocation } from './services/service-allocation.ts'
import { Slabs } from './objects/slabs.ts'
import { bindings, podBinding, podBindings } from './subresources/binding.ts'
import { acceptOffer, declineOffer } from './subresources/offer-answers.ts'
import { podEviction } from './subresources/eviction.ts'
import { explainHandler, upgradeRequired } from './subresources/explain.ts'
import { objectSubresource } from './subresources/object-subresource.ts'
import { podLog } from './subresources/pod-log.ts'
import { deploymentRunAction, podRunAction } from './subresources/run-actions.ts'
import { scale } from './subresources/scale.ts'
import { serviceAccountToken, type TokenIssuer } from './subresources/token.ts'
import { createUpgradeHandler } from './http/upgrade.ts'
import { podWay, throughAgents } from './reach/pod-tunnel.ts'
import { createWebhookClient } from './reach/webhook-client.ts'
import type { WantedObject } from './wanted-objects.ts'
import { createWriteJudges } from './objects/write-judges.ts'
import { createWriteHooks } from './objects/write-hooks.ts'

export type ApiServerOptions = {
  readonly store: Store
  readonly kinds: readonly KindDefinition[]
  readonly schemas: SchemaSet
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  /** Plugins after the built-in ones, before webhooks and policies. */
  readonly admission?: readonly AdmissionPlugin[]
  /** Names of built-in plugins to run that are off by default. */
  readonly withAdmission?: readonly string[]
  /** Names of built-in plugins to leave out. */
  readonly withoutAdmission?: readonly string[]
  /** One range, or one of each family with a comma between. Default 10.96.0.0/12. */
  readonly serviceCidr?: string
  /** Where nodes and pods reach this server; absent: the `kubernetes` Service gets no endpoints. */
  readonly advertise?: { readonly address: string; readonly port: number }
  /** Issues and reviews service account tokens; absent: `serviceaccounts/token` answers 404 and no token is known. */
  readonly tokens?: Omit<TokenIssuer, 'defaultAudiences'> & {
    readonly review: TokenReviewer
    readonly defaultAudiences?: readonly string[]
  }
  /** The last decision about a pod, for `pods/NAME/explain`. Undefined: none is known. */
  readonly explainPod?: Parameters<typeof explainHandler>[0]
  /** Reaches node agents, pods and services; absent: logs, streams and proxies answer 503. */
  readonly dialer?: Dialer
  /** Answer paths beyond health, version and metrics: discovery, OpenAPI, OpenID. Tried in order. */
  readonly paths?: readonly PathHandler[]
  /** Other servers write to the same store: what this one knows may be behind, and what it takes must be claimed there. */
  readonly isStoreShared?: boolean
  /** Beyond the cache being filled. */
  readonly readyChecks?: readonly HealthCheck[]
  /** Parts of the control plane beside this server and its store, for `componentstatuses`. */
  readonly components?: readonly ComponentCheck[]
  /** Counts the calls of webhooks. */
  readonly clientMetrics?: ClientMetrics | undefined
  /** More families for `/metrics`. */
  readonly moreMetrics?: () => Promise<string> | string
  readonly audit?: AuditLog
  /** What holds for pods where no label says otherwise, and who is exempt. */
  readonly podSecurity?: PodSecurityConfiguration | undefined
  readonly limits?: Partial<RequestLimits>
  /** Requests at work, reading and writing together. Default 600. */
  readonly inflightMax?: number
  /** Default 30000 to 32767. */
  readonly nodePorts?: PortRange
  /** How long a pod that does not say stays on a node in trouble. Default 300 s each. */
  readonly tolerationSeconds?: TolerationSeconds
  /** What it shows to aggregated API servers, and whom those can ask who it is; absent: they are asked without a certificate. */
  readonly frontProxy?: FrontProxy
  /** Published for aggregated API servers in `kube-system/extension-apiserver-authentication`: PEM. */
  readonly clientAuthorities?: ClientAuthorities
  /** Pods can be made in the system's namespaces at once, before the loop has run that gives each namespace its service account. */
  readonly withServiceAccounts?: boolean
  /** The roles that every cluster has; absent: none are stored. */
  readonly policy?: Policy
  /** What else every cluster has. */
  readonly firstObjects?: readonly WantedObject[]
  /** How requests share the event loop. Default: they do not, as under a virtual clock that has no loop to share. */
  readonly loopShare?: LoopShare
  /** Tells in the status of admission policies what a check of their types finds. Default true. */
  readonly checksPolicyTypes?: boolean
  /** Freezes what in-process clients get, so that whoever changes a shared object fails at once. For tests: it costs a walk an object. */
  readonly freezesObjects?: boolean
}

/** The API server without its sockets. */
export type ApiServer = {
  readonly core: Core
  /** Custom kinds are added here. */
  readonly registry: Registry
  readonly metrics: ApiMetrics
  /** Reads without authorization, for the server's own parts (authenticators, policies). */
  readonly reader: ObjectReader
  handle(request: ApiRequest): Promise<ApiResponse>
  readonly upgrade: UpgradeHandler
  /** The API for callers in this process; objects by reference. `isLean`: lists and watches leave managed fields out where they can. */
  clientFor(user: UserInfo, options?: { readonly isLean: boolean }): Client
  /** Ends watches and the cache; the store is its owner's to close. Idempotent. */
  close(): Promise<void>
}

const defaultServiceCidr = '10.96.0.0/12'
/** What the server does itself, it may, whatever the roles are. */
const serverUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
const defaultAudience = 'https://kubernetes.default.svc.cluster.local'

/** Fills the cache from the store, creates what every cluster has, and serves from there. Rejects when the store cannot be read. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, random, log, authorizer, serviceCidr = defaultServiceCidr } = options
  const slabs = new Slabs()
  const cache = await createWatchCache<CachedObject>({
    store,
    clock,
    log,
    decode: (_key, value, revision) => decodeStored(slabs, value, revision),
    decodeScanned: (_key, value, revision) => adoptStored(slabs, value, revision),
    sizeOf: ({ length }) => length,
  })
  const closing = new AbortController()
  const metrics = createApiMetrics()
  const retiring = retireOverwritten(cache, { slabs, metrics }, closing.signal)
  const registry = createRegistry(options.kinds)
  const storage = createObjectStorage({ cache, store, slabs })
  const { advertise, clientAuthorities, withServiceAccounts = false, policy, firstObjects = [] } = options
  const lasting = {
    registry,
    storage,
    clock,
    random,
    log,
    serviceCidr,
    advertise,
    clientAuthorities,
    withServiceAccounts,
    policy,
    firstObjects,
  }
  await bootstrap(lasting)
  const keeping = keepBootstrapped(lasting, closing.signal)
  const reader = createObjectReader(registry, storage)
  const schemas = createCustomSchemas(options.schemas)
  const choice = { enabled: options.withAdmission ?? [], disabled: options.withoutAdmission ?? [] }
  const way = podWay({ registry, storage }, options.dialer)
  const dialer = options.dialer && throughAgents(options.dialer, way)
  const webhooks = createWebhookClient({ reader: () => reader, clock, random, way, metrics: options.clientMetrics })
  const webhookMetrics = createWebhookMetrics()
  const policyMetrics = createPolicyMetrics()
  const podSecurityMetrics = createPodSecurityMetrics()
  const dynamic = dynamicAdmission(
    {
      cache,
      registry,
      reader,
      schemas,
      authorizer,
      clock,
      random,
      log,
      client: webhooks,
      metrics: webhookMetrics,
      policyMetrics,
      storage: () => storage,
    },
    closing.signal,
  )
  const last = dynamic.plugins.filter(({ name }) => !choice.disabled.includes(name))
  const plugins = [
    ...builtInPlugins(
      {
        reader,
        authorizer,
        // Asked when a request is judged, and by then there is an aggregation layer.
        pluralOf: (apiVersion, kind) => registry.findKind(apiVersion, kind)?.kind.plural ?? aggregation.pluralOf(apiVersion, kind),
        tolerationSeconds: options.tolerationSeconds,
        podSecurity: options.podSecurity,
        podSecurityMetrics,
      },
      choice,
    ),
    ...(options.admission ?? []),
    ...last,
  ]
  const placement = new PlacementGuard({ cache, reader, registry, isStoreShared: options.isStoreShared ?? false, signal: closing.signal })
  const turns = options.isStoreShared ? createQuotaTurns({ cache, clock, random }) : undefined
  const core: Core = {
    registry,
    storage,
    schemas,
    admission: admissionChain(plugins, {
      now: () => clock.monotonicMs(),
      stepped: (step, operation) => metrics.admitted(step, operation),
      judgedBy: (name, step, operation) => metrics.judgedBy(name, step, operation),
    }),
    authorizer,
    hooks: createWriteHooks([
      ...(choice.disabled.includes('ResourceQuota') ? [] : [resourceQuotaHook({ reader, turns })]),
      await serviceAllocation({
        reader,
        storage,
        registry,
        random,
        clock,
        isShared: options.isStoreShared ?? false,
        nodePorts: options.nodePorts,
        families: rangesOf(serviceCidr).map((range) => parseIpRange(range).family),
      }),
      offerRoomHook(placement, registry.find('keelson.dev', 'v1', 'offers')!),
      ...(options.isStoreShared ? [nodeMarksHook(placement)] : []),
    ]),
    judgeWrite: createWriteJudges([requestedAdminAccess({ reader }), grantedAdminAccess({ reader }), claimStatusRights({ authorizer })]),
    placement,
    clock,
    random,
    log,
  }
  const celMetrics = createCelMetrics(clock)
  const custom = await serveCustomResources({ core, schemas, builtIn: options.schemas, webhooks, cel: celMetrics }, closing.signal)
  const fairness = { gate: createFlowGate(clock, options.inflightMax), share: options.loopShare ?? unlimitedShare }
  const aggregation = createAggregation(core, { frontProxy: options.frontProxy, way }, closing.signal)
  const registering = keepRegistered(core, closing.signal)
  const dispatch = dispatchOf(options, closing.signal)
  const binary = lazyBinaryCodec()
  const checks = { live: [{ name: 'ping', isHealthy: () => true }], ready: options.readyChecks ?? [] }
  const paths = firstOf([
    healthPaths(checks),
    indexPath(registry, checks, () => aggregation.all()),
    versionPath,
    metricsPath(
      core,
      metrics,
      async () =>
        [...fairness.gate.metrics()].join('') +
        aggregation.metrics() +
        webhookMetrics.text() +
        policyMetrics.text() +
        podSecurityMetrics.text() +
        celMetrics.text() +
        (options.audit?.metricsText() ?? '') +
        ((await options.moreMetrics?.()) ?? ''),
    ),
    flowDumps(fairness.gate),
    ...(options.paths ?? []),
    publishedDocuments({
      registry,
      definitions: options.schemas.definitions,
      customType: (schema) => custom.typeOf(schema),
      aggregation,
      serverAddress: options.advertise ? `${options.advertise.address}:${options.advertise.port}` : '',
    }),
  ])
  const pipelineFor = (authenticator: Authenticator, shared: Fairness | undefined) =>
    createPipeline({
      core,
      dispatch,
      authenticator,
      metrics,
      paths,
      dialer,
      binary,
      closing: closing.signal,
      audit: options.audit,
      limits: { ...defaultLimits, ...options.limits },
      aggregation,
      fairness: shared,
    })
  const pipeline = pipelineFor(options.authenticator, fairness)
  const leanView = createLeanView()
  const handOut = options.freezesObjects ? deepFreeze : <T extends object>(object: T) => object
  const clientFor = (user: UserInfo, options?: { readonly isLean: boolean }) => {
    const asUser = pipelineFor({ authenticate: () => user }, undefined)
    const agent = agentOf(user.name)
    const handle = (request: ApiRequest) => asUser.handle(request)
    const lean = options?.isLean ? { listed: leanView } : {}
    return createInProcessClient({ core, dispatch, user, agent, handle, handOut, ...lean, closing: closing.signal })
  }
  const customSchema = (name: string) => custom.typeOf(name)?.schema
  const following = Promise.all([
    followFlowObjects(core, fairness.gate, closing.signal),
    ...(options.checksPolicyTypes === false
      ? []
      : [typeCheckPolicies({ ...core, customSchema, client: clientFor(serverUser) }, closing.signal)]),
  ])
  return {
    core,
    registry,
    metrics,
    reader,
    handle: (request) => pipeline.handle(request),
    upgrade: createUpgradeHandler({ core, aggregation, dialer, pipeline }),
    clientFor,
    close: async () => {
      closing.abort()
      await Promise.all([
        retiring,
        keeping,
        custom.ended,
        following,
        dynamic.ended,
        aggregation.ended,
        registering.ended(),
        placement.ended(),
      ])
      webhooks.close()
      await cache.close()
    },
  }
}

function dispatchOf({ tokens, explainPod, dialer, clock, store, components = [] }: ApiServerOptions, closing: AbortSignal): Dispatch {
  return {
    subresources: {
      '*/status': objectSubresource,
      'pods/ephemeralcontainers': objectSubresource,
      'pods/resize': objectSubresource,
      'certificatesigningrequests/approval': objectSubresource,
      'namespaces/finalize': { update: (core, context, request) => replaceObject(core, context, request) },
      '*/scale': scale,
      'pods/binding': { create: podBinding },
      'pods/eviction': { create: podEviction },
      'offers/accept': { create: acceptOffer },
      'offers/decline': { create: declineOffer },
      ...Object.fromEntries(
        runActions.flatMap((a) => [
          [`pods/${a}`, podRunAction(a)],
          [`deployments/${a}`, deploymentRunAction(a)],
        ]),
      ),
      ...(explainPod ? { 'pods/explain': explainHandler(explainPod) } : {}),
      ...(tokens
        ? {
            'serviceaccounts/token': serviceAccountToken({
              issue: (claims) => tokens.issue(claims),
              defaultAudiences: tokens.defaultAudiences ?? [defaultAudience],
            }),
          }
        : {}),
      ...(dialer ? { 'pods/log': podLog(dialer) } : {}),
      ...Object.fromEntries(['exec', 'attach', 'portforward'].map((s) => [`pods/${s}`, { get: upgradeRequired, create: upgradeRequired }])),
    },
    virtual: {
      ...reviewHandlers((token, wanted, asking) => tokens?.review(token, wanted, asking)),
      ...resourceMetricsHandlers(dialer, clock, closing),
      '/bindings': bindings,
      '/componentstatuses': componentStatusHandler([...components, storeCheck(store)]),
    },
    batches: { 'pods/binding': podBindings },
  }
}

const runActions = ['start', 'stop', 'restart', 'pause', 'resume'] as const

function firstOf(handlers: readonly PathHandler[]): PathHandler {
  return async (request, context) => {
    for (const handler of handlers) {
      const response = await handler(request, context)
      if (response) return response
    }
    return undefined
  }
}

/** Tells the slabs which bytes nobody reads as the newest state any more. */
async function retireOverwritten(
  cache: WatchCache<CachedObject>,
  { slabs, metrics }: { readonly slabs: Slabs; readonly metrics: ApiMetrics },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { events } of cache.watch('', { after: cache.revision, signal, sizeMax: Number.POSITIVE_INFINITY })) {
        metrics.dispatched(events)
        for (const event of events) {
          event.previous?.retire(slabs)
          if (event.type === 'delete') event.value.retire(slabs)
        }
      }
      return
    } catch (error) {
      // The cache started over: everything from before is garbage as a whole.
      if (!(error instanceof StoreCompacted)) return
    }
  }
}
