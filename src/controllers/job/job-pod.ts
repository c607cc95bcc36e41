import { kindRefs } from '../../client/generated/kind-refs.ts'
import { podFromTemplate } from '../../control/pod-from-template.ts'
import type { Job } from '../../kinds/generated/types/batch-v1.ts'
import type { Container, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { NewPod } from './plan.ts'
import { failureCountAnnotation, failuresBefore, ignoredCountAnnotation, indexAnnotation, trackingFinalizer } from './pod-facts.ts'
import { judgeFailure } from './policies.ts'

const indexVariable = 'JOB_COMPLETION_INDEX'
/** With the server's five characters a name stays a host name. */
const prefixMax = 58

/** A pod of the Job, tracked until it is counted. */
export function jobPod(job: Job, { index, carrier }: NewPod): Pod {
  const pod = podFromTemplate(job.spec!.template, kindRefs.batchV1.jobs, job)
  const finalizers = [...new Set([...(pod.metadata.finalizers ?? []), trackingFinalizer])]
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } }
  const name = job.metadata.name ?? ''
  const suffix = `-${index}-`
  const spec = pod.spec!
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      finalizers,
      generateName: `${name.slice(0, prefixMax - suffix.length)}${suffix}`,
      labels: { ...pod.metadata.labels, [indexAnnotation]: String(index) },
      annotations: { ...pod.metadata.annotations, [indexAnnotation]: String(index), ...failureCounts(job, carrier) },
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(withIndex) } : {}),
    },
  }
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === indexVariable)) return container
  const fieldPath = `metadata.labels['${indexAnnotation}']`
  return { ...container, env: [...(container.env ?? []), { name: indexVariable, valueFrom: { fieldRef: { fieldPath } } }] }
}

function failureCounts(job: Job, carrier: Pod | undefined): Readonly<Record<string, string>> {
  if (job.spec?.backoffLimitPerIndex === undefined) return {}
  const before = carrier ? failuresBefore(carrier) : { counted: 0, ignored: 0 }
  const isCounted = carrier !== undefined && judgeFailure(job, carrier).isCounted
  const ignored = before.ignored + (carrier && !isCounted ? 1 : 0)
  return {
    [failureCountAnnotation]: String(before.counted + (isCounted ? 1 : 0)),
    ...(ignored > 0 ? { [ignoredCountAnnotation]: String(ignored) } : {}),
  }
}
