/**
 * The control plane in one process: API server on a store, access control, controllers, scheduler. Free of sockets and of
 * real time, so that the same composition serves the server role and the embedded cluster under a virtual clock.
 */
import { bootstrapPolicy } from '../apiserver/authz/bootstrap-policy.ts'
import { reconcilePolicy } from '../apiserver/authz/reconcile-policy.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from '../apiserver/api-server.ts'
import type { LoopShare } from '../apiserver/flowcontrol/loop-share.ts'
import type { FrontProxy } from '../apiserver/aggregation/remote-server.ts'
import { type SigningRing, signingRingKey } from '../apiserver/authn/signing-ring.ts'
import { followPrefix } from '../apiserver/follow-prefix.ts'
import type { ClientAuthorities } from '../apiserver/bootstrap.ts'
import type { AuditLog } from '../apiserver/audit/audit-log.ts'
import type { UserInfo } from '../apiserver/contract.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { ControllerMetrics } from '../control/controller-metrics.ts'
import { accountOf, rulesOf } from '../control/controller-rules.ts'
import { indexPodsByClaim } from '../control/pods-of-claim.ts'
import { leadWhileHolding } from '../control/leader-lease.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import { eventSourceOf, runControllers } from '../control/run-controllers.ts'
import { type ControllerFunctions, allControllers } from '../controllers/all.ts'
import { allKinds } from '../kinds/all.ts'
import { pods } from '../kinds/core/pod.ts'
import schemaFacts from '../kinds/generated/schemas.json' with { type: 'json' }
import omittedZeros from '../kinds/generated/omitted-zeros.json' with { type: 'json' }
import zeroValues from '../kinds/generated/zero-values.json' with { type: 'json' }
import { loadSchemas } from '../machinery/schema/schema-set.ts'
import { defaultConfiguration, type SchedulerConfiguration } from '../scheduler/config/scheduler-configuration.ts'
import { createScheduler, type Scheduler } from '../scheduler/loop.ts'
import { rebalanceController, type RebalanceOptions } from '../scheduler/rebalance/rebalance-controller.ts'
import type { ExplainRequest } from '../apiserver/subresources/explain.ts'
import type { PathHandler } from '../apiserver/pipeline.ts'
import type { HealthCheck } from '../apiserver/server-paths.ts'
import type { Dialer } from '../apiserver/node-dialer.ts'
import type { Store } from '../store/contract.ts'
import { askSchedulers } from './ask-schedulers.ts'
import { type ClusterNetwork, defaultClusterNetwork } from './cluster-network.ts'
import { publishNetwork } from './kept-network.ts'
import { ensureLocalStorage } from './local-storage.ts'
import { keepAmongEndpoints, leaderLeaseName } from './api-server-endpoints.ts'
import { deciderExplanation, leaderExplanation } from './peer-explanation.ts'
import { createSharedSchedulers } from './schedulers.ts'
import { noteLegacyUse } from './legacy-token-use.ts'
import { openIdPaths } from './openid-paths.ts'
import { type Access, type AccessChoices, createAccess } from './access.ts'
import { ensureDnsService } from './dns-service.ts'
import { apiServerUser, controllerManagerUser, controllerUser, schedulerUser } from './identity.ts'

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
  /** Answer paths of the composition. */
  readonly paths?: readonly PathHandler[]
  /** What every loop gets in place of its plain client: faults, for tests. The administrator's client stays as it is. */
  readonly wrapClient?: WrapClient
}

export type WrapClient = (client: Client, user: UserInfo) => Client

export type ControlPlane = {
  readonly api: ApiServer
  readonly access: Access
  /** The administrator's client, in process. */
  readonly client: Client
  /** Undefined while another server's scheduler runs. */
  readonly scheduler: Scheduler | undefined
  readonly informers: InformerFactory
  /** Resolves when the first objects of a cluster are in place: namespaces, roles, default accounts' makers. */
  readonly ready: Promise<void>
  /** Ends every loop, then the API. The store is its owner's to close. Idempotent. */
  close(): Promise<void>
}

type Definitions = Parameters<typeof loadSchemas>[0]

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock, random, log, store, network = defaultClusterNetwork } = options
  const stopping = new AbortController()
  const controllers = [
    // The tokens are made further down, long before anybody asks for one.
    ...allControllers({
      issueSecretToken: (facts) => access.tokens.issueLegacy(facts),
      clusterCidr: network.podCidr,
      ...options.controllerFunctions,
    }),
    ...(options.rebalance
      ? [rebalanceController({ ...options.rebalance, profiles: (options.scheduler ?? defaultConfiguration).profiles })]
      : []),
  ]
  const policy = bootstrapPolicy(controllers.map((c) => ({ account: accountOf(c), rules: rulesOf(c) })))
  const { serviceAccountKeys, tokenFile, access: accessOptions } = options
  const clients: { own: Client | undefined } = { own: undefined }
  const access = createAccess({
    ...accessOptions,
    policy,
    clock,
    random,
    serviceAccountKeys,
    ...(options.signingRing ? { signingRing: options.signingRing } : {}),
    tokenFile,
    noteLegacyUse: noteLegacyUse({ client: () => clients.own, clock, log }),
  })
  const controllerMetrics = new ControllerMetrics()
  const scheduling: { scheduler: Scheduler | undefined } = { scheduler: undefined }
  let loopsEnded = false
  const api = await createApiServer({
    store,
    kinds: allKinds,
    schemas: loadSchemas(schemaFacts as Definitions, zeroValues, omittedZeros),
    clock,
    random,
    log: log.child({ component: 'apiserver' }),
    authenticator: access.authenticator,
    authorizer: access.authorizer,
    serviceCidr: network.serviceCidr,
    tokens: { issue: access.tokens.issue, review: access.reviewToken, defaultAudiences: access.tokens.audiences },
    moreMetrics: () => controllerMetrics.expose() + (scheduling.scheduler?.metrics.render() ?? '') + (options.moreMetrics?.() ?? ''),
    explainPod: (request) => explainAnywhere(options, { scheduler: scheduling.scheduler, client: api.clientFor(apiServerUser) }, request),
    components: ['controller-manager', 'scheduler'].map((name) => ({ name, isHealthy: () => !loopsEnded })),
    withAdmission: options.admission?.enabled ?? [],
    withoutAdmission: options.admission?.disabled ?? [],
    ...(options.aggregator ? { frontProxy: options.aggregator.frontProxy, clientAuthorities: options.aggregator.authorities } : {}),
    ...(options.loopShare ? { loopShare: options.loopShare } : {}),
    paths: [openIdPaths(access.tokens, network), ...(options.paths ?? [])],
    ...(options.readyChecks ? { readyChecks: options.readyChecks } : {}),
    // Several servers keep the endpoints together.
    ...(options.advertise && !options.shared ? { advertise: options.advertise } : {}),
    isStoreShared: options.shared !== undefined,
    ...(options.dialer ? { dialer: options.dialer } : {}),
    ...(options.audit ? { audit: options.audit } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.inflightMax === undefined ? {} : { inflightMax: options.inflightMax }),
    ...(options.nodePorts ? { nodePorts: options.nodePorts } : {}),
    ...(options.tolerationSeconds ? { tolerationSeconds: options.tolerationSeconds } : {}),
    podSecurity: options.podSecurity,
  })
  const following = options.signingRing && followSigningRing(api, options.signingRing, { log, signal: stopping.signal })
  const own = api.clientFor(apiServerUser)
  clients.own = own
  // The rules of access rest on informers of the server's own; loops share another set under the controllers' identity.
  const accessInformers = new InformerFactory({ client: api.clientFor(apiServerUser, { isLean: true }), clock, random, log })
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
  const ready = Promise.all([
    reconcilePolicy(own, policy),
    ensureDnsService(own, network),
    publishNetwork(own, network),
    ensureLocalStorage(own),
  ]).then(() => {})

  const startLoops = (informers: InformerFactory, signal: AbortSignal): Promise<unknown> => {
    const contextFor = (component: string, client: Client) =>
      createLoopContext({ component, client, informers, clock, random, log: log.child({ component }) })
    const elected =
      options.schedulers === undefined
        ? createScheduler({
            context: contextFor('default-scheduler', clientFor(schedulerUser)),
            ...(options.scheduler ? { config: options.scheduler } : {}),
          })
        : undefined
    if (elected) scheduling.scheduler = elected
    return ready.then(() =>
      Promise.all([
        runControllers(
          {
            definitions: controllers,
            contextFor: (one) => contextFor(eventSourceOf(one), clientFor(controllerUser(accountOf(one)))),
            informers,
            metrics: controllerMetrics,
          },
          signal,
        ),
        elected?.run(signal),
      ]),
    )
  }
  const running = options.shared
    ? runShared({ ...options, client: own, shared: options.shared }, stopping.signal, async (signal) => {
        // Informers live for one term: what they would miss between two is not theirs to find.
        await startLoops(newInformers(), signal).finally(() => {
          if (options.schedulers === undefined) scheduling.scheduler = undefined
        })
      })
    : startLoops(informers, stopping.signal)
  if (options.shared) informers.start(stopping.signal)
  const sharing = runSharedSchedulers(options, { client: clientFor(schedulerUser), informers, ready }, stopping.signal)
  if (sharing) scheduling.scheduler = sharing.scheduler
  const all = Promise.all([running, sharing?.done])
  all.catch((error: unknown) => {
    loopsEnded = true
    if (!stopping.signal.aborted) log.error({ error: String(error) }, 'the control loops ended')
  })
  let closing: Promise<void> | undefined
  return {
    api,
    access,
    client: own,
    get scheduler() {
      return scheduling.scheduler
    },
    informers,
    ready,
    close: () =>
      (closing ??= (async () => {
        stopping.abort(new Error('the control plane is stopping'))
        await Promise.allSettled([running, sharing?.done, ready, following])
        await Promise.all([accessInformers.ended(), informers.ended()])
        await api.close()
      })()),
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

/** This server's scheduler explains what it decided; what others decided is asked of their servers, or of themselves. */
async function explainAnywhere(
  options: ControlPlaneOptions,
  { scheduler, client }: { readonly scheduler: Scheduler | undefined; readonly client: Client },
  request: ExplainRequest,
): Promise<object | undefined> {
  const { shared, schedulers, advertise, clock, random } = options
  const { namespace, name, isForwarded } = request
  const explain = () => scheduler?.explain(namespace, name)
  if (schedulers === undefined) return scheduler || !shared ? explain() : leaderExplanation({ client, peers: shared.peers }, request)
  if (scheduler?.hasDecided(namespace, name)) return explain()
  if (isForwarded) return undefined
  const byServer = shared && (await deciderExplanation({ client, peers: shared.peers, clock, self: advertise }, request))
  return byServer ?? (await askSchedulers({ client, clock, random, own: schedulerIdentities(options) }, request)) ?? explain()
}

const schedulerIdentities = ({ schedulers = 0, shared }: Pick<ControlPlaneOptions, 'schedulers' | 'shared'>) =>
  Array.from({ length: schedulers }, (_, i) => `${shared?.identity ?? 'server'}-${i + 1}`)

/** The schedulers of this server that share the cluster with others, if it has any. */
function runSharedSchedulers(
  { schedulers = 0, shared, clock, random, log, scheduler: config }: ControlPlaneOptions,
  { client, informers, ready }: { readonly client: Client; readonly informers: InformerFactory; readonly ready: Promise<void> },
  signal: AbortSignal,
): { readonly scheduler: Scheduler; readonly done: Promise<void> } | undefined {
  if (schedulers === 0) return undefined
  const identities = schedulerIdentities({ schedulers, shared })
  const scheduler = createSharedSchedulers({ client, informers, clock, random, log, identities, config })
  return { scheduler, done: ready.then(() => scheduler.run(signal)) }
}

/** One of several servers: stands for election, and keeps itself among the endpoints. */
async function runShared(
  {
    client,
    clock,
    random,
    log,
    shared,
    advertise,
  }: ControlPlaneOptions & Required<Pick<ControlPlaneOptions, 'shared'>> & { client: Client },
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { identity, whileLeading } = shared
  const election = { client, clock, random, log, ...leaderLeaseName, identity }
  await Promise.all([
    leadWhileHolding(
      election,
      async (term) => {
        whileLeading?.(term)
        await lead(term)
      },
      signal,
    ),
    ...(advertise ? [keepAmongEndpoints({ client, clock, log, identity, at: advertise }, signal)] : []),
  ])
}
