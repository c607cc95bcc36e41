/**
 * Runs the probes of all containers of a node. One timer a probe, set for its next due time: nothing happens in between, and a
 * container without probes costs nothing.
 *
 * 1. Liveness and readiness wait for the startup probe; it ends when it has passed.
 * 2. A verdict changes only after `failureThreshold` (or `successThreshold`) equal results in a row.
 * 3. A probe speaks of one container of the engine; when that is replaced the count begins anew.
 */
import type { Cancel, Clock } from '../../base/clock.ts'
import type { Pod, Probe } from '../../kinds/generated/types/core-v1.ts'
import { fieldPathOf, type PodEvent, type ProbeRunner } from '../pod/pod-context.ts'
import type { ContainerView } from '../pod/pod-view.ts'
import type { NodeMetrics } from '../stats/node-metrics.ts'
import { type ProbeContext, type ProbeResult, runProbe } from './run-probe.ts'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'
export type ProbeVerdict = {
  readonly uid: string
  readonly name: string
  readonly containerId: string
  readonly kind: ProbeKind
  readonly isGood: boolean
  readonly probe: Probe
}

export type ContainerProbesOptions = ProbeContext & {
  readonly clock: Clock
  readonly event: (pod: Pod, event: PodEvent) => void
  /** Every result of a probe, and the end of a pod's probes. */
  readonly counts: Pick<NodeMetrics, 'probed' | 'forgetProbes'>
  /** A verdict has changed (or a failed liveness probe asks for a restart). */
  readonly onVerdict: (verdict: ProbeVerdict) => void
}

type Worker = {
  readonly kind: ProbeKind
  readonly probe: Probe
  readonly containerId: string
  pod: Pod
  container: ContainerView
  podIp: string
  cancel: Cancel | undefined
  isStopped: boolean
  last: boolean | undefined
  runLength: number
  isHeld: boolean
}

const titles: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

export class ContainerProbes implements ProbeRunner {
  readonly #options: ContainerProbesOptions
  /** uid → `container/kind` → worker. */
  readonly #workers = new Map<string, Map<string, Worker>>()

  constructor(options: ContainerProbesOptions) {
    this.#options = options
  }

  sync(pod: Pod, running: readonly ContainerView[], podIp: string): void {
    const uid = pod.metadata.uid ?? ''
    const present = this.#workers.get(uid)
    const wanted = running.flatMap((container) => probesOf(container).map(([kind, probe]) => ({ kind, probe, container })))
    if (wanted.length === 0) {
      if (present) this.stop(uid)
      return
    }
    const workers = present ?? new Map<string, Worker>()
    this.#workers.set(uid, workers)
    const keys = new Set<string>()
    for (const { kind, probe, container } of wanted) {
      const key = `${container.name}/${kind}`
      keys.add(key)
      const known = workers.get(key)
      if (known && known.containerId === container.current!.id) {
        Object.assign(known, { pod, container, podIp })
        if (known.isHeld && container.record?.isStarted) this.#release(known)
        continue
      }
      if (known) stopWorker(known)
      workers.set(key, this.#start({ kind, probe, container, pod, podIp }))
    }
    for (const [key, worker] of workers) {
      if (keys.has(key)) continue
      stopWorker(worker)
      workers.delete(key)
    }
  }

  stop(uid: string): void {
    for (const worker of this.#workers.get(uid)?.values() ?? []) stopWorker(worker)
    if (this.#workers.delete(uid)) this.#options.counts.forgetProbes(uid)
  }

  #start({
    kind,
    probe,
    container,
    pod,
    podIp,
  }: {
    kind: ProbeKind
    probe: Probe
    container: ContainerView
    pod: Pod
    podIp: string
  }): Worker {
    const current = container.current!
    const isHeld = kind !== 'startup' && !container.record?.isStarted
    const last = kind === 'liveness' ? true : undefined
    const worker: Worker = {
      kind,
      probe,
      containerId: current.id,
      pod,
      container,
      podIp,
      cancel: undefined,
      isStopped: false,
      last,
      runLength: 0,
      isHeld,
    }
    if (!isHeld) this.#scheduleFirst(worker)
    return worker
  }

  #release(worker: Worker): void {
    worker.isHeld = false
    this.#scheduleFirst(worker)
  }

  #scheduleFirst(worker: Worker): void {
    const { clock } = this.#options
    const delayMs = (worker.probe.initialDelaySeconds ?? 0) * 1000
    const startedMs = worker.container.current?.startedAtMs ?? clock.now()
    // No longer than the whole delay, should the clock have been set back meanwhile.
    this.#schedule(worker, Math.min(delayMs, Math.max(0, startedMs + delayMs - clock.now())))
  }

  #schedule(worker: Worker, delayMs: number): void {
    if (worker.isStopped) return
    worker.cancel = this.#options.clock.schedule(delayMs, () => void this.#probe(worker))
  }

  async #probe(worker: Worker): Promise<void> {
    const { container, probe, containerId, podIp } = worker
    const { clock, counts } = this.#options
    const startedMs = clock.monotonicMs()
    const result = await runProbe(this.#options, probe, { container, containerId, podIp })
    if (worker.isStopped) return
    const { uid = '', name: pod = '', namespace = '' } = worker.pod.metadata
    const isGood = result.verdict === 'success' || result.verdict === 'warning'
    counts.probed(
      { uid, pod, namespace, container: container.name },
      worker.kind,
      result.verdict === 'warning' ? 'success' : result.verdict,
      clock.monotonicMs() - startedMs,
    )
    this.#tell(worker, result)
    if (result.verdict !== 'unknown') this.#judge(worker, isGood)
    const periodMs = (probe.periodSeconds ?? 10) * 1000
    this.#schedule(worker, Math.max(0, startedMs + periodMs - clock.monotonicMs()))
  }

  #tell({ pod, container, kind }: Worker, { verdict, message }: ProbeResult): void {
    if (verdict === 'success') return
    const text = { warning: 'probe warning', failure: 'probe failed', unknown: 'probe errored and resulted in unknown state' }[verdict]
    this.#options.event(pod, {
      type: 'Warning',
      reason: verdict === 'warning' ? 'ProbeWarning' : 'Unhealthy',
      message: `${titles[kind]} ${text}: ${message}`,
      fieldPath: fieldPathOf(container),
    })
  }

  #judge(worker: Worker, isGood: boolean): void {
    const { probe, kind, pod, container, containerId } = worker
    const isSame = worker.last === isGood
    worker.runLength = isSame ? worker.runLength + 1 : 1
    worker.last = isGood
    const threshold = isGood ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (worker.runLength < threshold) return
    if (kind === 'startup' && isGood) stopWorker(worker)
    // Only the first result at the threshold says something new; a liveness failure has been acted upon by then.
    if (worker.runLength > threshold) return
    // A live container is what everybody takes it for.
    if (kind === 'liveness' && isGood) return
    this.#options.onVerdict({ uid: pod.metadata.uid ?? '', name: container.name, containerId, kind, isGood, probe })
  }
}

function stopWorker(worker: Worker): void {
  worker.isStopped = true
  worker.cancel?.()
}

function probesOf({ container, record }: ContainerView): [ProbeKind, Probe][] {
  const result: [ProbeKind, Probe][] = []
  if (container.startupProbe && !record?.isStarted) result.push(['startup', container.startupProbe])
  if (container.livenessProbe) result.push(['liveness', container.livenessProbe])
  if (container.readinessProbe) result.push(['readiness', container.readinessProbe])
  return result
}
