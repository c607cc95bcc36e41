import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { cidr, labelValue } from '../../machinery/names.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { checkQualifiedName } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind } from '../define-kind.ts'
import type { Node, Taint } from '../generated/types/core-v1.ts'
import { validateTaintEffect } from './pod-template/validate-placement.ts'
import { validateResourceValue } from './pod-template/validate-resources.ts'

const roleLabelPrefix = 'node-role.kubernetes.io/'

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  shortNames: ['no'],
  applyDefaults: ({ spec, status }) => {
    // The single range and the list are two names of one thing.
    if (spec?.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR]
    else if (spec?.podCIDRs?.length && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0]!
    canonicalizeQuantities(status?.capacity)
    canonicalizeQuantities(status?.allocatable)
    // What a node does not hold back is all there for pods.
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
  },
  // A node registers itself together with its status.
  prepareForCreate: () => {},
  prepareForUpdate: (node, old) => copyField(node, old, 'status'),
  validate: ({ spec, status }) => {
    const errors = validateTaints(spec?.taints ?? [], 'spec.taints')
    spec?.podCIDRs?.forEach((range, i) => {
      for (const message of cidr(range)) errors.push(fieldErrors.invalid(`spec.podCIDRs[${i}]`, range, message))
    })
    errors.push(...validateStatus(status))
    return errors
  },
  validateUpdate: ({ spec = {} }, { spec: old = {} }) => {
    const errors: FieldError[] = []
    const ranges = spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : [])
    const oldRanges = old.podCIDRs ?? (old.podCIDR ? [old.podCIDR] : [])
    if (oldRanges.length > 0 && ranges.join() !== oldRanges.join())
      errors.push(fieldErrors.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
    if (old.providerID && spec.providerID !== old.providerID)
      errors.push(fieldErrors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
    return errors
  },
  validateStatusUpdate: ({ status }) => validateStatus(status),
  warnings: ({ spec }) => (spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
  columns: [
    nameColumn,
    column.string('Status', nodeStatusText),
    column.string('Roles', nodeRoles),
    ageColumn,
    column.string('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
    column.wide('Internal-IP', (node) => address(node, 'InternalIP')),
    column.wide('External-IP', (node) => address(node, 'ExternalIP')),
    column.wide('OS-Image', ({ status }) => status?.nodeInfo?.osImage || '<unknown>'),
    column.wide('Kernel-Version', ({ status }) => status?.nodeInfo?.kernelVersion || '<unknown>'),
    column.wide('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
  ],
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
})

/** `Ready`, `NotReady` or `Unknown`, and whether it takes new pods. */
function nodeStatusText({ spec, status }: Node): string {
  const ready = status?.conditions?.find((c) => c.type === 'Ready')
  const health = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec?.unschedulable ? `${health},SchedulingDisabled` : health
}

function nodeRoles({ metadata }: Node): string {
  const roles = new Set<string>()
  for (const [label, value] of Object.entries(metadata?.labels ?? {})) {
    if (label.startsWith(roleLabelPrefix) && label.length > roleLabelPrefix.length) roles.add(label.slice(roleLabelPrefix.length))
    else if (label === 'kubernetes.io/role' && value !== '') roles.add(value)
  }
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',')
}

function address({ status }: Node, type: string): string {
  return status?.addresses?.find((a) => a.type === type)?.address ?? '<none>'
}

function validateStatus(status: Node['status']): FieldError[] {
  const errors: FieldError[] = []
  const addresses = status?.addresses ?? []
  addresses.forEach(({ type, address: text }, i) => {
    if (addresses.findIndex((a) => a.type === type && a.address === text) < i)
      errors.push(fieldErrors.duplicate(`status.addresses[${i}]`, addresses[i]))
  })
  for (const name in status?.capacity) validateResourceValue(errors, name, status.capacity[name]!, `status.capacity[${name}]`)
  for (const name in status?.allocatable) validateResourceValue(errors, name, status.allocatable[name]!, `status.allocatable[${name}]`)
  return errors
}

function validateTaints(taints: readonly Taint[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  taints.forEach((taint, i) => {
    const at = `${path}[${i}]`
    checkQualifiedName(errors, `${at}.key`, taint.key)
    const messages = labelValue(taint.value ?? '')
    if (messages.length) errors.push(fieldErrors.invalid(`${at}.value`, taint.value, messages.join(';')))
    if (!taint.effect) errors.push(fieldErrors.required(`${at}.effect`))
    else validateTaintEffect(errors, taint.effect, `${at}.effect`)
    const pair = `${taint.key}:${taint.effect}`
    if (seen.has(pair))
      errors.push({
        ...fieldErrors.duplicate(at, taint),
        message: `${fieldErrors.duplicate(at, taint).message}: taints must be unique by key and effect pair`,
      })
    seen.add(pair)
  })
  return errors
}
