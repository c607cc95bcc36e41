import { sleep } from '../../base/clock.ts'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Informer } from '../../client/informer-contract.ts'
import { allKinds } from '../../kinds/all.ts'
import type { Node, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type VirtualClock, virtualClock } from '../../platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../embedded.ts'
import { PodRecord } from './pod-record.ts'
import { areReady, Sampler } from './sampler.ts'
import type { Happening, NodeGroup, Scenario } from './scenario.ts'
import { type Step, scriptOf } from './script.ts'
import { reportOf, type SimulationReport } from './simulation-report.ts'

const readyLimitMs = 120_000
const callLimitMs = 60_000
const evictionRetryMs = 5_000
const problemsMax = 100
/** Nobody watches a pod come up here: that it runs is told, and how far it has come where that takes long. */
const statusGather = { startMs: 10_000, endMs: 10_000 }

/**
 * Plays a scenario through in a whole cluster of its own (API, controllers, scheduler, nodes on the fake runtime) under the virtual
 * clock. The same scenario and seed give the same report to the digit. Throws when the cluster's nodes do not become Ready.
 */
export async function simulate(scenario: Scenario): Promise<SimulationReport> {
  const clock = virtualClock()
  const random = seededRandom(scenario.seed)
  const steps = scriptOf(scenario, seededRandom(random.below(2 ** 31)))
  const cluster = await inTime(
    clock,
    startCluster({
      clock,
      random,
      nodes: scenario.groups.flatMap(nodesOf),
      runtime: scenario.engine,
      statusGather,
      ...(scenario.scheduler ? { scheduler: scenario.scheduler } : {}),
      ...(scenario.rebalancer ? { rebalance: scenario.rebalancer } : {}),
      ...(scenario.schedulers === undefined ? {} : { schedulers: scenario.schedulers }),
    }),
  )
  try {
    return await new Run(scenario, clock, cluster).play(steps)
  } finally {
    await inTime(clock, cluster.close())
  }
}

/** A price is a label of the node, where the scheduler's PriceAndDistance looks for it. */
function nodesOf({ nodes, pricePerHour }: NodeGroup) {
  const price: Readonly<Record<string, string>> = pricePerHour > 0 ? { 'keelson.dev/price': String(pricePerHour) } : {}
  return nodes.map((node) => ({ ...node, labels: { ...price, ...node.labels } }))
}

class Run {
  readonly #scenario: Scenario
  readonly #clock: VirtualClock
  readonly #cluster: Cluster
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #record = new PodRecord()
  readonly #sampler: Sampler
  readonly #problems: string[] = []
  readonly #drains = new Set<Promise<void>>()
  #startMs = 0

  constructor(scenario: Scenario, clock: VirtualClock, cluster: Cluster) {
    this.#scenario = scenario
    this.#clock = clock
    this.#cluster = cluster
    this.#pods = cluster.controlPlane.informers.informer(kindRefs.coreV1.pods)
    this.#nodes = cluster.controlPlane.informers.informer(kindRefs.coreV1.nodes)
    this.#sampler = new Sampler({
      record: this.#record,
      nodes: this.#nodes,
      machines: cluster.nodes,
      prices: new Map(scenario.groups.flatMap(pricesOf)),
      measuresUse: scenario.arrivals.some(({ uses }) => uses !== undefined),
    })
  }

  async play(steps: readonly Step[]): Promise<SimulationReport> {
    const { durationMs, sampleEveryMs } = this.#scenario
    const isReady = () => areReady(this.#nodes.list(), this.#cluster.nodes.length)
    if (!(await this.#clock.runUntil(isReady, readyLimitMs))) throw new Error('the nodes did not become Ready')
    this.#startMs = this.#clock.now()
    this.#pods.onChange((change) => this.#record.note(change, this.#elapsedMs()))
    let next = 0
    for (let sampleMs = 0; sampleMs <= durationMs; sampleMs += sampleEveryMs) {
      for (; next < steps.length && steps[next]!.atMs <= sampleMs; next++) await this.#take(steps[next]!)
      await this.#advanceTo(sampleMs)
      await this.#sampler.sample(this.#elapsedMs())
    }
    for (; next < steps.length; next++) await this.#take(steps[next]!)
    await this.#advanceTo(durationMs)
    return reportOf({ scenario: this.#scenario, record: this.#record, sampler: this.#sampler, problems: this.#problems })
  }

  #elapsedMs(): number {
    return this.#clock.now() - this.#startMs
  }

  async #advanceTo(atMs: number): Promise<void> {
    if (atMs > this.#elapsedMs()) await this.#clock.advance(atMs - this.#elapsedMs())
  }

  async #take({ atMs, what }: Step): Promise<void> {
    await this.#advanceTo(atMs)
    try {
      await inTime(this.#clock, this.#do(what))
    } catch (error) {
      this.#problem(what.do, error)
    }
  }

  async #do(what: Happening): Promise<void> {
    switch (what.do) {
      case 'apply':
        for (const object of what.objects) await this.#apply(object)
        return
      case 'delete':
        for (const object of what.objects) await this.#resource(object).delete(object.metadata.name ?? '')
        return
      case 'scale': {
        const kind = Object.values(kindRefs.appsV1).find((ref) => ref.kind === what.kind) as KindRef
        const body = { spec: { replicas: what.replicas } }
        await this.#cluster.client.resource(kind, what.namespace).patch(what.name, { type: 'merge', body })
        return
      }
      case 'cordon':
      case 'uncordon':
        return this.#setSchedulable(what.node, what.do === 'uncordon')
      case 'drain':
        await this.#setSchedulable(what.node, false)
        return this.#begin(this.#empty(what.node))
      case 'turnOff':
      case 'turnOn':
        return this.#machine(what.node)[what.do]()
      case 'addNodes':
        this.#sampler.addPrices(pricesOf(what.group), this.#elapsedMs())
        for (const spec of nodesOf(what.group)) this.#cluster.addNode(spec)
    }
  }

  #machine(name: string) {
    const machine = this.#cluster.nodes.find((node) => node.name === name)
    if (!machine) throw new Error(`there is no node ${name} yet`)
    return machine
  }

  async #apply(object: KubeObject): Promise<void> {
    await this.#resource(object).apply(object, { fieldManager: 'scenario', force: true })
  }

  #resource(object: KubeObject) {
    const kind = allKinds.find((known) => known.kind === object.kind && apiVersionOf(known) === object.apiVersion)
    if (!kind) throw new Error(`no built-in kind ${object.kind} in ${object.apiVersion}`)
    return this.#cluster.client.resource(kind, kind.scope === 'Namespaced' ? (object.metadata.namespace ?? 'default') : undefined)
  }

  async #setSchedulable(node: string, isSchedulable: boolean): Promise<void> {
    const body = { spec: { unschedulable: isSchedulable ? null : true } }
    await this.#cluster.client.resource(kindRefs.coreV1.nodes).patch(node, { type: 'merge', body })
  }

  /** Goes on beside the scenario, as an administrator's `kubectl drain` would. */
  #begin(work: Promise<void>): void {
    const drain = work
      .catch((error: unknown) => this.#problem('drain', error))
      .finally(() => {
        this.#drains.delete(drain)
      })
    this.#drains.add(drain)
  }

  /** Evicts what is on the node, again and again until budgets let the last one go; pods of DaemonSets stay. */
  async #empty(node: string): Promise<void> {
    while (this.#elapsedMs() < this.#scenario.durationMs) {
      const staying = this.#pods.list().filter((pod) => pod.spec?.nodeName === node && !isPodTerminal(pod) && !isOfDaemonSet(pod))
      if (staying.length === 0) return
      for (const pod of staying) if (pod.metadata.deletionTimestamp === undefined) await this.#evict(pod)
      await sleep(this.#clock, evictionRetryMs)
    }
  }

  async #evict({ metadata: { name = '', namespace = '' } }: Pod): Promise<void> {
    try {
      await this.#cluster.clientset.coreV1().pods(namespace).evict(name)
    } catch (error) {
      if (!isStatus(error, 'TooManyRequests') && !isStatus(error, 'NotFound')) throw error
    }
  }

  #problem(what: string, error: unknown): void {
    if (this.#problems.length < problemsMax)
      this.#problems.push(`${Math.round(this.#elapsedMs() / 1000)} s: ${what}: ${(error as Error).message}`)
  }
}

const pricesOf = ({ nodes, pricePerHour }: NodeGroup) => nodes.map((node) => [node.name, pricePerHour] as const)
const isOfDaemonSet = (pod: Pod) => pod.metadata.ownerReferences?.some((owner) => owner.kind === 'DaemonSet' && owner.controller) ?? false

/** Moves time until the work is done. */
async function inTime<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isDone = false
  const end = () => {
    isDone = true
  }
  work.then(end, end)
  if (!(await clock.runUntil(() => isDone, callLimitMs))) throw new Error(`not done within ${callLimitMs / 1000} s`)
  return work
}
