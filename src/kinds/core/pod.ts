import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { addressWarnings } from '../addresses.ts'
import { countGeneration, defineKind, keepAllButStatus } from '../define-kind.ts'
import type { Pod, PodStatus } from '../generated/types/core-v1.ts'
import { gateNewPod } from '../keelson/depends-on.ts'
import { runActionSubresources } from '../keelson/run-action.ts'
import { isPodTerminal, runStateAnnotation } from '../pod-status.ts'
import { qosClass } from '../qos.ts'
import { podColumns } from './pod-columns.ts'
import { applyPodDefaults } from './pod-defaults.ts'
import { joinLabelKeys } from './pod-label-keys.ts'
import { appArmorFieldsFromAnnotations } from './pod-template/profile-annotations.ts'
import { validateProfileAnnotations } from './pod-template/validate-pod-annotations.ts'
import { ephemeralContainersUpdate } from './pod-ephemeral-update.ts'
import { resizeUpdate } from './pod-resize.ts'
import { podNameWarnings, podWarnings } from './pod-template/pod-warnings.ts'
import { validatePod } from './validate-pod.ts'
import { validatePodStatusUpdate } from './pod-status-update.ts'
import { validatePodUpdate } from './pod-update.ts'
import type { RowCondition } from '../kind.ts'

const completed = { type: 'Completed', status: 'True' } as const
const rowConditions: Readonly<Record<string, readonly RowCondition[]>> = {
  Succeeded: [{ ...completed, reason: 'Succeeded', message: 'The pod has completed successfully.' }],
  Failed: [{ ...completed, reason: 'Failed', message: 'The pod failed.' }],
}

export const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  extraSubresources: [
    ...runActionSubresources,
    { name: 'explain', group: 'keelson.dev', version: 'v1', kind: 'Explanation', verbs: ['get'] },
  ],
  sharesSpec: true,
  isNumerous: true,
  applyDefaults: applyPodDefaults,
  prepareForCreate: (pod, { now, warn = () => {} }) => {
    pod.metadata.generation = 1
    pod.status = { phase: 'Pending', ...(pod.spec ? { qosClass: qosClass(pod.spec) } : {}) }
    syncServiceAccount(pod)
    gateNewPod(pod)
    if (pod.spec?.schedulingGates?.length)
      pod.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          lastTransitionTime: now,
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ]
    joinLabelKeys(pod)
    appArmorFieldsFromAnnotations(pod, warn)
  },
  prepareForUpdate: (pod, old) => {
    if (old.status) pod.status = old.status
    else delete pod.status
    syncServiceAccount(pod)
    keepRunState(pod, old)
    countGeneration(pod, old)
  },
  prepareForStatusUpdate: (pod, old) => {
    keepAllButStatus(pod, old)
    if (pod.status) fillAddressLists(pod.status)
    if (pod.status && !pod.status.qosClass && old.status?.qosClass) pod.status.qosClass = old.status.qosClass
    if (pod.status) dropImageDigests(pod.status)
    if (pod.status && old.status) keepObservedGenerations(pod.status, old.status)
  },
  validate: validatePod,
  validateCreate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  subresourceUpdates: { ephemeralcontainers: ephemeralContainersUpdate, resize: resizeUpdate },
  columns: podColumns,
  rowConditions: ({ status }) => rowConditions[status?.phase ?? ''],
  warnings: ({ metadata, spec }, old) => (old || !spec ? [] : [...podNameWarnings(metadata), ...podWarnings(spec, metadata)]),
  statusWarnings: podAddressWarnings,
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? '',
    'status.podIPs': (pod) => pod.status?.podIPs?.map(({ ip }) => ip).join(',') ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  indexedField: 'spec.nodeName',
  gracefulDeletion: podGrace,
})

/** The request's grace, else the pod's own; none where no node runs it or nothing is left to end. Never under one second when negative. */
export function podGrace(pod: Pod, requestedSeconds: number | undefined): number {
  const wanted = requestedSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30
  if (!pod.spec?.nodeName || isPodTerminal(pod)) return 0
  return wanted < 0 ? 1 : wanted
}

/** The single address and the list are two names of one thing; the first of the list is the one that was given alone. */
function fillAddressLists(status: NonNullable<Pod['status']>): void {
  const [first] = status.podIPs ?? []
  if (status.podIP && first?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
  else if (first && !status.podIP) status.podIP = first.ip
}

/** Behind a gate that is off by default in 1.36: what images the volumes are of. */
function dropImageDigests(status: PodStatus): void {
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const)
    for (const { volumeMounts } of status[list] ?? []) for (const mount of volumeMounts ?? []) delete mount.volumeStatus
}

/** What an agent that knows nothing of generations leaves out is kept. */
function keepObservedGenerations(status: PodStatus, old: PodStatus): void {
  if (!status.observedGeneration && old.observedGeneration) status.observedGeneration = old.observedGeneration
  const left = [...(old.conditions ?? [])]
  for (const condition of status.conditions ?? []) {
    const at = left.findIndex(({ type }) => type === condition.type)
    const [before] = at < 0 ? [] : left.splice(at, 1)
    if (!condition.observedGeneration && before?.observedGeneration) condition.observedGeneration = before.observedGeneration
  }
}

function podAddressWarnings({ status }: Pod): string[] {
  const { podIPs = [], hostIPs = [] } = status ?? {}
  return [
    ...podIPs.flatMap(({ ip }, i) => addressWarnings(`status.podIPs[${i}].ip`, ip)),
    ...hostIPs.flatMap(({ ip }, i) => addressWarnings(`status.hostIPs[${i}].ip`, ip)),
  ]
}

/** Who takes the mark of a stopped pod away has it run: that it was stopped stays known, as its ended containers may run again. */
function keepRunState({ metadata }: Pod, old: Pod): void {
  if (old.metadata.annotations?.[runStateAnnotation] === undefined || metadata.annotations?.[runStateAnnotation] !== undefined) return
  metadata.annotations = { ...metadata.annotations, [runStateAnnotation]: 'running' }
}

/** The deprecated field mirrors the real one in every answer. */
function syncServiceAccount({ spec }: Pod): void {
  if (spec?.serviceAccountName && spec.serviceAccount !== spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
}

function validatePodCreate({ metadata, spec }: Pod): FieldError[] {
  if (!spec) return []
  const errors: FieldError[] = []
  if (spec.ephemeralContainers?.length) errors.push(fieldErrors.forbidden('spec.ephemeralContainers', 'cannot be set on create'))
  if (spec.nodeName && spec.schedulingGates?.length)
    errors.push(fieldErrors.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  validateProfileAnnotations(errors, metadata.annotations, spec, 'spec')
  return errors
}
