import { durationMs } from '../../base/duration.ts'
import { CliError } from '../../cli/cli-error.ts'
import type { Taint } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isQuantity, quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import { defaulted } from '../../machinery/structural/defaults.ts'
import { pruned } from '../../machinery/structural/prune.ts'
import { compileValidator } from '../../machinery/structural/validate-value.ts'
import { parseYaml } from '../../machinery/yaml.ts'
import type { FakeFailureRates, FakeTimes } from '../../node/runtime/fake/fake-runtime.ts'
import { readConfiguration, type SchedulerConfiguration } from '../../scheduler/config/scheduler-configuration.ts'
import { readRebalancerConfiguration, type RebalancerConfiguration } from '../../scheduler/rebalance/rebalancer-configuration.ts'
import type { SimulatedNodeSpec } from '../simulated-nodes.ts'
import { scenarioSchema } from './scenario-schema.ts'

/** Nodes of one sort. */
export type NodeGroup = { readonly nodes: readonly SimulatedNodeSpec[]; readonly pricePerHour: number }

export type Runs = { readonly forMs: number; readonly spread: 'none' | 'uniform' | 'exponential'; readonly failureRate: number }
/** Points hold shares of what the container requests. */
export type Uses = {
  readonly periodMs: number | undefined
  readonly points: readonly { readonly atMs: number; readonly cpu: number; readonly memory: number }[]
}

export type Arrival = {
  readonly name: string
  readonly fromMs: number
  readonly untilMs: number
  /** Regular, or at random with a mean rate (a Poisson process); neither: all `count` at once. */
  readonly everyMs: number | undefined
  readonly perMinute: number | undefined
  readonly count: number
  readonly object: KubeObject
  readonly runs: Runs | undefined
  readonly uses: Uses | undefined
}

export type Happening =
  | { readonly do: 'apply' | 'delete'; readonly objects: readonly KubeObject[] }
  | { readonly do: 'scale'; readonly kind: string; readonly namespace: string; readonly name: string; readonly replicas: number }
  | { readonly do: 'cordon' | 'uncordon' | 'drain' | 'turnOff' | 'turnOn'; readonly node: string }
  | { readonly do: 'addNodes'; readonly group: NodeGroup }

export type Scenario = {
  readonly name: string
  readonly seed: number
  readonly durationMs: number
  readonly sampleEveryMs: number
  readonly groups: readonly NodeGroup[]
  readonly engine: { readonly times: Partial<FakeTimes>; readonly failureRates: Partial<FakeFailureRates> }
  readonly scheduler: SchedulerConfiguration | undefined
  readonly schedulers: number | undefined
  readonly rebalancer: RebalancerConfiguration | undefined
  readonly objects: readonly KubeObject[]
  readonly arrivals: readonly Arrival[]
  readonly happenings: readonly { readonly atMs: number; readonly what: Happening }[]
}

type GroupDocument = {
  name: string
  count: number
  cpu: string | number
  memory: string | number
  pods: number
  labels: Record<string, string>
  taints: Taint[]
  pricePerHour: number
}
type ArrivalDocument = {
  name: string
  from: string
  until?: string
  every?: string
  perMinute?: number
  count?: number
  object: KubeObject
  runs?: { for: string; spread: Runs['spread']; failureRate: number }
  uses?: { period?: string; points: { at: string; cpu: number; memory: number }[] }
}
type EventDocument = { at: string; apply?: KubeObject[]; delete?: KubeObject[]; scale?: object; addNodes?: GroupDocument } & Partial<
  Record<NodeVerb, string>
>
type ScenarioDocument = {
  metadata: { name?: string }
  seed: number
  duration: string
  sampleEvery: string
  nodes: GroupDocument[]
  engine: { times?: Record<string, string>; failureRates?: Partial<FakeFailureRates> }
  scheduler?: object
  rebalancer?: object
  schedulers?: number
  objects: KubeObject[]
  arrivals: ArrivalDocument[]
  events: EventDocument[]
}

const nodeVerbs = ['cordon', 'uncordon', 'drain', 'turnOff', 'turnOn'] as const
type NodeVerb = (typeof nodeVerbs)[number]

const validate = compileValidator(scenarioSchema)

/** Reads a scenario's YAML (docs/simulate.md). Throws CliError with every mistake that was found. */
export function readScenario(source: string, yaml: string): Scenario {
  const misuse = (mistakes: readonly string[]) =>
    new CliError(`${source} is no scenario: ${mistakes.join('; ')}`, { nextStep: 'see docs/simulate.md', exitCode: 2 })
  let document: unknown
  try {
    document = parseYaml(yaml)
  } catch (error) {
    throw misuse([(error as Error).message])
  }
  const mistakes: string[] = []
  const known = pruned(scenarioSchema, document, { isResource: false, note: (path) => mistakes.push(`unknown field "${path}"`) })
  const full = defaulted(scenarioSchema, known)
  for (const { field, message } of validate(full)) mistakes.push(`${field}: ${message}`)
  if (mistakes.length > 0) throw misuse(mistakes)
  const fields = full as ScenarioDocument
  try {
    const scenario = scenarioOf(fields)
    const wrong = contradictions(fields, scenario)
    if (wrong.length > 0) throw misuse(wrong)
    return scenario
  } catch (error) {
    throw error instanceof CliError ? error : misuse([(error as Error).message])
  }
}

function scenarioOf(fields: ScenarioDocument): Scenario {
  const durationMs = milliseconds(fields.duration)
  return {
    name: fields.metadata.name ?? 'scenario',
    seed: fields.seed,
    durationMs,
    sampleEveryMs: milliseconds(fields.sampleEvery),
    groups: fields.nodes.map(groupOf),
    engine: {
      times: Object.fromEntries(Object.entries(fields.engine.times ?? {}).map(([name, time]) => [name, milliseconds(time)])),
      failureRates: fields.engine.failureRates ?? {},
    },
    scheduler: fields.scheduler && readConfiguration(fields.scheduler),
    schedulers: fields.schedulers,
    rebalancer: fields.rebalancer && readRebalancerConfiguration(fields.rebalancer),
    objects: fields.objects,
    arrivals: fields.arrivals.map((arrival) => arrivalOf(arrival, durationMs)),
    happenings: fields.events.map((event) => ({ atMs: milliseconds(event.at), what: happeningOf(event) })),
  }
}

function groupOf({ name, count, cpu, memory, pods, labels, taints, pricePerHour }: GroupDocument): NodeGroup {
  for (const amount of [cpu, memory]) if (!isQuantity(amount)) throw new Error(`nodes ${name}: ${JSON.stringify(amount)} is no quantity`)
  const nodes = Array.from({ length: count }, (_, i) => ({
    name: count === 1 ? name : `${name}-${i + 1}`,
    ...{ cpuMilli: quantityMilli(cpu), memoryBytes: quantityValue(memory), maxPods: pods, labels, taints },
  }))
  return { nodes, pricePerHour }
}

function arrivalOf({ name, from, until, every, perMinute, count, object, runs, uses }: ArrivalDocument, durationMs: number): Arrival {
  return {
    name,
    fromMs: milliseconds(from),
    untilMs: until === undefined ? durationMs : milliseconds(until),
    everyMs: every === undefined ? undefined : milliseconds(every),
    perMinute,
    count: count ?? (every === undefined && perMinute === undefined ? 1 : Infinity),
    object,
    runs: runs && { forMs: milliseconds(runs.for), spread: runs.spread, failureRate: runs.failureRate },
    uses: uses && {
      periodMs: uses.period === undefined ? undefined : milliseconds(uses.period),
      points: uses.points.map(({ at, cpu, memory }) => ({ atMs: milliseconds(at), cpu, memory })),
    },
  }
}

function happeningOf({ apply, delete: gone, scale, addNodes, ...rest }: EventDocument): Happening {
  if (apply) return { do: 'apply', objects: apply }
  if (gone) return { do: 'delete', objects: gone }
  if (scale) return { do: 'scale', ...(scale as { kind: string; namespace: string; name: string; replicas: number }) }
  if (addNodes) return { do: 'addNodes', group: groupOf(addNodes) }
  const verb = nodeVerbs.find((name) => rest[name] !== undefined)
  if (!verb) throw new Error(`the event at ${rest.at} says nothing to do`)
  return { do: verb, node: rest[verb]! }
}

/** What is wrong between fields that are right by themselves. */
function contradictions({ arrivals, events }: ScenarioDocument, { groups, happenings, durationMs, sampleEveryMs }: Scenario): string[] {
  const added = happenings.flatMap(({ what }) => (what.do === 'addNodes' ? [what.group] : []))
  const names = [...groups, ...added].flatMap((group) => group.nodes.map((node) => node.name))
  const verbs = ['apply', 'delete', 'scale', 'addNodes', ...nodeVerbs]
  return [
    ...(durationMs > 0 ? [] : ['duration: must be greater than 0']),
    ...(sampleEveryMs > 0 ? [] : ['sampleEvery: must be greater than 0']),
    ...[...new Set(names.filter((name, i) => names.indexOf(name) !== i))].map((name) => `two nodes are called ${name}`),
    ...arrivals.flatMap(({ name, every, perMinute }, i) => [
      ...(every !== undefined && perMinute !== undefined ? [`arrivals[${i}]: give every or perMinute, not both`] : []),
      ...(every !== undefined && milliseconds(every) === 0 ? [`arrivals[${i}].every: must be greater than 0`] : []),
      ...(arrivals.findIndex((other) => other.name === name) === i ? [] : [`two arrivals are called ${name}`]),
    ]),
    ...events.flatMap((event, i) => (verbs.filter((verb) => verb in event).length > 1 ? [`events[${i}]: one thing to do an event`] : [])),
    ...happenings.flatMap(({ what }, i) =>
      'node' in what && !names.includes(what.node) ? [`events[${i}]: there is no node ${what.node}`] : [],
    ),
  ]
}

/** The schema has judged its form. */
const milliseconds = (text: string): number => durationMs(text) ?? 0
