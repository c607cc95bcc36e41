import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { LoopContext } from '../control/contract.ts'
import { triggerTimeAnnotation } from '../control/trigger-times.ts'
import { nodes } from '../kinds/core/node.ts'
import { services } from '../kinds/core/service.ts'
import { endpointSlices } from '../kinds/discovery/endpoint-slice.ts'
import { serviceCidrs } from '../kinds/networking/service-cidr.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import type { Service } from '../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'
import { type IpCommand, ipCommand } from '../platform/ip-command.ts'
import { type Nft, nftCommand } from '../platform/nft.ts'
import { runProgram } from '../platform/run-program.ts'
import { writeSysctl } from '../platform/sysctl.ts'
import { type AffinityElement, losesStickyEndpoint, staleAffinity, staleConnections } from './connection-cleanup.ts'
import { createHealthServers, type HealthCheck, type HealthServers } from './health-servers.ts'
import { planService, type ProxyFacts, type ServicePlan } from './plan.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import { renderChange, renderRemoval, renderWhole, tableName } from './render.ts'
import { ServiceTable } from './service-table.ts'

/** The machine as the service network uses it. */
export type ProxyMachine = {
  readonly nft: Nft
  readonly ip: IpCommand
  /** Runs `conntrack` with these arguments; no matching connection is no error. */
  forgetConnections(args: readonly string[]): Promise<void>
  allowLoopbackNodePorts(): void
}

export type ProxyOptions = {
  readonly context: Pick<LoopContext, 'informer'>
  readonly clock: Clock
  readonly log: Log
  /** The zone is that of the Node object, of the moment. */
  readonly facts: Omit<ProxyFacts, 'zone'>
  /** Default: this machine, in the network namespace of this process. Simulated nodes give `simulatedMachine()`. */
  readonly machine?: ProxyMachine
  /** Where it counts; default: nowhere. */
  readonly metrics?: ProxyMetrics
}

export type Proxy = {
  /** Keeps the rules current until the signal aborts. The rules stay in the kernel, so that services outlive a restart. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when every change known so far is in the kernel. */
  settled(): Promise<void>
  /** Takes everything out of the kernel. Idempotent; after run has ended. */
  remove(): Promise<void>
}

/** Changes that come within this are applied in one transaction. */
const gatherMs = 10
const retryMs = 1000
const serviceNameLabel = 'kubernetes.io/service-name'
const zoneLabel = 'topology.kubernetes.io/zone'
const sliceIndex = 'proxy-service'
/** Marks routes as this proxy's: the API is not asked any more when they are taken away. A number that iproute2 gives nobody. */
const routeProtocol = 36

export function createProxy(options: ProxyOptions): Proxy {
  const machine = options.machine ?? thisMachine()
  const health = createHealthServers(options)
  const state: ProxyState = {
    ...options,
    machine,
    health,
    table: new ServiceTable(),
    dirty: new Set(),
    routed: new Set(),
    isInstalled: false,
    triggers: [],
    sinceMs: options.clock.now(),
  }
  let wake: (() => void) | undefined
  let idle: (() => void)[] = []
  let isBusy = false
  const mark = (key: string | undefined) => {
    if (key === undefined) return
    state.dirty.add(key)
    wake?.()
  }
  const work = async (signal: AbortSignal) => {
    const removals = watch(options.context, mark, (what, triggeredMs) => {
      options.metrics?.changed(what, options.clock.now())
      const isOurs = triggeredMs !== undefined && triggeredMs >= state.sinceMs
      if (isOurs && state.triggers.length < triggersMax) state.triggers.push(triggeredMs)
    })
    const reinstall = () => {
      if (deepEqual([...state.routed].sort(), [...rangesOf(state)].sort())) return
      state.isInstalled = false
      wake?.()
    }
    removals.push(options.context.informer(serviceCidrs).onChange(reinstall))
    removals.push(
      options.context.informer(nodes).onChange(({ current, old }) => {
        if ((current ?? old)!.metadata.name !== options.facts.nodeName) return
        if (current?.metadata.labels?.[zoneLabel] === old?.metadata.labels?.[zoneLabel]) return
        for (const service of options.context.informer(services).list()) mark(keyOf(service))
      }),
    )
    const onAbort = () => wake?.()
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        if (state.dirty.size === 0 && state.isInstalled) {
          for (const resolve of idle.splice(0)) resolve()
          await new Promise<void>((resolve) => (wake = resolve))
          wake = undefined
          if (signal.aborted) break
          await sleep(options.clock, gatherMs, signal)
        }
        isBusy = true
        await sync(state).catch(async (error: unknown) => {
          options.log.error({ error: (error as Error).message }, 'service rules could not be applied')
          options.metrics?.failed()
          // Whatever the kernel has now, the next round puts it right from scratch.
          state.isInstalled = false
          await sleep(options.clock, retryMs, signal)
        })
        isBusy = false
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      isBusy = false
      signal.removeEventListener('abort', onAbort)
      for (const remove of removals) remove()
      for (const resolve of idle.splice(0)) resolve()
      await health.close()
    }
  }
  return {
    run: async (signal) => {
      const { context } = options
      const informers = [
        context.informer(services),
        context.informer(endpointSlices),
        context.informer(serviceCidrs),
        context.informer(nodes),
      ]
      // Before they are complete a service would look as if nobody served it, or somebody far away.
      await Promise.all(informers.map((informer) => informer.synced(signal)))
      await work(signal)
    },
    settled: () =>
      state.dirty.size === 0 && state.isInstalled && !isBusy ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)),
    remove: async () => {
      await machine.nft.apply(renderRemoval())
      const own = options.facts.serviceCidrs.map((cidr) => `route del local ${cidr} dev lo table local`)
      await machine.ip.batch([...own, `route flush table local proto ${routeProtocol}`], { force: true })
    },
  }
}

/** Of what the kernel does not take for long, so many are measured. */
const triggersMax = 4_096

type ProxyState = ProxyOptions & {
  readonly machine: ProxyMachine
  readonly health: HealthServers
  readonly table: ServiceTable
  /** Keys of services to look at again. */
  readonly dirty: Set<string>
  /** Ranges that have a route of this node's own. */
  readonly routed: Set<string>
  isInstalled: boolean
  /** When that happened which the kernel does not have yet, ms; nothing from before this proxy. */
  readonly triggers: number[]
  readonly sinceMs: number
}

function watch(
  context: Pick<LoopContext, 'informer'>,
  mark: (key: string | undefined) => void,
  count: (what: 'service' | 'endpoint', triggeredMs?: number) => void,
): (() => void)[] {
  const slices = context.informer(endpointSlices)
  slices.addIndex(sliceIndex, (slice) => serviceKeyOf(slice) ?? [])
  return [
    context.informer(services).onChange(({ current, old }) => {
      count('service')
      mark(keyOf((current ?? old)!))
    }),
    slices.onChange(({ current, old }) => {
      const time = current?.metadata.annotations?.[triggerTimeAnnotation]
      const isNew = time !== undefined && time !== old?.metadata.annotations?.[triggerTimeAnnotation]
      count('endpoint', isNew ? Date.parse(time) : undefined)
      mark(current && serviceKeyOf(current)?.[0])
      mark(old && serviceKeyOf(old)?.[0])
    }),
  ]
}

/** Looks, plans and applies once. Between taking the dirty keys and planning nothing is awaited. */
async function sync(state: ProxyState): Promise<void> {
  const { table, dirty, machine, clock, metrics } = state
  const startedMs = clock.monotonicMs()
  const keys = [...dirty]
  const triggers = state.triggers.splice(0)
  dirty.clear()
  const updates = new Map(keys.map((key) => [key, look(state, key)]))
  const before = new Map(keys.map((key) => [key, table.plan(key)]))
  const { from, to } = table.change(updates)
  try {
    if (!state.isInstalled) await install(state)
    else {
      const transaction = renderChange(from, to)
      if (transaction !== '') await machine.nft.apply(transaction)
    }
  } catch (error) {
    for (const key of keys) dirty.add(key)
    state.triggers.push(...triggers)
    throw error
  }
  metrics?.synced({ atMs: clock.now(), durationMs: clock.monotonicMs() - startedMs })
  for (const atMs of triggers) metrics?.programmed(clock.now() - atMs)
  state.health.apply(healthChecks(table))
  if (keys.some((key) => losesStickyEndpoint(before.get(key), updates.get(key)))) await forgetStaleAffinity(state)
  for (const key of keys) {
    for (const args of staleConnections(before.get(key), updates.get(key))) await machine.forgetConnections(args)
  }
  if (keys.length > 0) state.log.debug({ services: keys.length }, 'service rules applied')
}

function look(state: ProxyState, key: string): ServicePlan | undefined {
  const service: Service | undefined = state.context.informer(services).get(key)
  if (!service) return undefined
  return planService(service, state.context.informer(endpointSlices).byIndex(sliceIndex, key), factsOf(state))
}

function factsOf({ facts, context }: ProxyState): ProxyFacts {
  return { ...facts, zone: context.informer(nodes).get(facts.nodeName)?.metadata.labels?.[zoneLabel] }
}

/** From nothing or from an earlier life of this agent: the whole table in one transaction, affinities kept. */
async function install(state: ProxyState): Promise<void> {
  const { machine, table } = state
  const facts = { ...factsOf(state), serviceCidrs: [...rangesOf(state)] }
  machine.allowLoopbackNodePorts()
  // A route of its own: the host's packets to a service address find a way before they are rewritten, and none goes out.
  const source = facts.nodeAddresses[0]
  await machine.ip.batch(
    facts.serviceCidrs.map(
      (cidr) => `route replace local ${cidr} dev lo proto ${routeProtocol}${source ? ` src ${source}` : ''} table local`,
    ),
  )
  const left = [...state.routed].filter((cidr) => !facts.serviceCidrs.includes(cidr))
  await machine.ip.batch(
    left.map((cidr) => `route del local ${cidr} dev lo table local`),
    { force: true },
  )
  state.routed.clear()
  for (const cidr of facts.serviceCidrs) state.routed.add(cidr)
  const present = await machine.nft.list(['table', 'ip', tableName], { terse: true })
  const namesOf = (kind: 'chain' | 'map') =>
    (present ?? []).flatMap((item) => (item as Record<string, { name: string } | undefined>)[kind]?.name ?? [])
  const whole = renderWhole(table.whole(), facts, { chains: namesOf('chain'), maps: namesOf('map') })
  try {
    await machine.nft.apply(whole)
  } catch (error) {
    if (present === undefined) throw error
    // An older version's table of another shape: begin anew.
    await machine.nft.apply(renderRemoval() + renderWhole(table.whole(), facts, { chains: [], maps: [] }))
  }
  await forgetStaleAffinity(state)
  state.isInstalled = true
}

/** The ranges that this node was told at its start, and those that ServiceCIDRs name: all keep their route until the range is gone for good. */
function rangesOf({ facts, context }: Pick<ProxyState, 'facts' | 'context'>): ReadonlySet<string> {
  const named = context
    .informer(serviceCidrs)
    .list()
    .flatMap(({ spec }) => spec?.cidrs ?? [])
  return new Set([...facts.serviceCidrs, ...named.filter((cidr) => !cidr.includes(':'))])
}

async function forgetStaleAffinity(state: ProxyState): Promise<void> {
  const listed = await state.machine.nft.list(['map', 'ip', tableName, 'affinity'])
  const stale = staleAffinity(affinityElements(listed ?? []), state.table.plans().values())
  if (stale.length === 0) return
  const elements = stale.map(({ client, key }) => `${client} . ${key}`).join(', ')
  await state.machine.nft.apply(`delete element ip ${tableName} affinity { ${elements} }\n`).catch((error: unknown) => {
    // One of them timed out in between; the rest goes at the next loss.
    state.log.debug({ error: (error as Error).message }, 'affinities changed meanwhile')
  })
}

/** Exported for tests: the elements of `nft --json list map`. */
export function affinityElements(listed: readonly unknown[]): AffinityElement[] {
  type Concat = { concat: (string | number)[] }
  type Key = Concat | { elem: { val: Concat } }
  return listed.flatMap((item) => {
    const elements = (item as { map?: { elem?: [Key, Concat][] } }).map?.elem ?? []
    return elements.map(([key, value]) => {
      const [client, ...called] = ('elem' in key ? key.elem.val : key).concat
      return { client: String(client), key: called.join(' . '), endpoint: value.concat.join(' . ') }
    })
  })
}

function healthChecks(table: ServiceTable): Map<number, HealthCheck> {
  const checks = new Map<number, HealthCheck>()
  for (const [key, { healthCheck }] of table.plans()) {
    const [namespace, name] = key.split('/') as [string, string]
    if (healthCheck) checks.set(healthCheck.port, { namespace, name, localEndpoints: healthCheck.localEndpoints })
  }
  return checks
}

function keyOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`
}

function serviceKeyOf({ metadata }: EndpointSlice): readonly string[] | undefined {
  const name = metadata.labels?.[serviceNameLabel]
  return name ? [`${metadata.namespace}/${name}`] : undefined
}

function thisMachine(): ProxyMachine {
  return {
    nft: nftCommand(),
    ip: ipCommand(),
    forgetConnections: async (args) => {
      await runProgram('conntrack', args)
    },
    allowLoopbackNodePorts: () => void writeSysctl('net.ipv4.conf.all.route_localnet', '1'),
  }
}

/** Accepts everything and does nothing: for simulated nodes. */
export function simulatedMachine(): ProxyMachine {
  return {
    nft: { apply: async () => {}, list: async () => undefined },
    ip: { show: async () => [], batch: async () => {}, bridgeBatch: async () => {} },
    forgetConnections: async () => {},
    allowLoopbackNodePorts: () => {},
  }
}
