import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isMirrorPod } from '../../kinds/static-pod.ts'
import { type AgentBase, hostIPsOf } from './agent-base.ts'
import type { AgentHost } from './agent-host.ts'
import { containerEnvironment } from '../environment/container-environment.ts'
import type { Pressure } from '../eviction/pressure.ts'
import { seccompRoot } from '../host/agent-files.ts'
import type { ImagePuller } from '../images/image-puller.ts'
import { type Admission, admitResize, planAdmission } from '../pod/pod-admission.ts'
import type { PodContext } from '../pod/pod-context.ts'
import { StatusWriter } from '../pod/status-writer.ts'
import { ContainerProbes } from '../probes/container-probes.ts'
import { lifecycleHooks } from '../probes/lifecycle-hooks.ts'
import { simulatedProbeTransport, socketProbeTransport } from '../probes/probe-transport.ts'
import { containerResourcesOf } from '../resources/container-resources.ts'
import { Semaphore } from '../semaphore.ts'
import type { StaticPods } from '../static-pods/static-pods.ts'
import type { PodStarts } from '../stats/pod-starts.ts'

export type AgentContextParts = {
  readonly agentHost: AgentHost
  readonly images: ImagePuller
  readonly services: Parameters<typeof containerEnvironment>[0]['services']
  readonly starts: PodStarts
  readonly statics: () => StaticPods | undefined
  readonly pressure: () => Pressure
  readonly isShuttingDown: () => boolean
}

/** What the workers of the pods act through. What it writes ends with the signal. */
export function agentContext(base: AgentBase, parts: AgentContextParts, signal: AbortSignal): PodContext {
  const { options, settings, metrics, machine, references, loop, node, podEvent } = base
  const { client, runtime, clock, random, log, nodeName, files } = options
  const { host, disks } = parts.agentHost
  const transport = options.probeTransport ?? (files ? socketProbeTransport() : simulatedProbeTransport())
  const onWritten = (pod: Pod) => {
    if (isMirrorPod(pod)) return parts.statics()?.takeMirror(pod, undefined)
    const worker = loop().worker(pod.metadata.uid ?? '')
    if (!worker) return
    worker.takeWritten(pod)
    parts.starts.written(worker, pod)
  }
  return {
    client,
    runtime,
    clock,
    log,
    host,
    images: parts.images,
    environment: containerEnvironment({
      objects: references,
      services: parts.services,
      nodeName,
      hostIps: () => hostIPsOf(options),
      allocatable: () => node()?.status?.allocatable ?? {},
      volumeFile: disks && ((pod, volume, path) => disks.volumes.readFile(pod, volume, path)),
    }),
    hooks: lifecycleHooks({ runtime, clock, transport, event: podEvent }),
    probes: new ContainerProbes({
      runtime,
      clock,
      transport,
      event: podEvent,
      counts: metrics,
      onVerdict: (verdict) => loop().worker(verdict.uid)?.noteProbe(verdict),
    }),
    statuses: new StatusWriter({ client, clock, random, log, onWritten, gather: settings.statusGather }, signal),
    starts: new Semaphore(settings.parallelStarts),
    hostIPs: () => hostIPsOf(options),
    memoryCapacityBytes: () => machine.facts().memoryBytes,
    seccompRoot: disks ? seccompRoot(disks.roots.root) : '',
    containerResources: containerResourcesOf,
    admit: (pod) => admit(base, parts, pod),
    admitResize: (pod) => admitResize(pod, loop().admittedPods(), node()),
    mirrorOf: (pod) => parts.statics()?.mirrorOf(pod),
    event: podEvent,
  }
}

function admit({ loop, node, machine, metrics }: AgentBase, { pressure, isShuttingDown }: AgentContextParts, pod: Pod): Admission {
  const at = { node: node(), machine: machine.facts(), pressure: pressure(), isShuttingDown: isShuttingDown() }
  const admission = planAdmission(pod, loop().admittedPods(), at)
  if ('refusal' in admission) metrics.rejected(admission.refusal.reason)
  else for (const _ of admission.victims) metrics.preempted(admission.resource ?? '')
  return admission
}
