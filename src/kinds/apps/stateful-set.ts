import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label } from '../../machinery/names.ts'
import { compareQuantity, isQuantity } from '../../machinery/quantity.ts'
import { checkNonNegative, checkOptionalEnum, checkOptionalName, checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { applyClaimDefaults, validateClaimSpec } from '../core/persistent-volume-claim.ts'
import { applyTemplateDefaults, madeSpec } from '../core/pod-template/defaults.ts'
import { claimWarnings } from '../core/pod-template/pod-warnings.ts'
import {
  containerImages,
  containerNames,
  validateWorkloadTemplate,
  changedTemplateWarnings,
} from '../core/pod-template/workload-template.ts'
import { defineKind, dropStatusAndStartGeneration } from '../define-kind.ts'
import type { StatefulSet, StatefulSetSpec } from '../generated/types/apps-v1.ts'
import { checkAtMost100Percent, checkIntOrPercent, isZero } from '../int-or-percent.ts'
import { type ReplicaCounts, validateCollisionCount, validateReplicaCounts } from './replica-counts.ts'
import { semanticEqual } from '../semantic-equal.ts'

const mutableFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

export const statefulSets = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
  // Its pods' host names begin with it.
  validateName: dns1123Label,
  applyDefaults: (statefulSet) => {
    const spec = madeSpec(statefulSet)
    spec.podManagementPolicy ||= 'OrderedReady'
    spec.updateStrategy ??= {}
    if (!spec.updateStrategy.type) {
      spec.updateStrategy.type = 'RollingUpdate'
      spec.updateStrategy.rollingUpdate ??= { partition: 0 }
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate) spec.updateStrategy.rollingUpdate.partition ??= 0
    spec.persistentVolumeClaimRetentionPolicy ??= {}
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = 'v1'
      claim.kind = 'PersistentVolumeClaim'
      applyClaimDefaults(claim)
    }
    applyTemplateDefaults(spec)
  },
  prepareForCreate: (statefulSet) => {
    dropStatusAndStartGeneration(statefulSet)
    statefulSet.status = { replicas: 0, availableReplicas: 0 }
  },
  validate: ({ spec }, old) => {
    if (!spec) return [fieldErrors.required('spec')]
    const errors: FieldError[] = []
    const policy = spec.podManagementPolicy
    if (checkRequired(errors, 'spec.podManagementPolicy', policy) && policy !== 'OrderedReady' && policy !== 'Parallel')
      errors.push(fieldErrors.invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"))
    validateStrategy(errors, spec)
    const retention = spec.persistentVolumeClaimRetentionPolicy
    for (const field of ['whenDeleted', 'whenScaled'] as const)
      checkOptionalEnum(errors, `spec.persistentVolumeClaimRetentionPolicy.${field}`, retention?.[field], ['Retain', 'Delete'])
    // What cannot be changed is judged once.
    if (!old)
      spec.volumeClaimTemplates?.forEach((claim, i) =>
        errors.push(...validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${i}].spec`)),
      )
    checkNonNegative(errors, 'spec.replicas', spec.replicas)
    checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    checkNonNegative(errors, 'spec.ordinals.start', spec.ordinals?.start)
    if (!old) checkOptionalName(errors, 'spec.serviceName', spec.serviceName, dns1123Label)
    // What was stored with a template that would not pass today may still be changed.
    const isTolerated = old?.spec !== undefined && templateErrors(old.spec).length > 0
    errors.push(...templateErrors(spec).filter(({ field }) => !isTolerated || !field.startsWith('spec.template.') || strict.has(field)))
    return errors
  },
  validateUpdate: ({ spec }, { spec: oldSpec }) => {
    if (!spec || !oldSpec) return []
    const rest = { ...spec } as Record<string, unknown>
    for (const field of mutableFields) rest[field] = oldSpec[field]
    // Beyond upstream: volumes may be asked to grow; the controller then lets every replica's grow in turn.
    if (isGrowth(spec.volumeClaimTemplates, oldSpec.volumeClaimTemplates)) rest.volumeClaimTemplates = oldSpec.volumeClaimTemplates
    if (semanticEqual(rest, oldSpec)) return []
    const [last, ...others] = [...mutableFields].reverse()
    const list = others.reverse().map((f) => `'${f}'`)
    return [
      fieldErrors.forbidden('spec', `updates to statefulset spec for fields other than ${list.join(', ')} and '${last}' are forbidden`),
    ]
  },
  validateStatusUpdate: ({ status }, old) => [...validateReplicaCounts(status, counts), ...validateCollisionCount(status, old.status)],
  warnings: (statefulSet, old) => {
    if (old && old.metadata.generation === statefulSet.metadata.generation) return []
    const { volumeClaimTemplates = [], revisionHistoryLimit = 0 } = statefulSet.spec ?? {}
    return [
      ...changedTemplateWarnings(statefulSet, old),
      ...volumeClaimTemplates.flatMap(({ spec }, i) => (spec ? claimWarnings(spec, `spec.volumeClaimTemplates[${i}]`) : [])),
      ...(revisionHistoryLimit < 0
        ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
        : []),
    ]
  },
  columns: [
    nameColumn,
    column.string('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    ageColumn,
    column.wide('Containers', ({ spec }) => containerNames(spec?.template)),
    column.wide('Images', ({ spec }) => containerImages(spec?.template)),
  ],
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
})

/** Judged in any case. */
const strict = new Set(['metadata.labels', 'spec.restartPolicy', 'spec.activeDeadlineSeconds'].map((field) => `spec.template.${field}`))

/** The template as its pods will be: the controller names them, and mounts a claim of their own for each template of one. */
function templateErrors(spec: StatefulSetSpec): FieldError[] {
  const { volumeClaimTemplates = [], template } = spec
  const words = { word: 'StatefulSet', empty: 'statefulset', unusable: '', isOfStatefulSet: true }
  if (!template?.spec) return validateWorkloadTemplate(spec, words)
  const { subdomain: _s, hostname: _h, volumes = [], ...podSpec } = template.spec
  const claimed = volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? '')
  const claims = [...new Set(claimed)].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))
  // What remains of the volumes keeps its place in the list, so that an error names the right one.
  const shown = [...volumes.filter(({ name }) => !claimed.includes(name)), ...claims]
  return validateWorkloadTemplate({ ...spec, template: { ...template, spec: { ...podSpec, volumes: shown } } }, words)
}

type ClaimTemplates = StatefulSetSpec['volumeClaimTemplates']

/** The same templates but for storage requests that have become larger. */
function isGrowth(after: ClaimTemplates = [], before: ClaimTemplates = []): boolean {
  if (after.length !== before.length) return false
  return after.every((template, i) => {
    const [storage, old] = [template, before[i]].map((one) => one?.spec?.resources?.requests?.storage)
    if (storage === undefined || old === undefined || !isQuantity(storage) || compareQuantity(storage, old) < 0) return false
    const { spec } = template
    const same = {
      ...template,
      spec: { ...spec, resources: { ...spec?.resources, requests: { ...spec?.resources?.requests, storage: old } } },
    }
    return semanticEqual(same, before[i])
  })
}

const counts: ReplicaCounts = {
  nonNegative: [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
    'availableReplicas',
    'observedGeneration',
    'collisionCount',
  ],
  parts: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
  readyWord: 'status.readyReplicas',
}

type Strategy = NonNullable<StatefulSetSpec['updateStrategy']>

/** As upstream writes them into messages, by the names of their Go fields. */
const strategyValue = ({ type, rollingUpdate }: Strategy = {}) => ({
  Type: type ?? '',
  RollingUpdate: rollingUpdate ? rollingUpdateValue(rollingUpdate) : null,
})
const rollingUpdateValue = ({ partition = 0, maxUnavailable }: NonNullable<Strategy['rollingUpdate']>) => ({
  Partition: partition,
  MaxUnavailable: maxUnavailable ?? null,
})

function validateStrategy(errors: FieldError[], spec: StatefulSetSpec): void {
  const path = 'spec.updateStrategy'
  const { type, rollingUpdate } = spec.updateStrategy ?? {}
  if (!checkRequired(errors, path, type)) return
  if (type === 'OnDelete') {
    if (rollingUpdate)
      errors.push(
        fieldErrors.invalid(`${path}.rollingUpdate`, rollingUpdateValue(rollingUpdate), "only allowed for updateStrategy 'RollingUpdate'"),
      )
  } else if (type === 'RollingUpdate') {
    checkNonNegative(errors, `${path}.rollingUpdate.partition`, rollingUpdate?.partition)
    const maxUnavailable = rollingUpdate?.maxUnavailable
    if (maxUnavailable === undefined) return
    checkIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
    checkAtMost100Percent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
    if (isZero(maxUnavailable)) errors.push(fieldErrors.invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'cannot be 0'))
  } else {
    errors.push(fieldErrors.invalid(path, strategyValue(spec.updateStrategy), "must be 'RollingUpdate' or 'OnDelete'"))
  }
}
