import type { Container, Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import type { RuntimeContainer, RuntimePod } from '../runtime/contract.ts'
import { type ContainerRecord, type PodRecords, rebuildRecords } from './pod-records.ts'
import { podContainers, type PodView } from './pod-view.ts'
import { specHashOf } from './spec-hash.ts'

/** The moment of every fixture. */
export const fixtureNowMs = Date.UTC(2026, 0, 1, 12)

export type ContainerFixture = {
  /** `running`, `created`, or ended with this exit code. */
  readonly is: 'running' | 'created' | number
  readonly attempt?: number
  /** Of its end (or start, while it runs), before now. */
  readonly agoMs?: number
  readonly hash?: string
  readonly reason?: string
}
export type ViewFixture = {
  readonly spec?: Partial<PodSpec>
  /** Somebody has set the wall clock by so much since everything else happened. */
  readonly clockSetByMs?: number
  readonly metadata?: Partial<Pod['metadata']>
  readonly status?: Pod['status']
  /** Undefined: a Ready sandbox. */
  readonly sandbox?: 'Ready' | 'NotReady' | 'none'
  readonly containers?: Readonly<Record<string, ContainerFixture | readonly ContainerFixture[]>>
  readonly records?: Partial<Omit<PodRecords, 'containers'>>
  readonly containerRecords?: Readonly<Record<string, ContainerRecord>>
}

/** A pod of two app containers `a` and `b` unless the fixture says otherwise, as the planner sees it. For tests. */
export function viewFixture(fixture: ViewFixture = {}): PodView {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', uid: 'uid-1', generation: 1, resourceVersion: '1', ...fixture.metadata },
    spec: { containers: [containerFixture('a'), containerFixture('b')], ...fixture.spec },
    ...(fixture.status ? { status: fixture.status } : {}),
  }
  const records = rebuildRecords(pod, { nowMs: fixtureNowMs, monotonicMs: fixtureNowMs })
  Object.assign(records, { isObserved: true, startTimeMs: fixtureNowMs - 60_000, ...fixture.records })
  for (const [name, record] of Object.entries(fixture.containerRecords ?? {})) records.containers.set(name, record)
  return {
    pod,
    sandboxes: sandboxFixture(pod, fixture),
    records,
    nowMs: fixtureNowMs + (fixture.clockSetByMs ?? 0),
    monotonicMs: fixtureNowMs,
  }
}

export function containerFixture(name: string, more: Partial<Container> = {}): Container {
  return { name, image: `img-${name}`, ...more }
}

/** Records of a container that runs, has started and is ready. */
export function healthyRecord(name: string, attempt = 0): ContainerRecord {
  return { healthOf: `${name}-${attempt}`, hasPostStarted: true, isStarted: true, isReady: true, applied: {} }
}

function sandboxFixture(pod: Pod, fixture: ViewFixture): RuntimePod[] {
  const state = fixture.sandbox ?? 'Ready'
  if (state === 'none') return []
  const containers: RuntimeContainer[] = []
  for (const [name, list] of Object.entries(fixture.containers ?? {})) {
    for (const one of [list].flat() as ContainerFixture[]) containers.push(runtimeContainer(pod, name, one))
  }
  return [
    {
      namespace: 'ns',
      name: 'p',
      uid: 'uid-1',
      sandboxId: 's0',
      state,
      attempt: 0,
      createdAtMs: fixtureNowMs - 50_000,
      ips: state === 'Ready' ? ['10.244.0.5'] : [],
      containers,
    },
  ]
}

function runtimeContainer(pod: Pod, name: string, { is, attempt = 0, agoMs = 1_000, hash, reason }: ContainerFixture): RuntimeContainer {
  const ofSpec = podContainers(pod.spec).find((c) => c.container.name === name)!
  const hasEnded = typeof is === 'number'
  return {
    id: `${name}-${attempt}`,
    name,
    attempt,
    state: hasEnded ? 'Exited' : is === 'running' ? 'Running' : 'Created',
    createdAtMs: fixtureNowMs - agoMs - 500,
    startedAtMs: is === 'created' ? undefined : fixtureNowMs - agoMs - (hasEnded ? 400 : 0),
    finishedAtMs: hasEnded ? fixtureNowMs - agoMs : undefined,
    exitCode: hasEnded ? is : undefined,
    reason: reason ?? (hasEnded ? (is === 0 ? 'Completed' : 'Error') : ''),
    message: '',
    image: `img-${name}`,
    imageId: `sha256:${name}`,
    logPath: `/logs/${name}/${attempt}.log`,
    specHash: hash ?? specHashOf(pod, ofSpec),
  }
}
