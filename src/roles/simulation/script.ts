/** What a scenario does and when, drawn once from its seed. Pure. */
import type { Random } from '../../base/random.ts'
import { seededRandom } from '../../base/random.ts'
import type { Container, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { quantityMilli, quantityValue } from '../../machinery/quantity.ts'
import type { FakeBehaviour } from '../../node/runtime/fake/fake-behaviour.ts'
import type { Arrival, Happening, Runs, Scenario, Uses } from './scenario.ts'

export type Step = { readonly atMs: number; readonly what: Happening }

/** Steps in the order of their times; of one time in the scenario's order. */
export function scriptOf(scenario: Scenario, random: Random): readonly Step[] {
  const steps: Step[] = scenario.objects.length > 0 ? [{ atMs: 0, what: { do: 'apply', objects: scenario.objects } }] : []
  // Each stream draws from a sequence of its own: what is added to a scenario does not change the rest of it.
  for (const arrival of scenario.arrivals) steps.push(...arrivalSteps(arrival, scenario.durationMs, seededRandom(random.below(2 ** 31))))
  steps.push(...scenario.happenings.filter(({ atMs }) => atMs <= scenario.durationMs))
  return steps
    .map((step, i) => ({ step, i }))
    .sort((a, b) => a.step.atMs - b.step.atMs || a.i - b.i)
    .map(({ step }) => step)
}

function arrivalSteps(arrival: Arrival, durationMs: number, random: Random): Step[] {
  const steps: Step[] = []
  const endMs = Math.min(arrival.untilMs, durationMs)
  let atMs = arrival.fromMs + (arrival.perMinute === undefined ? 0 : gapMs(arrival.perMinute, random))
  while (atMs < endMs && steps.length < arrival.count) {
    const objects = [drawnObject(arrival, steps.length + 1, random)]
    steps.push({ atMs: Math.round(atMs), what: { do: 'apply', objects } })
    if (arrival.everyMs !== undefined) atMs += arrival.everyMs
    else if (arrival.perMinute !== undefined) atMs += gapMs(arrival.perMinute, random)
  }
  return steps
}

/** Time to the next arrival of a Poisson process. */
const gapMs = (perMinute: number, random: Random) => exponential(60_000 / perMinute, random)
const exponential = (mean: number, random: Random) => -mean * Math.log(1 - random.next())

function drawnObject({ name, object, runs, uses }: Arrival, number: number, random: Random): KubeObject {
  const copy = structuredClone(object)
  copy.metadata = { ...copy.metadata, name: `${name}-${number}` }
  const template = podTemplateOf(copy)
  if (!template?.spec || (!runs && !uses)) return copy
  const annotations: Record<string, string> = { ...template.metadata?.annotations }
  for (const container of template.spec.containers ?? []) {
    const behaviour = { ...(runs && drawnRun(runs, random)), ...(uses && { usage: usageOf(uses, container) }) }
    annotations[`fake.keelson.dev/${container.name}`] = JSON.stringify(behaviour)
  }
  template.metadata = { ...template.metadata, annotations }
  return copy
}

type PodTemplate = { metadata?: { annotations?: Readonly<Record<string, string>> }; spec?: PodSpec }

/** Where an object says what its pods are; undefined for kinds without pods. */
function podTemplateOf(object: KubeObject): PodTemplate | undefined {
  if (object.kind === 'Pod') return object as PodTemplate
  const { spec } = object as { spec?: { template?: PodTemplate; jobTemplate?: { spec?: { template?: PodTemplate } } } }
  return spec?.template ?? spec?.jobTemplate?.spec?.template
}

function drawnRun({ forMs, spread, failureRate }: Runs, random: Random): Partial<FakeBehaviour> {
  const exitAfterMs = { none: () => forMs, uniform: () => 2 * forMs * random.next(), exponential: () => exponential(forMs, random) }[
    spread
  ]()
  return { exitAfterMs: Math.round(exitAfterMs), exitCode: random.next() < failureRate ? 1 : 0 }
}

function usageOf({ points, periodMs }: Uses, { resources }: Container): NonNullable<FakeBehaviour['usage']> {
  const cpuMilli = quantityMilli(resources?.requests?.cpu ?? 0)
  const memoryBytes = quantityValue(resources?.requests?.memory ?? 0)
  const amounts = points.map(({ atMs, cpu, memory }) => ({
    atMs,
    cpuMilli: cpu * cpuMilli,
    memoryBytes: Math.round(memory * memoryBytes),
  }))
  return periodMs === undefined ? { points: amounts } : { points: amounts, periodMs }
}
