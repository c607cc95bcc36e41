import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatus } from '../define-kind.ts'
import type { Node } from '../generated/types/core-v1.ts'
import { validateNode, validateNodeUpdate } from './node-validation.ts'

const roleLabelPrefix = 'node-role.kubernetes.io/'

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  shortNames: ['no'],
  applyDefaults: ({ spec, status }) => {
    // The single range and the list are two names of one thing; where they differ, the single one counts.
    if (spec?.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR]
    else if (spec?.podCIDRs?.length && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0]!
    canonicalizeQuantities(status?.capacity)
    canonicalizeQuantities(status?.allocatable)
    // What a node does not hold back is all there for pods.
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity }
  },
  // A node registers itself together with its status, but where its kubelet's configuration came from is no longer kept.
  prepareForCreate: ({ spec, status }) => {
    delete spec?.configSource
    delete status?.config
  },
  prepareForUpdate: (node, old) => {
    copyField(node, old, 'status')
    if (!old.spec?.configSource) delete node.spec?.configSource
  },
  prepareForStatusUpdate: (node, old) => {
    keepAllButStatus(node, old)
    if (!old.status?.config) delete node.status?.config
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  validateStatusUpdate: validateNodeUpdate,
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
    column.wide('Kernel-Version', kernelVersion),
    column.wide('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
  ],
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
})

/** The version, and the processor that it was built for. */
function kernelVersion({ status }: Node): string {
  const { kernelVersion: version, architecture } = status?.nodeInfo ?? {}
  return `${version || '<unknown>'}${architecture ? ` (${architecture})` : ''}`
}

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
