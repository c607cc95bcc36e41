import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind } from '../define-kind.ts'
import type { CSIDriver } from '../generated/types/storage-v1.ts'

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
  prepareForCreate: dropGated,
  prepareForUpdate: (driver, old) => {
    if (old.spec?.preventPodSchedulingIfMissing === undefined) dropGated(driver)
    countGeneration(driver, old)
  },
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (!spec) return errors
    if (spec.attachRequired === undefined) errors.push(fieldErrors.required('spec.attachedRequired'))
    if (spec.podInfoOnMount === undefined) errors.push(fieldErrors.required('spec.podInfoOnMount'))
    checkEnum(errors, 'spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'])
    validateTokenRequests(errors, spec.tokenRequests ?? [])
    for (const mode of spec.volumeLifecycleModes ?? [])
      if (mode !== 'Persistent' && mode !== 'Ephemeral')
        errors.push(fieldErrors.notSupported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']))
    const periodSeconds = spec.nodeAllocatableUpdatePeriodSeconds
    if (periodSeconds !== undefined && periodSeconds < updateSecondsMin)
      errors.push(
        fieldErrors.invalid(
          'spec.nodeAllocatableUpdatePeriodSeconds',
          periodSeconds,
          `must be greater than or equal to ${updateSecondsMin} seconds`,
        ),
      )
    const inSecrets = spec.serviceAccountTokenInSecrets
    if (inSecrets !== undefined && !spec.tokenRequests?.length)
      errors.push(
        fieldErrors.invalid(
          'spec.serviceAccountTokenInSecrets',
          inSecrets,
          'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
        ),
      )
    return errors
  },
  validateUpdate: ({ spec }, old) => [
    ...immutableField(spec?.attachRequired, old.spec?.attachRequired, 'spec.attachedRequired'),
    ...immutableField(spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes, 'spec.volumeLifecycleModes'),
  ],
  warnings: ({ spec }, old) =>
    spec?.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined && !deepEqual(spec, old?.spec)
      ? [
          'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
        ]
      : [],
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

/** What upstream has behind a feature gate that is off. */
function dropGated({ spec }: CSIDriver): void {
  if (spec) delete spec.preventPodSchedulingIfMissing
}

function validateTokenRequests(errors: Errors, requests: NonNullable<CSIDriver['spec']['tokenRequests']>): void {
  requests.forEach(({ audience, expirationSeconds }, i) => {
    const at = `spec.tokenRequests[${i}]`
    if (requests.findIndex((t) => t.audience === audience) < i) {
      errors.push(fieldErrors.duplicate(`${at}.audience`, audience))
      return
    }
    if (expirationSeconds === undefined) return
    if (expirationSeconds < tokenSecondsMin)
      errors.push(fieldErrors.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'))
    if (expirationSeconds > tokenSecondsMax)
      errors.push(fieldErrors.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
  })
}
