import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { CSIDriver } from '../generated/types/storage-v1.ts'
import { csiDriverName } from './csi-driver-name.ts'

const tokenSecondsMin = 600
const tokenSecondsMax = 2 ** 32
const updateSecondsMin = 10

export const csiDrivers = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  applyDefaults: ({ spec }) => {
    if (!spec) return
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ metadata, spec }) => {
    const errors: FieldError[] = []
    for (const message of csiDriverName(metadata.name ?? '')) errors.push(fieldErrors.invalid('metadata.name', metadata.name, message))
    if (!spec) return errors
    if (spec.attachRequired === undefined) errors.push(fieldErrors.required('spec.attachedRequired'))
    if (spec.podInfoOnMount === undefined) errors.push(fieldErrors.required('spec.podInfoOnMount'))
    checkEnum(errors, 'spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'])
    const periodSeconds = spec.nodeAllocatableUpdatePeriodSeconds
    if (periodSeconds !== undefined && periodSeconds < updateSecondsMin)
      errors.push(
        fieldErrors.invalid(
          'spec.nodeAllocatableUpdatePeriodSeconds',
          periodSeconds,
          `must be greater than or equal to ${updateSecondsMin} seconds`,
        ),
      )
    spec.volumeLifecycleModes?.forEach((mode) => {
      if (mode !== 'Persistent' && mode !== 'Ephemeral')
        errors.push(fieldErrors.notSupported('spec.volumeLifecycleModes', mode, ['Ephemeral', 'Persistent']))
    })
    spec.tokenRequests?.forEach(({ audience, expirationSeconds }, i) => {
      const at = `spec.tokenRequests[${i}]`
      if (spec.tokenRequests!.findIndex((t) => t.audience === audience) < i) errors.push(fieldErrors.duplicate(`${at}.audience`, audience))
      if (expirationSeconds !== undefined && expirationSeconds < tokenSecondsMin)
        errors.push(fieldErrors.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'))
      if (expirationSeconds !== undefined && expirationSeconds > tokenSecondsMax)
        errors.push(
          fieldErrors.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'),
        )
    })
    return errors
  },
  validateUpdate: ({ spec }, old) => [
    ...immutableField(spec?.attachRequired, old.spec?.attachRequired, 'spec.attachedRequired'),
    ...immutableField(spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes, 'spec.volumeLifecycleModes'),
  ],
  columns: [
    nameColumn,
    column.boolean('AttachRequired', ({ spec }) => spec?.attachRequired ?? true),
    column.boolean('PodInfoOnMount', ({ spec }) => spec?.podInfoOnMount ?? false),
    column.boolean('StorageCapacity', ({ spec }) => spec?.storageCapacity ?? false),
    column.string('TokenRequests', ({ spec }) => spec?.tokenRequests?.map((t) => t.audience).join(',') || '<unset>'),
    column.boolean('RequiresRepublish', ({ spec }) => spec?.requiresRepublish ?? false),
    column.string('Modes', ({ spec }) => spec?.volumeLifecycleModes?.join(',') || '<none>'),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})
