import { ageColumn, column, nameColumn } from '../columns.ts'
import { applyTemplateDefaults, madeSpec } from '../core/pod-template/defaults.ts'
import { workloadNameWarnings } from '../core/pod-template/pod-warnings.ts'
import { containerImages, containerNames, selectorText } from '../core/pod-template/workload-template.ts'
import { defineKind, dropStatusAndStartGeneration, keepAllButStatus } from '../define-kind.ts'
import type { Job } from '../generated/types/batch-v1.ts'
import { humanDuration } from '../human-duration.ts'
import { jobSpecWarnings, validateJob, validateJobUpdate, validateJobWithSelector } from './job-validation.ts'
import { validateJobStatusUpdate } from './job-status-validation.ts'

const uidLabel = 'batch.kubernetes.io/controller-uid'
const nameLabel = 'batch.kubernetes.io/job-name'
const int32Max = 2147483647

export const jobs = defineKind<Job>({
  orphansByDefault: {
    warning:
      'child pods are preserved by default when jobs are deleted; ' +
      'set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  },
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  categories: ['all'],
  applyDefaults: applyJobDefaults,
  prepareForCreate: (job) => {
    dropStatusAndStartGeneration(job)
    if (job.spec?.manualSelector !== true) generateSelector(job)
  },
  // Upstream fills labels whenever it reads a job.
  prepareForStatusUpdate: (job, old) => {
    keepAllButStatus(job, old)
    const labels = job.spec?.template?.metadata?.labels
    if (labels && !job.metadata.labels) job.metadata.labels = { ...labels }
  },
  validate: (job, old) => validateJob(job, old),
  validateUpdate: (job, old) => [...validateJobWithSelector(job), ...validateJobUpdate(job, old)],
  validateStatusUpdate: validateJobStatusUpdate,
  warnings: ({ metadata, spec }, old) => [...(old ? [] : workloadNameWarnings(metadata)), ...(spec ? jobSpecWarnings(spec, 'spec') : [])],
  columns: [
    nameColumn,
    column.string('Status', statusText),
    column.string('Completions', ({ spec, status }) => {
      const succeeded = status?.succeeded ?? 0
      if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`
      const parallelism = spec?.parallelism ?? 0
      return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
    }),
    column.string('Duration', ({ status }, nowMs) => {
      if (!status?.startTime) return ''
      const endMs = status.completionTime ? Date.parse(status.completionTime) : nowMs
      return humanDuration(endMs - Date.parse(status.startTime))
    }),
    ageColumn,
    column.wide('Containers', ({ spec }) => containerNames(spec?.template)),
    column.wide('Images', ({ spec }) => containerImages(spec?.template)),
    column.wide('Selector', ({ spec }) => selectorText(spec?.selector)),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
})

function applyJobDefaults(job: Job): void {
  const spec = madeSpec(job)
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : int32Max
  const labels = spec.template?.metadata?.labels
  // The very same map: labels that are generated for the template become the job's, too.
  if (labels && Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = labels
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  applyTemplateDefaults(spec)
}

/** A job's pods are told from those of a namesake before it by its uid; the API server sets uid and name before this runs. */
function generateSelector({ metadata, spec }: Job): void {
  if (!spec?.template) return
  const { uid = '', name = '' } = metadata
  const generated = { 'job-name': name, 'controller-uid': uid, [nameLabel]: name, [uidLabel]: uid }
  spec.template.metadata ??= {}
  const isShared = metadata.labels === undefined || metadata.labels === spec.template.metadata.labels
  const labels = { ...generated, ...spec.template.metadata.labels }
  spec.template.metadata.labels = labels
  if (isShared) metadata.labels = { ...labels }
  spec.selector ??= {}
  spec.selector.matchLabels = { ...spec.selector.matchLabels, [uidLabel]: spec.selector.matchLabels?.[uidLabel] ?? uid }
}

function statusText({ metadata, spec: _, status }: Job): string {
  const has = (type: string) => status?.conditions?.some((c) => c.type === type && c.status === 'True')
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (metadata?.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running'
}
