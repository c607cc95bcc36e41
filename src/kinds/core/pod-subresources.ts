import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { countGeneration } from '../define-kind.ts'
import type { Container, Pod } from '../generated/types/core-v1.ts'
import type { SubresourceUpdate } from '../kind.ts'
import { qosClass } from '../qos.ts'
import { specDiff } from '../spec-diff.ts'
import { validatePod } from './validate-pod.ts'

/** PUT and PATCH through `pods/NAME/ephemeralcontainers`: containers may join, none may change or leave. */
export const ephemeralContainersUpdate: SubresourceUpdate<Pod> = {
  prepare: (pod, old) => {
    const ephemeralContainers = pod.spec?.ephemeralContainers
    const target = pod as Record<string, unknown>
    target.spec = { ...old.spec, ...(ephemeralContainers ? { ephemeralContainers } : {}) }
    if (!ephemeralContainers) delete (target.spec as Record<string, unknown>).ephemeralContainers
    keepRest(pod, old)
  },
  validate: (pod, old) => {
    const errors = validatePod(pod)
    const containers = pod.spec?.ephemeralContainers ?? []
    for (const before of old.spec?.ephemeralContainers ?? []) {
      const after = containers.find((c) => c.name === before.name)
      if (!after)
        errors.push(
          fieldErrors.forbidden('spec.ephemeralContainers', `existing ephemeral containers "${before.name ?? ''}" may not be removed\n`),
        )
      else if (!deepEqual(after, before))
        errors.push(
          fieldErrors.forbidden(
            'spec.ephemeralContainers',
            `existing ephemeral containers "${before.name ?? ''}" may not be changed\n${specDiff(before, after)}`,
          ),
        )
    }
    return errors
  },
}

/** PUT and PATCH through `pods/NAME/resize`: cpu and memory of containers, within the pod's QoS class. */
export const resizeUpdate: SubresourceUpdate<Pod> = {
  prepare: (pod, old) => {
    const wanted = pod.spec
    const target = pod as Record<string, unknown>
    target.spec = {
      ...old.spec,
      ...(wanted?.containers ? { containers: withResources(old.spec?.containers ?? [], wanted.containers) } : {}),
      ...(wanted?.initContainers ? { initContainers: withResources(old.spec?.initContainers ?? [], wanted.initContainers) } : {}),
      ...(wanted?.resources ? { resources: wanted.resources } : {}),
    }
    keepRest(pod, old)
  },
  validate: (pod, old) => {
    const errors = validatePod(pod)
    if (old.spec?.os?.name === 'windows') errors.push(fieldErrors.forbidden('spec', 'windows pods cannot be resized'))
    if (errors.length === 0 && qosClass(pod.spec!) !== qosClass(old.spec!))
      errors.push(fieldErrors.invalid('spec', qosClass(pod.spec!), 'Pod QOS Class may not change as a result of resizing'))
    for (const field of ['containers', 'initContainers'] as const)
      old.spec?.[field]?.forEach((before, i) => {
        const path = `spec.${field}[${i}].resources`
        validateResize(errors, pod.spec![field]![i]!, before, path)
      })
    return errors
  },
}

function validateResize(errors: FieldError[], after: Container, before: Container, path: string): void {
  for (const list of ['limits', 'requests'] as const) {
    for (const name in before.resources?.[list])
      if ((name === 'cpu' || name === 'memory') && after.resources?.[list]?.[name] === undefined)
        errors.push(fieldErrors.forbidden(`${path}.${list}`, `resource ${list} cannot be removed`))
    const names = new Set([...Object.keys(before.resources?.[list] ?? {}), ...Object.keys(after.resources?.[list] ?? {})])
    for (const name of names)
      if (name !== 'cpu' && name !== 'memory' && !deepEqual(before.resources?.[list]?.[name], after.resources?.[list]?.[name]))
        errors.push(fieldErrors.forbidden(`${path}.${list}`, 'only cpu and memory resources are mutable'))
  }
}

/** The old containers with the wanted resources and resize policies; the rest of a container is not this subresource's. */
function withResources(old: readonly Container[], wanted: readonly Container[]): Container[] {
  return old.map((container) => {
    const change = wanted.find((c) => c.name === container.name)
    return change?.resources ? { ...container, resources: { ...change.resources } } : container
  })
}

function keepRest(pod: Pod, old: Pod): void {
  const { managedFields, resourceVersion } = pod.metadata
  pod.metadata = { ...old.metadata }
  if (managedFields) pod.metadata.managedFields = managedFields
  if (resourceVersion) pod.metadata.resourceVersion = resourceVersion
  if (old.status) pod.status = old.status
  countGeneration(pod, old)
}
