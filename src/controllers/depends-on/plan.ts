/** Whether what a pod waits for is ready, said in one sentence. Pure. */
import { toTime } from '../../base/clock.ts'
import type { Pod, PodCondition } from '../../kinds/generated/types/core-v1.ts'
import {
  type Dependency,
  dependenciesCondition,
  dependencyKey,
  dependsOnAnnotation,
  dependsOnGate,
  isGated,
} from '../../kinds/keelson/depends-on.ts'

/** `text` goes on from the dependency's name: "is not there", "has 1 of 3 ready". */
export type Readiness = { readonly isReady: boolean; readonly text: string }

export type Observed = {
  readonly pod: Pod
  readonly dependencies: readonly Dependency[]
  /** Words of the annotation that name nothing. */
  readonly wrong: readonly string[]
  readonly readinessOf: (dependency: Dependency) => Readiness
  /** What a dependency itself waits for. */
  readonly dependenciesOf: (dependency: Dependency) => readonly Dependency[]
  /** The workload that the pod is of, as others would name it. */
  readonly self: Dependency | undefined
  /** What that workload has its pods wait for; undefined: there is none to ask. */
  readonly declared: { readonly text: string | undefined } | undefined
}

export type Plan = {
  /** The workload has changed its mind: the pod gets its words, and is looked at again. */
  readonly follow: boolean
  /** The pod without our gate, when all is ready. */
  readonly release: Pod | undefined
  /** Undefined: what is stored is right. */
  readonly condition: PodCondition | undefined
  readonly event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string } | undefined
}

const nothing: Plan = { follow: false, release: undefined, condition: undefined, event: undefined }
const messageMax = 1_024

export function planGate(observed: Observed, nowMs: number): Plan {
  const { pod, dependencies, wrong, readinessOf, self } = observed
  if (!isGated(pod) || pod.metadata.deletionTimestamp) return nothing
  if (isOutdated(pod, observed.declared)) return { ...nothing, follow: true }
  if (wrong.length > 0) {
    const message = `cannot wait for ${wrong.join(', ')}: write [NAMESPACE/]KIND/NAME with one of deployment, statefulset, daemonset, replicaset, job, pod, service`
    return waiting(pod, 'InvalidDependency', message, nowMs)
  }
  const cycle = self && findCycle(self, dependencies, observed.dependenciesOf)
  if (cycle) {
    const path = cycle.map((one) => nameOf(one, pod)).join(' → ')
    return waiting(pod, 'DependencyCycle', `none of them can start before the other: ${path}`, nowMs)
  }
  const states = dependencies.map((dependency) => ({ dependency, ...readinessOf(dependency) }))
  const missing = states.filter(({ isReady }) => !isReady)
  if (missing.length > 0) {
    const message = `waits for ${missing.map(({ dependency, text }) => `${nameOf(dependency, pod)}, which ${text}`).join('; ')}`
    return waiting(pod, 'WaitingForDependencies', message, nowMs)
  }
  const gates = (pod.spec?.schedulingGates ?? []).filter(({ name }) => name !== dependsOnGate)
  const { schedulingGates: _, ...spec } = pod.spec!
  const message = `ready: ${dependencies.map((dependency) => nameOf(dependency, pod)).join(', ') || 'nothing to wait for'}`
  return {
    ...nothing,
    release: { ...pod, spec: { ...spec, ...(gates.length > 0 ? { schedulingGates: gates } : {}) } },
    condition: changed(pod, 'True', 'DependenciesReady', message, nowMs),
    event: { type: 'Normal', reason: 'DependenciesReady', message },
  }
}

/** A pod that was let go by hand has no words any more, and gets none. */
export function isOutdated(pod: Pod, declared: Observed['declared']): boolean {
  const text = pod.metadata.annotations?.[dependsOnAnnotation]
  return text !== undefined && declared !== undefined && declared.text !== text
}

/** Said once: an event when the reason changes, the condition whenever the numbers do. */
function waiting(pod: Pod, reason: string, message: string, nowMs: number): Plan {
  const stored = storedCondition(pod)
  const condition = changed(pod, 'False', reason, message.slice(0, messageMax), nowMs)
  const type = reason === 'WaitingForDependencies' ? ('Normal' as const) : ('Warning' as const)
  return { ...nothing, condition, event: stored?.reason === reason ? undefined : { type, reason, message } }
}

const storedCondition = (pod: Pod) => pod.status?.conditions?.find(({ type }) => type === dependenciesCondition)

function changed(pod: Pod, status: 'True' | 'False', reason: string, message: string, nowMs: number): PodCondition | undefined {
  const stored = storedCondition(pod)
  if (stored?.status === status && stored.reason === reason && stored.message === message) return undefined
  const lastTransitionTime = stored?.status === status && stored.lastTransitionTime ? stored.lastTransitionTime : toTime(nowMs)
  return { type: dependenciesCondition, status, reason, message, lastTransitionTime }
}

/** In the pod's own namespace without it. */
function nameOf({ kind, namespace, name }: Dependency, pod: Pod): string {
  return namespace === pod.metadata.namespace ? `${kind}/${name}` : `${namespace}/${kind}/${name}`
}

/** The shortest way from a workload back to itself, both ends included. */
export function findCycle(
  self: Dependency,
  dependencies: readonly Dependency[],
  dependenciesOf: (dependency: Dependency) => readonly Dependency[],
): readonly Dependency[] | undefined {
  const target = dependencyKey(self)
  const seen = new Set<string>()
  let paths: Dependency[][] = dependencies.map((dependency) => [self, dependency])
  while (paths.length > 0) {
    const next: Dependency[][] = []
    for (const path of paths) {
      const last = path.at(-1)!
      const key = dependencyKey(last)
      if (key === target) return path
      if (seen.has(key)) continue
      seen.add(key)
      next.push(...dependenciesOf(last).map((dependency) => [...path, dependency]))
    }
    paths = next
  }
  return undefined
}
