/**
 * The control plane in one process: API server on a store, access control, and the loops beside them (`control-loops.ts`). Free of
 * sockets and of real time, so that the same composition serves the server role and the embedded cluster under a virtual clock.
 */
import { type ApiServer, type ApiServerOptions, createApiServer } from '../apiserver/api-server.ts'
import type { AuditLog } from '../apiserver/audit/audit-log.ts'
import type { FrontProxy } from '../apiserver/aggregation/remote-server.ts'
import { type SigningRing, signingRingKey } from '../apiserver/authn/signing-ring.ts'
import { bootstrapPolicy } from '../apiserver/authz/bootstrap-policy.ts'
import type { ClientAuthorities } from '../apiserver/bootstrap.ts'
import type { UserInfo } from '../apiserver/contract.ts'
import type { LoopShare } from '../apiserver/flowcontrol/loop-share.ts'
import { followPrefix } from '../apiserver/follow-prefix.ts'
import type { Dialer } from '../apiserver/reach/node-dialer.ts'
import type { PathHandler } from '../apiserver/pipeline.ts'
import type { HealthCheck } from '../apiserver/http/server-paths.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { ClientMetrics } from '../client/client-metrics.ts'
import type { Client } from '../client/contract.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { indexPodsByClaim } from '../control/pods-of-claim.ts'
import type { ControllerFunctions } from '../controllers/all.ts'
import { allKinds } from '../kinds/all.ts'
import { pods } from '../kinds/core/pod.ts'
import schemaFacts from '../kinds/generated/schemas.json' with { type: 'json' }
import omittedZeros from '../kinds/generated/omitted-zeros.json' with { type: 'json' }
import zeroValues from '../kinds/generated/zero-values.json' with { type: 'json' }
import { loadSchemas } from '../machinery/schema/schema-set.ts'
import type { SchedulerConfiguration } from '../scheduler/config/scheduler-configuration.ts'
import type { Scheduler } from '../scheduler/loop.ts'
import type { RebalanceOptions } from '../scheduler/rebalance/rebalance-controller.ts'
import type { Store } from '../store/contract.ts'
import { type Access, type AccessChoices, createAccess } from './access.ts'
import { type ClusterNetwork, defaultClusterNetwork } from './cluster-network.ts'
import type { ControlLoops, LoopParts } from './control-loops.ts'
import { apiServerUser, controllerManagerUser } from './identity.ts'
import { publishedNetwork } from './node/kept-network.ts'
import { noteLegacyUse } from './legacy-token-use.ts'
import { localStorageObjects } from './node/local-storage.ts'
import { openIdPaths } from './openid-paths.ts'

export type ControlPlaneOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly serviceAccountKeys: { readonly privateKey: string; readonly publicKey: string }
  /** What stands in their place where the keys are kept in the store, for all servers on it. */
  readonly signingRing?: SigningRing
  readonly tokenFile?: string
  readonly audit?: AuditLog
  readonly limits?: ApiServerOptions['limits']
  readonly inflightMax?: number
  readonly nodePorts?: ApiServerOptions['nodePorts']
  readonly tolerationSeconds?: ApiServerOptions['tolerationSeconds']
  readonly podSecurity?: ApiServerOptions['podSecurity']
  readonly access?: AccessChoices
  readonly controllerFunctions: ControllerFunctions
  /** Default: 10.244.0.0/16 for pods, 10.96.0.0/12 for services, cluster.local. */
  readonly network?: ClusterNetwork
  /** Where nodes and pods reach the API; absent: the `kubernetes` service has no endpoints. */
  readonly advertise?: { readonly address: string; readonly port: number }
  /** Reaches node agents; absent: logs, streams and proxies answer 503. */
  readonly dialer?: Dialer
  /** Profiles and extenders of the scheduler; default: upstream's default profile. */
  readonly scheduler?: SchedulerConfiguration
  /**
   * Given: so many schedulers of this server share the cluster with those of other servers and processes, each with a share of the pods.
   * Absent: one scheduler, at the server that leads.
   */
  readonly schedulers?: number
  /** Given: pods that are in the wrong place are reported, or moved. */
  readonly rebalance?: Omit<RebalanceOptions, 'profiles'>
  /** Names of admission plugins beyond the defaults, and of those to leave out. */
  readonly admission?: { readonly enabled: readonly string[]; readonly disabled: readonly string[] }
  /** Who this server is to aggregated API servers; absent: it shows them no certificate. */
  readonly aggregator?: { readonly frontProxy: FrontProxy; readonly authorities: ClientAuthorities }
  /** How requests share the event loop; absent: they do not. */
  readonly loopShare?: LoopShare
  /**
   * Given where other servers write to the same store: then the controllers and the scheduler run at the one server that holds the
   * lease `kube-controller-manager`, and this server keeps itself among the endpoints of the `kubernetes` Service.
   */
  readonly shared?: {
    /** Unique among the servers; lower-case letters, digits and dashes. */
    readonly identity: string
    /** Reaches the other servers in a caller's name. */
    readonly peers: Dialer
    /** What else runs at one server only; it ends with the signal. */
    readonly whileLeading?: (signal: AbortSignal) => void
  }
  /** For `/readyz`. */
  readonly readyChecks?: readonly HealthCheck[]
  /** More families for `/metrics`. */
  readonly moreMetrics?: () => string
  /** Counts the calls of webhooks. */
  readonly clientMetrics?: ClientMetrics
  /** Answer paths of the composition. */
  readonly paths?: readonly PathHandler[]
  /**
   * Gives the part that acts, `control-loops.ts`: the API answers before it is there. What needs it (an explanation, say) waits for it.
   */
  readonly loops: () => LoopsPart | Promise<LoopsPart>
  /** Called now and then while the loops start: callers of the API get a turn. Absent: they start as one. */
  readonly pause?: () => Promise<void>
  /** What every loop gets in place of its plain client: faults, for tests. The administrator's client stays as it is. */
  readonly wrapClient?: WrapClient
}

/** What `control-loops.ts` exports. */
export type LoopsPart = { readonly startControlLoops: (options: ControlPlaneOptions, parts: LoopParts) => ControlLoops }

export type WrapClient = (client: Client, user: UserInfo) => Client

export type ControlPlane = {
  readonly api: ApiServer
  readonly access: Access
  /** The administrator's client, in process. */
  readonly client: Client
  /** Undefined before it has started, and while another server's scheduler runs. */
  readonly scheduler: Scheduler | undefined
  readonly informers: InformerFactory
  /** Resolves when the loops have started. Rejects when they cannot be had. */
  readonly started: Promise<void>
  /** Resolves when the first objects of a cluster are in place. */
  readonly ready: Promise<void>
  /** Ends every loop, then the API. The store is its owner's to close. Idempotent. */
  close(): Promise<void>
}

type Definitions = Parameters<typeof loadSchemas>[0]

/** Resolves when the API can be served; the loops follow as soon as `loops` gives them. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock, random, log, network = defaultClusterNetwork } = options
  const stopping = new AbortController()
  const clients: { own: Client | undefined } = { own: undefined }
  const { serviceAccountKeys, tokenFile, access: choices, signingRing } = options
  const access = createAccess({
    ...choices,
    clock,
    random,
    serviceAccountKeys,
    ...(signingRing ? { signingRing } : {}),
    tokenFile,
    noteLegacyUse: noteLegacyUse({ client: () => clients.own, clock, log }),
  })
  const starting = Promise.withResolvers<ControlLoops>()
  let loops: ControlLoops | undefined
  const api = await createApiServer({
    ...apiOptions(options, access),
    paths: [openIdPaths(access.tokens, network), ...(options.paths ?? [])],
    moreMetrics: () => (loops?.metrics() ?? '') + (options.moreMetrics?.() ?? ''),
    explainPod: async (request) => (await starting.promise).explain(request),
    components: ['controller-manager', 'scheduler'].map((name) => ({ name, isHealthy: () => loops?.areRunning ?? true })),
  })
  const following = signingRing && followSigningRing(api, signingRing, { log, signal: stopping.signal })
  const own = api.clientFor(apiServerUser)
  clients.own = own
  // The rules of access rest on informers of the server's own; loops share another set under the controllers' identity.
  const accessInformers = new InformerFactory({ client: own, clock, random, log })
  accessInformers.start(stopping.signal)
  const clientFor = (user: UserInfo) => options.wrapClient?.(api.clientFor(user), user) ?? api.clientFor(user)
  const newInformers = () => {
    // No loop reads managed fields.
    const reading = api.clientFor(controllerManagerUser, { isLean: true })
    const factory = new InformerFactory({ client: options.wrapClient?.(reading, controllerManagerUser) ?? reading, clock, random, log })
    indexPodsByClaim(factory.informer(pods))
    return factory
  }
  const informers = newInformers()
  await access.follow({ informers: accessInformers, pods: informers.informer(pods), reader: api.reader }, stopping.signal)

  const { signal } = stopping
  const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
  const begin = ({ startControlLoops }: LoopsPart): ControlLoops => {
    return startControlLoops(options, {
      api,
      access,
      client: own,
      clientFor,
      informers,
      newInformers,
      signal,
    })
  }
  starting.resolve(Promise.race([options.loops(), stopped]).then((part) => (loops = begin(part))))
  starting.promise.catch((error: unknown) => {
    if (!stopping.signal.aborted) log.error({ error: String(error) }, 'the control loops did not start')
  })
  let closing: Promise<void> | undefined
  return {
    api,
    access,
    client: own,
    get scheduler() {
      return loops?.scheduler
    },
    informers,
    started: quiet(starting.promise.then(() => {})),
    ready: quiet(starting.promise.then(({ ready }) => ready)),
    close: () =>
      (closing ??= (async () => {
        stopping.abort(new Error('the control plane is stopping'))
        await Promise.allSettled([starting.promise.then(({ ended }) => ended), following])
        await Promise.all([accessInformers.ended(), informers.ended()])
        await api.close()
      })()),
  }
}

/** Who does not wait for it need not hear of its failure, which is logged. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** What the API is given as it is. */
function apiOptions(options: ControlPlaneOptions, { authenticator, authorizer, tokens, reviewToken }: Access) {
  const { store, clock, random, log, network = defaultClusterNetwork, aggregator, admission } = options
  const { loopShare, readyChecks, advertise, shared, dialer, audit, limits, inflightMax, nodePorts, tolerationSeconds } = options
  return {
    store,
    kinds: allKinds,
    schemas: loadSchemas(schemaFacts as Definitions, zeroValues, omittedZeros),
    clock,
    random,
    log: log.child({ component: 'apiserver' }),
    authenticator,
    authorizer,
    serviceCidr: network.serviceCidr,
    tokens: { issue: tokens.issue, review: reviewToken, defaultAudiences: tokens.audiences },
    withAdmission: admission?.enabled ?? [],
    withoutAdmission: admission?.disabled ?? [],
    ...(aggregator ? { frontProxy: aggregator.frontProxy, clientAuthorities: aggregator.authorities } : {}),
    withServiceAccounts: true,
    policy: bootstrapPolicy(),
    firstObjects: [...localStorageObjects, publishedNetwork(network)],
    ...(loopShare ? { loopShare } : {}),
    ...(readyChecks ? { readyChecks } : {}),
    // Several servers keep the endpoints together.
    ...(advertise && !shared ? { advertise } : {}),
    isStoreShared: shared !== undefined,
    ...(dialer ? { dialer } : {}),
    ...(audit ? { audit } : {}),
    ...(limits ? { limits } : {}),
    ...(inflightMax === undefined ? {} : { inflightMax }),
    ...(nodePorts ? { nodePorts } : {}),
    ...(tolerationSeconds ? { tolerationSeconds } : {}),
    podSecurity: options.podSecurity,
    clientMetrics: options.clientMetrics,
  }
}

/** Takes the keys that another server, or this one, has put into the ring. */
async function followSigningRing(
  { core }: ApiServer,
  ring: SigningRing,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  // What cannot be read now is read when a token of an unknown key comes.
  const look = () =>
    ring.refresh().catch((error: unknown) => log.warn({ error: String(error) }, "the keys of service accounts' tokens could not be read"))
  await followPrefix(core.storage.cache, signingRingKey, { look, signal })
}
