/**
 * What acts in a control plane: controllers, scheduler, rebalancing, and what a cluster has besides what its API needs. A part of its
 * own, because the API answers nothing by it: a server loads it when it serves already.
 */
import { hostname } from 'node:os'
import type { ApiServer } from '../apiserver/api-server.ts'
import type { ExplainRequest } from '../apiserver/subresources/explain.ts'
import type { Client } from '../client/contract.ts'
import type { ControllerDefinition } from '../control/contract.ts'
import { ControllerMetrics } from '../control/controller-metrics.ts'
import { accountOf } from '../control/controller-rules.ts'
import type { InformerFactory } from '../control/informer-factory.ts'
import { leadWhileHolding } from '../client/leader-lease.ts'
import { createLoopContext } from '../control/loop-context.ts'
import { declareKinds, eventSourceOf, runControllers, type RunControllersOptions } from '../control/run-controllers.ts'
import { allControllers } from '../controllers/all.ts'
import { defaultConfiguration } from '../scheduler/config/scheduler-configuration.ts'
import { createScheduler, type Scheduler } from '../scheduler/loop.ts'
import { rebalanceController } from '../scheduler/rebalance/rebalance-controller.ts'
import type { Access } from './access.ts'
import { keepAmongEndpoints, leaderLeaseName } from './api-server-endpoints.ts'
import { askSchedulers } from './ask-schedulers.ts'
import { defaultClusterNetwork } from './cluster-network.ts'
import type { ControlPlaneOptions } from './control-plane.ts'
import { ensureDnsService } from './dns-service.ts'
import { controllerUser, schedulerUser } from './identity.ts'
import { deciderExplanation, leaderExplanation } from './peer-explanation.ts'
import { createSharedSchedulers } from './schedulers.ts'

/** What the loops work with: an API that is served. */
export type LoopParts = {
  readonly api: ApiServer
  readonly access: Access
  /** The administrator's client, in process. */
  readonly client: Client
  readonly clientFor: ApiServer['clientFor']
  /** Shared by all loops, and by whoever else reads the same. */
  readonly informers: InformerFactory
  readonly newInformers: () => InformerFactory
  readonly signal: AbortSignal
}

export type ControlLoops = {
  /** Undefined while another server's scheduler runs. */
  readonly scheduler: Scheduler | undefined
  /** False once they have ended, by a fault of theirs or because the control plane stops. */
  readonly areRunning: boolean
  /** Families for `/metrics`. */
  metrics(): string
  /** This server's scheduler explains what it decided; what others decided is asked of their servers, or of themselves. */
  explain(request: ExplainRequest): Promise<object | undefined>
  /** Resolves when the first objects of a cluster are in place. */
  readonly ready: Promise<void>
  /** Resolves when the last of them has ended, after the signal has aborted. */
  readonly ended: Promise<void>
}

/** Starts them. */
export function startControlLoops(options: ControlPlaneOptions, parts: LoopParts): ControlLoops {
  const { shared, schedulers, log, network = defaultClusterNetwork } = options
  const { client, clientFor, informers, signal } = parts
  const controllers = controllersOf(options, parts)
  const metrics = new ControllerMetrics()
  let scheduler: Scheduler | undefined
  let areRunning = true
  const haveStarted = Promise.withResolvers<void>()
  const lead = async (informers: InformerFactory, term: AbortSignal): Promise<void> => {
    const one = schedulers === undefined ? newScheduler(options, { clientFor, informers }) : undefined
    if (one) scheduler = one
    declareKinds(controllers, informers)
    informers.start(term)
    // The scheduler first: it has the most to read, and the first pod waits for it.
    await Promise.all([
      one?.run(term),
      runControllers({ ...controllersAs(options, { controllers, clientFor, informers, metrics }), onStarted: haveStarted.resolve }, term),
    ])
  }
  // Informers live for one term: what they would miss between two is not theirs to find.
  const leadForTerm = (term: AbortSignal) =>
    lead(parts.newInformers(), term).finally(() => {
      if (schedulers === undefined) scheduler = undefined
    })
  const running = shared ? runShared({ ...options, client, shared }, signal, leadForTerm) : lead(informers, signal)
  running.catch(haveStarted.reject)
  if (shared) {
    informers.start(signal)
    haveStarted.resolve()
  }
  // Nobody waits for these: the loops go first.
  const ready = haveStarted.promise.then(async () => {
    await ensureDnsService(client, network)
  })
  const sharing = runSharedSchedulers(options, { client: clientFor(schedulerUser), informers, ready }, signal)
  if (sharing) scheduler = sharing.scheduler
  Promise.all([running, sharing?.done, ready]).catch((error: unknown) => {
    areRunning = false
    if (!signal.aborted) log.error({ error: String(error) }, 'the control loops ended')
  })
  return {
    get scheduler() {
      return scheduler
    },
    get areRunning() {
      return areRunning
    },
    metrics: () => metrics.expose() + (scheduler?.metrics.render() ?? ''),
    explain: (request) => explainAnywhere(options, { scheduler, client }, request),
    ready,
    ended: Promise.allSettled([running, sharing?.done, ready]).then(() => {}),
  }
}

type Reading = Pick<LoopParts, 'clientFor' | 'informers'>

function contextOf(
  { clock, random, log }: ControlPlaneOptions,
  component: string,
  { client, informers }: { client: Client; informers: InformerFactory },
) {
  return createLoopContext({ component, client, informers, clock, random, log: log.child({ component }) })
}

function newScheduler(options: ControlPlaneOptions, { clientFor, informers }: Reading): Scheduler {
  return createScheduler({
    context: contextOf(options, 'default-scheduler', { client: clientFor(schedulerUser), informers }),
    host: hostname(),
    ...(options.scheduler ? { config: options.scheduler } : {}),
  })
}

function controllersAs(
  options: ControlPlaneOptions,
  { controllers, clientFor, informers, metrics }: Reading & { controllers: readonly ControllerDefinition[]; metrics: ControllerMetrics },
): RunControllersOptions {
  return {
    definitions: controllers,
    contextFor: (one) => contextOf(options, eventSourceOf(one), { client: clientFor(controllerUser(accountOf(one))), informers }),
    informers,
    metrics,
    pause: options.pause,
  }
}

function controllersOf(options: ControlPlaneOptions, { access }: LoopParts) {
  const { network = defaultClusterNetwork, rebalance, scheduler = defaultConfiguration } = options
  return [
    ...allControllers({
      issueSecretToken: (facts) => access.tokens.issueLegacy(facts),
      clusterCidr: network.podCidr,
      ...options.controllerFunctions,
    }),
    ...(rebalance ? [rebalanceController({ ...rebalance, profiles: scheduler.profiles })] : []),
  ]
}

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
