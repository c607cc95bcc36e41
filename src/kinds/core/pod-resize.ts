import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { countGeneration } from '../define-kind.ts'
import type { Container, Pod, PodSpec, ResourceRequirements } from '../generated/types/core-v1.ts'
import type { SubresourceUpdate } from '../kind.ts'
import { isSidecar } from '../pod-requests.ts'
import { qosClass } from '../qos.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { keepRest } from './pod-ephemeral-update.ts'
import { mirrorKey } from './pod-template/validate-pod-annotations.ts'
import { validatePod } from './validate-pod.ts'

/**
 * PUT and PATCH through `pods/NAME/resize`: cpu and memory of containers and of the pod, within the pod's QoS class.
 * Source: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export const resizeUpdate: SubresourceUpdate<Pod> = {
  prepare: (pod, old) => {
    const wanted = pod.spec
    const spec = old.spec
    if (!wanted || !spec) return
    if (!isSameLength(wanted.containers, spec.containers) || !isSameLength(wanted.initContainers, spec.initContainers)) {
      // Validation says what is wrong with it.
      countGeneration(pod, old)
      return
    }
    const next: { -readonly [F in keyof PodSpec]: PodSpec[F] } = {
      ...spec,
      containers: withResources(spec.containers ?? [], wanted.containers ?? []),
      ...(spec.initContainers ? { initContainers: withResources(spec.initContainers, wanted.initContainers ?? []) } : {}),
    }
    if (wanted.resources) next.resources = wanted.resources
    else delete next.resources
    pod.spec = next
    keepRest(pod, old)
  },
  validate: validateResize,
}

function validateResize(pod: Pod, old: Pod): FieldError[] {
  const spec: PodSpec = pod.spec ?? { containers: [] }
  const oldSpec: PodSpec = old.spec ?? { containers: [] }
  if (old.metadata.annotations?.[mirrorKey] !== undefined) return [fieldErrors.forbidden('[]', 'static pods cannot be resized')]
  if (oldSpec.os?.name === 'windows') return [fieldErrors.forbidden('[]', 'windows pods cannot be resized')]
  const errors = validatePod(pod)
  const oldClass = old.status?.qosClass ?? qosClass(oldSpec)
  if (qosClass(spec) !== oldClass)
    errors.push(fieldErrors.invalid('spec', pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
  const running = old.status?.containerStatuses?.find(({ state }) => state?.running)
  if (running && !running.resources) errors.push(fieldErrors.forbidden('spec', 'Pod running on node without support for resize'))
  if (hasResources(spec) || hasResources(oldSpec)) validateWhole(errors, spec.resources, oldSpec.resources)
  if (old.status?.nodeAllocatableResourceClaimStatuses?.length)
    errors.push(fieldErrors.forbidden('spec', 'pods with node allocatable resource claims cannot be resized'))
  const misplaced = [
    ...orderErrors('containers', spec.containers ?? [], oldSpec.containers ?? []),
    ...orderErrors('initContainers', spec.initContainers ?? [], oldSpec.initContainers ?? []),
  ]
  if (misplaced.length > 0) return [...errors, ...misplaced]
  validateContainers(errors, spec, oldSpec)
  return errors
}

function validateContainers(errors: FieldError[], spec: PodSpec, old: PodSpec): void {
  for (const list of ['initContainers', 'containers'] as const)
    old[list]?.forEach((before, i) => {
      for (const kind of ['requests', 'limits'] as const)
        if (isAnyRemoved(spec[list]![i]!.resources?.[kind], before.resources?.[kind]))
          errors.push(fieldErrors.forbidden(`spec.${list}[${i}].resources.${kind}`, `resource ${kind} cannot be removed`))
    })
  spec.containers?.forEach((container, i) => {
    if (!semanticEqual(withAmountsOf(container, old.containers[i]!), old.containers[i]))
      errors.push(fieldErrors.forbidden('spec', 'only cpu and memory resources are mutable'))
  })
  spec.initContainers?.forEach((container, i) => {
    const before = old.initContainers![i]!
    const at = `spec.initContainers[${i}]`
    if (!semanticEqual(withAmountsOf(container, before), before))
      errors.push(fieldErrors.forbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable'))
    if (isSidecar(container) || semanticEqual(container, before)) return
    for (const policy of container.resizePolicy ?? [])
      if (policy.restartPolicy === 'RestartContainer')
        errors.push(fieldErrors.forbidden(at, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'))
  })
}

/** Resources of the pod as a whole. */
function validateWhole(errors: FieldError[], resources: ResourceRequirements | undefined, old: ResourceRequirements | undefined): void {
  if (old && !resources) {
    errors.push(fieldErrors.forbidden('spec.resources', 'pod-level resources cannot be removed'))
    return
  }
  for (const kind of ['requests', 'limits'] as const)
    if (old && isAnyRemoved(resources?.[kind], old[kind]))
      errors.push(fieldErrors.forbidden(`spec.resources.${kind}`, `pod-level resource ${kind} cannot be removed`))
  const masked = { ...resources, requests: masking(resources?.requests, old?.requests), limits: masking(resources?.limits, old?.limits) }
  if (!semanticEqual(masked, old ?? { requests: {}, limits: {} }))
    errors.push(fieldErrors.forbidden('spec', 'only cpu and memory resources are mutable at pod-level'))
}

type Amounts = ResourceRequirements['requests']

/** The list with the old one's cpu and memory: what differs then was not to be changed. */
function masking(list: Amounts, old: Amounts): Record<string, string | number> {
  const { cpu: _, memory: __, ...rest } = list ?? {}
  const { cpu, memory } = old ?? {}
  return { ...rest, ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) }
}

function withAmountsOf(container: Container, old: Container): Container {
  const resources = {
    requests: masking(container.resources?.requests, old.resources?.requests),
    limits: masking(container.resources?.limits, old.resources?.limits),
  }
  return { ...container, resources } as Container
}

function isAnyRemoved(list: Amounts, old: Amounts): boolean {
  return Object.keys(old ?? {}).some((name) => list?.[name] === undefined)
}

function hasResources({ resources }: PodSpec): boolean {
  return Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0
}

function orderErrors(list: 'containers' | 'initContainers', containers: readonly Container[], old: readonly Container[]): FieldError[] {
  if (containers.length !== old.length) return [fieldErrors.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)]
  return old.flatMap(({ name }, i) =>
    containers[i]!.name === name
      ? []
      : [fieldErrors.forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`)],
  )
}

const isSameLength = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined) => (a?.length ?? 0) === (b?.length ?? 0)

/** The old containers with the wanted resources and resize policies; others under those names are left for validation to refuse. */
function withResources(old: readonly Container[], wanted: readonly Container[]): Container[] {
  if (old.some(({ name }, i) => wanted[i]!.name !== name)) return [...wanted]
  return old.map((container, i) => {
    const { resources, resizePolicy } = wanted[i]!
    const next: Record<string, unknown> = { ...container, resources: resources ?? {} }
    if (resizePolicy) next.resizePolicy = resizePolicy
    else delete next.resizePolicy
    return next as Container
  })
}
